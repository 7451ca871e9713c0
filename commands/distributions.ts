// Creating, changing, switching and deleting distributions.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { DistributionObject, showDistribution } from '../queries/distributions.ts'
import { ById } from '../queries/shapes.ts'
import { idFrom } from '../src/domain/ids.ts'
import { type Refused, refuseNotFound } from '../src/domain/refusal.ts'
import { Distribution } from '../src/domain/rulebook/distribution.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions, recorded } from './definitions.ts'

const { validation_rule_id, quiet_hours, cap, delay, campaign_id, ...kept } = Distribution.entries

/** Parts that are given replace those there are; null takes one that may be missing away. */
const DistributionBody = v.pipe(Distribution, recorded())

const DistributionPatch = v.pipe(
  v.object({
    ...v.partial(v.object(kept)).entries,
    ...Object.fromEntries(
      Object.entries({ validation_rule_id, quiet_hours, cap, delay, campaign_id }).map(([name, schema]) => [
        name,
        v.nullish(schema.wrapped),
      ]),
    ),
  }),
  recorded(),
)

/** The definition after a patch. */
const patched = (before: Distribution, patch: Readonly<Record<string, unknown>>): Distribution => {
  const merged: Record<string, unknown> = { ...before }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else if (value !== undefined) merged[name] = value
  }
  return merged as unknown as Distribution
}

const changed = (
  verb: DefinitionChange['verb'],
  id: string,
  now: number,
  change: (before: Distribution) => Distribution,
) => {
  return (definitions: Definitions): readonly DefinitionChange[] | Refused => {
    const old = entriesOf(definitions, 'distribution').get(id)
    if (!old) return refuseNotFound('distribution', id)
    return [{ kind: 'distribution', verb, id, definition: change(old.definition), occurredAt: now }]
  }
}

const shown = (id: string) => (rulebook: Rulebook) => ({
  body: showDistribution(rulebook.entries('distribution').get(id)!),
})

const TAG = 'Distributions'

export const distributionCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/distributions',
    summary: 'Create a distribution',
    description:
      'Which message goes to a customer when an event occurs or a segment is entered or left, over which channel, and how ' +
      'often at most. Templates are Liquid over customer, event, segment, points, code, distribution and message.',
    tag: TAG,
    permission: 'definitions.write',
    body: DistributionBody,
    response: DistributionObject,
    handler: (call): Promise<Outcome> => {
      const id = idFrom('distr', call.idempotencyKey ?? randomBytes(16).toString('hex'))
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'distribution', verb: 'Created', id, definition: call.body, occurredAt: call.now }],
        shown(id),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/distributions/{id}',
    summary: 'Change a distribution',
    description: 'Parts that are given replace those there are. Messages that are not sent yet go out by the new form.',
    tag: TAG,
    permission: 'definitions.write',
    params: ById,
    body: DistributionPatch,
    response: DistributionObject,
    handler: (call): Promise<Outcome> =>
      changeDefinitions(
        services,
        call,
        changed('Updated', call.params.id, call.now, (before) => patched(before, call.body)),
        shown(call.params.id),
      ),
  }),
  ...(['enable', 'disable'] as const).map((word) =>
    route({
      method: 'post',
      path: `/v1/distributions/{id}/${word}` as '/v1/distributions/{id}/enable',
      summary: word === 'enable' ? 'Let a distribution send' : 'Stop a distribution',
      description:
        word === 'enable'
          ? 'From now on; what happened meanwhile sends nothing.'
          : 'Nothing new is asked for, and what is not sent yet is dropped; it can be retried later.',
      tag: TAG,
      permission: 'definitions.write',
      params: ById,
      response: DistributionObject,
      handler: (call): Promise<Outcome> =>
        changeDefinitions(
          services,
          call,
          changed(word === 'enable' ? 'Enabled' : 'Disabled', call.params.id, call.now, (before) => ({
            ...before,
            active: word === 'enable',
          })),
          shown(call.params.id),
        ),
    }),
  ),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/distributions/{id}',
    summary: 'Delete a distribution',
    description: 'What is not sent yet is dropped.',
    tag: TAG,
    permission: 'definitions.write',
    params: ById,
    status: 204,
    handler: (call): Promise<Outcome> =>
      changeDefinitions(
        services,
        call,
        () => [{ kind: 'distribution', verb: 'Deleted', id: call.params.id, occurredAt: call.now }],
        () => ({ status: 204 }),
      ),
  }),
]
