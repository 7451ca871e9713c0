// Segments: groups of customers, listed by hand or told by a condition.
import * as v from 'valibot'
import type { Condition } from '../conditions/ast.ts'
import type { Environment } from '../conditions/environment.ts'
import type { Parsed } from '../conditions/faults.ts'
import { parseFilter } from '../conditions/filter.ts'
import { parseNative } from '../conditions/native.ts'
import { referencesOf, topologicalOrder } from '../conditions/references.ts'
import { environmentOf } from './environment.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { referencesIn } from './references.ts'

export const SegmentType = v.picklist(['static', 'passive', 'auto-update'])

/** The HTTP contract's bound on listed customers. */
const MAX_LISTED = 20_000

export const Segment = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
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

/** The condition of a segment that has been checked; throws when it has none or it no longer holds water. */
export const conditionOfSegment = (definition: Segment, environment: Environment): Condition => {
  const parsed = parse(definition, environment)
  if (!parsed.ok)
    throw new Error(`segment ${definition.name}: ${parsed.faults.map((f) => `${f.path} ${f.message}`).join(', ')}`)
  return parsed.condition
}

/** Which segments a definition refers to does not depend on what else there is: it is worked out once. */
const named = new WeakMap<Segment, readonly string[]>()

const segmentsNamedBy = (definition: Segment, all: Definitions): readonly string[] => {
  if (definition.type === 'static') return []
  const known = named.get(definition)
  if (known) return known
  const parsed = parse(definition, environmentOf(all))
  const segments = parsed.ok ? referencesOf(parsed.condition).segments : []
  named.set(definition, segments)
  return segments
}

const entriesIn = (all: Definitions): ReadonlyMap<string, Entry<Segment>> =>
  (all.entries.segment ?? new Map()) as ReadonlyMap<string, Entry<Segment>>

const orderOf = (segments: ReadonlyMap<string, Segment>, all: Definitions) =>
  topologicalOrder(new Map([...segments].map(([id, definition]) => [id, segmentsNamedBy(definition, all)])))

/**
 * All segments, each after those that it refers to: so that one look at each in this order settles them. Throws on a cycle,
 * which `check` keeps out.
 */
export const segmentsInOrder = (all: Definitions): readonly Entry<Segment>[] => {
  const entries = entriesIn(all)
  const ordered = orderOf(new Map([...entries].map(([id, { definition }]) => [id, definition])), all)
  if (!ordered.ok) throw new Error(`segments refer to each other: ${ordered.cycle.join(' → ')}`)
  return ordered.order.map((id) => entries.get(id)!)
}

/** The way from a definition back to itself through the segments it refers to; undefined when there is none. */
const cycleThrough = (id: string, definition: Segment, all: Definitions): readonly string[] | undefined => {
  const others = new Map([...entriesIn(all)].map(([other, entry]) => [other, entry.definition]))
  const ordered = orderOf(others.set(id, definition), all)
  return ordered.ok ? undefined : ordered.cycle
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

const check = (id: string, definition: Segment, all: Definitions): readonly Fault[] => {
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
  const cycle = cycleThrough(id, definition, all)
  return cycle ? [{ path, message: `must NOT refer to itself: ${[...cycle, cycle[0]].join(' → ')}` }] : []
}

export const segmentKind: Kind<Segment> = {
  fact: 'Segment',
  resource: 'segment',
  schema: Segment,
  check,
  uses: (definition, all) => {
    if (definition.type === 'static') return []
    const parsed = parse(definition, environmentOf(all))
    return parsed.ok ? referencesIn(parsed.condition, all) : []
  },
}
