// Query filters: compiled once into a test of documents, with what the planner may know about them.
import { badValue, notImplemented } from './errors.ts'
import { bitTest } from './filter-bits.ts'
import {
  type Comparison,
  comparisonTest,
  inTest,
  isOperators,
  modTest,
  regexTest,
  type Test,
  truthy,
  typeTest,
  wholeNumber,
} from './filter-tests.ts'
import { type Path, parsePath, visitPath } from './paths.ts'
import { BSONRegExp, type Doc, isArray, isDoc, type Maybe, type Value } from './values.ts'

/** Where in an array a filter found its match, for the positional `$`. */
export interface Found {
  position: number
}

type Match = (doc: Doc, found?: Found) => boolean

/** A condition that every match fulfils, usable for bounds of an index. */
export type Condition =
  | { readonly path: string; readonly op: Comparison; readonly value: Value }
  | { readonly path: string; readonly op: 'in'; readonly values: readonly Value[] }
  | { readonly path: string; readonly op: 'exists' }

export interface Filter {
  matches: Match
  /** The paths it looks at; `undefined` when it may look at anything. */
  readonly paths: ReadonlySet<string> | undefined
  readonly conditions: readonly Condition[]
  /** The conditions are all there is: what fulfils them matches. */
  readonly complete: boolean
  /** Alternatives of a top-level `$or`: every match fulfils one of each list. */
  readonly alternatives: readonly (readonly Filter[])[]
}

/** How an expression inside `$expr` is compiled; given from outside so that filters do not depend on expressions. */
export type CompileExpression = (expression: Value) => (doc: Doc) => boolean

interface Context {
  readonly paths: Set<string>
  everything: boolean
  complete: boolean
  readonly conditions: Condition[]
  readonly alternatives: (readonly Filter[])[]
  readonly expression: CompileExpression | undefined
}

/** Whether the elements of an array are tested as well, before the array itself, or the value alone. */
type Reach = 'elements' | 'value'

/** Tests what a path leads to. */
const fieldMatch =
  (path: Path, test: Test, reach: Reach): Match =>
  (doc, found) =>
    visitPath(doc, path, (value, position, whole) => {
      if (reach === 'elements' && !whole && isArray(value)) {
        const at = value.findIndex((element) => test(element))
        if (at >= 0) {
          if (found) found.position = position < 0 ? at : position
          return true
        }
      }
      if (!test(value)) return false
      if (found && position >= 0) found.position = position
      return true
    })

const listOf = (operand: Value, operator: string): readonly Value[] => {
  if (!isArray(operand)) throw badValue(`${operator} needs an array`)
  return operand
}

/** An array as a document of its positions, which is how `$elemMatch` sees an array inside an array. */
const asDoc = (value: Maybe): Doc | undefined =>
  isDoc(value) ? value : isArray(value) ? new Map(value.map((v, i) => [String(i), v])) : undefined

const LOGICAL = new Set(['$and', '$or', '$nor', '$expr', '$where', '$comment', '$text', '$jsonSchema'])

const elemMatchTest = (operand: Value, context: Context): Test => {
  if (!isDoc(operand)) throw badValue('$elemMatch needs an Object')
  const first = operand.keys().next().value
  if (first?.startsWith('$') && !LOGICAL.has(first)) {
    const test = operatorsTest(operand, context)
    return (value) => isArray(value) && value.some(test)
  }
  const filter = compileFilter(operand, context.expression)
  return (value) =>
    isArray(value) &&
    value.some((element) => {
      const doc = asDoc(element)
      return doc !== undefined && filter.matches(doc)
    })
}

/** All of the operators as a test of one value by itself, as inside `$elemMatch` and `$pull`. */
export const operatorsTest = (operators: Doc, context: Pick<Context, 'expression'>): Test => {
  const inner: Context = { ...newContext(context.expression) }
  const match = operatorsMatch('v', operators, inner, 'value')
  return (value) => match(value === undefined ? new Map() : new Map([['v', value]]))
}

