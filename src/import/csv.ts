// Splits CSV text into rows as it arrives, holding no more than one row may have: what cannot be read is a row with a fault.

export interface CsvRow {
  /** Its cells; undefined when it cannot be read. */
  readonly cells: readonly string[] | undefined
  readonly fault?: string
  /** The line on which it ends, from 1; of an open quote the line on which that opens. */
  readonly line: number
  /** Bytes that it took, with its line end and blank lines before it. */
  readonly bytes: number
  /** How it begins: the whole text of a row that could be read no further is not held. */
  readonly text: string
  /** True when nothing after it can be read. */
  readonly isLast?: boolean
}

export interface CsvOptions {
  /** One character between cells. */
  readonly delimiter: string
  /** Bytes that a row may have without its line end. */
  readonly maxBytes: number
}

const encoder = new TextEncoder()
/** Bytes of a text as UTF-8; in a browser too, where files are looked at before they are sent. */
const bytesOf = (text: string): number => encoder.encode(text).length

/** Characters of an unreadable row that are shown. */
export const MAX_SHOWN = 1_000

export const tooLong = (maxBytes: number): string => `is longer than ${maxBytes} bytes`
const NEVER_CLOSED = 'a quote opens on this line that is never closed: nothing after it can be read'
const NOT_CLOSED_AT_END = 'a quote opens on this line that is not closed where a cell ends'

/** Where the cell stands: before its first character, in bare text, within quotes, or after a quote that may close it. */
type Place = 'start' | 'bare' | 'quoted' | 'closing'

/**
 * The rows of a text that comes in pieces. A quote opens only as the first character of a cell and is doubled within; one
 * inside a bare cell (3" nails) is text. A line ends with `\n` or `\r\n`, or with `\r` where the first one does. Blank lines
 * are no rows. A row over the bound ends where it would have ended. When a quote was still open at the line's end and the
 * next quote closes no cell, the line on which it opens is given up and reading goes on after that line.
 */
