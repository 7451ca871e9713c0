// Which test files run in one process, and the lines by which it tells the runner how each went.
import { dirname } from 'node:path'

/** Begins the line with which a file begins; its path follows. */
export const BEGINS = 'THIS FILE BEGINS: '
/** Begins the line with which a file ends; its exit code and the seconds of processor time that it took follow. */
export const ENDS = 'THIS FILE ENDS: '
/** Begins the line by which a file is skipped; why follows. */
export const SKIPPED = 'THIS FILE IS SKIPPED: '

/** So many files of one folder share a process at most: what nearly all of them import takes longer to load than most tests to run. */
const TOGETHER = 4
/** What measures the process that it is in, or takes so long that others would wait for it, has one of its own. */
const APART = [
  /^attack\//,
  /^client\/pack/,
  /^cluster\/workers/,
  /^console\//,
  /memory/,
  // What adds to the product's tables.
  /trial/,
  /^engines\/death/,
  /^http\/turns/,
  /^requests\//,
  /^system\/(trouble|faults)/,
]

/** Files as they run together: those that have a process of their own first, since most of these take long. */
export const together = (files: readonly string[], atMost = TOGETHER): readonly (readonly string[])[] => {
  const apart = files.filter((file) => APART.some((pattern) => pattern.test(file)))
  const byFolder = new Map<string, string[]>()
  for (const file of files)
    if (!apart.includes(file)) byFolder.set(dirname(file), [...(byFolder.get(dirname(file)) ?? []), file])
  return [
    ...apart.map((file) => [file]),
    ...[...byFolder.values()].flatMap((of) =>
      Array.from({ length: Math.ceil(of.length / atMost) }, (_, i) => of.slice(i * atMost, (i + 1) * atMost)),
    ),
  ]
}
