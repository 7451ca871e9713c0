// The official SDK pointed at a node, as an integrator would by changing the base URL.
import { createRequire } from 'node:module'
import type { TestNode } from './node.ts'

// The package is CommonJS whose named exports Node cannot see from an ES module.
const { VoucherifyServerSide, VoucherifyClientSide } = createRequire(import.meta.url)(
  '@voucherify/sdk',
) as typeof import('@voucherify/sdk')

export const serverSdk = (node: TestNode) => {
  const { appId, token } = node.key('integrator')
  return VoucherifyServerSide({ applicationId: appId, secretKey: token, apiUrl: node.url })
}

export const clientSdk = (node: TestNode, customHeaders: Record<string, string> = {}) => {
  const { appId, token } = node.key('client')
  return VoucherifyClientSide({
    clientApplicationId: appId,
    clientSecretKey: token,
    apiUrl: node.url,
    origin: 'https://shop.test',
    customHeaders,
  })
}
