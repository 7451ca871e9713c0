// Processor time and memory of a process, as Linux counts them: by thread, since all that shares a process is not one program.
import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of processor time since the start, by the parts of a node; `rest`: V8's own threads, file and name look-ups. */
export interface Spent {
  readonly main: number
  readonly eventLog: number
  readonly documents: number
  readonly rest: number
  readonly all: number
}

const PARTS: Readonly<Record<string, 'eventLog' | 'documents'>> = { 'event log': 'eventLog', documents: 'documents' }

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

/** Needs Linux. */
export const spent = (pid: number): Spent => {
  const found = { main: 0, eventLog: 0, documents: 0, rest: 0, all: 0 }
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const task = `/proc/${pid}/task/${thread}`
    const us = ranNs(task) / 1_000
    found[Number(thread) === pid ? 'main' : (PARTS[nameOf(task)] ?? 'rest')] += us
    found.all += us
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

/** Resident memory, MB: the process's own, and pages of mapped files, which the system takes back when it needs them. */
export const residentOf = (pid: number): { readonly own: number; readonly files: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024
  return { own: mb('RssAnon'), files: mb('RssFile') }
}
