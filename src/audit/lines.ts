// Answers of any length as lines of JSON: what a run tells on its way, and a last line that says that it came to its end.

/** Told when the run has failed after its first line: the status of the answer has been sent by then. */
export interface LineError {
  readonly error: { readonly message: string }
}

const encoder = new TextEncoder()

/** Bytes that are gathered before they are sent. */
const PORTION = 64 * 1024

/**
 * A body of lines as they come, with no more in memory than one portion. A reader that goes away aborts the signal; a failure
 * becomes the last line, `{"error": …}`.
 */
export const bodyOfLines = (lines: (signal: AbortSignal) => AsyncIterable<string>): ReadableStream<Uint8Array> => {
  const abort = new AbortController()
  const iterator = lines(abort.signal)[Symbol.asyncIterator]()
  let waiting: Promise<IteratorResult<string>> | undefined
  const next = (): Promise<IteratorResult<string>> => {
    waiting ??= iterator.next().finally(() => {
      waiting = undefined
    })
    return waiting
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
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
        const failed: LineError = { error: { message: error instanceof Error ? error.message : String(error) } }
        text += `${JSON.stringify(failed)}\n`
        ended = true
      }
      if (text !== '') controller.enqueue(encoder.encode(text))
      if (ended) controller.close()
    },
    async cancel(reason) {
      abort.abort(reason instanceof Error ? reason : new Error('the reader has gone'))
      void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined)
    },
  })
}

/** Lines `{"progress": …}`, the newest whenever the reader is ready, then `{"end": …}` with what the run came to. */
export async function* linesOfRun<P, R>(
  run: (tell: (progress: P) => void) => Promise<R>,
): AsyncGenerator<string, void, undefined> {
  let told: P | undefined
  let wake: () => void = () => {}
  const state: { ended?: { readonly result: R } | { readonly error: unknown } } = {}
  run((progress) => {
    told = progress
    wake()
  }).then(
    (result) => {
      state.ended = { result }
      wake()
    },
    (error: unknown) => {
      state.ended = { error }
      wake()
    },
  )
  for (;;) {
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
    if (told === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve
        if (told !== undefined || state.ended !== undefined) resolve()
      })
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
