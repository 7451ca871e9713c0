// Expressions on arrays, sets and whole documents.
import { compareValues } from '../compare.ts'
import { keyOf } from '../keys.ts'
import { asLong } from '../numbers.ts'
import { parseSort, sortKey } from '../sort.ts'
import { type Doc, isArray, isDoc, isNumber, type Maybe, type Value } from '../values.ts'
import {
  binary,
  type Compile,
  type Expression,
  fail,
  isNothing,
  type OperatorCompiler,
  type Operators,
  operands,
  type Scope,
  truthy,
  unary,
  variadic,
} from './types.ts'

/** Most elements of an array that an expression makes: in a document it would take more than 16 MB. */
const MAX_ELEMENTS = 1_000_000

const whole = (value: Maybe, code: number, what: string): number => {
  const number = isNumber(value) ? asLong(value) : undefined
  if (number === undefined) throw fail(code, `${what} must be a whole number`)
  return Number(number)
}

const elementAt = (array: Maybe, position: Maybe): Maybe => {
  if (isNothing(array) || isNothing(position)) return null
  if (!isArray(array)) throw fail(28689, "$arrayElemAt's first argument must be an array")
  const at = whole(position, 28691, "$arrayElemAt's second argument")
  return array[at < 0 ? array.length + at : at]
}

const ending = (name: string, at: (array: readonly Value[]) => Maybe): OperatorCompiler =>
  unary(name, (array) => {
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(28689, `${name}'s argument must be an array`)
    return at(array)
  })

const slice: OperatorCompiler = (operand, compile) => {
  const [input, ...counts] = operands('$slice', operand, compile, 2, 3)
  return (scope) => {
    const array = input!(scope)
    const [first, second] = counts.map((c) => c(scope))
    if (isNothing(array) || isNothing(first) || (counts.length === 2 && isNothing(second))) return null
    if (!isArray(array)) throw fail(28724, 'First argument to $slice must be an array')
    const n = whole(first, 28725, 'Second argument to $slice')
    if (counts.length === 1) return n >= 0 ? array.slice(0, n) : array.slice(n)
    const length = whole(second, 28727, 'Third argument to $slice')
    if (length <= 0) throw fail(28729, 'Third argument to $slice must be positive')
    const start = n < 0 ? Math.max(0, array.length + n) : n
    return array.slice(start, start + length)
  }
}

/** The input and body of `$map`, `$filter` and `$reduce`. */
const field = (name: string, operand: Value, key: string, compile: Compile, code: number): Expression => {
  const value = isDoc(operand) ? operand.get(key) : undefined
  if (value === undefined) throw fail(code, `Missing '${key}' parameter to ${name}`)
  return compile(value)
}

const variableName = (operand: Value): string => {
  const name = isDoc(operand) ? operand.get('as') : undefined
  return name === undefined ? 'this' : String(name)
}

const withVariable = (scope: Scope, name: string, value: Maybe): Scope => ({
  ...scope,
  variables: new Map([...scope.variables, [name, value]]),
})

const map: OperatorCompiler = (operand, compile) => {
  const input = field('$map', operand, 'input', compile, 16880)
  const body = field('$map', operand, 'in', compile, 16882)
  const name = variableName(operand)
  return (scope) => {
    const array = input(scope)
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(16883, 'input to $map must be an array')
    return array.map((element) => body(withVariable(scope, name, element)) ?? null)
  }
}

const filter: OperatorCompiler = (operand, compile) => {
  const input = field('$filter', operand, 'input', compile, 28648)
  const test = field('$filter', operand, 'cond', compile, 28650)
  const most = isDoc(operand) && operand.has('limit') ? field('$filter', operand, 'limit', compile, 28651) : undefined
  const name = variableName(operand)
  return (scope) => {
    const array = input(scope)
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(28651, 'input to $filter must be an array')
    const kept = array.filter((element) => truthy(test(withVariable(scope, name, element))))
    const limit = most?.(scope)
    return isNothing(limit) ? kept : kept.slice(0, whole(limit, 327392, '$filter limit'))
  }
}

const reduce: OperatorCompiler = (operand, compile) => {
  const input = field('$reduce', operand, 'input', compile, 40077)
  const initial = field('$reduce', operand, 'initialValue', compile, 40078)
  const body = field('$reduce', operand, 'in', compile, 40079)
  return (scope) => {
    const array = input(scope)
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(40080, '$reduce requires that its input be an array')
    return array.reduce<Maybe>(
      (value, element) => body(withVariable(withVariable(scope, 'value', value), 'this', element)),
      initial(scope),
    )
  }
}

