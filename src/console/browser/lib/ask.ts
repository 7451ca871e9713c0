// Questions to the API as hooks: what was answered, what went wrong, and asking again.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, changes, onStale, send } from './api.ts'

export interface Asked<T> {
  readonly data: T | undefined
  readonly error: unknown
  /** An answer is awaited; what was answered before still stands. */
  readonly isAsking: boolean
  again(): void
}

/** What is away for a moment is asked again by itself, ms. */
const COMES_BACK_MS = 3_000

/** Asks again, and again, as long as the server or a store of it is away. */
const useComingBack = (error: unknown, again: () => void): void => {
  useEffect(() => {
    if (!(error instanceof ApiError && (error.status === 503 || error.status === 0))) return
    const timer = setTimeout(again, COMES_BACK_MS)
    return () => clearTimeout(timer)
  }, [error])
}

interface Rounds {
  /** Counts how often it is to be asked again. */
  readonly round: number
  /** Somebody wants it asked again. */
  again(): void
  /** The page wants it asked again by itself. */
  againByItself(): void
  /** Whether the page asks by itself in this round; true once. */
  takeByItself(): boolean
}

/** Asking again what was asked, also by itself when what was answered may not be the newest. */
const useRounds = (): Rounds => {
  const [round, setRound] = useState(0)
  const isByItself = useRef(false)
  const again = useCallback(() => setRound((n) => n + 1), [])
  const againByItself = useCallback(() => {
    isByItself.current = true
    again()
  }, [])
  const takeByItself = useCallback(() => {
    const was = isByItself.current
    isByItself.current = false
    return was
  }, [])
  useEffect(() => onStale(againByItself), [])
  return { round, again, againByItself, takeByItself }
}

/** Asks for an address, again whenever it or anything on this page changes; nothing is asked while it is undefined. */
export const useAsk = <T>(address: string | undefined, everyMs?: number): Asked<T> => {
  const [state, setState] = useState<{ address?: string | undefined; data?: T; error?: unknown; isAsking: boolean }>({
    isAsking: address !== undefined,
  })
  const { round, again, againByItself, takeByItself } = useRounds()
  const revision = changes.value
  useEffect(() => {
    if (address === undefined) {
      setState({ isAsking: false })
      return
    }
    const gone = new AbortController()
    setState((before) => ({ ...(before.address === address ? before : { address }), isAsking: true }))
    send<T>({ method: 'GET', path: address, isByItself: takeByItself() }, gone.signal).then(
      (data) => !gone.signal.aborted && setState({ address, data, isAsking: false }),
      (error: unknown) => !gone.signal.aborted && setState({ address, error, isAsking: false }),
    )
    return () => gone.abort()
  }, [address, revision, round])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') againByItself()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  useComingBack(state.error, againByItself)
  const isOf = state.address === address
  return {
    data: isOf ? state.data : undefined,
    error: isOf ? state.error : undefined,
    isAsking: state.isAsking || !isOf,
    again,
  }
}

interface ListBody {
  readonly data_ref: string
  readonly total?: number
  readonly has_more?: boolean
  readonly next_cursor?: string | null
  readonly [ref: string]: unknown
}

export interface Listed<T> {
  readonly entries: readonly T[] | undefined
  readonly total: number | undefined
  readonly error: unknown
  readonly isAsking: boolean
  /** Undefined at the end of the list. */
  readonly more: (() => void) | undefined
  again(): void
}

interface Pages<T> {
  readonly address?: string
  readonly entries?: readonly T[]
  readonly total?: number | undefined
  readonly cursor?: string | null
  readonly error?: unknown
  readonly isAsking: boolean
}

const entriesOf = <T>(body: ListBody): readonly T[] => (body[body.data_ref] as readonly T[] | undefined) ?? []

/** Asks for pages of a list, one after the other, behind a cursor or from its beginning. */
const askPages = async <T>(
  address: string,
  {
    cursor,
    pages,
    isByItself,
  }: { readonly cursor?: string | undefined; readonly pages: number; readonly isByItself: boolean },
  signal: AbortSignal,
): Promise<Required<Pick<Pages<T>, 'entries' | 'cursor'>> & Pick<Pages<T>, 'total'>> => {
  const entries: T[] = []
  let next: string | null | undefined = cursor
  let total: number | undefined
  for (let page = 0; page < pages && next !== null; page++) {
    const path =
      next === undefined ? address : `${address}${address.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(next)}`
    const body: ListBody = await send<ListBody>({ method: 'GET', path, isByItself }, signal)
    entries.push(...entriesOf<T>(body))
    total ??= body.total
    next = body.next_cursor ?? null
  }
  return { entries, total, cursor: next ?? null }
}

/**
 * A list of the API, page after page: it goes on from the last entry, so that it can be of any length. Asked again it is as long as
 * it was.
 */
export const useList = <T>(address: string | undefined): Listed<T> => {
  const [pages, setPages] = useState<Pages<T>>({ isAsking: true })
  const { round, again, againByItself, takeByItself } = useRounds()
  const revision = changes.value
  const asked = useRef<AbortController>(undefined)
  /** How many pages of an address are wanted. */
  const wanted = useRef<{ readonly of?: string; readonly pages: number }>({ pages: 1 })
  const ask = useCallback((from: string, cursor: string | undefined) => {
    asked.current?.abort()
    const gone = new AbortController()
    asked.current = gone
    const many = wanted.current.of === from ? wanted.current.pages : 1
    wanted.current = { of: from, pages: cursor === undefined ? many : many + 1 }
    setPages((before) => ({ ...(before.address === from ? before : { address: from }), isAsking: true }))
    const what = { cursor, pages: cursor === undefined ? many : 1, isByItself: takeByItself() }
    askPages<T>(from, what, gone.signal).then(
      ({ entries, total, cursor: next }) => {
        if (gone.signal.aborted) return
        setPages((before) => ({
          address: from,
          entries: cursor === undefined ? entries : [...(before.entries ?? []), ...entries],
          total: total ?? before.total,
          cursor: next,
          isAsking: false,
        }))
      },
      (error: unknown) => {
        if (gone.signal.aborted) return
        wanted.current = { of: from, pages: many }
        setPages((before) => ({ ...before, error, isAsking: false }))
      },
    )
  }, [])
  useEffect(() => {
    if (address !== undefined) ask(address, undefined)
    return () => asked.current?.abort()
  }, [address, revision, round, ask])
  const isOf = pages.address === address
  const { cursor, entries } = pages
  // What is shown stays; the next page is asked for by hand.
  useComingBack(isOf && entries === undefined ? pages.error : undefined, againByItself)
  return {
    entries: isOf ? entries : undefined,
    total: isOf ? pages.total : undefined,
    error: isOf ? pages.error : undefined,
    isAsking: pages.isAsking || !isOf,
    more: isOf && cursor ? () => ask(address!, cursor) : undefined,
    again,
  }
}
