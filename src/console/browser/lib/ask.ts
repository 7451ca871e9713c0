// Questions to the API as hooks: what was answered, what went wrong, and asking again.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, changes, send } from './api.ts'

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

/** Asks for an address, again whenever it or anything on this page changes; nothing is asked while it is undefined. */
export const useAsk = <T>(address: string | undefined, everyMs?: number): Asked<T> => {
  const [state, setState] = useState<{ address?: string | undefined; data?: T; error?: unknown; isAsking: boolean }>({
    isAsking: address !== undefined,
  })
  const [round, setRound] = useState(0)
  const revision = changes.value
  const isByItself = useRef(false)
  useEffect(() => {
    if (address === undefined) {
      setState({ isAsking: false })
      return
    }
    const gone = new AbortController()
    setState((before) => ({ ...(before.address === address ? before : { address }), isAsking: true }))
    const request = { method: 'GET', path: address, isByItself: isByItself.current } as const
    isByItself.current = false
    send<T>(request, gone.signal).then(
      (data) => !gone.signal.aborted && setState({ address, data, isAsking: false }),
      (error: unknown) => !gone.signal.aborted && setState({ address, error, isAsking: false }),
    )
    return () => gone.abort()
  }, [address, revision, round])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (document.visibilityState !== 'visible') return
      isByItself.current = true
      setRound((n) => n + 1)
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  useComingBack(state.error, () => setRound((n) => n + 1))
  const again = useCallback(() => setRound((n) => n + 1), [])
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

/** A list of the API, page after page: it goes on from the last entry, so that it can be of any length. */
export const useList = <T>(address: string | undefined): Listed<T> => {
  const [pages, setPages] = useState<Pages<T>>({ isAsking: true })
  const [round, setRound] = useState(0)
  const revision = changes.value
  const asked = useRef<AbortController>(undefined)
  const ask = useCallback((from: string, cursor: string | undefined) => {
    asked.current?.abort()
    const gone = new AbortController()
    asked.current = gone
    const path =
      cursor === undefined ? from : `${from}${from.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
    setPages((before) => ({ ...(before.address === from ? before : { address: from }), isAsking: true }))
    send<ListBody>({ method: 'GET', path }, gone.signal).then(
      (body) => {
        if (gone.signal.aborted) return
        setPages((before) => ({
          address: from,
          entries: [...(cursor === undefined ? [] : (before.entries ?? [])), ...entriesOf<T>(body)],
          total: body.total ?? before.total,
          cursor: body.next_cursor ?? null,
          isAsking: false,
        }))
      },
      (error: unknown) => !gone.signal.aborted && setPages((before) => ({ ...before, error, isAsking: false })),
    )
  }, [])
  useEffect(() => {
    if (address !== undefined) ask(address, undefined)
    return () => asked.current?.abort()
  }, [address, revision, round, ask])
  const isOf = pages.address === address
  const { cursor, entries } = pages
  // What is shown stays; the next page is asked for by hand.
  useComingBack(isOf && entries === undefined ? pages.error : undefined, () => setRound((n) => n + 1))
  return {
    entries: isOf ? entries : undefined,
    total: isOf ? pages.total : undefined,
    error: isOf ? pages.error : undefined,
    isAsking: pages.isAsking || !isOf,
    more: isOf && cursor ? () => ask(address!, cursor) : undefined,
    again: () => setRound((n) => n + 1),
  }
}
