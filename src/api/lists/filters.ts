// Filters of lists, `filters[<field>][conditions][<operator>]=…` joined by `filters[junction]`: read once, asked of what is in memory
// or compiled into a query.

import { calendarOf } from '../../domain/calendar.ts'
import type { Test } from '../../domain/conditions/ast.ts'
import type { ValueShape } from '../../domain/conditions/environment.ts'
import { shown, startReading } from '../../domain/conditions/faults.ts'
import { parseTests } from '../../domain/conditions/operators.ts'
import { prepareTests } from '../../domain/conditions/tests.ts'
import { isRecord } from '../../domain/isRecord.ts'
import { faultText } from '../../domain/path.ts'
import { type Failure, fail } from '../../http/errors.ts'

/** In which zone days are days, and the present. */
export interface FilterSetting {
  readonly timeZone: string
  readonly now: number
}

export const TEXT: ValueShape = { type: 'string', array: false }

export const TIME: ValueShape = { type: 'datetime', array: false }

interface Asked {
  readonly name: string
  readonly shape: ValueShape
  readonly tests: readonly Test[]
  readonly path: string
}

interface Parsed {
  readonly any: boolean
  readonly asked: readonly Asked[]
}

interface Known {
  readonly shape: ValueShape
  /** All that the field can say, where that is known. */
  readonly values?: readonly string[] | undefined
}

/** A value that a field with known values is asked for and can never have. */
const strange = (tests: readonly Test[], values: readonly string[] | undefined): unknown =>
  values &&
  tests
    .flatMap((test): readonly unknown[] => (test.op === 'in' || test.op === 'not_in' ? test.values : []))
    .find((value) => !values.includes(String(value)))

/** Reads filters; a refusal names the path of every fault, and the fields that there are. */
const parseFilters = (
  filters: Readonly<Record<string, unknown>>,
  known: (name: string) => Known | undefined,
  names: readonly string[],
  timeZone: string,
): Parsed | Failure => {
  const faults: string[] = []
  const { junction: join, ...fields } = filters
  const junction = typeof join === 'string' ? join.toLowerCase() : join
  if (junction !== undefined && junction !== 'and' && junction !== 'or')
    faults.push(`Property .filters.junction must be 'and' or 'or' (is ${shown(join)})`)
  const asked: Asked[] = []
  for (const [name, given] of Object.entries(fields)) {
    const field = known(name)
    const path = `filters.${name}`
    if (!field) {
      faults.push(`Property .${path} is none that this list can be filtered by (${names.join(', ')})`)
      continue
    }
    const { shape, values } = field
    const reading = startReading()
    const conditions = isRecord(given) ? given.conditions : undefined
    const tests = parseTests(conditions, `${path}.conditions`, { shape, timeZone, reading, what: `field '${name}'` })
    const wrong = tests && strange(tests, values)
    if (wrong !== undefined)
      faults.push(
        `Property .${path}.conditions should ask for allowed values [ ${values?.join(', ')} ] (is ${shown(wrong)})`,
      )
    if (tests) {
      asked.push({ name, shape, tests, path })
      continue
    }
    const parsed = reading.finish(undefined)
    if (!parsed.ok) faults.push(...parsed.faults.map(faultText))
  }
  if (faults.length > 0) return fail('invalid_query_params', faults.join('; '))
  return { any: junction === 'or' && asked.length > 0, asked }
}

/** A field of what is in memory: of which type it is, how it is read, and all that it can say where that is known. */
export type Field<D> = readonly [shape: ValueShape, read: (entry: D) => unknown, values?: readonly string[]]

/** Whether an entry passes. */
type Predicate<D> = (entry: D) => boolean

export const predicateOf = <D>(
  filters: Readonly<Record<string, unknown>> | undefined,
  fields: ReadonlyMap<string, Field<D>>,
  { timeZone, now }: FilterSetting,
): Predicate<D> | Failure => {
  const known = (name: string): Known | undefined => {
    const field = fields.get(name)
    return field && { shape: field[0], values: field[2] }
  }
  const parsed = parseFilters(filters ?? {}, known, [...fields.keys()], timeZone)
  if ('failed' in parsed) return parsed
  const predicates = parsed.asked.map(({ name, shape, tests }): Predicate<D> => {
    const ask = prepareTests(tests, shape.type, timeZone)
    const [, read] = fields.get(name)!
    return (entry) => ask(read(entry), now).holds
  })
  return (entry) => (parsed.any ? predicates.some((holds) => holds(entry)) : predicates.every((holds) => holds(entry)))
}

/**
 * A field of documents: where it is kept (a text: in which form, so that it is asked for in the same), or, where what is shown follows
 * from the document, what is shown of which documents. The cases exclude each other.
 */
type DocumentField =
  | { readonly path: string; readonly shape?: ValueShape; readonly form?: (text: string) => string }
  | { readonly cases: readonly (readonly [where: Record<string, unknown>, shown: string | boolean | null])[] }

export type DocumentFields = Readonly<Record<string, DocumentField>>

type Condition = Record<string, unknown>

/** What no document fulfils. */
export const NOTHING: Condition = { _id: { $in: [] } }

const isOperand = /[\\^$.*+?()[\]{}|/-]/g

