// Lists as async iterators: page after page, by whatever the answers say of how to go on.

type Query = Readonly<Record<string, unknown>>

/** What lists have in common; the entries are under the name that `data_ref` gives. */
interface ListBody {
  readonly data_ref?: unknown
  readonly next_cursor?: unknown
  readonly has_more?: unknown
  readonly more_starting_after?: unknown
  readonly total?: unknown
}

const isBody = (value: unknown): value is ListBody & Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The entries of one page. */
export const entriesOf = (body: unknown): readonly unknown[] => {
  if (!isBody(body)) return []
  const entries = body[typeof body.data_ref === 'string' ? body.data_ref : 'data']
  return Array.isArray(entries) ? entries : []
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/**
 * The query of the next page; undefined after the last. Answers with a `next_cursor` go on by it, others by the last id, and where
 * there is neither by the number of the page, as long as there are more in `total` than the `seen` ones.
 */
export const nextQuery = (query: Query, body: unknown, seen: number): Query | undefined => {
  if (!isBody(body)) return undefined
  const { page, cursor: _, starting_after_id: __, ...rest } = query
  if (isText(body.next_cursor)) return { ...rest, cursor: body.next_cursor }
  if ('next_cursor' in body || body.has_more === false) return undefined
  if (isText(body.more_starting_after)) return { ...rest, starting_after_id: body.more_starting_after }
  const isMore = body.has_more === true || (typeof body.total === 'number' && seen < body.total)
  return isMore && entriesOf(body).length > 0 ? { ...rest, page: Number(page ?? 1) + 1 } : undefined
}

/** All pages from that of `query` on. */
export async function* pagesOf<T>(ask: (query: Query) => Promise<T>, query: Query): AsyncGenerator<T> {
  let next: Query | undefined = query
  let seen = (Number(query.page ?? 1) - 1) * Number(query.limit ?? 0)
  while (next !== undefined) {
    const body: T = await ask(next)
    yield body
    seen += entriesOf(body).length
    next = nextQuery(next, body, seen)
  }
}

/** All entries from the page of `query` on. */
export async function* allOf(ask: (query: Query) => Promise<unknown>, query: Query): AsyncGenerator<unknown> {
  for await (const body of pagesOf(ask, query)) yield* entriesOf(body)
}
