// Projections: which fields of a document are shown, in find and in `$project`.
import { CommandError, notImplemented } from './errors.ts'
import { compileExpression, isOperatorName, startVariables } from './expressions/compile.ts'
import { type Expression, fail, type Scope } from './expressions/types.ts'
import { compileFilter, type Filter } from './filter.ts'
import { asLong } from './numbers.ts'
import { type Doc, isArray, isDoc, isNumber, type Maybe, type MutableDoc, type Value } from './values.ts'

/** What is asked for a field: shown, hidden, cut, or computed. */
type Rule =
  | { readonly kind: 'include' }
  | { readonly kind: 'exclude' }
  | { readonly kind: 'compute'; readonly value: Expression }
  | { readonly kind: 'slice'; readonly skip: number | undefined; readonly count: number }
  | { readonly kind: 'elemMatch'; readonly filter: (array: readonly Value[]) => Maybe }
  | { readonly kind: 'positional' }

interface Tree {
  readonly rules: Map<string, Rule | Tree>
}

const isTree = (node: Rule | Tree): node is Tree => 'rules' in node

const checkPath = (path: string): readonly string[] => {
  const parts = path.split('.')
  if (path === '' || parts.some((part) => part === ''))
    throw fail(40352, 'FieldPath cannot be constructed with empty string')
  if (parts.some((part) => part.startsWith('$') && !['$id', '$ref', '$db'].includes(part)))
    throw fail(16410, "FieldPath field names may not start with '$'")
  return parts
}

const put = (tree: Tree, parts: readonly string[], rule: Rule): void => {
  let at = tree
  for (const part of parts.slice(0, -1)) {
    const next = at.rules.get(part)
    if (next === undefined) {
      const made: Tree = { rules: new Map() }
      at.rules.set(part, made)
      at = made
    } else if (isTree(next)) at = next
    else throw fail(31249, `Path collision at ${parts.join('.')}`)
  }
  const last = parts.at(-1)!
  if (at.rules.has(last)) throw fail(31250, `Path collision at ${parts.join('.')}`)
  at.rules.set(last, rule)
}

const wholeOf = (value: Value | undefined, what: string): number => {
  const whole = isNumber(value) ? asLong(value) : undefined
  if (whole === undefined) throw fail(28667, `${what} must be a whole number`)
  return Number(whole)
}

const sliceRule = (operand: Value): Rule | undefined => {
  if (isNumber(operand)) return { kind: 'slice', skip: undefined, count: wholeOf(operand, '$slice') }
  if (!isArray(operand) || operand.length !== 2 || !operand.every(isNumber)) return undefined
  const count = wholeOf(operand[1], '$slice limit')
  if (count <= 0) throw fail(28724, '$slice limit must be positive')
  return { kind: 'slice', skip: wholeOf(operand[0], '$slice skip'), count }
}

const elemMatchRule = (operand: Value): Rule => {
  if (!isDoc(operand)) throw fail(31274, 'elemMatch: Invalid argument, object required')
  const matcher = compileFilter(new Map([['v', new Map([['$elemMatch', operand]])]]))
  return { kind: 'elemMatch', filter: (array) => array.find((value) => matcher.matches(new Map([['v', [value]]]))) }
}

const findRule = (value: Doc): Rule | undefined => {
  if (value.size !== 1) return undefined
  if (value.has('$slice')) return sliceRule(value.get('$slice')!)
  if (value.has('$elemMatch')) return elemMatchRule(value.get('$elemMatch')!)
  if (value.has('$meta')) throw notImplemented('the projection $meta')
  return undefined
}

const computed = (value: Value): Rule => {
  const name = isDoc(value) ? value.keys().next().value : undefined
  if (name?.startsWith('$') && !isOperatorName(name))
    throw fail(31325, `Invalid $project :: caused by :: Unknown expression ${name}`)
  return { kind: 'compute', value: compileExpression(value) }
}

const ruleOf = (value: Value, finding: boolean): Rule | Doc => {
  if (isNumber(value)) return { kind: Number(value.toString()) === 0 ? 'exclude' : 'include' }
  if (typeof value === 'boolean') return { kind: value ? 'include' : 'exclude' }
  if (isDoc(value)) {
    const special = finding ? findRule(value) : undefined
    if (special) return special
    const first = value.keys().next().value
    if (first === undefined) throw fail(51270, 'An empty sub-projection is not a valid value')
    if (!first.startsWith('$')) return value
  }
  return computed(value)
}

interface Parsed {
  readonly tree: Tree
  readonly kinds: Set<Rule['kind']>
  /** How `_id` is asked for, which does not decide between showing and hiding. */
  id: 'include' | 'exclude' | undefined
  positional: string | undefined
}

