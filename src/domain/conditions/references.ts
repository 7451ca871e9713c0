// What conditions lean on: which facts can change their truth, and segments that refer to segments.
import type { Condition } from './ast.ts'

/** What can change the truth of a condition without time passing; every list is without repetition. */
export interface References {
  readonly eventTypes: readonly string[]
  /** Dotted names, as in `metadata.tier`. */
  readonly attributes: readonly string[]
  readonly segments: readonly string[]
  /** Campaigns whose points are asked for. */
  readonly points: readonly string[]
  /** Whether it asks for the event, the order or the redemption that is being decided. */
  readonly context: boolean
  /** What it asks of the order, the redemption and its budgets, by the names of rules. */
  readonly asks: readonly string[]
}

export const referencesOf = (condition: Condition): References => {
  const eventTypes = new Set<string>()
  const attributes = new Set<string>()
  const segments = new Set<string>()
  const points = new Set<string>()
  let context = false
  const asks = new Set<string>()
  const visit = (node: Condition): void => {
    switch (node.kind) {
      case 'all':
      case 'any':
        node.of.forEach(visit)
        return
      case 'not':
      case 'rule':
      case 'ruleset':
        visit(node.of)
        return
      case 'items':
        context = true
        if (node.among) visit(node.among)
        visit(node.of)
        return
      case 'event':
        // Its `where` asks only for the metadata of its own events.
        eventTypes.add(node.event)
        return
      case 'attribute':
        attributes.add(node.attribute)
        return
      case 'segment':
        segments.add(node.segment)
        return
      case 'points':
        points.add(node.campaign)
        return
      case 'context':
        asks.add(node.name)
        context = true
        return
      case 'property':
        context = true
        return
      default:
        node satisfies never
    }
  }
  visit(condition)
  return {
    eventTypes: [...eventTypes],
    attributes: [...attributes],
    segments: [...segments],
    points: [...points],
    context,
    asks: [...asks],
  }
}

/** Definitions in an order in which each comes after those that it refers to, or a cycle that makes this impossible. */
export type Ordered =
  | { readonly ok: true; readonly order: readonly string[] }
  /** The ids along the cycle; the last refers to the first. */
  | { readonly ok: false; readonly cycle: readonly string[] }

/**
 * Orders definitions by what each refers to, otherwise as they are given. References to ids that are not among them are
 * passed over.
 */
export const topologicalOrder = (references: ReadonlyMap<string, readonly string[]>): Ordered => {
  const order: string[] = []
  const done = new Set<string>()
  for (const root of references.keys()) {
    // A stack of its own, since a chain of references may be longer than the call stack is deep.
    const path: { readonly id: string; next: number }[] = done.has(root) ? [] : [{ id: root, next: 0 }]
    const onPath = new Set<string>([root])
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const target = references.get(top.id)?.[top.next++]
      if (target === undefined) {
        path.pop()
        onPath.delete(top.id)
        done.add(top.id)
        order.push(top.id)
      } else if (onPath.has(target)) {
        const ids = path.map(({ id }) => id)
        return { ok: false, cycle: ids.slice(ids.indexOf(target)) }
      } else if (!done.has(target) && references.has(target)) {
        onPath.add(target)
        path.push({ id: target, next: 0 })
      }
    }
  }
  return { ok: true, order }
}
