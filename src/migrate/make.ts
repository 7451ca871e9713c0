// How definitions are made from those of another project: once, each after those that it names, under the ids that these have here.
import { type Item, renamed, textOf } from './item.ts'
import { counted, type Move, type Step } from './move.ts'
import type { Written } from './target.ts'

/** The id of a definition, or the name that it is known by. */
export const idOf = (item: Item): string => textOf(item.id) ?? textOf(item.name) ?? '?'

/** What is there under a name is taken for the same; its id here. */
const found = async ({ target }: Move, path: string, name: unknown): Promise<string | undefined> => {
  for await (const one of target.entries(path, {})) if (one.name === name) return textOf(one.id)
  return undefined
}

interface Kind {
  readonly kind: string
  /** The request that makes one. */
  readonly make: (item: Item) => { readonly path: string; readonly params?: readonly string[]; readonly body: unknown }
  /** Where those that are there already are listed, by name. */
  readonly listed?: string
}

/** Texts in a value, names of fields included. */
const texts = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, one]) => [name, ...texts(one)])
      : []

/**
 * Makes definitions, those first that name no other of them that is still to come; where they name one another in a circle, as they
 * are.
 */
export const makeAll = async (move: Move, items: readonly Item[], { kind, make, listed }: Kind): Promise<void> => {
  const { state, target } = move
  let waiting = items.filter((item) => state.idOf(idOf(item)) === undefined)
  state.count(kind, 'read', items.length)
  state.count(kind, 'there', items.length - waiting.length)
  while (waiting.length > 0) {
    const open = new Set(waiting.map(idOf))
    const free = waiting.filter((item) => !texts(make(item).body).some((text) => text !== idOf(item) && open.has(text)))
    const now = free.length > 0 ? free : waiting
    for (const item of now) {
      const { path, params = [], body } = make(item)
      const old = idOf(item)
      const send = (said: unknown, name: string): Promise<Written> =>
        target.write('POST', path, params, renamed(said, state.idOf), name)
      const written = await send(body, `${kind}:${old}`)
      const there =
        !written.ok && written.status === 409 && listed !== undefined ? await found(move, listed, item.name) : undefined
      if (there !== undefined) {
        state.count(kind, 'there')
        state.note(`${kind} ${JSON.stringify(item.name)} was there already and stays as it is`)
        state.named(kind, old, there)
      } else if (counted(move, kind, old, written)) {
        const id = textOf(written.body.id)
        if (id !== undefined) state.named(kind, old, id)
      }
    }
    waiting = waiting.filter((item) => !now.includes(item))
  }
}

/** Runs once: what a step remembers beyond its records is that it is done. */
export const onceOver = (name: string, kinds: readonly string[], run: (move: Move) => Promise<void>): Step => ({
  name,
  async run(move) {
    if (move.state.place(name) === 'done') return
    for (const kind of kinds) move.state.begin(kind)
    await run(move)
    move.state.turn(name, undefined)
    for (const kind of kinds) move.onProgress(kind, move.state.counts[kind]?.read ?? 0)
  },
})

/** The campaigns of a type that have come over. */
const ownOf =
  (kind: string) =>
  async ({ source, state }: Move): Promise<readonly Item[]> =>
    (await source.all('/v1/campaigns')).filter(
      (one) => one.campaign_type === kind && state.idOf(idOf(one)) !== undefined,
    )
export const programsOf = ownOf('LOYALTY_PROGRAM')
export const promotionsOf = ownOf('PROMOTION')
