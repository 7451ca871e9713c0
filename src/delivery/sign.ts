// Signatures of webhooks: the HTTP contract's, and that of the Standard Webhooks specification.
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

/** The project's signing secret when none is configured: it follows from the project's own key, the same on every node. */
export const derivedSecret = (customerKey: string): string =>
  PREFIX + createHmac('sha256', customerKey).update('webhook-signing-secret').digest('base64')

/** The bytes that Standard Webhooks sign with: a secret is base64 behind its prefix. */
const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(PREFIX.length), 'base64')

/** Whether a text is a secret of the specified form: `whsec_` and the base64 of 24 to 64 bytes. */
export const isSigningSecret = (text: string): boolean => {
  if (!text.startsWith(PREFIX)) return false
  const key = keyOf(text)
  return key.length >= 24 && key.length <= 64 && key.toString('base64') === text.slice(PREFIX.length)
}

/**
 * The headers that let a receiver check a body and tell a repeat. `x-voucherify-signature` is keyed with the whole text of the
 * secret; the Standard Webhooks signature with the bytes that it stands for.
 */
export const signatureHeaders = (
  id: string,
  body: string,
  secret: string,
  now: number,
): Readonly<Record<string, string>> => {
  const timestamp = String(Math.floor(now / 1000))
  return {
    'idempotency-key': id,
    'x-voucherify-signature': createHmac('sha256', secret).update(body).digest('hex'),
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  }
}