export async function* csvRows(
  pieces: AsyncIterable<string>,
  { delimiter, maxBytes }: CsvOptions,
): AsyncGenerator<CsvRow> {
  /** The text from the beginning of the row on, as far as it is held, and the next character to look at. */
  let text = ''
  let next = 0
  let start = 0
  let line = 1
  let returnsEnd: boolean | undefined
  let cells: string[] = []
  let cell = ''
  let place: Place = 'start'
  /** Where the open quote stands: its line, and the end of that line counted from the row's beginning. */
  let quote = { line: 0, lineEnd: -1 }
  /** Of the row, no longer held. */
  let dropped = { bytes: 0, text: '' }
  let isOver = false
  let blank = 0

  /** Characters of the line end at this place: 0 when there is none. */
  const lineEndAt = (at: number): number => {
    const c = text[at]
    const length = c === '\n' ? 1 : c !== '\r' ? 0 : text[at + 1] === '\n' ? 2 : 1
    if (length > 0 && place !== 'quoted') returnsEnd ??= c === '\r' && length === 1
    return length
  }

  /** Where the run of characters ends that mean nothing but themselves, in a bare or quoted cell. */
  const plainEnd = (): number => {
    let at = next
    for (; at < text.length; at++) {
      const c = text[at]
      if (c === '\r' || c === '\n' || (place === 'quoted' ? c === '"' : c === delimiter)) break
    }
    return at
  }

  const begin = (at: number): void => {
    start = at
    next = at
    cells = []
    cell = ''
    place = 'start'
    dropped = { bytes: 0, text: '' }
    isOver = false
  }

  const endCell = (): void => {
    cells.push(cell)
    cell = ''
    place = 'start'
  }

  /** Ends the row before `at`, where a line end of so many characters stands, and begins the next. */
  const endRow = (at: number, endLength: number): CsvRow => {
    endCell()
    const held = text.slice(start, at)
    const size = dropped.bytes + bytesOf(held)
    const bytes = size + endLength + blank
    const isTooLong = size > maxBytes
    const row = {
      cells: isTooLong ? undefined : cells,
      ...(isTooLong ? { fault: tooLong(maxBytes) } : {}),
      line,
      bytes,
      text: isTooLong ? (dropped.text + held).slice(0, MAX_SHOWN) : '',
    }
    if (endLength > 0) line++
    begin(at + endLength)
    blank = 0
    return row
  }

  /** Passes over the blank lines that begin here: a file may be nothing else, and a row costs many times what they do. */
  const skipBlankLines = ({ isEnd }: { readonly isEnd: boolean }): void => {
    for (;;) {
      // Whether a line feed follows is in the next piece.
      if (text[next] === '\r' && next + 1 === text.length && !isEnd) break
      const length = lineEndAt(next)
      if (length === 0 || (length === 1 && text[next] === '\r' && !returnsEnd)) break
      next += length
      blank += length
      line++
    }
    start = next
  }

  /** Gives up the line of the open quote alone, and goes on after it. */
  const giveUpLine = (): CsvRow => {
    const end = start + quote.lineEnd
    const lost = text.slice(start, end)
    const length = lineEndAt(end)
    const row = {
      cells: undefined,
      fault: NOT_CLOSED_AT_END,
      line: quote.line,
      bytes: bytesOf(lost) + length + blank,
      text: lost.slice(0, MAX_SHOWN),
    }
    blank = 0
    line = quote.line + 1
    begin(end + length)
    return row
  }

  /** The rows that end in what is held. */
  const scan = ({ isEnd = false }: { readonly isEnd?: boolean } = {}): CsvRow[] => {
    const rows: CsvRow[] = []
    while (next < text.length) {
      if (next === start && place === 'start' && !isOver) skipBlankLines({ isEnd })
      const c = text[next]
      if (c === undefined) break
      // Whether a line feed follows is in the next piece.
      if (c === '\r' && next + 1 === text.length && !isEnd) break
      if (place === 'start') {
        if (c === '"') {
          place = 'quoted'
          quote = { line, lineEnd: -1 }
          next++
          continue
        }
        place = 'bare'
      }
      if (place === 'quoted' || place === 'bare') {
        const end = plainEnd()
        if (end > next) {
          if (!isOver) cell += text.slice(next, end)
          next = end
          continue
        }
      }
      if (place === 'quoted') {
        if (c === '"') place = 'closing'
        else {
          const length = lineEndAt(next)
          if (length > 0) {
            if (quote.lineEnd < 0) quote = { line, lineEnd: next - start }
            line++
          }
          if (!isOver) cell += length > 1 ? '\r\n' : c
          next += Math.max(1, length)
          continue
        }
        next++
        continue
      }
      if (place === 'closing' && c === '"') {
        if (!isOver) cell += c
        place = 'quoted'
        next++
        continue
      }
      if (c === delimiter) {
        endCell()
        next++
        continue
      }
      const length = lineEndAt(next)
      if (length > 0 && (c !== '\r' || length === 2 || returnsEnd)) {
        rows.push(endRow(next, length))
        continue
      }
      if (place === 'closing') {
        if (quote.lineEnd >= 0 && !isOver) {
          rows.push(giveUpLine())
          continue
        }
        cell = `"${cell}"`
        place = 'bare'
      }
      if (length > 0) line++
      if (!isOver) cell += c
      next++
    }
    return rows
  }

  const isOpen = (): boolean => place === 'quoted'

  /** Lets go of the rows that were read, and of one that is over its bound. */
  const trim = (): void => {
    const held = text.slice(start, next)
    const rest = text.slice(next)
    isOver ||= held.length > maxBytes
    if (isOver) {
      dropped = {
        bytes: dropped.bytes + bytesOf(held),
        text: dropped.text.length < MAX_SHOWN ? (dropped.text + held).slice(0, MAX_SHOWN) : dropped.text,
      }
      cells = []
      cell = ''
      text = rest
      next = 0
    } else {
      text = held + rest
      next -= start
    }
    start = 0
  }

  for await (const piece of pieces) {
    text += piece
    yield* scan()
    trim()
  }
  yield* scan({ isEnd: true })
  if (isOpen()) {
    const held = text.slice(start)
    yield {
      cells: undefined,
      fault: NEVER_CLOSED,
      line: quote.line,
      bytes: dropped.bytes + bytesOf(held) + blank,
      text: (dropped.text + held).slice(0, MAX_SHOWN),
      isLast: true,
    }
    return
  }
  if (text.length > start || isOver) yield endRow(text.length, 0)
}
