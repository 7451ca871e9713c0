// Answers of any length as lines of JSON: what a run tells on its way, and a last line that says that it came to its end.
import { errorText } from '../domain/errorText.ts'

/** Told when the run has failed after its first line: the status of the answer has been sent by then. */
export interface LineError {
  readonly error: { readonly message: string }
}

const encoder = new TextEncoder()

/** Bytes that are gathered before they are sent. */
const PORTION = 64 * 1024

/** A reader that takes nothing for so long while something waits is gone, ms. */
const IDLE_MS = 5 * 60_000

const gone = (): Error => new Error('the reader has gone')

export interface BodyOptions {
  /** Called once, when the last line was handed on, or nobody waits for one any more. */
  readonly onEnd?: () => void
  /** How long a reader may take nothing of what waits for it, ms. */
  readonly idleMs?: number
}

/**
 * A body of lines as they come, with no more in memory than one portion. A reader that goes away, or takes nothing for five
 * minutes, aborts the signal; a failure becomes the last line, `{"error": …}`.
 */
export const bodyOfLines = (
  lines: (signal: AbortSignal) => AsyncIterable<string>,
  { onEnd = () => {}, idleMs = IDLE_MS }: BodyOptions = {},
): ReadableStream<Uint8Array> => {
  const abort = new AbortController()
  const iterator = lines(abort.signal)[Symbol.asyncIterator]()
  let idle: NodeJS.Timeout | undefined
  let isOver = false
  const over = (): void => {
    clearTimeout(idle)
    if (!isOver) onEnd()
    isOver = true
  }
  const leave = (reason: Error): void => {
    over()
    abort.abort(reason)
    void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined)
  }
  let waiting: Promise<IteratorResult<string>> | undefined
  const next = (): Promise<IteratorResult<string>> => {
    waiting ??= iterator.next().finally(() => {
      waiting = undefined
    })
    return waiting
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(idle)
      let text = ''
      let ended = false
      try {
        do {
          const step = await next()
          ended = step.done === true
          if (!step.done) text += `${step.value}\n`
          // Progress is worth sending at once, events are worth gathering.
        } while (!ended && text.length < PORTION && text.startsWith('{"stream"'))
      } catch (error) {
        if (abort.signal.aborted) return
        const failed: LineError = { error: { message: errorText(error) } }
        text += `${JSON.stringify(failed)}\n`
        ended = true
      }
      if (abort.signal.aborted) return
      if (text !== '') controller.enqueue(encoder.encode(text))
      if (ended) {
        over()
        controller.close()
        return
      }
      idle = setTimeout(() => {
        leave(gone())
        controller.error(gone())
      }, idleMs)
      idle.unref()
    },
    async cancel(reason) {
      leave(reason instanceof Error ? reason : gone())
    },
  })
}

/** What a run tells on its way. */
export interface Telling<P> {
  /** How far it is: the newest is told whenever the reader is ready. */
  readonly tell: (progress: P) => void
  /** A line of its own. Resolves when the reader is ready for another; rejects when it has gone. */
  readonly say: (line: unknown) => Promise<void>
}

/** Lines `{"progress": …}` and what the run says itself, then `{"end": …}` with what the run came to. */
export async function* linesOfRun<P, R>(
  run: (tell: Telling<P>['tell'], say: Telling<P>['say']) => Promise<R>,
): AsyncGenerator<string, void, undefined> {
  let told: P | undefined
  let said: { readonly line: unknown; readonly taken: () => void; readonly left: (error: Error) => void } | undefined
  let isLeft = false
  let wake: () => void = () => {}
  const state: { ended?: { readonly result: R } | { readonly error: unknown } } = {}
  const say = (line: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      if (isLeft) return reject(gone())
      said = { line, taken: resolve, left: reject }
      wake()
    })
  run((progress) => {
    told = progress
    wake()
  }, say).then(
    (result) => {
      state.ended = { result }
      wake()
    },
    (error: unknown) => {
      state.ended = { error }
      wake()
    },
  )
  try {
    for (;;) {
      if (said !== undefined) {
        yield JSON.stringify(said.line)
        const { taken } = said
        said = undefined
        taken()
      }
      if (told !== undefined && state.ended === undefined) {
        const progress = told
        told = undefined
        yield JSON.stringify({ progress })
      }
      if (state.ended !== undefined) {
        if ('error' in state.ended) throw state.ended.error
        yield JSON.stringify({ end: state.ended.result })
        return
      }
      if (told === undefined && said === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve
          if (told !== undefined || said !== undefined || state.ended !== undefined) resolve()
        })
    }
  } finally {
    isLeft = true
    said?.left(gone())
  }
}

/** The lines in a sequence of bytes, without their ends. */
export async function* linesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}
