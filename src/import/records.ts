// Reads a file record by record, without holding it: CSV with a header line, or one JSON object a line.

import { createReadStream } from 'node:fs'
import { MAX_EVENT_BYTES } from '../domain/size.ts'
import { InexactJson, parseExactly } from '../exactJson.ts'
import { type CsvRow, csvRows, MAX_SHOWN, tooLong } from './csv.ts'
import { InputError } from './errors.ts'

export const FILE_FORMATS = ['csv', 'ndjson'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

/** One record as it stands in the file. */
export interface SourceRecord {
  /** The line on which it ends, from 1 (of a quote that is never closed, the line on which it opens); no two records share one. */
  readonly line: number
  /** Bytes of the file that it took, with its line end. */
  readonly bytes: number
  /** What it says, in a form that does not depend on quoting: names the event together with the line. */
  readonly content: string
  /** Its values by column, or why it has none. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly fault?: string
  /** True when nothing after it can be read. */
  readonly isLast?: boolean
}

export interface RecordFile {
  /** The CSV header; undefined where every record names its own fields. */
  readonly columns: readonly string[] | undefined
  readonly records: AsyncIterable<SourceRecord>
}

export interface ReadOptions {
  readonly format: FileFormat
  /** One character between the cells of a CSV line. */
  readonly delimiter: string
}

/** What a file's name says of its format: `.ndjson`, `.jsonl` and `.json` are JSON lines, anything else is CSV. */
export const formatOf = (path: string): FileFormat => (/\.(?:ndjson|jsonl|json)$/i.test(path) ? 'ndjson' : 'csv')

const checkedHeader = (header: readonly string[], path: string): readonly string[] => {
  const names = header.map((name) => name.trim())
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i)
  if (twice !== undefined) throw new InputError(`${path}: the column ${JSON.stringify(twice)} is there twice`)
  return names
}

/** The text of a file in pieces. Bytes that are no text become the decoder's mark for them. */
async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
    yield decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

const recordOf = (columns: readonly string[], { cells, fault, line, bytes, text, isLast }: CsvRow): SourceRecord => {
  if (cells === undefined) return { line, bytes, content: text, fields: undefined, fault, ...(isLast && { isLast }) }
  const common = { line, bytes, content: JSON.stringify(cells) }
  // Such a value would be kept wrong for good.
  if (common.content.includes('\ufffd')) return { ...common, fields: undefined, fault: 'is not UTF-8' }
  if (cells.length !== columns.length)
    return { ...common, fields: undefined, fault: `has ${cells.length} cells where the header has ${columns.length}` }
  return { ...common, fields: Object.fromEntries(columns.map((name, i) => [name, cells[i]])) }
}

const readCsv = async (path: string, delimiter: string): Promise<RecordFile> => {
  const rows = csvRows(textOf(path), { delimiter, maxBytes: MAX_EVENT_BYTES })
  const { value: head } = await rows.next()
  if (!head) throw new InputError(`${path} is empty: a CSV file begins with a line of column names`)
  if (!head.cells) throw new InputError(`${path}: its first line, the names of the columns, ${head.fault}`)
  const columns = checkedHeader(head.cells, path)
  async function* records(): AsyncGenerator<SourceRecord> {
    for await (const row of rows) yield recordOf(columns, row)
  }
  return { columns: columns.filter((name) => name !== ''), records: records() }
}

const NEWLINE = 0x0a

interface Line {
  /** Its text; how it begins when it is over the bound. */
  readonly text: Buffer
  readonly isTooLong: boolean
  readonly bytes: number
}

/** The lines of a file as bytes, without their ends. Only `\n` ends one: JSON text may hold any other separator. */
async function* linesOf(path: string): AsyncGenerator<Line> {
  let held: Buffer[] = []
  let size = 0
  /** Of a line over the bound only the beginning is kept. */
  const hold = (piece: Buffer): void => {
    if (size <= MAX_EVENT_BYTES) held.push(piece)
    size += piece.length
  }
  const take = ({ ended }: { readonly ended: boolean }): Line => {
    const text = held.length === 1 ? held[0]! : Buffer.concat(held)
    const line = { text, isTooLong: size > MAX_EVENT_BYTES, bytes: size + (ended ? 1 : 0) }
    held = []
    size = 0
    return line
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, at))
      yield take({ ended: true })
      from = at + 1
    }
    hold(chunk.subarray(from))
  }
  if (size > 0) yield take({ ended: false })
}

const decoder = new TextDecoder('utf-8', { fatal: true })

const parseLine = ({ text: bytes, isTooLong }: Line): Pick<SourceRecord, 'fields' | 'fault' | 'content'> => {
  if (isTooLong)
    return {
      content: bytes.subarray(0, MAX_SHOWN).toString(),
      fields: undefined,
      fault: tooLong(MAX_EVENT_BYTES),
    }
  let content = ''
  try {
    content = decoder.decode(bytes).trim()
    const value = parseExactly(content)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { content, fields: undefined, fault: 'is not a JSON object' }
    return { content, fields: { ...value } }
  } catch (error) {
    const fault = error instanceof InexactJson ? error.message : 'is not JSON in UTF-8'
    return { content: content || bytes.toString('latin1'), fields: undefined, fault }
  }
}

async function* readNdjson(path: string): AsyncGenerator<SourceRecord> {
  let line = 0
  /** Bytes of blank lines count with the record after them. */
  let blank = 0
  for await (const read of linesOf(path)) {
    line++
    const { bytes } = read
    const parsed = parseLine(read)
    if (parsed.content === '') blank += bytes
    else {
      yield { line, bytes: bytes + blank, ...parsed }
      blank = 0
    }
  }
}

/** Opens a file; the header of a CSV file is read at once. Rejects with `InputError` for what its owner can mend. */
export const openRecords = async (path: string, { format, delimiter }: ReadOptions): Promise<RecordFile> => {
  switch (format) {
    case 'csv':
      return readCsv(path, delimiter)
    case 'ndjson':
      return { columns: undefined, records: readNdjson(path) }
    default:
      return format satisfies never
  }
}
