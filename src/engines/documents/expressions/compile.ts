// Expressions of aggregation: field paths, variables, literals and operators, compiled into functions of a document.
import { CommandError, notImplemented } from '../errors.ts'
import { type Doc, isArray, isDoc, type Maybe, type Value } from '../values.ts'
import { ARITHMETIC } from './arithmetic.ts'
import { ARRAYS } from './arrays.ts'
import { CONVERSION } from './conversion.ts'
import { DATES } from './dates.ts'
import { FIELDS } from './fields.ts'
import { LOGIC } from './logic.ts'
import { STRINGS } from './strings.ts'
import { type Expression, fail, type Operators, type Scope } from './types.ts'

/** The operators that are served, by name. */
export const OPERATORS: Operators = {
  ...ARITHMETIC,
  ...LOGIC,
  ...ARRAYS,
  ...FIELDS,
  ...STRINGS,
  ...DATES,
  ...CONVERSION,
}

/** Operators of the real server that are left out: refused, not unknown. */
const LEFT_OUT = new Set(
  `$accumulator $acos $acosh $asin $asinh $atan $atan2 $atanh $binarySize $bitAnd $bitNot $bitOr $bitXor $bsonSize $cos
   $cosh $dateDiff $dateTrunc $degreesToRadians $firstN $function $indexStats $lastN $log $maxN $meta $minN
   $radiansToDegrees $sampleRate $sin $sinh $tan $tanh $toHashedIndexKey $toUUID $tsIncrement $tsSecond
   $median $percentile $encStrContains`.split(/\s+/),
)

export const isOperatorName = (name: string): boolean => name in OPERATORS || LEFT_OUT.has(name)

/** Follows a path from a value; through an array, to the list of what its documents hold. */
export const follow = (value: Maybe, path: readonly string[], at = 0): Maybe => {
  if (at === path.length) return value
  if (isDoc(value)) return follow(value.get(path[at]!), path, at + 1)
  if (!isArray(value)) return undefined
  return value.flatMap((element) => {
    if (!isDoc(element) && !isArray(element)) return []
    const found = follow(element, path, at)
    return found === undefined ? [] : [found]
  })
}

const checkedPath = (text: string): readonly string[] => {
  const path = text.split('.')
  if (path.some((part) => part === '')) throw fail(15998, 'FieldPath field names may not be empty strings.')
  if (path.some((part) => part.startsWith('$'))) throw fail(16410, "FieldPath field names may not start with '$'.")
  return path
}

const SYSTEM: Readonly<Record<string, (scope: Scope) => Maybe>> = {
  ROOT: (scope) => scope.root,
  CURRENT: (scope) => scope.root,
  REMOVE: () => undefined,
}

const variable = (text: string): Expression => {
  const [name = '', ...path] = text.split('.')
  if (path.length > 0) checkedPath(path.join('.'))
  const system = SYSTEM[name]
  if (system) return (scope) => follow(system(scope), path)
  if (name === '') throw fail(16872, 'empty variable names are not allowed')
  return (scope) => {
    if (!scope.variables.has(name)) throw fail(17276, `Use of undefined variable: ${name}`)
    return follow(scope.variables.get(name), path)
  }
}

const compileDoc = (doc: Doc): Expression => {
  const first = doc.keys().next().value
  if (first?.startsWith('$')) {
    if (doc.size !== 1) throw fail(15983, 'an object representing an expression must have exactly one field')
    const operator = OPERATORS[first]
    if (operator) return operator(doc.get(first)!, compileExpression)
    if (LEFT_OUT.has(first)) throw notImplemented(`the expression ${first}`)
    throw new CommandError(168, `Unrecognized expression '${first}'`)
  }
  const fields = [...doc].map(([name, value]) => {
    if (name.startsWith('$')) throw fail(16410, "FieldPath field names may not start with '$'.")
    if (name.includes('.')) throw fail(16405, 'dotted field names are only allowed at the top level')
    return [name, compileExpression(value)] as const
  })
  return (scope) => {
    const out = new Map<string, Value>()
    for (const [name, expression] of fields) {
      const value = expression(scope)
      if (value !== undefined) out.set(name, value)
    }
    return out
  }
}

/** Compiles an expression; one that is unknown or malformed is refused with the server's own code. */
export const compileExpression = (expression: Value): Expression => {
  if (typeof expression === 'string') {
    if (expression.startsWith('$$')) return variable(expression.slice(2))
    if (!expression.startsWith('$')) return () => expression
    if (expression === '$') throw fail(16872, "'$' by itself is not a valid FieldPath")
    const path = checkedPath(expression.slice(1))
    return path.length === 1 ? ownField(path[0]!) : (scope) => follow(scope.root, path)
  }
  if (isArray(expression)) {
    const list = expression.map(compileExpression)
    return (scope) => list.map((item) => item(scope) ?? null)
  }
  return isDoc(expression) ? compileDoc(expression) : () => expression
}

const ownField =
  (name: string): Expression =>
  ({ root }) =>
    isDoc(root) ? root.get(name) : undefined

/** The variables every pipeline has, and those given by the command. */
export const startVariables = (given: ReadonlyMap<string, Maybe> = new Map()): ReadonlyMap<string, Maybe> =>
  new Map<string, Maybe>([['NOW', new Date()], ...given])
