// Processor time and memory of a node, as Linux counts them: of its own process and of those of its engines.
import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of processor time since the start, by the parts of a node; `rest`: V8's own threads, file and name look-ups. */
export interface Spent {
  readonly main: number
  readonly eventLog: number
  readonly documents: number
  readonly rest: number
  readonly all: number
}

/** What an engine's process is called begins so. */
const PARTS = [
  ['event log', 'eventLog'],
  ['document', 'documents'],
] as const

/** ns on a processor; 0 for a thread that has just ended, whose time is then in nobody's figure. */
const ranNs = (task: string): number => {
  try {
    return Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return 0
  }
}

const nameOf = (task: string): string => {
  try {
    return readFileSync(`${task}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

const threadsOf = (pid: number): readonly number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

/** Needs Linux. */
export const spent = (pid: number): Spent => {
  const found = { main: 0, eventLog: 0, documents: 0, rest: 0, all: 0 }
  for (const process of [pid, ...childrenOf(pid)]) {
    const name = nameOf(`/proc/${process}`)
    const [, part] = (process === pid ? undefined : PARTS.find(([begin]) => name.startsWith(begin))) ?? ['', 'main']
    for (const thread of threadsOf(process)) {
      const us = ranNs(`/proc/${process}/task/${thread}`) / 1_000
      found[thread === process ? part : 'rest'] += us
      found.all += us
    }
  }
  return found
}

/** What was spent between two looks, for each of `count`. */
export const spentEach = (before: Spent, after: Spent, count: number): Spent => {
  const each = (part: keyof Spent) => (after[part] - before[part]) / count
  return {
    main: each('main'),
    eventLog: each('eventLog'),
    documents: each('documents'),
    rest: each('rest'),
    all: each('all'),
  }
}

/** Resident memory, MB: of the processes' own, and pages of mapped files, which the system takes back when it needs them. */
export const residentOf = (pid: number): { readonly own: number; readonly files: number } => {
  const mb = (process: number, name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  const sum = (name: string) => [pid, ...childrenOf(pid)].reduce((all, process) => all + mb(process, name), 0)
  return { own: sum('RssAnon'), files: sum('RssFile') }
}
