// The examples that the API document shows: what this test sent and was answered, kept beside the code of the document.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchanged } from './heard.ts'

const FILE = join(import.meta.dirname, '..', '..', 'src', 'http', 'examples.json')
/** Of a list so many entries are enough to see what they are like. */
const FEW = 2

/** What tells one run's names from another's says nothing to a reader. */
const plain = (text: string): string => text.replace(/[-_]seq\d+/gi, '')

const short = (value: unknown): unknown => {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.slice(0, FEW).map(short)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, short(inner)]))
}

export const readExamples = (): Readonly<Record<string, Exchanged>> => JSON.parse(readFileSync(FILE, 'utf8'))

/** Keeps one example for each operation; requests as they were sent, answers with the first entries of their lists. */
export const writeExamples = (exchanged: ReadonlyMap<string, Exchanged>): void => {
  const sorted = [...exchanged].sort(([a], [b]) => (a < b ? -1 : 1))
  const kept = sorted.map(([operation, { path, request, response }]) => [
    operation,
    { path: plain(path), request: request && JSON.parse(plain(JSON.stringify(request))), response: short(response) },
  ])
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(kept), undefined, 1)}\n`)
}
