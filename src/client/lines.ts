// Answers that come line by line: one JSON value a line, or server-sent events.

/** An answer that is read while it comes; leaving the loop ends it. */
export type Lines<T> = AsyncIterable<T>

/** One server-sent event; `data` is parsed. */
export interface StreamedEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: unknown
}

/** The lines of a body, without their ends. Ends the body when the caller leaves. */
async function* textLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      const lines = rest.split('\n')
      rest = done ? '' : lines.pop()!
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
      if (done) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** The values of a body with one JSON value a line. */
export async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  for await (const line of textLines(body)) if (line !== '') yield JSON.parse(line)
}

/** The events of a `text/event-stream`; comments are left out. */
export async function* streamedEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  let event = 'message'
  let id: string | undefined
  let data: string[] = []
  for await (const line of textLines(body)) {
    if (line === '') {
      if (data.length > 0) yield { event, id, data: JSON.parse(data.join('\n')) }
      event = 'message'
      data = []
      continue
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'id') id = value
    else if (field === 'data') data.push(value)
  }
}
