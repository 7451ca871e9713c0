// What test files get as `uvu` (see build.ts): the same, but a hook that fails is told, which uvu itself keeps silent about.
import { suite as bare, type Context, type Test } from 'uvu'

export { exec } from 'uvu'

/** What uvu has still to run: a list for each file, of its name and its suites. It keeps this list by a name of the process. */
export const queue = (globalThis as unknown as { UVU_QUEUE: unknown[][] }).UVU_QUEUE

type Hook<T> = (context: Context & T) => Promise<void> | void

const told =
  <T>(name: string, kind: string, hook: Hook<T>): Hook<T> =>
  async (context) => {
    try {
      await hook(context)
    } catch (error) {
      console.log(`\n   FAIL  a hook ${kind} ${name ? `of "${name}"` : 'of the tests'}`, error)
      throw error
    }
  }

/** A suite of uvu whose hooks say why they fail. */
export const suite = <T = Record<string, unknown>>(name = '', state?: T): Test<T> => {
  const made = bare<T>(name, state)
  for (const kind of ['before', 'after'] as const) {
    const once = made[kind]
    const each = once.each
    made[kind] = Object.assign((hook: Hook<T>) => once(told(name, `${kind} all`, hook)), {
      each: (hook: Hook<T>) => each(told(name, `${kind} each`, hook)),
    }) as Test<T>[typeof kind]
  }
  return made
}

export const test = suite()
