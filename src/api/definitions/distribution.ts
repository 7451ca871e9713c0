// Distributions: which message goes to a customer on which event, over which channel.
import * as v from 'valibot'
import { Distribution } from '../../domain/rulebook/distribution.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { namedListQuery } from '../lists/definitions.ts'
import { recordOrNullOf, switchedOff } from '../presenters/parts.ts'
import { seesUrls, withoutSecrets } from '../presenters/webhooks.ts'
import { definitionResource, recorded, type Showing } from './resource.ts'

const { validation_rule_id, quiet_hours, cap, delay, campaign_id, ...kept } = Distribution.entries

/** Parts that are given replace those there are; null takes one that may be missing away. */
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

/** A distribution as those see it who may ask. */
const show = (entry: Entry<Distribution>, { key }: Showing) => {
  const { channel } = entry.definition
  const isWhole = seesUrls(key) || channel.type !== 'webhook'
  return {
    id: entry.id,
    ...entry.definition,
    channel: isWhole ? channel : { ...channel, url: withoutSecrets(channel.url) },
    ...recordOrNullOf(entry),
    object: 'distribution',
  }
}

export const distributions = definitionResource('distribution', {
  path: '/v1/distributions',
  tag: 'Distributions',
  one: 'a distribution',
  many: 'distributions',
  body: v.pipe(Distribution, recorded()),
  patch: DistributionPatch,
  response: v.pipe(
    v.object({
      id: v.string(),
      ...Distribution.entries,
      created_at: v.string(),
      updated_at: v.nullable(v.string()),
      ...switchedOff,
      object: v.literal('distribution'),
    }),
    v.title('Distribution'),
  ),
  show,
  describe: {
    create:
      'Which message goes to a customer when an event occurs or a segment is entered or left, over which channel, and how ' +
      'often at most. Templates are Liquid over customer, event, segment, points, code, distribution and message.',
    change: 'Parts that are given replace those there are. Messages that are not sent yet go out by the new form.',
    remove: 'What is not sent yet is dropped.',
  },
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
  list: { texts: ['name'], query: v.object(namedListQuery) },
})
