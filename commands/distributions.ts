// Creating, changing, switching and deleting distributions.
import * as v from 'valibot'
import { DistributionObject, showDistribution } from '../src/api/presenters/distributions.ts'
import { DISTRIBUTIONS } from '../src/api/resources.ts'
import { Distribution } from '../src/domain/rulebook/distribution.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

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

export const distributionCommands = (services: Services) => {
  const { create, change, switches, remove } = definitionRoutes(services, DISTRIBUTIONS, {
    body: DistributionBody,
    patch: DistributionPatch,
    response: DistributionObject,
    describe: {
      create:
        'Which message goes to a customer when an event occurs or a segment is entered or left, over which channel, and how ' +
        'often at most. Templates are Liquid over customer, event, segment, points, code, distribution and message.',
      change: 'Parts that are given replace those there are. Messages that are not sent yet go out by the new form.',
      remove: 'What is not sent yet is dropped.',
    },
    show: showDistribution,
    patched: ({ definition }, patch) => patched(definition, patch),
    switches: {
      enable: {
        summary: 'Let a distribution send',
        description: 'From now on; what happened meanwhile sends nothing.',
      },
      disable: {
        summary: 'Stop a distribution',
        description: 'Nothing new is asked for, and what is not sent yet is dropped; it can be retried later.',
      },
    },
  })
  return [create, change, ...switches, remove]
}
