// $group: accumulators and the documents they make.
import { CommandError, notImplemented } from './errors.ts'
import { compute, extremeOf } from './expressions/arithmetic.ts'
import { mergeInto } from './expressions/arrays.ts'
import { compileExpression } from './expressions/compile.ts'
import { type Expression, fail } from './expressions/types.ts'
import { keyOf } from './keys.ts'
import { type NumberValue, toDouble } from './numbers.ts'
import { Decimal128, type Doc, Double, isDoc, isNumber, type Maybe, type Value } from './values.ts'

interface Accumulator {
  add(value: Maybe): void
  result(): Maybe
}

/** Most values that one `$group` may hold in its groups and lists. */
const MAX_HELD = 2_000_000

const sum = (): Accumulator => {
  let total: NumberValue = 0
  return {
    add: (value) => {
      if (isNumber(value)) total = compute('add', total, value)
    },
    result: () => total,
  }
}

const average = (): Accumulator => {
  let total: NumberValue = 0
  let count = 0
  return {
    add: (value) => {
      if (!isNumber(value)) return
      total = compute('add', total, value)
      count += 1
    },
    result: () => {
      if (count === 0) return null
      if (total instanceof Decimal128) throw notImplemented('$avg of decimals')
      return new Double(toDouble(total) / count)
    },
  }
}

const extreme = (direction: 1 | -1) => (): Accumulator => {
  let best: Maybe = null
  return {
    add: (value) => {
      best = extremeOf([best, value], direction)
    },
    result: () => best,
  }
}

const edge = (last: boolean) => (): Accumulator => {
  let kept: Maybe
  let any = false
  return {
    add: (value) => {
      if (last || !any) kept = value ?? null
      any = true
    },
    result: () => kept,
  }
}

const list = (): Accumulator => {
  const values: Value[] = []
  return {
    add: (value) => {
      if (value !== undefined) values.push(value)
    },
    result: () => values,
  }
}

const set = (): Accumulator => {
  const values = new Map<string, Value>()
  return {
    add: (value) => {
      if (value !== undefined) values.set(keyOf(value), value)
    },
    result: () => [...values.values()],
  }
}

const merged = (): Accumulator => {
  const out = new Map<string, Value>()
  return { add: (value) => mergeInto(out, value), result: () => out }
}

const ACCUMULATORS: Readonly<Record<string, () => Accumulator>> = {
  $sum: sum,
  $avg: average,
  $min: extreme(-1),
  $max: extreme(1),
  $first: edge(false),
  $last: edge(true),
  $push: list,
  $addToSet: set,
  $mergeObjects: merged,
  $count: sum,
}

const LEFT_OUT = new Set(
  '$accumulator $bottom $bottomN $firstN $lastN $maxN $median $minN $percentile $stdDevPop $stdDevSamp $top $topN'.split(
    ' ',
  ),
)

interface Field {
  readonly name: string
  readonly make: () => Accumulator
  readonly value: Expression
}

const fieldOf = (name: string, spec: Value): Field => {
  if (!isDoc(spec)) throw fail(40234, `The field '${name}' must be an accumulator object`)
  if (name.includes('.')) throw fail(40235, `The field name '${name}' cannot contain '.'`)
  if (name.startsWith('$')) throw fail(40236, `The field name '${name}' cannot be an operator name`)
  if (spec.size !== 1) throw fail(40238, `The field '${name}' must specify one accumulator`)
  const [[operator, operand]] = [...spec] as [[string, Value]]
  const make = ACCUMULATORS[operator]
  if (LEFT_OUT.has(operator)) throw notImplemented(`the accumulator ${operator}`)
  if (!make) throw fail(operator.startsWith('$') ? 15952 : 40234, `unknown group operator '${operator}'`)
  if (operator === '$count' && !(isDoc(operand) && operand.size === 0)) throw fail(9, '$count takes no arguments')
  return { name, make, value: operator === '$count' ? () => 1 : compileExpression(operand) }
}

export interface Grouping {
  add(doc: Doc): void
  result(): Doc[]
}

/** Compiles the specification of `$group`; each call of the result begins an empty grouping. */
export const compileGroup = (spec: Value): ((variables: ReadonlyMap<string, Maybe>) => Grouping) => {
  if (!isDoc(spec)) throw fail(15947, "a group's fields must be specified in an object")
  const idSpec = spec.get('_id')
  if (idSpec === undefined) throw fail(15955, 'a group specification must include an _id')
  const id = compileExpression(idSpec)
  const fields = [...spec].filter(([name]) => name !== '_id').map(([name, value]) => fieldOf(name, value))
  return (variables) => {
    const groups = new Map<string, { readonly id: Value; readonly accumulators: readonly Accumulator[] }>()
    let held = 0
    return {
      add: (root) => {
        const scope = { root, variables }
        const own = id(scope) ?? null
        const key = keyOf(own)
        let group = groups.get(key)
        if (group === undefined) {
          group = { id: own, accumulators: fields.map(({ make }) => make()) }
          groups.set(key, group)
        }
        held += fields.some((f) => f.make === list || f.make === set) ? 1 : 0
        if (held + groups.size > MAX_HELD) throw new CommandError(146, '$group holds too much; give a $match before it')
        for (const [i, { value }] of fields.entries()) group.accumulators[i]!.add(value(scope))
      },
      result: () =>
        [...groups.values()].map(({ id: own, accumulators }) => {
          const out = new Map<string, Value>([['_id', own]])
          for (const [i, { name }] of fields.entries()) {
            const value = accumulators[i]!.result()
            if (value !== undefined) out.set(name, value)
          }
          return out
        }),
    }
  }
}
