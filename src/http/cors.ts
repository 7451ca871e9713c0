// Cross-origin headers of the client API, so that a page of an allowed origin may call it from a browser.
import type { KeyRing } from '../keys.ts'
import { KEY_HEADERS, originAllowed } from './auth.ts'
import { CUSTOMER_TOKEN } from './customerToken.ts'

/** What a page's script may send; the names a browser asks for in its preflight. */
const REQUEST_HEADERS = [
  'Content-Type',
  KEY_HEADERS.client.id,
  KEY_HEADERS.client.token,
  CUSTOMER_TOKEN,
  'X-Voucherify-Channel',
  'X-Voucherify-API-Version',
  'X-Voucherify-Double-Opt-In',
  'Idempotency-Key',
  'Consistency-Token',
  'Prefer',
  'If-None-Match',
  'If-Match',
].join(', ')

/** What a page's script may read. */
const RESPONSE_HEADERS = [
  'Consistency-Token',
  'ETag',
  'Idempotent-Replayed',
  'Retry-After',
  'Stale',
  'X-Request-Id',
  'X-Rate-Limit-Limit',
  'X-Rate-Limit-Remaining',
  'X-Rate-Limit-Retry',
].join(', ')

/** Seconds a browser may keep the answer to a preflight. */
const PREFLIGHT_AGE = '600'

/**
 * The headers of a reply to `origin`: allowed when some client key may be used from there, since a preflight carries no
 * key and a page must be able to read a 401. Which key may do what is still decided by the key itself.
 */
export const corsHeaders = (ring: KeyRing, origin: string | null): Readonly<Record<string, string>> => {
  if (origin === null || !ring.keys.some((key) => key.role === 'client' && originAllowed(key, origin)))
    return { Vary: 'Origin' }
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': RESPONSE_HEADERS,
    Vary: 'Origin',
  }
}

/** What a reply to OPTIONS adds for an allowed origin; nothing for the others or outside the client API. */
export const preflightHeaders = (
  cors: Readonly<Record<string, string>> | undefined,
  methods: string,
): Readonly<Record<string, string>> =>
  cors?.['Access-Control-Allow-Origin'] === undefined
    ? {}
    : {
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': REQUEST_HEADERS,
        'Access-Control-Max-Age': PREFLIGHT_AGE,
      }
