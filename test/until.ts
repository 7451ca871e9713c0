// Waiting for a condition, never for a time.
import { availableParallelism, loadavg } from 'node:os'
import { patience } from './engines/trouble.ts'

/** By how much others on this machine slow everything down: a server that starts anew needs all of a processor. */
export const others = () => Math.max(1, loadavg()[0]! / availableParallelism())

/** Asks again until the answer satisfies; fails with the last answer after `limitMs`, later with servers in trouble. */
export const until = async <T>(
  ask: () => Promise<T> | T,
  satisfied: (answer: T) => boolean = Boolean,
  limitMs = 30_000,
): Promise<T> => {
  const deadline = Date.now() + limitMs * patience
  for (;;) {
    const answer = await ask()
    if (satisfied(answer)) return answer
    if (Date.now() > deadline)
      throw new Error(`not within ${limitMs * patience} ms; last: ${JSON.stringify(answer)?.slice(0, 500)}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