const escaped = (text: string): string => text.replace(isOperand, '\\$&')

const texts = (path: string, values: readonly string[], form: (text: string) => string): Condition[] =>
  values.map((value) => ({ [path]: { $regex: form(escaped(value)) } }))

/** Any of these; the store refuses to be asked for any or none of nothing. */
const either = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? NOTHING : conditions.length === 1 ? conditions[0]! : { $or: [...conditions] }

const neither = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? {} : { $nor: [...conditions] }

const EMPTY = [null, '']

/** Texts that have one of these in them; nothing is in every text that is not empty. */
const containing = (path: string, values: readonly string[]): Condition[] =>
  values.map((value) => ({ [path]: value === '' ? { $nin: EMPTY } : { $regex: escaped(value) } }))

const asItIs = (text: string): string => text

/** One test of a text that is kept in a form; undefined for what no query asks. */
const textCondition = (path: string, test: Test, form: (text: string) => string): Condition | undefined => {
  const values = 'values' in test ? test.values.map((value) => form(String(value))) : []
  switch (test.op) {
    case 'in':
      return { [path]: { $in: values } }
    case 'not_in':
      return { [path]: { $nin: values } }
    case 'contains':
      return either(containing(path, values))
    case 'not_contain':
      return neither(containing(path, values))
    case 'starts_with':
      return either(texts(path, values, (text) => `^${text}`))
    case 'ends_with':
      // A `$` also stands before a last line break.
      return either(texts(path, values, (text) => `${text}$(?!\\n)`))
    case 'has_value':
      return { [path]: { $nin: EMPTY } }
    case 'is_unknown':
      return { [path]: { $in: EMPTY } }
    default:
      return undefined
  }
}

const timeCondition = (path: string, test: Test, timeZone: string): Condition | undefined => {
  switch (test.op) {
    case 'after':
      return { [path]: { $gt: new Date(test.at) } }
    case 'after_equal':
      return { [path]: { $gte: new Date(test.at) } }
    case 'before':
      return { [path]: { $lt: new Date(test.at) } }
    case 'before_equal':
      return { [path]: { $lte: new Date(test.at) } }
    case 'has_value':
      return { [path]: { $ne: null } }
    case 'is_unknown':
      return { [path]: null }
    case 'in':
    case 'not_in': {
      const calendar = calendarOf(timeZone)
      const spans = test.values.flatMap((value) => {
        const at = calendar.parse(String(value))
        if (at === undefined) return []
        // A day stands for every instant on it.
        const { from, to } = String(value).length === 10 ? calendar.period('day', at) : { from: at, to: at + 1 }
        return [{ [path]: { $gte: new Date(from), $lt: new Date(to) } }]
      })
      return test.op === 'in' ? either(spans) : neither(spans)
    }
    default:
      return undefined
  }
}

/** Filters as a query; `{}` where nothing is asked. Operators of which no query can be made are refused by name. */
export const filterQuery = (
  filters: Readonly<Record<string, unknown>> | undefined,
  fields: DocumentFields,
  { timeZone, now }: FilterSetting,
): Condition | Failure => {
  if (filters === undefined) return {}
  const names = Object.keys(fields)
  const fieldOf = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  const known = (name: string): Known | undefined => {
    const field = fieldOf(name)
    if (field === undefined) return undefined
    return 'cases' in field
      ? { shape: TEXT, values: field.cases.flatMap(([, value]) => (value === null ? [] : [String(value)])) }
      : { shape: field.shape ?? TEXT }
  }
  const parsed = parseFilters(filters, known, names, timeZone)
  if ('failed' in parsed) return parsed
  const faults: string[] = []
  const conditions = parsed.asked.map(({ name, shape, tests, path }): Condition => {
    const field = fieldOf(name)!
    if ('cases' in field) {
      const ask = prepareTests(tests, shape.type, timeZone)
      const passing = field.cases.filter(([, value]) => ask(value, now).holds).map(([where]) => where)
      return passing.length === field.cases.length ? {} : either(passing)
    }
    const { path: kept, form = asItIs } = field
    const made = tests.map((test) =>
      shape.type === 'datetime' ? timeCondition(kept, test, timeZone) : textCondition(kept, test, form),
    )
    if (made.some((one) => one === undefined))
      faults.push(`Property .${path}.conditions has an operator that is not supported by this list`)
    return allOf(...made)
  })
  if (faults.length > 0) return fail('invalid_query_params', faults.join('; '))
  if (!parsed.any) return allOf(...conditions)
  // Of these one asks nothing: all pass.
  return conditions.some((one) => Object.keys(one).length === 0) ? {} : either(conditions)
}

/** A field must have this value; where none is named it is not asked for. */
export const equals = (field: string, value: unknown): Condition | undefined =>
  value === undefined ? undefined : { [field]: value }

/** Parts of a query that must all hold, without those that ask nothing. */
export const allOf = (...parts: readonly (Condition | undefined)[]): Condition => {
  const asking = parts.filter((part): part is Condition => part !== undefined && Object.keys(part).length > 0)
  return asking.length === 0 ? {} : asking.length === 1 ? asking[0]! : { $and: asking }
}
