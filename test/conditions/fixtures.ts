// What the tests of conditions share: a project's environment, a customer of whom nothing is known, asking in one go.
import { type Compiled, compile } from '../../src/domain/conditions/compile.ts'
import type { Environment, SchemaProperty } from '../../src/domain/conditions/environment.ts'
import type { Fault, Parsed } from '../../src/domain/conditions/faults.ts'
import type { Context, Occurrence, OccurrenceStats, Subject } from '../../src/domain/conditions/subject.ts'
import { countOccurrence } from '../../src/domain/conditions/tally.ts'

export const ZONE = 'America/New_York'

export const environment: Environment = {
  timeZone: ZONE,
  eventSchemas: new Map<string, { properties: Record<string, SchemaProperty> }>([
    [
      'review_left',
      {
        properties: {
          stars: { type: 'number' },
          review_type: { type: 'string' },
          device_type: { type: 'string', optional: true },
          verified: { type: 'boolean' },
          visit: { type: 'date' },
          sent: { type: 'datetime' },
          tags: { type: 'string', array: true },
          old: { type: 'string', deleted: true },
        },
      },
    ],
    ['shop.visit', { properties: { stars: { type: 'string' } } }],
  ]),
  segments: new Map([
    ['seg_vip', { name: 'VIP' }],
    ['seg_new', { name: 'New' }],
  ]),
  campaigns: new Set(['camp_1']),
  campaignNamed: (name) => (name === 'Points Club' ? 'camp_1' : undefined),
}

export const nobody: Subject = {
  profile: {},
  createdAt: 0,
  occurrences: {},
  accumulators: {},
  segments: {},
  points: () => undefined,
}

export const compiled = (parsed: Parsed): Compiled => {
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return compile(parsed.condition, environment)
}

export const faultsOf = (parsed: Parsed): readonly Fault[] => (parsed.ok ? [] : parsed.faults)

export const holds = (parsed: Parsed, subject: Partial<Subject>, context: Context = {}, now = 0): boolean =>
  compiled(parsed).evaluate({ ...nobody, ...subject }, context, now).holds

/** The customer after some events, as far as one condition remembers them. */
export const after = (
  condition: Compiled,
  events: readonly Omit<Occurrence, 'id'>[],
  subject: Partial<Subject> = {},
): Subject => {
  const occurrences: Record<string, OccurrenceStats> = {}
  const accumulators = Object.fromEntries(condition.accumulators.map((spec) => [spec.key, spec.initial()]))
  for (const [i, event] of events.entries()) {
    const occurrence: Occurrence = { ...event, id: `e${i}` }
    occurrences[event.type] = countOccurrence(occurrences[event.type], event.occurredAt, event.recordedAt)
    for (const spec of condition.accumulators)
      if (spec.types.includes(event.type)) accumulators[spec.key] = spec.add(accumulators[spec.key]!, occurrence)
  }
  return { ...nobody, ...subject, occurrences, accumulators }
}
