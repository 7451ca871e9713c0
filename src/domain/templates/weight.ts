// What filters of templates go through, counted, so that no template takes longer than it may.
import { Drop, type FilterImplOptions } from 'liquidjs'

/** What an operation on a value goes through; even nothing costs something, and an element more than a character. */
export const weightOf = (given: unknown): number => {
  const value: unknown = given instanceof Drop ? given.valueOf() : given
  if (typeof value === 'string') return 10 + value.length
  if (!Array.isArray(value)) return 10
  let weight = 10 + 10 * value.length
  for (const element of value) if (typeof element === 'string') weight += element.length
  return weight
}

type FilterFunction = Extract<FilterImplOptions, (...args: never[]) => unknown>

/** The filter, counting what it goes through; one that takes an expression asks it of each element. */
export const weighed = (name: string, filter: FilterImplOptions): FilterImplOptions => {
  const counting = (handler: FilterFunction): FilterFunction =>
    function (value, ...args) {
      this.context.memoryLimit.use(weightOf(value) * (name.endsWith('_exp') ? 1 + weightOf(args) / 10 : 1))
      return handler.call(this, value, ...args)
    }
  return typeof filter === 'function' ? counting(filter) : { ...filter, handler: counting(filter.handler) }
}
