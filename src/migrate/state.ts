// What a move remembers beside itself, so that it can go on where it ended: places in lists, new ids, counts, refusals.

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import * as v from 'valibot'
import { issuePath } from '../domain/path.ts'
import { InputError } from '../import/errors.ts'
import type { Query } from './source.ts'

const Count = v.object({ read: v.number(), moved: v.number(), there: v.number(), refused: v.number() })
export type Count = v.InferOutput<typeof Count>

const Saved = v.object({
  version: v.literal(1),
  from: v.string(),
  to: v.string(),
  /** Lists: where the next page is, or that there is none. */
  places: v.record(v.string(), v.union([v.literal('done'), v.record(v.string(), v.unknown())])),
  counts: v.record(v.string(), Count),
  /** By kind: why records could not come, and how many. */
  reasons: v.record(v.string(), v.record(v.string(), v.number())),
  notes: v.array(v.string()),
})
type Saved = v.InferOutput<typeof Saved>

/** Different reasons that are kept for a kind; more are counted together. */
const MAX_REASONS = 50
const MAX_REASON = 300
const OTHER = 'other reasons: see the file of what was refused'

export interface State {
  place(list: string): Query | 'done' | undefined
  /** A page is dealt with: what was counted since then and where it goes on are written together. */
  turn(list: string, next: Query | undefined): void
  /** Counts a kind anew: its list is gone through from the beginning. */
  begin(kind: string): void
  count(kind: string, what: keyof Count, n?: number): void
  refuse(kind: string, id: string, reason: string): void
  note(text: string): void
  /** The id that something of the old project has here. */
  idOf(old: string): string | undefined
  named(kind: string, old: string, id: string): void
  readonly counts: Readonly<Record<string, Count>>
  readonly reasons: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly notes: readonly string[]
  readonly refusedFile: string
}

const readSaved = (path: string, from: string, to: string): Saved => {
  if (!existsSync(path)) return { version: 1, from, to, places: {}, counts: {}, reasons: {}, notes: [] }
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw new InputError(`${path} is not the state of a move: it is not JSON`)
  }
  const parsed = v.safeParse(Saved, value)
  if (!parsed.success)
    throw new InputError(
      `${path} is not the state of a move: ${issuePath(parsed.issues[0])} ${parsed.issues[0].message}`,
    )
  if (parsed.output.from !== from || parsed.output.to !== to)
    throw new InputError(
      `${path} is the state of a move from ${parsed.output.from} to ${parsed.output.to}: name another with --state, or remove it to begin anew`,
    )
  return parsed.output
}

/** Opens the state in `path`, with the new ids in `path.ids.ndjson` and refusals in `path.refused.ndjson`. Throws `InputError`. */
export const openState = (path: string, from: string, to: string): State => {
  const saved = readSaved(path, from, to)
  const idsFile = `${path}.ids.ndjson`
  const refusedFile = `${path}.refused.ndjson`
  const ids = new Map<string, string>()
  const pending: string[] = []
  const refusals: string[] = []
  if (existsSync(idsFile))
    for (const line of readFileSync(idsFile, 'utf8').split('\n')) {
      // A crash may have cut the last one; what it named is written again.
      const entry: unknown = line.endsWith(']') ? JSON.parse(line) : undefined
      if (Array.isArray(entry)) ids.set(String(entry[1]), String(entry[2]))
    }
  const save = () => {
    if (pending.length > 0) appendFileSync(idsFile, `${pending.splice(0).join('\n')}\n`)
    if (refusals.length > 0) appendFileSync(refusedFile, `${refusals.splice(0).join('\n')}\n`)
    writeFileSync(`${path}.new`, JSON.stringify(saved, null, 2), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  const countOf = (kind: string): Count => {
    saved.counts[kind] ??= { read: 0, moved: 0, there: 0, refused: 0 }
    return saved.counts[kind]
  }
  return {
    place: (list) => saved.places[list],
    turn(list, next) {
      saved.places[list] = next ?? 'done'
      save()
    },
    begin(kind) {
      saved.counts[kind] = { read: 0, moved: 0, there: 0, refused: 0 }
      delete saved.reasons[kind]
    },
    count(kind, what, n = 1) {
      countOf(kind)[what] += n
    },
    refuse(kind, id, reason) {
      countOf(kind).refused++
      saved.reasons[kind] ??= {}
      const reasons = saved.reasons[kind]
      // The same fault of many records is one reason.
      const general = reason
        .replaceAll(id, '…')
        .replaceAll(/\[\d+\]/g, '[…]')
        .slice(0, MAX_REASON)
      const known = Object.hasOwn(reasons, general) || Object.keys(reasons).length < MAX_REASONS ? general : OTHER
      reasons[known] = (reasons[known] ?? 0) + 1
      refusals.push(JSON.stringify({ kind, id, reason }))
    },
    note(text) {
      if (!saved.notes.includes(text)) saved.notes.push(text)
    },
    idOf: (old) => ids.get(old),
    named(kind, old, id) {
      if (ids.get(old) === id) return
      ids.set(old, id)
      pending.push(JSON.stringify([kind, old, id]))
    },
    counts: saved.counts,
    reasons: saved.reasons,
    notes: saved.notes,
    refusedFile,
  }
}
