// Making several definitions by one request, all or none, and what belongs to a loyalty program: its earning rules, tiers and offers.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { DefinitionResource } from '../src/api/definitions/resource.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { isRefused, type Refused } from '../src/domain/refusal.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, definitionId, type KindName } from '../src/domain/rulebook/kinds.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Call, type Outcome, type Route, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

export interface Proposal<K extends KindName> {
  readonly definition: DefinitionOf<K>
  /** What is recorded along with it, under its id. */
  readonly along?: (id: string) => readonly DefinitionChange[] | Refused
}

/** Records new definitions, all or none; their ids follow from the request's key. */
export const createAll = async <K extends KindName>(
  services: Services,
  call: Call<unknown, unknown, unknown>,
  { kind, show }: Pick<DefinitionResource<K>, 'kind' | 'show'>,
  count: number,
  proposed: (definitions: Definitions) => readonly Proposal<K>[],
  answer: (shown: readonly object[]) => unknown = (shown) => shown,
): Promise<Outcome> => {
  const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
  const ids = Array.from({ length: count }, (_, i) => definitionId(kind, key, String(i)))
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
    async (rulebook) => {
      const showing = { services, rulebook, key: call.key }
      return { body: answer(await Promise.all(ids.map((id) => show(rulebook.entries(kind).get(id)!, showing)))) }
    },
  )
}

export interface MadeInProgram<K extends KindName, Body> {
  readonly summary: string
  readonly description?: string
  readonly body: v.GenericSchema<unknown, Body>
  readonly made: (body: Body, program: Entry<Campaign>, definitions: Definitions, now: number) => Proposal<K>
}

/** The contract's bound on what is made by one request. */
const MAX_AT_ONCE = 100

/** Creating some of a kind in a loyalty program, all or none. */
export const createInProgram = <K extends KindName, Body>(
  services: Services,
  resource: Pick<DefinitionResource<K>, 'kind' | 'path' | 'also' | 'tag' | 'response' | 'show'>,
  { body, made, ...said }: MadeInProgram<K, Body>,
): Route => {
  const { path, also, tag, response } = resource
  return route({
    method: 'post',
    path,
    also,
    ...said,
    tag,
    permission: 'definitions.write',
    params: ByCampaign,
    body: v.pipe(v.array(body), v.minLength(1), v.maxLength(MAX_AT_ONCE)),
    response: v.array(response),
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, (call.params as v.InferOutput<typeof ByCampaign>).campaignId)
      if (isFailure(program)) return program
      const bodies = call.body
      return createAll(services, call, resource, bodies.length, (definitions) =>
        bodies.map((one) => made(one, program, definitions, call.now)),
      )
    },
  })
}
