// How far the request of a client key reaches: whom it may speak for, what it may say of that customer and what it is told.

import type { Profile, ProfilePatch } from '../domain/customer/profile.ts'
import type { CustomerId } from '../domain/ids.ts'
import type { Refusal } from '../domain/refusal.ts'
import { CUSTOMER_TOKEN } from '../http/customerToken.ts'
import { type Failure, fail } from '../http/errors.ts'
import type { Call } from '../http/route.ts'
import type { Services } from '../services.ts'
import { customerOfSource } from './context.ts'

/** Whom a request names, as it names them. */
export interface Named {
  readonly id?: string | undefined
  readonly source_id?: string | null | undefined
}

/**
 * What a request may know and say of the customer it names. The shop's own servers reach everywhere. A browser speaks for the
 * customer whose token it sends; without one it is a stranger: whoever is known already stays as they are, and of nobody is
 * anything told.
 */
export interface Reach {
  readonly isStranger: boolean
  /** Whether answers hold the profile. */
  readonly reads: boolean
  /** Of whom the profile may be written: `new` is a customer who is made by this request. */
  readonly writes: 'any' | 'new' | 'none'
  /** The `source_id` that the request itself gave: no secret to whoever sent it. */
  readonly sourceId: string | undefined
}

/** Whether two names of one request are the customer whose token it carries. */
const isOwn = async (services: Services, { id, source_id: sourceId }: Named, own: string): Promise<boolean> => {
  if (id === undefined && sourceId === own) return true
  // A `source_id` may lead to a customer who has a stream of another name.
  const { state } = await services.customers.load(customerOfSource(services, own))
  return id === undefined
    ? typeof sourceId === 'string' && customerOfSource(services, sourceId) === state.id
    : id === state.id
}

/** How far a request reaches, or 403 when it comes with the token of a customer other than the one that it names. */
export const reachOf = async (
  services: Services,
  { client }: Pick<Call, 'client'>,
  named: Named | null | undefined,
): Promise<Reach | Failure> => {
  const sourceId = named?.source_id ?? undefined
  if (client === undefined) return { isStranger: false, reads: true, writes: 'any', sourceId }
  const mayWrite = client.may('write_own_profile')
  const isNamed = named?.id !== undefined || sourceId !== undefined
  if (client.customer === undefined || !isNamed)
    return { isStranger: true, reads: false, writes: mayWrite ? 'new' : 'none', sourceId }
  return (await isOwn(services, named ?? {}, client.customer))
    ? { isStranger: false, reads: client.may('read_own_profile'), writes: mayWrite ? 'any' : 'none', sourceId }
    : fail('forbidden', `The ${CUSTOMER_TOKEN} is that of another customer`)
}

/** What of a profile a request may say: at least which `source_id` a new customer has. */
export const sayable = ({ writes }: Reach, { id }: Named, profile: ProfilePatch): ProfilePatch => {
  if (writes === 'any' || (writes === 'new' && id === undefined)) return profile
  return id === undefined && typeof profile.source_id === 'string' ? { source_id: profile.source_id } : {}
}

/** What of a profile an answer may hold. */
export const tellable = ({ reads, sourceId }: Reach, profile: Profile): Profile =>
  reads ? profile : { metadata: {}, source_id: sourceId }

/** The reasons of these name what rules compare and what limits are: not for strangers. */
const TELLING: ReadonlySet<Refusal['key']> = new Set([
  'customer_rules_violated',
  'order_rules_violated',
  'redemption_rules_violated',
  'condition_too_costly',
  'quantity_exceeded',
  'gift_amount_exceeded',
  'loyalty_card_points_exceeded',
])

/** A refusal as it may be told; the text that a rule's author wrote for its failure is meant for everybody. */
export const tellableRefusal = ({ isStranger }: Reach, refusal: Refusal): Refusal =>
  isStranger && TELLING.has(refusal.key) ? { ...refusal, details: 'Not for this request' } : refusal

/** 403 for what only the customer may do. */
export const tokenNeeded = (what: string): Failure =>
  fail('forbidden', `${what} needs the customer's ${CUSTOMER_TOKEN}`)

/** 403 where a stranger asks what would happen: an answer tells of the customer and leaves no trace. */
export const dryRunFault = ({ isStranger }: Reach, isDryRun: boolean): Failure | undefined =>
  isStranger && isDryRun ? tokenNeeded('A dry run') : undefined

/** 403 where a stranger would change a customer who is known already, 429 for one new customer too many. */
export const strangerFault = async (
  services: Services,
  { client }: Pick<Call, 'client'>,
  { isStranger }: Reach,
  customer: CustomerId,
): Promise<Failure | undefined> => {
  if (!isStranger) return undefined
  const { state } = await services.customers.load(customer)
  return state.status === 'active' ? tokenNeeded('Changing a customer who is known') : client?.take('newCustomers', 1)
}