const operatorsMatch = (path: string, operators: Doc, context: Context, reach: Reach = 'elements'): Match => {
  const matches: Match[] = []
  for (const [operator, operand] of operators) {
    const match = operatorMatch(path, operator, operand, operators, context, reach)
    if (match) matches.push(match)
  }
  return allOf(matches)
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  $eq: 'eq',
  $gt: 'gt',
  $gte: 'gte',
  $lt: 'lt',
  $lte: 'lte',
}

const elemMatchMatch = (parts: Path, operand: Value, context: Context): Match => {
  const test = elemMatchTest(operand, context)
  const one: Match = fieldMatch(parts, test, 'value')
  return (doc, found) => {
    if (!one(doc)) return false
    if (found)
      visitPath(doc, parts, (value, position) => {
        if (!isArray(value)) return false
        const at = value.findIndex((element) => test([element]))
        if (at >= 0) found.position = position < 0 ? at : position
        return at >= 0
      })
    return true
  }
}

const operatorMatch = (
  path: string,
  operator: string,
  operand: Value,
  all: Doc,
  context: Context,
  reach: Reach,
): Match | undefined => {
  const parts = parsePath(path)
  const field = (test: Test): Match => fieldMatch(parts, test, reach)
  const not =
    (match: Match): Match =>
    (doc) =>
      !match(doc)
  const comparison = COMPARISONS[operator]
  if (comparison) {
    if (comparison !== 'eq' && operand instanceof BSONRegExp) throw badValue(`Can't have RegEx as arg to ${operator}`)
    context.conditions.push({ path, op: comparison, value: operand })
    return field(comparisonTest(comparison, operand))
  }
  if (operator !== '$in' && !(operator === '$exists' && truthy(operand))) context.complete = false
  switch (operator) {
    case '$ne':
      if (operand instanceof BSONRegExp) throw badValue("Can't have regex as arg to $ne.")
      return not(field(comparisonTest('eq', operand)))
    case '$in': {
      const values = listOf(operand, '$in')
      context.conditions.push({ path, op: 'in', values })
      return field(inTest(values))
    }
    case '$nin':
      return not(field(inTest(listOf(operand, '$nin'))))
    case '$exists':
      if (!truthy(operand)) return not(fieldMatch(parts, (value) => value !== undefined, 'value'))
      context.conditions.push({ path, op: 'exists' })
      return fieldMatch(parts, (value) => value !== undefined, 'value')
    case '$type':
      return field(typeTest(operand))
    case '$size': {
      const size = wholeNumber(operand, '$size')
      if (size < 0n) throw badValue('$size may not be negative')
      return fieldMatch(parts, (value) => isArray(value) && BigInt(value.length) === size, 'value')
    }
    case '$mod':
      return field(modTest(operand))
    case '$not': {
      if (operand instanceof BSONRegExp) return not(field(regexTest(operand)))
      if (!isDoc(operand) || operand.size === 0) throw badValue('$not needs a regex or a document')
      return not(operatorsMatch(path, operand, { ...context, conditions: [], alternatives: [] }, reach))
    }
    case '$regex': {
      const options = all.get('$options')
      const own = operand instanceof BSONRegExp ? operand : undefined
      if (typeof operand !== 'string' && !own) throw badValue('$regex has to be a string')
      if (options !== undefined && typeof options !== 'string') throw badValue('$options has to be a string')
      return field(regexTest(new BSONRegExp(own ? own.pattern : String(operand), options ?? own?.options ?? '')))
    }
    case '$options':
      if (!all.has('$regex')) throw badValue('$options needs a $regex')
      return undefined
    case '$elemMatch':
      return elemMatchMatch(parts, operand, context)
    case '$all': {
      const values = listOf(operand, '$all')
      if (values.length === 0) return () => false
      return allOf(values.map((value) => allElement(path, value, context, reach)))
    }
    case '$bitsAllSet':
    case '$bitsAllClear':
    case '$bitsAnySet':
    case '$bitsAnyClear':
      return field(bitTest(operator, operand))
    case '$comment':
      return undefined
    case '$geoWithin':
    case '$geoIntersects':
    case '$near':
    case '$nearSphere':
    case '$within':
      throw notImplemented(operator)
    default:
      throw badValue(`unknown operator: ${operator}`)
  }
}

