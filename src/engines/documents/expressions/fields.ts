// Expressions on fields by their names, which are taken as they are, with dots and `$`.
import { isArray, isDoc, type Maybe } from '../values.ts'
import { type Expression, fail, isNothing, type OperatorCompiler, type Operators, type Scope } from './types.ts'

/** The name that is given as a constant; `codes` are those of a field's path, of another expression, and of no text. */
const constantName = (operator: string, given: Maybe, codes: readonly [number, number, number]): string => {
  const literal = isDoc(given) && given.size === 1 ? given.get('$literal') : undefined
  const name = literal ?? given
  if (literal === undefined && typeof name === 'string' && name.startsWith('$'))
    throw fail(
      codes[0],
      `${operator} requires 'field' to be a constant, but got a path. Did you mean {$literal: '${name}'}?`,
    )
  if (literal === undefined && (isDoc(name) || isArray(name)))
    throw fail(codes[1], `${operator} requires 'field' to evaluate to a constant`)
  if (typeof name !== 'string') throw fail(codes[2], `${operator} requires 'field' to evaluate to type String`)
  return name
}

const getField: OperatorCompiler = (operand, compile) => {
  const whole = isDoc(operand) && operand.has('field')
  const name = constantName('$getField', whole ? operand.get('field') : operand, [5654600, 5654601, 5654602])
  if (whole && operand.size > (operand.has('input') ? 2 : 1)) throw fail(3041701, '$getField found an unknown argument')
  const input = whole && operand.has('input') ? compile(operand.get('input')!) : (scope: Scope) => scope.root
  return (scope) => {
    const doc = input(scope)
    return isDoc(doc) ? doc.get(name) : isNothing(doc) ? doc : undefined
  }
}

/** The arguments of `$setField`, with the code of each when it is left out. */
const MISSING = [
  ['field', 4161102],
  ['value', 4161103],
  ['input', 4161109],
] as const

/** `$setField`, and `$unsetField` as one that sets nothing: names are taken as they are, with dots and `$`. */
const setField =
  (operator: string, { valued }: { readonly valued: boolean }): OperatorCompiler =>
  (operand, compile) => {
    const known = new Map<string, number>(MISSING.filter(([name]) => valued || name !== 'value'))
    if (!isDoc(operand)) throw fail(4161100, `${operator} only supports an object as its argument`)
    for (const name of operand.keys())
      if (!known.has(name)) throw fail(4161101, `${operator} found an unknown argument: ${name}`)
    for (const [name, code] of known)
      if (!operand.has(name)) throw fail(code, `${operator} requires '${name}' to be specified`)
    const field = constantName(operator, operand.get('field'), [4161108, 4161106, 4161107])
    const input = compile(operand.get('input')!)
    const value: Expression = valued ? compile(operand.get('value')!) : () => undefined
    return (scope) => {
      const doc = input(scope)
      if (isNothing(doc)) return null
      if (!isDoc(doc)) throw fail(4161105, `${operator} requires 'input' to evaluate to type Object`)
      const out = new Map(doc)
      const made = value(scope)
      if (made === undefined) out.delete(field)
      else out.set(field, made)
      return out
    }
  }

export const FIELDS: Operators = {
  $getField: getField,
  $setField: setField('$setField', { valued: true }),
  $unsetField: setField('$unsetField', { valued: false }),
}
