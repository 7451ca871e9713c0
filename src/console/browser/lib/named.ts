// Names of customers of whom a page has ids alone: those that are shown at one time are asked for together, and nothing is kept longer
// than it is shown.
import { useEffect, useState } from 'preact/hooks'
import { at, changes, onStale, send } from './api.ts'
import { may } from './session.ts'
import type { Called } from './shapes.ts'

/** Customers that one question is for at most, which keeps its address far below what proxies take. */
const TOGETHER = 50

/** Told who has an id: null when nobody does. */
type Tell = (named: Called | null) => void

let waiting = new Map<string, Set<Tell>>()

const ask = async (asked: readonly (readonly [id: string, tells: ReadonlySet<Tell>])[]): Promise<void> => {
  const ids = asked.map(([id], index) => [`filters[id][conditions][$in][${index}]`, id] as const)
  const path = at('/v1/customers', { query: { limit: TOGETHER, ...Object.fromEntries(ids) } })
  let found: ReadonlyMap<string, Called> | undefined
  try {
    // It follows from what the page shows: nobody need be there.
    const { customers } = await send<{ readonly customers: readonly Called[] }>({
      method: 'GET',
      path,
      isByItself: true,
    })
    found = new Map(customers.map((one) => [one.id, one]))
  } catch {
    // The list itself is there, and says by ids whom it means.
  }
  for (const [id, tells] of asked)
    for (const tell of tells) tell(found === undefined ? { id } : (found.get(id) ?? null))
}

const askAll = (): void => {
  // Who has left the page meanwhile needs no answer.
  const all = [...waiting].filter(([, tells]) => tells.size > 0)
  waiting = new Map()
  for (let from = 0; from < all.length; from += TOGETHER) ask(all.slice(from, from + TOGETHER))
}

/** Asks who has an id, together with all that are asked in the same turn. Gives what takes the question back. */
const whoHas = (id: string, tell: Tell): (() => void) => {
  if (waiting.size === 0) queueMicrotask(askAll)
  const tells = waiting.get(id) ?? new Set()
  waiting.set(id, tells.add(tell))
  return () => tells.delete(tell)
}

/**
 * The customer of an id, asked for again when anything on this page changes: undefined while it is not known, null when nobody has
 * this id (any more, or yet). Who may not read customers is told the id, as is everybody when it cannot be asked.
 */
export const useNamed = (id: string): Called | null | undefined => {
  const [known, setKnown] = useState<{ readonly id: string; readonly named: Called | null }>()
  const isAsked = may('customers.read')
  const revision = changes.value
  const [round, setRound] = useState(0)
  useEffect(() => onStale(() => setRound((n) => n + 1)), [])
  useEffect(
    () => (isAsked ? whoHas(id, (named) => setKnown({ id, named })) : undefined),
    [id, isAsked, revision, round],
  )
  if (!isAsked) return { id }
  return known?.id === id ? known.named : undefined
}
