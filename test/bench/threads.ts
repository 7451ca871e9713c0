// Processor time and memory of a node, as Linux counts them: of its own process and of those of its engines.
import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of processor time since the start, by the parts of a node; `rest`: V8's own threads, file and name look-ups. */
export interface Spent {
  readonly main: number
  readonly eventLog: number
  readonly documents: number
  /** Worker processes, where a node has some. */
  readonly workers: number
  readonly rest: number
  readonly all: number
}

/** The titles of a node's other processes. */
const ENGINES: readonly (readonly [part: 'eventLog' | 'documents' | 'workers', entry: string])[] = [
  ['workers', 'tributary worker'],
  ['eventLog', 'event log (tributary)'],
  ['documents', 'documents (tributary)'],
]

/** The text of a file that the system makes; empty when what it tells of has just ended. */
const told = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const threadsOf = (pid: number): readonly string[] => readdirSync(`/proc/${pid}/task`)

const childrenOf = (pid: number): readonly number[] =>
  threadsOf(pid).flatMap((thread) =>
    told(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )

const ranUs = (pid: number, thread: string): number =>
  Number(told(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]) / 1_000

/** Of a node and the engines that it started. Needs Linux. */
export const spent = (pid: number): Spent => {
  const found = { main: 0, eventLog: 0, documents: 0, workers: 0, rest: 0, all: 0 }
  const add = (part: keyof Spent, us: number) => {
    found[part] += us
    found.all += us
  }
  for (const thread of threadsOf(pid)) add(Number(thread) === pid ? 'main' : 'rest', ranUs(pid, thread))
  for (const child of childrenOf(pid)) {
    const line = told(`/proc/${child}/cmdline`)
    const engine = ENGINES.find(([, entry]) => line.includes(entry))
    for (const thread of threadsOf(child)) add(engine?.[0] ?? 'rest', ranUs(child, thread))
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
    workers: each('workers'),
    rest: each('rest'),
    all: each('all'),
  }
}

/**
 * Resident memory of a node and the engines that it started, MB: their own, that of each engine in it, and pages of mapped files,
 * which the system takes back when it needs them.
 */
export const residentOf = (
  pid: number,
): { readonly own: number; readonly files: number; readonly engines: Readonly<Record<string, number>> } => {
  const mb = (name: string, one: number) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(told(`/proc/${one}/status`))?.[1] ?? 0) / 1_024
  const children = childrenOf(pid)
  const all = (name: string) => [pid, ...children].reduce((sum, one) => sum + mb(name, one), 0)
  const engines = children.map((child) => [
    told(`/proc/${child}/cmdline`).split(' (')[0]!.replaceAll('\0', ''),
    mb('RssAnon', child),
  ])
  return { own: all('RssAnon'), files: all('RssFile'), engines: Object.fromEntries(engines) }
}
