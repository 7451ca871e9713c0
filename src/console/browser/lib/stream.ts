// The live tail: what comes into the activity log while somebody looks, paused and filtered.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Activity } from './shapes.ts'

/** Entries kept on the page. */
const KEPT = 100

export interface Tail {
  readonly entries: readonly Activity[]
  readonly isOpen: boolean
  /** The server could not send all of it. */
  readonly isCut: boolean
}

/** Watches while it is not paused; another filter begins anew. */
export const useTail = (query: Readonly<Record<string, string>>, isPaused: boolean): Tail => {
  const [entries, setEntries] = useState<readonly Activity[]>([])
  const [isOpen, setOpen] = useState(false)
  const [isCut, setCut] = useState(false)
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  const shown = useRef(search)
  useEffect(() => {
    if (shown.current !== search) setEntries([])
    shown.current = search
    if (isPaused) {
      setOpen(false)
      return
    }
    const source = new EventSource(`/v1/activity/stream${search === '' ? '' : `?${search}`}`)
    source.onopen = () => setOpen(true)
    source.onerror = () => setOpen(false)
    source.addEventListener('activity', (event) => {
      const entry = JSON.parse(event.data) as Activity
      setEntries((before) => [entry, ...before.filter(({ id }) => id !== entry.id)].slice(0, KEPT))
    })
    source.addEventListener('skipped', () => setCut(true))
    return () => source.close()
  }, [search, isPaused])
  return { entries, isOpen, isCut }
}
