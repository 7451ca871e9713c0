// What commands about the points of a card share: their fields, how they are executed, and what is answered to a repeat.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import type { ByMember } from '../src/api/presenters/loyaltyMembers.ts'
import type { LoyaltyCommand } from '../src/domain/loyalty/asked.ts'
import { printOf } from '../src/domain/print.ts'
import { refuseSourceId } from '../src/domain/refusal.ts'
import { type Failure, fail, fromRefusal } from '../src/http/errors.ts'
import type { Call } from '../src/http/route.ts'
import type { Executed } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'
import type { FoundCard } from './cards.ts'

export const TAG = 'Loyalty points'
export type MemberCall<B> = Call<B, unknown, v.InferOutput<typeof ByMember>>
export type Recorded = Extract<Executed, { kind: 'done' | 'repeated' }>

export const text = v.pipe(v.string(), v.maxLength(1_000))

/** What a command keeps of the request that asked for it. */
export const requestOf = (body: { reason?: string | null; source_id?: string | null }, channel: string) => ({
  ...(body.reason ? { reason: body.reason } : {}),
  ...(body.source_id ? { sourceId: body.source_id } : {}),
  source: channel,
})

/**
 * Executes a command about a card. A `source_id` names the change for good, whoever sends it, and comes before the key of the
 * request: `name` says within what it is unique.
 */
export const executeOnCard = async (
  services: Services,
  call: Pick<Call<unknown, unknown, unknown>, 'requestId' | 'key' | 'now' | 'idempotencyKey'>,
  { customer, card }: FoundCard,
  command: LoyaltyCommand,
  sourceId?: string | null,
  name = `${command.type}:${card.id}`,
): Promise<{ readonly done: Recorded; readonly key: string } | Failure> => {
  const key = sourceId ? `${name}:${sourceId}` : (call.idempotencyKey ?? randomBytes(16).toString('hex'))
  // The channel that it came by is no part of what is asked for; whether the reason is another is asked later (`otherReason`).
  const print = sourceId ? { print: printOf({ ...command, reason: null, source: null }) } : {}
  const executed = await services.customers.execute(customer.id, command, contextOf(call, services, { key, ...print }))
  if (executed.kind === 'refused' && executed.known && sourceId) return fromRefusal(refuseSourceId(sourceId).refused)
  if (executed.kind === 'refused') return fromRefusal(executed.refusal)
  return { done: executed, key }
}

export const tokenOf = ({ position }: Recorded) => (position === undefined ? {} : { consistencyToken: position })

/** Refuses a `source_id` that was used before with another reason. */
export const otherReason = (
  { kind }: Recorded,
  recorded: string | undefined,
  { reason, source_id: sourceId }: { readonly reason?: string | null; readonly source_id?: string | null },
): Failure | undefined =>
  kind === 'repeated' && sourceId && recorded !== (reason || undefined)
    ? fromRefusal(refuseSourceId(sourceId).refused)
    : undefined

/** For a key or `source_id` that named a request of another kind before: its answer would be no answer to this one. */
export const mismatch = (): Failure =>
  fail('duplicate_key', 'This key or source_id has been used for another kind of request before')
