// The update operators: each parses its operand once and then changes a slot in a document.
import { identical } from './bson-encode.ts'
import { compareValues } from './compare.ts'
import { badValue, CommandError, failedToParse, typeMismatch } from './errors.ts'
import { compileFilter, operatorsTest } from './filter.ts'
import { arithmetic, asLong, INT_MAX, INT_MIN } from './numbers.ts'
import { compileRegex } from './regex.ts'
import { parseSort, sortKey } from './sort.ts'
import type { Slot } from './update-paths.ts'
import { type Doc, isArray, isDoc, isNumber, Timestamp, type Value } from './values.ts'

/** Changes a slot; answers whether anything is different afterwards. */
export type Change = (slot: Slot) => boolean

export interface Operator {
  /** Whether missing documents on the way are made. */
  readonly create: boolean
  readonly change: Change
}

const set = (slot: Slot, value: Value): boolean => {
  if (identical(slot.value, value)) return false
  slot.set(value)
  return true
}

const numeric = (operator: '$inc' | '$mul', operand: Value): Change => {
  if (!isNumber(operand)) throw typeMismatch(`Cannot ${operator} with a non-numeric argument`)
  return (slot) => {
    const { value } = slot
    if (value === undefined) {
      const zero = arithmetic('multiply', operand, 0)
      slot.set(operator === '$inc' ? operand : zero!)
      return true
    }
    if (!isNumber(value)) throw typeMismatch(`Cannot apply ${operator} to a value of non-numeric type`)
    const result = arithmetic(operator === '$inc' ? 'add' : 'multiply', value, operand)
    if (result === undefined) throw badValue(`Failed to apply ${operator}: the result does not fit 64 bits`)
    return set(slot, result)
  }
}

const extreme =
  (wanted: -1 | 1, operand: Value): Change =>
  (slot) => {
    if (slot.value !== undefined && Math.sign(compareValues(operand, slot.value)) !== wanted) return false
    slot.set(operand)
    return true
  }

const wholeOf = (value: Value, what: string): number => {
  const whole = isNumber(value) ? asLong(value) : undefined
  if (whole === undefined) throw badValue(`The value for ${what} must be an integer`)
  return Number(whole)
}

const elementOrder = (operand: Value): ((a: Value, b: Value) => number) => {
  if (isNumber(operand)) {
    const direction = Number(asLong(operand))
    if (direction !== 1 && direction !== -1) throw badValue('The $sort element value must be either 1 or -1')
    return (a, b) => direction * compareValues(a, b)
  }
  if (!isDoc(operand) || operand.size === 0) throw badValue('The $sort is invalid: use 1/-1 or a pattern of fields')
  const fields = parseSort(operand)
  const key = (value: Value) => sortKey(fields, isDoc(value) ? value : new Map())
  return (a, b) => {
    const [x, y] = [key(a), key(b)]
    return x < y ? -1 : x > y ? 1 : 0
  }
}

const PUSH_MODIFIERS = new Set(['$each', '$position', '$slice', '$sort'])

const arrayOf = (slot: Slot, operator: string): Value[] => {
  if (slot.value === undefined) return []
  if (!isArray(slot.value)) throw badValue(`The field to ${operator} must be an array`)
  return [...slot.value]
}

const refuseDollarNames = (value: Value): void => {
  if (!isDoc(value)) return
  const bad = [...value.keys()].find(
    (name) => name.startsWith('$') && name !== '$ref' && name !== '$id' && name !== '$db',
  )
  if (bad !== undefined) throw new CommandError(52, `The dollar ($) prefixed field '${bad}' is not valid for storage`)
}

const push = (operand: Value): Change => {
  const modifiers = isDoc(operand) && operand.has('$each') ? operand : undefined
  if (!modifiers) refuseDollarNames(operand)
  for (const name of modifiers?.keys() ?? [])
    if (!PUSH_MODIFIERS.has(name)) throw badValue(`Unrecognized clause in $push: ${name}`)
  const each = modifiers ? modifiers.get('$each')! : [operand]
  if (!isArray(each)) throw badValue('The argument to $each in $push must be an array')
  const position = modifiers?.get('$position')
  const slice = modifiers?.get('$slice')
  const sort = modifiers?.get('$sort')
  const at = position === undefined ? undefined : wholeOf(position, '$position')
  const keep = slice === undefined ? undefined : wholeOf(slice, '$slice')
  const order = sort === undefined ? undefined : elementOrder(sort)
  return (slot) => {
    const array = arrayOf(slot, '$push')
    array.splice(at === undefined ? array.length : at < 0 ? Math.max(0, array.length + at) : at, 0, ...each)
    if (order) array.sort(order)
    const kept = keep === undefined ? array : keep === 0 ? [] : keep > 0 ? array.slice(0, keep) : array.slice(keep)
    return set(slot, kept)
  }
}

