// What commands about the points of a card share: their fields, how they are executed, and what is answered to a repeat.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { ByMember } from '../queries/loyaltyMembers.ts'
import type { LoyaltyCommand } from '../src/domain/loyalty/commands.ts'
import { type Failure, fromRefusal, refuse } from '../src/http/errors.ts'
import type { Call } from '../src/http/route.ts'
import type { Executed } from '../src/runtime/customers.ts'
import type { Services } from '../src/runtime/services.ts'
import type { Held } from './cards.ts'
import { contextOf, tooBusy } from './context.ts'

export const TAG = 'Loyalty points'
export const WRITERS = ['admin', 'integrator'] as const

export type MemberCall<B> = Call<B, unknown, v.InferOutput<typeof ByMember>>
export type Recorded = Extract<Executed, { kind: 'done' | 'repeated' }>

export const text = v.pipe(v.string(), v.maxLength(1_000))

/** What a command keeps of the request that asked for it. */
export const requestOf = (body: { reason?: string | null; source_id?: string | null }, channel: string) => ({
  ...(body.reason ? { reason: body.reason } : {}),
  ...(body.source_id ? { sourceId: body.source_id } : {}),
  source: channel,
})

/** Executes a command about a card; a name that the caller gave to the change comes before that of the request. */
export const executeOnCard = async (
  services: Services,
  call: Pick<Call<unknown, unknown, unknown>, 'requestId' | 'key' | 'now' | 'idempotencyKey'>,
  { customer, card }: Held,
  command: LoyaltyCommand,
  sourceId?: string | null,
): Promise<{ readonly done: Recorded; readonly key: string } | Failure> => {
  const named = sourceId ? `${command.type}:${card.id}:${sourceId}` : call.idempotencyKey
  const key = named ?? randomBytes(16).toString('hex')
  const executed = await services.customers.execute(customer.id, command, contextOf(call, services, { key }))
  if (executed.kind === 'busy') return tooBusy()
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  return { done: executed, key }
}

export const tokenOf = ({ position }: Recorded) => (position === undefined ? {} : { consistencyToken: position })

/** What a name was given to is no answer to this request. */
export const mismatch = (): Failure =>
  refuse('duplicate_key', 'This key or source_id has been used for another kind of request before')
