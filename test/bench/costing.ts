// What work costs a node, part by part, and how much of the machine it took: why a rate or a delay is what it is. Needs Linux.
import type { Row, Server } from './harness.ts'
import { type Spent, spent, spentEach } from './threads.ts'

const PARTS: readonly (readonly [part: keyof Spent, name: string])[] = [
  ['main', 'main thread'],
  ['workers', 'worker processes'],
  ['eventLog', 'event log'],
  ['documents', 'document store'],
  ['rest', 'rest'],
]

/** A row for each part of a node that took any of it. */
export const partRows = (each: Spent): Row[] =>
  PARTS.filter(([part]) => each[part] > 0).map(([part, name]) => ({
    name: `    ${name}`,
    value: each[part],
    unit: 'µs',
  }))

const cores = (us: number, ms: number): number => us / (ms * 1_000)

/** Runs `run`, which asks a node for as many as `countOf` its result: what each of them cost, and how many processors were busy meanwhile. */
export const costing = async <T>(
  { pid }: Pick<Server, 'pid'>,
  run: () => Promise<T>,
  countOf: (result: T) => number,
): Promise<{ readonly result: T; readonly rows: readonly Row[] }> => {
  const began = performance.now()
  const before = spent(pid)
  const own = process.cpuUsage()
  const result = await run()
  const { user, system } = process.cpuUsage(own)
  const after = spent(pid)
  const ms = performance.now() - began
  const count = countOf(result)
  const each = spentEach(before, after, count)
  return {
    result,
    rows: [
      { name: '  processors that it kept busy', value: cores(after.all - before.all, ms), unit: 'cores' },
      { name: '  and what asks it', value: cores(user + system, ms), unit: 'cores' },
      { name: '  processor time each, of what asks it', value: (user + system) / count, unit: 'µs' },
      { name: '  and of its own', value: each.all, unit: 'µs' },
      ...partRows(each),
    ],
  }
}
