// Segments: groups of customers, listed by hand or told by a condition.

import * as v from 'valibot'
import type { Condition } from '../conditions/ast.ts'
import type { Environment } from '../conditions/environment.ts'
import type { Parsed } from '../conditions/faults.ts'
import { parseFilter } from '../conditions/filter.ts'
import { parseNative } from '../conditions/native.ts'
import { referencesOf, topologicalOrder } from '../conditions/references.ts'
import { name300 } from '../name.ts'
import { compileFaults, environmentOf } from './environment.ts'
import { keptWhile } from './keptWhile.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { referencesIn } from './references.ts'

export const SegmentType = v.picklist(['static', 'passive', 'auto-update'])

/** The HTTP contract's bound on listed customers. */
const MAX_LISTED = 20_000

export const Segment = v.object({
  name: name300,
  type: SegmentType,
  /** The public form of a condition. */
  filter: v.optional(v.record(v.string(), v.unknown())),
  /** The native form of a condition, which goes further; instead of `filter`. */
  condition: v.optional(v.record(v.string(), v.unknown())),
  /** Members of a static segment. */
  customers: v.optional(v.pipe(v.array(v.string()), v.maxLength(MAX_LISTED))),
  /** Whether those who are in when the definition is made or changed count as having just entered. */
  trigger_on_rollout: v.optional(v.boolean(), false),
})
export type Segment = v.InferOutput<typeof Segment>

const parse = (definition: Segment, environment: Environment): Parsed =>
  definition.condition === undefined
    ? parseFilter(definition.filter ?? {}, environment)
    : parseNative(definition.condition, environment)

/** The condition of a segment beside all other definitions; undefined for a static one, and for one that is at fault. */
export const conditionOfSegment = keptWhile(({ definition }: Entry<Segment>, all): Condition | undefined => {
  if (definition.type === 'static') return undefined
  const parsed = parse(definition, environmentOf(all))
  return parsed.ok ? parsed.condition : undefined
})

const segmentsNamedBy = keptWhile((entry: Entry<Segment>, all): readonly string[] => {
  const condition = conditionOfSegment(entry, all)
  return condition ? referencesOf(condition).segments : []
})

const entriesIn = (all: Definitions): ReadonlyMap<string, Entry<Segment>> =>
  (all.entries.segment ?? new Map()) as ReadonlyMap<string, Entry<Segment>>

const orderOf = (segments: Iterable<Entry<Segment>>, all: Definitions) =>
  topologicalOrder(new Map([...segments].map((entry) => [entry.id, segmentsNamedBy(entry, all)])))

/** These segments, each after those of them that it refers to: so that one look at each in this order settles them. */
export const segmentsInOrder = (
  entries: ReadonlyMap<string, Entry<Segment>>,
  all: Definitions,
): readonly Entry<Segment>[] => {
  const ordered = orderOf(entries.values(), all)
  if (!ordered.ok) throw new Error(`segments refer to each other: ${ordered.cycle.join(' → ')}`)
  return ordered.order.map((id) => entries.get(id)!)
}

const wayRound = (cycle: readonly string[]): Fault => ({
  path: '',
  message: `must NOT refer to itself: ${[...cycle, cycle[0]].join(' → ')}`,
})

/** Segments that refer to themselves by way of others, with the way; only data of before this was refused has any. */
export const segmentsInCycles = (all: Definitions): ReadonlyMap<string, Fault> => {
  const left = new Map(entriesIn(all))
  const found = new Map<string, Fault>()
  for (let ordered = orderOf(left.values(), all); !ordered.ok; ordered = orderOf(left.values(), all))
    for (const id of ordered.cycle) {
      found.set(id, wayRound(ordered.cycle))
      left.delete(id)
    }
  return found
}

/** The fault of a definition that leads back to itself through the segments it refers to. */
const cycleFaults = (id: string, definition: Segment, all: Definitions): readonly Fault[] => {
  const changed: Entry<Segment> = { id, definition, createdAt: 0, updatedAt: null, revision: all.revision }
  const ordered = orderOf(new Map(entriesIn(all)).set(id, changed).values(), all)
  const path = definition.filter ? 'filter' : 'condition'
  return ordered.ok || !ordered.cycle.includes(id) ? [] : [{ ...wayRound(ordered.cycle), path }]
}

/** The condition of a definition, or every fault of it with its path; for segments that have one. */
export const parseSegment = (definition: Segment, all: Definitions): Parsed => {
  const { filter, condition } = definition
  if (!filter === !condition)
    return { ok: false, faults: [{ path: 'filter', message: 'is required (or condition), one of the two' }] }
  const parsed = parse(definition, environmentOf(all))
  if (parsed.ok) return parsed
  const name = filter ? 'filter' : 'condition'
  return { ok: false, faults: parsed.faults.map((f) => ({ ...f, path: f.path ? `${name}.${f.path}` : name })) }
}

const check = (_: string, definition: Segment, all: Definitions): readonly Fault[] => {
  const { type, filter, condition, customers } = definition
  if (type === 'static') {
    if (filter || condition) return [{ path: 'filter', message: 'must NOT be given for a static segment' }]
    return customers ? [] : [{ path: 'customers', message: 'is required for a static segment' }]
  }
  if (customers) return [{ path: 'customers', message: `must NOT be given for a segment of type ${type}` }]
  const parsed = parseSegment(definition, all)
  if (!parsed.ok) return parsed.faults
  const path = filter ? 'filter' : 'condition'
  if (referencesOf(parsed.condition).context)
    return [{ path, message: 'must NOT ask for the event, order or redemption being decided: a segment has none' }]
  return compileFaults(parsed.condition, environmentOf(all), path)
}

export const segmentKind: Kind<Segment> = {
  fact: 'Segment',
  prefix: 'seg',
  resource: 'segment',
  schema: Segment,
  check,
  checkChange: cycleFaults,
  uses: (definition, all) => {
    if (definition.type === 'static') return []
    const parsed = parse(definition, environmentOf(all))
    return parsed.ok ? referencesIn(parsed.condition, all) : []
  },
}
