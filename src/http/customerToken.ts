// The customer's token: what a shop's server signs so that a browser may speak for one customer.
import { errors, jwtVerify } from 'jose'

/** The header that carries it. */
export const CUSTOMER_TOKEN = 'X-Customer-Token'

/** Characters of a `source_id`. */
const MAX_SOURCE_ID = 300

/** For whom a token speaks, or what is wrong with it. */
export type CustomerToken = { readonly sourceId: string } | { readonly fault: string }

/**
 * Reads a token: a JWT (RFC 7519) signed with HS256 by the key's own secret, whose `sub` is the customer's `source_id` and
 * whose `exp` is yet to come. No other algorithm is taken. `now` in Unix milliseconds.
 */
export const readCustomerToken = async (token: string, secret: Uint8Array, now: number): Promise<CustomerToken> => {
  try {
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ['HS256'],
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(now),
    })
    const { sub } = payload
    return typeof sub === 'string' && sub.length > 0 && sub.length <= MAX_SOURCE_ID
      ? { sourceId: sub }
      : { fault: `"sub" must be a source_id of 1 to ${MAX_SOURCE_ID} characters` }
  } catch (error) {
    // Its text names the claim or the step at fault, never what was sent.
    if (error instanceof errors.JOSEError) return { fault: error.message }
    throw error
  }
}
