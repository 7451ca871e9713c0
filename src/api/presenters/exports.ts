// How exports show, and the token by which a file is had.
import { createHmac } from 'node:crypto'
import * as v from 'valibot'
import { answerOf } from '../../http/answers.ts'
import type { Call } from '../../http/route.ts'
import { type ExportDocument, expiryOfExport } from '../../runtime/exports.ts'
import type { Services } from '../../services.ts'
import { isoOf } from '../shapes.ts'

export const ExportObject = answerOf('export', {
  id: v.string(),
  created_at: v.string(),
  status: v.picklist(['SCHEDULED', 'IN_PROGRESS', 'DONE', 'ERROR']),
  channel: v.string(),
  /** Lines written so far. */
  rows: v.optional(v.number()),
  exported_object: v.string(),
  parameters: v.record(v.string(), v.unknown()),
  result: v.nullable(v.object({ url: v.string() })),
  user_id: v.null(),
})

export interface Parameters {
  readonly order?: string
  readonly fields?: readonly string[]
  readonly filters?: Record<string, unknown>
  /** Of a route that is about one thing: beside the filters. */
  readonly only?: Record<string, unknown>
}

export const tokenOf = (services: Services, id: string, until: number): string =>
  `${until}.${createHmac('sha256', services.settings.signingSecret()).update(`export ${id} ${until}`).digest('base64url')}`

/** Where the caller reaches this node. */
const originOf = ({ headers }: Pick<Call, 'headers'>): string => {
  const host = headers.get('host')
  return host === null ? '' : `${headers.get('x-forwarded-proto') === 'https' ? 'https' : 'http'}://${host}`
}

export const showExport = (services: Services, call: Pick<Call, 'headers'>, document: ExportDocument) => {
  const { _id: id, object, channel, status, rows, error, created_at } = document
  const { only, ...asked } = JSON.parse(document.parameters) as Parameters
  const parameters = only?.card
    ? { ...asked, filters: { ...asked.filters, voucher_id: { conditions: { $in: [only.card] } } } }
    : asked
  return {
    id,
    object: 'export' as const,
    created_at: isoOf(created_at.getTime()),
    status,
    channel,
    exported_object: object,
    parameters,
    result:
      status === 'DONE'
        ? { url: `${originOf(call)}/exports/${id}?token=${tokenOf(services, id, expiryOfExport(document))}` }
        : null,
    user_id: null,
    rows,
    ...(error === null ? {} : { error: { message: error } }),
  }
}