const addToSet = (operand: Value): Change => {
  const modifiers = isDoc(operand) && operand.has('$each') ? operand : undefined
  if (modifiers && modifiers.size > 1) throw badValue('Found unexpected fields after $each in $addToSet')
  const each = modifiers ? modifiers.get('$each')! : [operand]
  if (!isArray(each)) throw typeMismatch('The argument to $each in $addToSet must be an array')
  return (slot) => {
    const array = arrayOf(slot, '$addToSet')
    const before = array.length
    for (const value of each) if (!array.some((known) => compareValues(known, value) === 0)) array.push(value)
    if (array.length === before && slot.value !== undefined) return false
    slot.set(array)
    return true
  }
}

const keepOnly = (slot: Slot, operator: string, unwanted: (element: Value) => boolean): boolean => {
  if (slot.value === undefined) return false
  if (!isArray(slot.value)) throw badValue(`Cannot apply ${operator} to a non-array value`)
  const kept = slot.value.filter((element) => !unwanted(element))
  if (kept.length === slot.value.length) return false
  slot.set(kept)
  return true
}

const pullTest = (operand: Value): ((element: Value) => boolean) => {
  if (isDoc(operand)) {
    const first = operand.keys().next().value
    if (first?.startsWith('$')) return operatorsTest(operand, { expression: undefined })
    const filter = compileFilter(operand)
    return (element) => isDoc(element) && filter.matches(element)
  }
  if (typeof operand === 'object' && operand !== null && '_bsontype' in operand && operand._bsontype === 'BSONRegExp') {
    const regex = compileRegex(operand.pattern, operand.options)
    return (element) => (typeof element === 'string' ? regex.test(element) : compareValues(element, operand) === 0)
  }
  return (element) => compareValues(element, operand) === 0
}

const pull = (operand: Value): Change => {
  const unwanted = pullTest(operand)
  return (slot) => keepOnly(slot, '$pull', unwanted)
}

const pullAll = (operand: Value): Change => {
  if (!isArray(operand)) throw badValue('$pullAll requires an array argument')
  return (slot) => keepOnly(slot, '$pullAll', (element) => operand.some((value) => compareValues(value, element) === 0))
}

const pop = (operand: Value): Change => {
  const end = isNumber(operand) ? Number(asLong(operand) ?? 0) : 0
  if (end !== 1 && end !== -1) throw failedToParse('$pop expects 1 or -1')
  return (slot) => {
    if (slot.value === undefined) return false
    if (!isArray(slot.value)) throw typeMismatch('Path contains an element of non-array type: $pop')
    if (slot.value.length === 0) return false
    slot.set(end === 1 ? slot.value.slice(0, -1) : slot.value.slice(1))
    return true
  }
}

const BIT: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
}

const bit = (operand: Value): Change => {
  if (!isDoc(operand) || operand.size === 0) throw badValue('The $bit modifier needs an embedded document')
  for (const [name, value] of operand)
    if (!BIT[name] || (typeof value !== 'number' && typeof value !== 'bigint'))
      throw badValue('The $bit modifier only supports and, or, xor with integers')
  return (slot) => {
    let value = slot.value ?? 0
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw badValue('Cannot apply $bit to a value of non-integral type')
    for (const [name, mask] of operand) {
      const result: bigint = BIT[name]!(BigInt(value), BigInt(mask as number | bigint))
      const long: boolean = typeof value === 'bigint' || typeof mask === 'bigint'
      value = long || result < INT_MIN || result > INT_MAX ? result : Number(result)
    }
    return set(slot, value)
  }
}

const currentDate = (operand: Value, now: Date): Change => {
  const type = isDoc(operand) ? operand.get('$type') : operand === true || operand === false ? 'date' : undefined
  if (type !== 'date' && type !== 'timestamp') throw badValue('$currentDate needs true or a $type of date or timestamp')
  const value = type === 'date' ? now : new Timestamp({ t: Math.floor(now.getTime() / 1000), i: 1 })
  return (slot) => set(slot, value)
}

/** A value of its own for each document, so that no two share one that a later operator changes. */
const copyOf = (value: Value): Value => (isArray(value) ? value.map(copyOf) : isDoc(value) ? copyDoc(value) : value)
const copyDoc = (doc: Doc): Doc => new Map([...doc].map(([name, value]) => [name, copyOf(value)]))

/** Parses one operator's operand for one path; `undefined` when there is no such operator. */
export const parseOperator = (operator: string, operand: Value, now: Date): Operator | undefined => {
  const creating = (change: Change): Operator => ({ create: true, change })
  const touching = (change: Change): Operator => ({ create: false, change })
  switch (operator) {
    case '$set':
    case '$setOnInsert':
      return creating((slot) => set(slot, copyOf(operand)))
    case '$unset':
      return touching((slot) => {
        if (slot.value === undefined) return false
        slot.remove()
        return true
      })
    case '$inc':
    case '$mul':
      return creating(numeric(operator, operand))
    case '$min':
      return creating(extreme(-1, operand))
    case '$max':
      return creating(extreme(1, operand))
    case '$push':
      return creating(push(operand))
    case '$addToSet':
      return creating(addToSet(operand))
    case '$pull':
      return touching(pull(operand))
    case '$pullAll':
      return touching(pullAll(operand))
    case '$pop':
      return touching(pop(operand))
    case '$bit':
      return creating(bit(operand))
    case '$currentDate':
      return creating(currentDate(operand, now))
    default:
      return undefined
  }
}
