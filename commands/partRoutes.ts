// The routes that write definitions which are named by more than an id of their own: loyalty programs (by their name as well) and
// what belongs to one, its earning rules, tiers and offers. What a kind does otherwise it says by a hook.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import type { Permission } from '../src/domain/access/permissions.ts'
import { type IdPrefix, idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused, refuse, refuseNotFound } from '../src/domain/refusal.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, type KindName, kindNamed } from '../src/domain/rulebook/kinds.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { type Failure, isFailure } from '../src/http/errors.ts'
import { describeIssues } from '../src/http/issues.ts'
import { type Call, type Outcome, type Route, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

const permission: Permission = 'definitions.write'

type AnyCall = Call<unknown, unknown, unknown>
type Said = { readonly summary: string; readonly description?: string }
type Show<K extends KindName> = (entry: Entry<DefinitionOf<K>>, rulebook: Rulebook) => object | Promise<object>

export interface OneOfMany<K extends KindName, Params, Patch> {
  readonly kind: K
  readonly tag: string
  readonly path: string
  readonly also?: readonly string[]
  readonly params: v.GenericSchema<unknown, Params>
  readonly find: (services: Services, params: Params) => Entry<DefinitionOf<K>> | Failure
  readonly patch: v.GenericSchema<unknown, Patch>
  /** What a changed definition must be as a whole; absent: the patch says all there is to say. */
  readonly whole?: v.GenericSchema<unknown, DefinitionOf<K>>
  readonly response: v.GenericSchema
  readonly show: Show<K>
  /** Default: what is given replaces what there is. */
  readonly patched?: (old: DefinitionOf<K>, patch: Patch) => object
  /** What a change asks for that only the read models can tell to be none. */
  readonly refused?: (old: Entry<DefinitionOf<K>>, patch: Patch) => Promise<Refused | undefined>
  /** What else follows from other definitions. */
  readonly settled?: (definition: DefinitionOf<K>, definitions: Definitions) => DefinitionOf<K>
  /** What is deleted along with it, and it; default: it alone. */
  readonly deletion?: (definitions: Definitions, id: string, now: number) => readonly DefinitionChange[]
  readonly change: Said
  readonly enable?: Said
  readonly disable?: Said
  readonly remove?: Said
}

/** Changing one, switching it where that has a name, and deleting it. */
export const routesToOne = <K extends KindName, Params, Patch extends object>(
  services: Services,
  one: OneOfMany<K, Params, Patch>,
): readonly Route[] => {
  const { kind, tag, path, params, response, find, show } = one
  const also = one.also && { also: one.also }
  const patched = one.patched ?? ((old: DefinitionOf<K>, patch: Patch) => ({ ...(old as object), ...patch }))

  const change = (
    call: Call<unknown, unknown, Params>,
    of: (old: DefinitionOf<K>) => object,
    verb: 'Updated' | 'Enabled' | 'Disabled',
  ): Outcome | Promise<Outcome> => {
    const found = find(services, call.params)
    if (isFailure(found)) return found
    const { id } = found
    return changeDefinitions(
      services,
      call,
      (definitions) => {
        // As it is when this is decided: another change may have come between. The one that was found may be switched off.
        const old = entriesOf(definitions, kind).get(id)
        if (!old) return refuseNotFound(kindNamed(kind).resource, id)
        const next = of(old.definition)
        const parsed = one.whole
          ? v.safeParse(one.whole, next)
          : { success: true as const, output: next as DefinitionOf<K> }
        if (!parsed.success) return refuse('invalid_payload', describeIssues(parsed.issues))
        const definition = one.settled?.(parsed.output, definitions) ?? parsed.output
        return [{ kind, verb, id, definition, occurredAt: call.now }]
      },
      async (rulebook) => ({ body: await show(rulebook.entries(kind).get(id)!, rulebook) }),
    )
  }

  return [
    route({
      method: 'put',
      ifMatch: true,
      path,
      ...also,
      ...one.change,
      tag,
      permission,
      params,
      body: one.patch,
      response,
      handler: async (call) => {
        const found = one.refused && find(services, call.params)
        const refused = found && !isFailure(found) ? await one.refused?.(found, call.body) : undefined
        return refused ?? change(call, (old) => patched(old, call.body), 'Updated')
      },
    }),
    ...(['enable', 'disable'] as const).flatMap((word) => {
      const said = one[word]
      const isOn = word === 'enable'
      return said === undefined
        ? []
        : route({
            method: 'post',
            path: `${path}/${word}`,
            ...said,
            tag,
            permission,
            params,
            response,
            handler: (call) =>
              change(call, (old) => ({ ...(old as object), active: isOn }), isOn ? 'Enabled' : 'Disabled'),
          })
    }),
    ...(one.remove
      ? [
          route({
            method: 'delete',
            ifMatch: true,
            path,
            ...also,
            ...one.remove,
            tag,
            permission,
            params,
            status: 204,
            handler: (call): Outcome | Promise<Outcome> => {
              const found = find(services, call.params)
              if (isFailure(found)) return found
              const { id } = found
              return changeDefinitions(
                services,
                call,
                (definitions) =>
                  one.deletion?.(definitions, id, call.now) ?? [{ kind, verb: 'Deleted', id, occurredAt: call.now }],
                () => ({ status: 204 }),
              )
            },
          }),
        ]
      : []),
  ]
}

export interface Proposal<K extends KindName> {
  readonly definition: DefinitionOf<K>
  /** What is recorded along with it, under its id. */
  readonly along?: (id: string) => readonly DefinitionChange[] | Refused
}

/** Records new definitions, all or none; their ids follow from the request's key. */
export const createAll = async <K extends KindName>(
  services: Services,
  call: AnyCall,
  { kind, prefix, show }: { readonly kind: K; readonly prefix: IdPrefix; readonly show: Show<K> },
  count: number,
  proposed: (definitions: Definitions) => readonly Proposal<K>[],
  answer: (shown: readonly object[]) => unknown = (shown) => shown,
): Promise<Outcome> => {
  const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
  const ids = Array.from({ length: count }, (_, i) => idFrom(prefix, key, String(i)))
  return changeDefinitions(
    services,
    call,
    (definitions) => {
      // The same request once more.
      if (entriesOf(definitions, kind).has(ids[0]!)) return []
      const changes: DefinitionChange[] = []
      for (const [i, { definition, along }] of proposed(definitions).entries()) {
        const more = along?.(ids[i]!) ?? []
        if (isRefused(more)) return more
        changes.push({ kind, verb: 'Created', id: ids[i]!, definition, occurredAt: call.now }, ...more)
      }
      return changes
    },
    async (rulebook) => ({
      body: answer(await Promise.all(ids.map((id) => show(rulebook.entries(kind).get(id)!, rulebook)))),
    }),
  )
}

export interface ListInProgram<K extends KindName, Body> extends Said {
  readonly kind: K
  readonly prefix: IdPrefix
  readonly tag: string
  readonly path: string
  readonly also?: readonly string[]
  readonly body: v.GenericSchema<unknown, Body>
  readonly response: v.GenericSchema
  readonly show: Show<K>
  readonly made: (body: Body, program: Entry<Campaign>, definitions: Definitions, now: number) => Proposal<K>
}

/** The contract's bound on what is made by one request. */
const MAX_AT_ONCE = 100

/** Creating some of a kind in a loyalty program, all or none. */
export const createInProgram = <K extends KindName, Body>(services: Services, list: ListInProgram<K, Body>): Route => {
  const { kind, prefix, tag, path, also, summary, description, body, response, show, made } = list
  return route({
    method: 'post',
    path,
    ...(also && { also }),
    summary,
    ...(description && { description }),
    tag,
    permission,
    params: ByCampaign,
    body: v.pipe(v.array(body), v.minLength(1), v.maxLength(MAX_AT_ONCE)),
    response: v.array(response),
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, (call.params as v.InferOutput<typeof ByCampaign>).campaignId)
      if (isFailure(program)) return program
      const bodies = call.body
      return createAll(services, call, { kind, prefix, show }, bodies.length, (definitions) =>
        bodies.map((one) => made(one, program, definitions, call.now)),
      )
    },
  })
}
