// What all steps of a move share: its two ends, its memory, and how a list is gone through.
import { TributaryError } from '../client/errors.ts'
import { each as eachAtOnce } from '../worker/each.ts'
import { type Item, textOf } from './item.ts'
import type { Query, Source } from './source.ts'
import type { State } from './state.ts'
import type { Target, Written } from './target.ts'

export interface Move {
  readonly source: Source
  readonly target: Target
  readonly state: State
  /** Told of each page that is dealt with. */
  readonly onProgress: (kind: string, read: number) => void
}

export interface Step {
  /** What comes over, for people. */
  readonly name: string
  run(move: Move): Promise<void>
}

/** Requests to the new project that are under way at once. */
export const AT_ONCE = 8

/** Does something with each entry, some at a time; after the first error no other begins. */
export const each = <T>(
  entries: readonly T[],
  act: (entry: T) => Promise<void>,
  concurrency = AT_ONCE,
): Promise<void> => eachAtOnce(entries, act, { concurrency })

/** Goes through a list page by page, from where an earlier run ended. */
export const eachPage = async (
  { source, state, onProgress }: Move,
  list: string,
  {
    kind,
    path,
    params = [],
    query = {},
  }: { readonly kind: string; readonly path: string; readonly params?: readonly string[]; readonly query?: Query },
  act: (entries: readonly Item[]) => Promise<void>,
): Promise<void> => {
  const from = state.place(list)
  if (from === 'done') return
  for await (const { entries, next } of source.pages(path, params, query, from)) {
    await act(entries)
    state.turn(list, next)
    onProgress(kind, state.counts[kind]?.read ?? 0)
  }
}

/** What of a list there is to read: the other project may not have it, or may not show it to this key, which is noted by `what`. */
export const readable = async (
  { state }: Move,
  what: string | undefined,
  read: () => Promise<readonly Item[]>,
): Promise<readonly Item[]> => {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof TributaryError) || ![400, 402, 403, 404, 405].includes(error.status)) throw error
    if (what !== undefined) state.note(`${what} cannot be read with this key (${error.status} ${error.key})`)
    return []
  }
}

/** Counts what became of one record. True when it is there now. */
export const counted = (
  { state }: Move,
  kind: string,
  id: string,
  written: Written,
): written is Extract<Written, { ok: true }> => {
  if (written.ok) state.count(kind, written.isReplay ? 'there' : 'moved')
  else state.refuse(kind, id, written.reason)
  return written.ok
}

/** The `source_id` by which a customer of the old project is known here. */
export const personOf = ({ state }: Move, customer: unknown, id: unknown): string | undefined => {
  const { source_id: named } = (typeof customer === 'object' && customer !== null ? customer : {}) as Item
  const old = textOf(id) ?? textOf((customer as Item | null)?.id)
  return textOf(named) ?? (old === undefined ? undefined : (state.idOf(old) ?? old))
}