const sets = (
  name: string,
  combine: (arrays: readonly (readonly Value[])[]) => Maybe,
  code: number,
): OperatorCompiler =>
  variadic((values) => {
    if (values.some(isNothing)) return null
    if (!values.every(isArray)) throw fail(code, `All operands of ${name} must be arrays`)
    return combine(values as readonly (readonly Value[])[])
  })

const distinctSorted = (values: readonly Value[]): Value[] =>
  [...new Map([...values].reverse().map((value) => [keyOf(value), value])).values()].sort(compareValues)

const keySet = (values: readonly Value[]): ReadonlySet<string> => new Set(values.map(keyOf))

const concat = (values: readonly Maybe[]): Maybe => {
  if (values.some(isNothing)) return null
  if (!values.every(isArray)) throw fail(28664, '$concatArrays only supports arrays')
  const arrays = values as readonly (readonly Value[])[]
  if (arrays.reduce((sum, array) => sum + array.length, 0) > MAX_ELEMENTS)
    throw fail(146, '$concatArrays would use too much memory')
  return arrays.flat(1) as Value[]
}

const range: OperatorCompiler = (operand, compile) => {
  const parts = operands('$range', operand, compile, 2, 3)
  return (scope) => {
    const [start, end, step = 1] = parts.map((p, i) => whole(p(scope), 34443 + i, '$range arguments'))
    if (step === 0) throw fail(34449, '$range requires a non-zero step value')
    const out: Value[] = []
    for (let i = start!; step > 0 ? i < end! : i > end!; i += step) {
      out.push(i)
      if (out.length > MAX_ELEMENTS) throw fail(146, '$range would use too much memory')
    }
    return out
  }
}

const zip: OperatorCompiler = (operand, compile) => {
  if (!isDoc(operand)) throw fail(34460, '$zip only supports an object as an argument')
  const inputs = operand.get('inputs')
  if (!isArray(inputs) || inputs.length === 0) throw fail(34461, 'inputs must be an array of expressions')
  const list = inputs.map(compile)
  const longest = operand.get('useLongestLength') === true
  const defaults = operand.has('defaults') ? compile(operand.get('defaults')!) : undefined
  if (defaults && !longest) throw fail(34466, 'cannot specify defaults unless useLongestLength is true')
  return (scope) => {
    const arrays = list.map((e) => e(scope))
    if (arrays.some(isNothing)) return null
    if (!arrays.every(isArray)) throw fail(34468, '$zip found a non-array expression in input')
    const rows = arrays as readonly (readonly Value[])[]
    const fill = defaults?.(scope)
    const length = (longest ? Math.max : Math.min)(...rows.map((r) => r.length))
    return Array.from({ length }, (_, i) => rows.map((r, j) => r[i] ?? (isArray(fill) ? fill[j] : null) ?? null))
  }
}

const pairOf = (item: Value): readonly [string, Value] => {
  if (isDoc(item)) {
    const [k, v] = [item.get('k'), item.get('v')]
    if (typeof k !== 'string' || v === undefined || item.size !== 2)
      throw fail(40392, '$arrayToObject requires keys k and v')
    return [k, v]
  }
  if (!isArray(item) || item.length !== 2) throw fail(40397, '$arrayToObject requires an array of size 2 arrays')
  if (typeof item[0] !== 'string') throw fail(40395, '$arrayToObject requires a string as key')
  return [item[0], item[1]!]
}

const merge = (values: readonly Maybe[]): Maybe => {
  const out = new Map<string, Value>()
  const list = values.length === 1 && isArray(values[0]) ? values[0] : values
  for (const value of list) {
    if (isNothing(value)) continue
    if (!isDoc(value)) throw fail(40400, '$mergeObjects requires object inputs')
    for (const [name, item] of value) out.set(name, item)
  }
  return out
}

export const mergeInto = (into: Map<string, Value>, value: Maybe): void => {
  const merged = merge([value]) as Doc
  for (const [name, item] of merged) into.set(name, item)
}

const indexOf: OperatorCompiler = (operand, compile) => {
  const [input, wanted, from, to] = operands('$indexOfArray', operand, compile, 2, 4)
  return (scope) => {
    const array = input!(scope)
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(40090, '$indexOfArray requires an array as a first argument')
    const value = wanted!(scope)
    const start = from ? whole(from(scope), 40096, '$indexOfArray start') : 0
    const end = to ? whole(to(scope), 40096, '$indexOfArray end') : array.length
    for (let i = start; i < Math.min(end, array.length); i += 1)
      if (value !== undefined && compareValues(array[i]!, value) === 0) return i
    return -1
  }
}

