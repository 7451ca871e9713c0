// Whether a webhook comes from the project: signatures of Standard Webhooks, and of the older header.

/** The headers of a request, as any server has them. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

export interface WebhookRequest {
  /** The body as it came, not parsed and written again. */
  readonly body: string | Uint8Array
  readonly headers: WebhookHeaders
  /** The project's secret, `whsec_…`; while it is changed, the old one beside the new one. */
  readonly secret: string | readonly string[]
}

/** The request is not what the project has sent, or not as it has sent it. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
}

const PREFIX = 'whsec_'
/** How far the time of sending may be from now, s: an older request may be one that somebody recorded. */
const TOLERANCE_S = 300
const utf8 = new TextEncoder()

const headerOf = (headers: WebhookHeaders, name: string): string | undefined => {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof value === 'string' ? value : value?.[0]
}

type Bytes = Uint8Array<ArrayBuffer>

/** Bytes of a base64 text; undefined when it is none. */
const fromBase64 = (text: string): Bytes | undefined => {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

const fromHex = (text: string): Bytes | undefined =>
  /^(?:[0-9a-f]{2})+$/i.test(text)
    ? Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16))
    : undefined

const bytesOf = (body: string | Uint8Array): Bytes =>
  typeof body === 'string' ? utf8.encode(body) : new Uint8Array(body)

/** Whether one of the signatures is that of the content under one of the keys; takes as long for a wrong one as for a right one. */
const isSigned = async (keys: readonly Bytes[], signatures: readonly Bytes[], content: Bytes): Promise<boolean> => {
  let found = false
  for (const bytes of keys) {
    const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    for (const signature of signatures) if (await crypto.subtle.verify('HMAC', key, signature, content)) found = true
  }
  return found
}

const parsedBody = (body: string | Uint8Array): unknown => {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body))
  } catch (error) {
    throw new WebhookError('The body is not JSON', { cause: error })
  }
}

const secretsOf = (secret: string | readonly string[]): readonly string[] => {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (secrets.length === 0 || secrets.some((one) => one === ''))
    throw new WebhookError('There is no secret to check with')
  return secrets
}

/**
 * The parsed body of a webhook, when it is signed with the project's secret (`webhook-signature`) and was sent within five minutes
 * of `now`, ms. A repeat carries the same `webhook-id`. Throws `WebhookError`.
 */
export const verifyWebhook = async (
  { body, headers, secret }: WebhookRequest,
  {
    toleranceSeconds = TOLERANCE_S,
    now = Date.now(),
  }: { readonly toleranceSeconds?: number; readonly now?: number } = {},
): Promise<unknown> => {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(headers, name),
  )
  if (!id || !timestamp || !signature)
    throw new WebhookError('The headers webhook-id, webhook-timestamp and webhook-signature are not all there')
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError('webhook-timestamp is no time')
  if (Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds)
    throw new WebhookError('webhook-timestamp is too far from now')
  const keys = secretsOf(secret).map((one) => {
    const key = one.startsWith(PREFIX) ? fromBase64(one.slice(PREFIX.length)) : undefined
    if (key === undefined || key.length === 0)
      throw new WebhookError(`A secret begins with ${PREFIX} and goes on in base64`)
    return key
  })
  const signatures = signature
    .split(' ')
    .flatMap((one) => (one.startsWith('v1,') ? [fromBase64(one.slice(3))] : []))
    .filter((one) => one !== undefined)
  const prefix = utf8.encode(`${id}.${timestamp}.`)
  const content = bytesOf(body)
  const signed = new Uint8Array(prefix.length + content.length)
  signed.set(prefix)
  signed.set(content, prefix.length)
  if (!(await isSigned(keys, signatures, signed))) throw new WebhookError('The signature is not that of this body')
  return parsedBody(body)
}

/**
 * As `verifyWebhook`, by the header `x-voucherify-signature` alone. It does not cover the time: who recorded a request may send it
 * again, so tell repeats by their `idempotency-key`, and take `verifyWebhook` where you can. Throws `WebhookError`.
 */
export const verifyVoucherifySignature = async ({ body, headers, secret }: WebhookRequest): Promise<unknown> => {
  const signature = fromHex(headerOf(headers, 'x-voucherify-signature') ?? '')
  if (signature === undefined) throw new WebhookError('The header x-voucherify-signature is not there')
  const keys = secretsOf(secret).map((one) => utf8.encode(one))
  if (!(await isSigned(keys, [signature], bytesOf(body))))
    throw new WebhookError('The signature is not that of this body')
  return parsedBody(body)
}
