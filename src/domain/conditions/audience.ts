// What a condition asks of the customer alone, leaving aside the order, the redemption, its budgets and the event being decided.
import type { Condition } from './ast.ts'

/**
 * The part of a condition that is about the customer; undefined where nothing of it is. Whoever fulfils the condition in some
 * situation fulfils the part: what is left aside counts as fulfilled.
 */
export const audiencePart = (condition: Condition): Condition | undefined => {
  switch (condition.kind) {
    case 'all': {
      const parts = condition.of.flatMap((one) => audiencePart(one) ?? [])
      return parts.length > 0 ? { ...condition, of: parts } : undefined
    }
    case 'any': {
      const parts = condition.of.map(audiencePart)
      return parts.every((part) => part !== undefined) ? { ...condition, of: parts } : undefined
    }
    case 'not':
      return isOfCustomer(condition.of) ? condition : undefined
    case 'rule':
    case 'ruleset': {
      const of = audiencePart(condition.of)
      return of && { ...condition, of }
    }
    case 'items':
    case 'context':
    case 'property':
      return undefined
    case 'attribute':
    case 'segment':
    case 'event':
    case 'points':
      return condition
    default:
      return condition satisfies never
  }
}

/** Whether all of a condition is about the customer. */
const isOfCustomer = (condition: Condition): boolean => {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.every(isOfCustomer)
    case 'not':
    case 'rule':
    case 'ruleset':
      return isOfCustomer(condition.of)
    default:
      return audiencePart(condition) !== undefined
  }
}
