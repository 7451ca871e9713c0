// Answers that come line by line: progress while it goes on, then what it came to.
import { useRef, useState } from 'preact/hooks'
import { ApiError } from './api.ts'
import { session } from './session.ts'
import type { Fields } from './shapes.ts'

export interface Run {
  readonly state: 'idle' | 'running' | 'done' | 'failed'
  readonly progress?: Fields
  readonly end?: Fields
  readonly error?: unknown
  /** Lines that are neither progress nor the end: the newest of them. */
  readonly lines: readonly Fields[]
}

/** Lines kept on the page. */
const KEPT = 200

const IDLE: Run = { state: 'idle', lines: [] }

/** Runs a long question; another run or leaving the page ends it. */
export const useRun = (): readonly [Run, (path: string, body?: unknown) => void] => {
  const [run, setRun] = useState<Run>(IDLE)
  const gone = useRef<AbortController>(undefined)
  const take = (line: string): void => {
    if (line.trim() === '') return
    const value = JSON.parse(line) as Fields
    setRun((before) => {
      if ('progress' in value) return { ...before, progress: value.progress as Fields }
      if ('error' in value)
        return { ...before, state: 'failed', error: new Error(String((value.error as Fields).message)) }
      if ('end' in value) return { ...before, state: 'done', end: value.end as Fields }
      return { ...before, lines: [...before.lines, value].slice(-KEPT) }
    })
  }
  const start = async (path: string, body?: unknown): Promise<void> => {
    gone.current?.abort()
    const mine = new AbortController()
    gone.current = mine
    setRun({ state: 'running', lines: [] })
    try {
      const response = await fetch(path, {
        method: body === undefined ? 'GET' : 'POST',
        headers:
          body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'X-CSRF-Token': session.value?.csrf_token ?? '' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: mine.signal,
      })
      if (!response.ok || response.body === null) {
        const { key, message, details, request_id } = (await response.json()) as Record<string, string>
        throw new ApiError(response.status, key ?? '', message ?? '', details ?? '', request_id)
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ''
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const parts = (rest + read.value).split('\n')
        rest = parts.pop() ?? ''
        for (const line of parts) take(line)
      }
      take(rest)
      setRun((before) =>
        before.state === 'running'
          ? { ...before, state: 'failed', error: new Error('The answer ended before it was whole') }
          : before,
      )
    } catch (error) {
      if (!mine.signal.aborted) setRun((before) => ({ ...before, state: 'failed', error }))
    }
  }
  return [run, (path, body) => void start(path, body)]
}
