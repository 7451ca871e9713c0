// The project that is moved: its public API, read page by page, no faster than it likes.

import { TributaryError } from '../client/errors.ts'
import { entriesOf, nextQuery } from '../client/pages.ts'
import { createTransport, type Transport } from '../client/transport.ts'
import { sleep } from '../line/backoff.ts'
import { type Item, isItem, textOf } from './item.ts'

export type Query = Readonly<Record<string, unknown>>

export interface Page {
  readonly entries: readonly Item[]
  /** Where the next page is; undefined after the last. */
  readonly next: Query | undefined
  /** How many there are in all, where the list says so. */
  readonly total: number | undefined
}

export interface Source {
  /** The pages of a list from `from` on, oldest entries first where the list can be put in order. */
  pages(path: string, params: readonly string[], query: Query, from?: Query): AsyncGenerator<Page>
  /** All entries of a list that is short: definitions, parts of one record. */
  all(path: string, params?: readonly string[], query?: Query): Promise<readonly Item[]>
  /** The schemas of custom events. */
  eventSchemas(): Promise<readonly Item[]>
  /** The stacking rules, of which there are one at most. */
  stackingRules(): Promise<readonly Item[]>
  /** One record; undefined when there is none. */
  get(path: string, params: readonly string[]): Promise<Item | undefined>
}

export interface SourceOptions {
  readonly url: string
  readonly appId: string
  readonly token: string
  /** Requests a minute; undefined: as many as the source takes. */
  readonly rate?: number | undefined
  /** A key of the Management API, which alone tells the event schemas and stacking rules of a Voucherify project. */
  readonly management?: { readonly project: string; readonly id: string; readonly token: string } | undefined
  /** How long a source that is away, or that says "too many", is asked again, ms. */
  readonly retryForMs: number
  readonly signal: AbortSignal
  readonly onRetry?: (reason: string, waitMs: number) => void
}

const PAGE = 100
const SCHEMAS = '/v1/event-schemas'
const MANAGED_SCHEMAS = '/management/v1/projects/{projectId}/custom-event-schemas'
export const STACKING_RULES = '/v1/stacking-rules'
const MANAGED_STACKING = '/management/v1/projects/{projectId}/stacking-rules'

export const CATEGORIES = '/v1/categories'
export const METADATA_SCHEMAS = '/v1/metadata-schemas'
export const PROMOTION_TIERS = '/v1/promotions/{campaignId}/tiers'
export const PROMOTION_STACKS = '/v1/promotions/{campaignId}/stacks'
const WHOLE: ReadonlySet<string> = new Set([
  SCHEMAS,
  MANAGED_SCHEMAS,
  CATEGORIES,
  METADATA_SCHEMAS,
  PROMOTION_TIERS,
  PROMOTION_STACKS,
  STACKING_RULES,
  MANAGED_STACKING,
])

/** The first page of a list, as long as it may be; short ones come in one. */
export const firstPage = (path: string, query: Query): Query => (WHOLE.has(path) ? query : { limit: PAGE, ...query })

/** Numbers of pages end here in the public contract, for lists that can be narrowed to a time. */
const LAST_PAGE = 99
const TIMED: ReadonlySet<string> = new Set(['/v1/customers', '/v1/vouchers', '/v1/redemptions'])

/** Lets one request begin after the other, at most so many a minute. */
const pacer = (rate: number | undefined, signal: AbortSignal) => {
  let free = 0
  return async (): Promise<void> => {
    signal.throwIfAborted()
    if (rate === undefined) return
    const now = performance.now()
    const at = Math.max(now, free)
    free = at + 60_000 / rate
    if (at > now) await sleep(at - now, signal)
    signal.throwIfAborted()
  }
}

/**
 * Past the last numbered page a list goes on by when its entries were made; those of that instant come twice. Undefined where the list
 * takes no times.
 */
const restarted = (path: string, query: Query, entries: readonly Item[]): Query | undefined => {
  const last = textOf(entries.at(-1)?.created_at) ?? textOf(entries.at(-1)?.date)
  if (last === undefined || !TIMED.has(path)) return undefined
  const { page: _, ...rest } = query
  const at = (ms: number) => new Date(Date.parse(last) + ms).toISOString()
  return { ...rest, created_at: query.order === 'created_at' ? { after: at(-1) } : { before: at(1) } }
}

export const createSource = (options: SourceOptions): Source => {
  const { url, rate, management, retryForMs, signal, onRetry } = options
  const transportOf = (appId: string, token: string): Transport =>
    createTransport({
      url,
      appId,
      token,
      retryForMs,
      readYourWrites: false,
      onRetry: (reason, waitMs) => onRetry?.(reason.message, waitMs),
    })
  const plain = transportOf(options.appId, options.token)
  const managing = management && transportOf(management.id, management.token)
  const turn = pacer(rate, signal)
  const ask = async (path: string, params: readonly string[], query: Query): Promise<unknown> => {
    await turn()
    const transport = managing && path.startsWith('/management/') ? managing : plain
    return (await transport.send({ method: 'GET', path, params, query, call: { signal } })).data
  }

  async function* pages(path: string, params: readonly string[], query: Query, from?: Query): AsyncGenerator<Page> {
    let next: Query | undefined = from ?? firstPage(path, query)
    let seen = from === undefined ? 0 : (Number(from.page ?? 1) - 1) * PAGE
    while (next !== undefined) {
      const asked: Query = next
      const body = await ask(path, params, asked)
      const entries = entriesOf(body).filter(isItem)
      seen += entries.length
      next = nextQuery(asked, body, seen)
      if (next !== undefined && Number(next.page) > LAST_PAGE) {
        const further = restarted(path, asked, entries)
        if (further !== undefined) {
          next = further
          seen = 0
        }
      }
      yield { entries, next, total: isItem(body) && typeof body.total === 'number' ? body.total : undefined }
    }
  }

  const all: Source['all'] = async (path, params = [], query = {}) => {
    // By id: a list that knows no numbers of pages answers with the same again.
    const found = new Map<unknown, Item>()
    for await (const { entries } of pages(path, params, query))
      for (const entry of entries) found.set(entry.id ?? found.size, entry)
    return [...found.values()]
  }

  return {
    pages,
    all,
    stackingRules: () => (management ? all(MANAGED_STACKING, [management.project]) : all(STACKING_RULES)),
    eventSchemas: () => (management ? all(MANAGED_SCHEMAS, [management.project]) : all(SCHEMAS)),
    async get(path, params) {
      try {
        const body = await ask(path, params, {})
        return isItem(body) ? body : undefined
      } catch (error) {
        if (error instanceof TributaryError && error.status === 404) return undefined
        throw error
      }
    },
  }
}
