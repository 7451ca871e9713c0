// What filters of templates go through, counted, so that no template takes longer than it may.
import { Drop, type FilterImplOptions } from 'liquidjs'

/** What an operation costs that goes through nothing: as much as so many characters. */
const CALL = 100
/** What an operation on a date costs, and each character of the form that it is shown in. */
const DATE = 1_500
const DATE_CHARACTER = 150

/** What an operation on a value goes through; an element costs more than a character. */
export const weightOf = (given: unknown): number => {
  const value: unknown = given instanceof Drop ? given.valueOf() : given
  if (typeof value === 'string') return CALL + value.length
  if (!Array.isArray(value)) return CALL
  let weight = CALL + 10 * value.length
  for (const element of value) if (typeof element === 'string') weight += element.length
  return weight
}

type FilterFunction = Extract<FilterImplOptions, (...args: never[]) => unknown>

/** Filters that look a property up in each element. */
const LOOKING = /^(?:where|reject|find|find_index|has|group_by|map|sort|sort_natural|sum|uniq)$/

const weightOfCall = (name: string, value: unknown, args: readonly unknown[]): number => {
  const given = weightOf(args)
  // An expression is asked of each element.
  if (name.endsWith('_exp')) return weightOf(value) * (1 + given / 10)
  if (name.startsWith('date')) return DATE + DATE_CHARACTER * String(args[0] ?? '').length
  return weightOf(value) * (LOOKING.test(name) && args.length > 0 ? 5 : 1) + given - CALL
}

/** The filter, counting what it goes through. */
export const weighed = (name: string, filter: FilterImplOptions): FilterImplOptions => {
  const counting = (handler: FilterFunction): FilterFunction =>
    function (value, ...args) {
      this.context.memoryLimit.use(weightOfCall(name, value, args))
      return handler.call(this, value, ...args)
    }
  return typeof filter === 'function' ? counting(filter) : { ...filter, handler: counting(filter.handler) }
}
