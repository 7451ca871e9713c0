// $group: accumulators and the documents they make.
import { notImplemented } from './errors.ts'
import { compute, extremeOf } from './expressions/arithmetic.ts'
import { mergeInto } from './expressions/arrays.ts'
import { compileExpression } from './expressions/compile.ts'
import { type Expression, fail } from './expressions/types.ts'
import { keyOf } from './keys.ts'
import { type Memory, memoryOf } from './memory.ts'
import { type NumberValue, toDouble } from './numbers.ts'
import { Decimal128, type Doc, Double, isDoc, isNumber, type Maybe, type Value } from './values.ts'

interface Accumulator {
  /** Takes in a value; answers by how many bytes it holds more. */
  add(value: Maybe): number
  result(): Maybe
}

/** What a group takes beside its key and its values, and each of its accumulators. */
const GROUP_BYTES = 300
const ACCUMULATOR_BYTES = 120
/** Groups that are handed on at once. */
const CHUNK = 256

const sum = (): Accumulator => {
  let total: NumberValue = 0
  return {
    add: (value) => {
      if (isNumber(value)) total = compute('add', total, value)
      return 0
    },
    result: () => total,
  }
}

const average = (): Accumulator => {
  let total: NumberValue = 0
  let count = 0
  return {
    add: (value) => {
      if (!isNumber(value)) return 0
      total = compute('add', total, value)
      count += 1
      return 0
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
      const before = best
      best = extremeOf([best, value], direction)
      return best === before ? 0 : memoryOf(best) - memoryOf(before)
    },
    result: () => best,
  }
}

const edge = (which: 'first' | 'last') => (): Accumulator => {
  let kept: Maybe
  let any = false
  return {
    add: (value) => {
      if (any && which === 'first') return 0
      const before = any ? memoryOf(kept) : 0
      kept = value ?? null
      any = true
      return memoryOf(kept) - before
    },
    result: () => kept,
  }
}

const list = (): Accumulator => {
  const values: Value[] = []
  return {
    add: (value) => {
      if (value === undefined) return 0
      values.push(value)
      return memoryOf(value) + 8
    },
    result: () => values,
  }
}

const set = (): Accumulator => {
  const values = new Map<string, Value>()
  return {
    add: (value) => {
      if (value === undefined) return 0
      const key = keyOf(value)
      if (values.has(key)) return 0
      values.set(key, value)
      return memoryOf(value) + key.length + 80
    },
    result: () => [...values.values()],
  }
}

const merged = (): Accumulator => {
  const out = new Map<string, Value>()
  return {
    add: (value) => {
      mergeInto(out, value)
      return memoryOf(value)
    },
    result: () => out,
  }
}

export const ACCUMULATORS: Readonly<Record<string, () => Accumulator>> = {
  $sum: sum,
  $avg: average,
  $min: extreme(-1),
  $max: extreme(1),
  $first: edge('first'),
  $last: edge('last'),
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
  /** Throws 292 when the groups hold too much. */
  add(doc: Doc): void
  /** The groups, in chunks. */
  result(): Generator<readonly Doc[], void, undefined>
}

/** Compiles the specification of `$group`; each call of the result begins an empty grouping. */
export const compileGroup = (spec: Value): ((variables: ReadonlyMap<string, Maybe>, memory: Memory) => Grouping) => {
  if (!isDoc(spec)) throw fail(15947, "a group's fields must be specified in an object")
  const idSpec = spec.get('_id')
  if (idSpec === undefined) throw fail(15955, 'a group specification must include an _id')
  const id = compileExpression(idSpec)
  const fields = [...spec].filter(([name]) => name !== '_id').map(([name, value]) => fieldOf(name, value))
  return (variables, memory) => {
    const groups = new Map<string, { readonly id: Value; readonly accumulators: readonly Accumulator[] }>()
    return {
      add: (root) => {
        const scope = { root, variables }
        const own = id(scope) ?? null
        const key = keyOf(own)
        let group = groups.get(key)
        let more = 0
        if (group === undefined) {
          group = { id: own, accumulators: fields.map(({ make }) => make()) }
          more = GROUP_BYTES + key.length + memoryOf(own) + fields.length * ACCUMULATOR_BYTES
          groups.set(key, group)
        }
        for (let i = 0; i < fields.length; i += 1) more += group.accumulators[i]!.add(fields[i]!.value(scope))
        if (more !== 0) memory.hold(more)
      },
      result: function* () {
        let chunk: Doc[] = []
        for (const { id: own, accumulators } of groups.values()) {
          const out = new Map<string, Value>([['_id', own]])
          for (const [i, { name }] of fields.entries()) {
            const value = accumulators[i]!.result()
            if (value !== undefined) out.set(name, value)
          }
          chunk.push(out)
          if (chunk.length < CHUNK) continue
          yield chunk
          chunk = []
        }
        if (chunk.length > 0) yield chunk
      },
    }
  }
}