const sortArray: OperatorCompiler = (operand, compile) => {
  const input = field('$sortArray', operand, 'input', compile, 2942502)
  const by = isDoc(operand) ? operand.get('sortBy') : undefined
  const fields = isDoc(by) ? parseSort(by) : undefined
  const direction = isNumber(by) ? Number(asLong(by)) : 0
  if (!fields && direction !== 1 && direction !== -1) throw fail(2942503, '$sortArray needs a sortBy')
  return (scope) => {
    const array = input(scope)
    if (isNothing(array)) return null
    if (!isArray(array)) throw fail(2942504, 'The input argument to $sortArray must be an array')
    if (!fields) return [...array].sort((a, b) => direction * compareValues(a, b))
    const keyed = array.map((value) => ({ value, key: sortKey(fields, isDoc(value) ? value : new Map()) }))
    return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ value }) => value)
  }
}

/** The name of a field: a text, which begins with `$` only inside a `$literal`. */
export const ARRAYS: Operators = {
  $size: unary('$size', (value) => {
    if (!isArray(value)) throw fail(17124, 'The argument to $size must be an array')
    return value.length
  }),
  $arrayElemAt: binary('$arrayElemAt', elementAt),
  $first: ending('$first', (array) => array[0]),
  $last: ending('$last', (array) => array.at(-1)),
  $slice: slice,
  $map: map,
  $filter: filter,
  $reduce: reduce,
  $concatArrays: variadic(concat),
  $reverseArray: unary('$reverseArray', (value) => {
    if (isNothing(value)) return null
    if (!isArray(value)) throw fail(34435, 'The argument to $reverseArray must be an array')
    return [...value].reverse()
  }),
  $in: binary('$in', (value, array) => {
    if (!isArray(array)) throw fail(40081, '$in requires an array as a second argument')
    return value !== undefined && array.some((element) => compareValues(element, value) === 0)
  }),
  $indexOfArray: indexOf,
  $isArray: unary('$isArray', isArray),
  $range: range,
  $zip: zip,
  $sortArray: sortArray,
  $arrayToObject: unary('$arrayToObject', (value) => {
    if (isNothing(value)) return null
    if (!isArray(value)) throw fail(40386, '$arrayToObject requires an array input')
    return new Map(value.map(pairOf))
  }),
  $objectToArray: unary('$objectToArray', (value) => {
    if (isNothing(value)) return null
    if (!isDoc(value)) throw fail(40390, '$objectToArray requires a document input')
    return [...value].map(
      ([k, v]) =>
        new Map<string, Value>([
          ['k', k],
          ['v', v],
        ]),
    )
  }),
  $mergeObjects: variadic(merge),
  $setUnion: sets('$setUnion', (arrays) => distinctSorted(arrays.flat(1) as Value[]), 17043),
  $setIntersection: sets(
    '$setIntersection',
    ([first = [], ...others]) => {
      const rest = others.map(keySet)
      return distinctSorted(first.filter((value) => rest.every((keys) => keys.has(keyOf(value)))))
    },
    17047,
  ),
  $setDifference: binary('$setDifference', (a, b) => {
    if (isNothing(a) || isNothing(b)) return null
    if (!isArray(a)) throw fail(17048, 'both operands of $setDifference must be arrays')
    if (!isArray(b)) throw fail(17049, 'both operands of $setDifference must be arrays')
    const seen = new Set(keySet(b))
    return a.filter((value) => {
      const key = keyOf(value)
      if (seen.has(key)) return false
      seen.add(key)
      return true
    })
  }),
  $setEquals: variadic((values) => {
    if (values.length < 2) throw fail(17045, '$setEquals needs at least two arguments')
    if (!values.every(isArray)) throw fail(17044, 'All operands of $setEquals must be arrays')
    const [first, ...others] = values.map((v) => [...keySet(v as readonly Value[])].sort().join('|'))
    return others.every((other) => other === first)
  }),
  $setIsSubset: binary('$setIsSubset', (a, b) => {
    if (!isArray(a)) throw fail(17046, 'both operands of $setIsSubset must be arrays')
    if (!isArray(b)) throw fail(17042, 'both operands of $setIsSubset must be arrays')
    const all = keySet(b)
    return a.every((value) => all.has(keyOf(value)))
  }),
  $anyElementTrue: unary('$anyElementTrue', (value) => {
    if (!isArray(value)) throw fail(17041, "$anyElementTrue's argument must be an array")
    return value.some(truthy)
  }),
  $allElementsTrue: unary('$allElementsTrue', (value) => {
    if (!isArray(value)) throw fail(17040, "$allElementsTrue's argument must be an array")
    return value.every(truthy)
  }),
}
