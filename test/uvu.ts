// What test files get as `uvu` (see build.ts): the same, but a hook that fails is told, which uvu itself keeps silent about, and
// what the file has cost is known to the runner when it ends.
import { readFileSync } from 'node:fs'
import { suite as bare, type Context, type Test } from 'uvu'
import { COST } from './skip.ts'

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

/** Of this process and of those that it started and that have ended; Linux counts these in hundredths of a second (proc(5)). */
const processorSeconds = (): number => {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
}
process.on('exit', () => console.log(COST + processorSeconds().toFixed(1)))
