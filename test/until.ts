// Waiting for a condition, never for a time.
import { availableParallelism, loadavg } from 'node:os'
import { inspect } from 'node:util'
import { patience } from './engines/trouble.ts'

/** By how much others on this machine slow everything down: a server that starts anew needs all of a processor. */
export const others = () => Math.max(1, loadavg()[0]! / availableParallelism())

/** As text for people: whatever it is, and not without end. */
export const shown = (value: unknown): string => inspect(value, { depth: 6, breakLength: 120 }).slice(0, 1_000)

/** Between two looks, ms: soon at first, then a tenth of what it has taken, so that what takes long is not kept busy by being asked. */
const [SOONEST_MS, LATEST_MS] = [10, 100]

/** Waits until it is time to look again at what is waited for since `began`, by performance.now(). */
export const beforeNextLook = (began: number): Promise<void> => {
  const ms = Math.min(LATEST_MS, Math.max(SOONEST_MS, (performance.now() - began) / 10))
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** So long is waited for what should take `limitMs` at most: longer with servers in trouble, and as others keep the machine busy. */
export const patient = (limitMs: number): number => Math.round(limitMs * patience * others())

/** Asks again until the answer satisfies; fails with the last answer after `limitMs`, made patient. */
export const until = async <T>(
  ask: () => Promise<T> | T,
  satisfied: (answer: T) => boolean = Boolean,
  limitMs = 30_000,
): Promise<T> => {
  const began = performance.now()
  for (;;) {
    const answer = await ask()
    if (satisfied(answer)) return answer
    const limit = patient(limitMs)
    if (performance.now() - began > limit) throw new Error(`not within ${limit} ms; last: ${shown(answer)}`)
    await beforeNextLook(began)
  }
}