const allElement = (path: string, value: Value, context: Context, reach: Reach): Match => {
  if (isDoc(value) && value.has('$elemMatch')) return elemMatchMatch(parsePath(path), value.get('$elemMatch')!, context)
  if (isOperators(value)) throw badValue('no $ expressions in $all')
  return literalMatch(path, value, context, reach)
}

const literalMatch = (path: string, value: Value, context: Context, reach: Reach = 'elements'): Match => {
  if (value instanceof BSONRegExp) {
    context.complete = false
    return fieldMatch(parsePath(path), regexTest(value), reach)
  }
  context.conditions.push({ path, op: 'eq', value })
  return fieldMatch(parsePath(path), comparisonTest('eq', value), reach)
}

const allOf = (matches: readonly Match[]): Match => {
  if (matches.length === 1) return matches[0]!
  return (doc, found) => {
    for (const match of matches) if (!match(doc, found)) return false
    return true
  }
}

const clauses = (operator: string, operand: Value): readonly Doc[] => {
  if (!isArray(operand) || operand.length === 0) throw badValue(`${operator} must be a nonempty array`)
  for (const clause of operand) if (!isDoc(clause)) throw badValue(`${operator} entries need to be full objects`)
  return operand as readonly Doc[]
}

const joinedMatch = (operator: string, operand: Value, context: Context): Match => {
  if (operator === '$and') return allOf(clauses(operator, operand).map((clause) => docMatch(clause, context)))
  context.complete = false
  const filters = clauses(operator, operand).map((clause) => compileFilter(clause, context.expression))
  for (const filter of filters) {
    if (filter.paths === undefined) context.everything = true
    for (const path of filter.paths ?? []) context.paths.add(path)
  }
  if (operator === '$nor') return (doc) => !filters.some((filter) => filter.matches(doc))
  if (filters.length === 1) {
    context.conditions.push(...filters[0]!.conditions)
    context.alternatives.push(...filters[0]!.alternatives)
  } else context.alternatives.push(filters)
  return (doc, found) => filters.some((filter) => filter.matches(doc, found))
}

const docMatch = (filter: Doc, context: Context): Match => {
  const matches: Match[] = []
  for (const [name, value] of filter) {
    if (name === '$and' || name === '$or' || name === '$nor') matches.push(joinedMatch(name, value, context))
    else if (name === '$expr') {
      context.complete = false
      if (!context.expression) throw notImplemented('$expr here')
      context.everything = true
      const holds = context.expression(value)
      matches.push((doc) => holds(doc))
    } else if (name === '$where' || name === '$text' || name === '$jsonSchema') throw notImplemented(name)
    else if (name === '$comment') continue
    else if (name === '$alwaysTrue') matches.push(() => true)
    else if (name === '$alwaysFalse') {
      context.complete = false
      matches.push(() => false)
    } else if (name.startsWith('$')) throw badValue(`unknown top level operator: ${name}`)
    else {
      context.paths.add(name)
      matches.push(isOperators(value) ? operatorsMatch(name, value, context) : literalMatch(name, value, context))
    }
  }
  return allOf(matches)
}

const newContext = (expression: CompileExpression | undefined): Context => ({
  paths: new Set(),
  everything: false,
  complete: true,
  conditions: [],
  alternatives: [],
  expression,
})

/** Compiles a filter; what is malformed or unknown is refused with the server's own code. */
export const compileFilter = (filter: Doc, expression?: CompileExpression): Filter => {
  const context = newContext(expression)
  const matches = docMatch(filter, context)
  return {
    matches,
    paths: context.everything ? undefined : context.paths,
    conditions: context.conditions,
    complete: context.complete,
    alternatives: context.alternatives,
  }
}