/** A projection either shows fields or hides them. */
const refuseMix = (kinds: ReadonlySet<Rule['kind']>, kind: Rule['kind'], path: string): void => {
  if (kind === 'exclude' && kinds.has('include'))
    throw fail(31254, `Cannot do exclusion on field ${path} in inclusion projection`)
  if (kind === 'include' && kinds.has('exclude'))
    throw fail(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
}

const parseFields = (spec: Doc, prefix: string, parsed: Parsed, finding: boolean): void => {
  for (const [name, value] of spec) {
    const path = prefix === '' ? name : `${prefix}.${name}`
    if (finding && path.endsWith('.$')) {
      const array = path.slice(0, -2)
      if (parsed.positional !== undefined)
        throw fail(31276, 'Cannot specify more than one positional projection per query.')
      parsed.positional = array
      refuseMix(parsed.kinds, 'include', array)
      parsed.kinds.add('include')
      put(parsed.tree, checkPath(array), { kind: 'positional' })
      continue
    }
    const parts = checkPath(path)
    const rule = ruleOf(value, finding)
    if (rule instanceof Map) {
      parseFields(rule as Doc, path, parsed, finding)
      continue
    }
    const own = rule as Rule
    if (path === '_id' && (own.kind === 'include' || own.kind === 'exclude')) {
      parsed.id = own.kind
      continue
    }
    refuseMix(parsed.kinds, own.kind, path)
    parsed.kinds.add(own.kind)
    put(parsed.tree, parts, own)
  }
}

const sliced = (value: Maybe, skip: number | undefined, count: number): Maybe => {
  if (!isArray(value)) return value
  if (skip === undefined) return count >= 0 ? value.slice(0, count) : value.slice(count)
  const start = skip < 0 ? Math.max(0, value.length + skip) : skip
  return value.slice(start, start + count)
}

interface Applied {
  readonly scope: Scope
  readonly including: boolean
  readonly position: number
}

/** A value without the fields of a tree, or with nothing but them; `undefined` when nothing is left of it. */
const applyToValue = (value: Maybe, tree: Tree, applied: Applied): Maybe => {
  if (isDoc(value)) return applyToDoc(value, tree, applied)
  if (isArray(value))
    return value.flatMap((element) => {
      if (!isDoc(element) && !isArray(element)) return applied.including ? [] : [element]
      const kept = applyToValue(element, tree, applied)
      return kept === undefined ? [] : [kept]
    })
  return applied.including ? undefined : value
}

const applyRule = (value: Maybe, rule: Rule, applied: Applied): Maybe => {
  switch (rule.kind) {
    case 'include':
      return value
    case 'exclude':
      return undefined
    case 'compute':
      return rule.value(applied.scope)
    case 'slice':
      return sliced(value, rule.skip, rule.count)
    case 'elemMatch': {
      const found = isArray(value) ? rule.filter(value) : undefined
      return found === undefined ? undefined : [found]
    }
    case 'positional':
      return isArray(value) && applied.position >= 0 ? value.slice(applied.position, applied.position + 1) : value
  }
}

const hasComputed = (tree: Tree): boolean =>
  [...tree.rules.values()].some((node) => (isTree(node) ? hasComputed(node) : node.kind === 'compute'))

const applyToDoc = (doc: Doc, tree: Tree, applied: Applied): Doc => {
  const out: MutableDoc = new Map()
  for (const [name, value] of doc) {
    const node = tree.rules.get(name)
    if (node === undefined) {
      if (!applied.including) out.set(name, value)
      continue
    }
    if (!isTree(node) && (node.kind === 'compute' || node.kind === 'elemMatch')) {
      if (node.kind === 'elemMatch') continue
      if (!applied.including) continue
      continue
    }
    const shown = isTree(node) ? applyToValue(value, node, applied) : applyRule(value, node, applied)
    if (shown !== undefined) out.set(name, shown)
  }
  for (const [name, node] of tree.rules) {
    if (isTree(node)) {
      if (!hasComputed(node) || isDoc(doc.get(name)) || isArray(doc.get(name))) continue
      const made = applyToDoc(new Map(), node, applied)
      out.set(name, made)
    } else if (node.kind === 'compute' || node.kind === 'elemMatch') {
      const value = applyRule(doc.get(name), node, applied)
      if (value !== undefined) out.set(name, value)
    }
  }
  return out
}

export type Projection = (doc: Doc, variables?: ReadonlyMap<string, Maybe>) => Doc

const parse = (spec: Doc, { finding }: { readonly finding: boolean }): Parsed & { readonly including: boolean } => {
  const parsed: Parsed = { tree: { rules: new Map() }, kinds: new Set(), id: undefined, positional: undefined }
  parseFields(spec, '', parsed, finding)
  const { kinds } = parsed
  const shows = kinds.has('include') || kinds.has('compute') || kinds.has('elemMatch')
  if (kinds.has('compute') && kinds.has('exclude'))
    throw fail(31252, 'Cannot use an expression in an exclusion projection')
  const including = kinds.has('exclude') ? false : shows || (parsed.id === 'include' && !kinds.has('slice'))
  return { ...parsed, including }
}

const withId = (doc: Doc, shown: Doc, parsed: { readonly id: Parsed['id'] }, including: boolean): Doc => {
  const id = doc.get('_id')
  if (including && parsed.id !== 'exclude' && id !== undefined && !shown.has('_id'))
    return new Map([['_id', id], ...shown])
  if (!including && parsed.id === 'exclude') {
    const out = new Map(shown)
    out.delete('_id')
    return out
  }
  return shown
}

/** Compiles the projection of a find; `filter` tells the positional `$` where it matched. */
export const compileProjection = (spec: Doc, filter: Filter, given?: ReadonlyMap<string, Maybe>): Projection => {
  const parsed = parse(spec, { finding: true })
  const { tree, including, positional } = parsed
  if (positional !== undefined) {
    const own = positional
    const asked =
      filter.paths &&
      [...filter.paths].some((path) => path === own || path.startsWith(`${own}.`) || own.startsWith(`${path}.`))
    if (!asked)
      throw fail(51246, `Executor error during find command: positional operator '.$' needs a condition on '${own}'`)
  }
  const variables = startVariables(given)
  return (doc) => {
    const found = { position: -1 }
    if (positional !== undefined) filter.matches(doc, found)
    const applied = { scope: { root: doc, variables }, including, position: found.position }
    return withId(doc, applyToDoc(doc, tree, applied), parsed, including)
  }
}

/** Compiles `$project`. */
export const compileProjectStage = (spec: Doc): Projection => {
  if (spec.size === 0)
    throw new CommandError(
      51272,
      'Invalid $project :: caused by :: projection specification must have at least one field',
    )
  const parsed = parse(spec, { finding: false })
  const { tree, including } = parsed
  return (doc, variables = startVariables()) =>
    withId(doc, applyToDoc(doc, tree, { scope: { root: doc, variables }, including, position: -1 }), parsed, including)
}

/** Compiles `$addFields` and `$set`: every field is computed and put in its place. */
export const compileAddFields = (spec: Doc): Projection => {
  const fields = addedFields(spec, [])
  for (const [i, { path }] of fields.entries())
    for (const other of fields.slice(i + 1))
      if (path.every((part, n) => other.path[n] === part) || other.path.every((part, n) => path[n] === part))
        throw fail(40176, 'specification contains two conflicting paths')
  return (doc, variables = startVariables()) => {
    let out: Doc = doc
    for (const { path, value } of fields) out = setPath(out, path, value({ root: doc, variables })) as Doc
    return out
  }
}

interface Added {
  readonly path: readonly string[]
  readonly value: Expression
}

const addedFields = (spec: Doc, prefix: readonly string[]): Added[] =>
  [...spec].flatMap(([name, value]) => {
    const path = [...prefix, ...checkPath(name)]
    const first = isDoc(value) ? value.keys().next().value : undefined
    if (isDoc(value) && first !== undefined && !first.startsWith('$')) return addedFields(value, path)
    return [{ path, value: compileExpression(value) }]
  })

/** A document with a value set at a path; arrays on the way have it set in each element, others give way. */
export const setPath = (holder: Maybe, path: readonly string[], value: Maybe): Value => {
  const [part, ...rest] = path
  if (part === undefined) return value ?? null
  if (isArray(holder)) return holder.map((element) => setPath(element, path, value))
  const out: MutableDoc = new Map(isDoc(holder) ? holder : [])
  if (rest.length > 0) {
    if (value !== undefined || isDoc(out.get(part)) || isArray(out.get(part)))
      out.set(part, setPath(out.get(part), rest, value))
  } else if (value === undefined) out.delete(part)
  else out.set(part, value)
  return out
}

/** The paths that `$unset` names, one or several. */
export const unsetPaths = (spec: Value): readonly (readonly string[])[] => {
  const names = isArray(spec) ? spec : [spec]
  if (names.length === 0 || !names.every((n) => typeof n === 'string' && n !== '' && !n.startsWith('$')))
    throw fail(31002, '$unset specification must be a string or an array of field names')
  return names.map((name) => checkPath(String(name)))
}

/** A document without what a path names; through arrays, in each element. */
export const removePath = (holder: Value, path: readonly string[]): Value => {
  if (isArray(holder)) return holder.map((element) => removePath(element, path))
  if (!isDoc(holder)) return holder
  const [part, ...rest] = path
  const own = holder.get(part!)
  if (own === undefined) return holder
  const out: MutableDoc = new Map(holder)
  if (rest.length === 0) out.delete(part!)
  else out.set(part!, removePath(own, rest))
  return out
}
