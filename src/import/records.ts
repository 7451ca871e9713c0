// Reads a file record by record, without holding it: CSV with a header line, or one JSON object a line.
import { createReadStream } from 'node:fs'
import { CsvError, parse } from 'csv-parse'
import * as v from 'valibot'
import { InputError } from './errors.ts'

export const FILE_FORMATS = ['csv', 'ndjson'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

/** One record as it stands in the file. */
export interface SourceRecord {
  /** The line on which it ends, from 1; no two records share one. */
  readonly line: number
  /** Bytes of the file that it took, with its line end. */
  readonly bytes: number
  /** What it says, in a form that does not depend on quoting: names the event together with the line. */
  readonly content: string
  /** Its values by column, or why it has none. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly fault?: string
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

/** A longer line is no record but a sign of a wrong format; the service's own bound on a batch is ten times this. */
const MAX_RECORD_BYTES = 1024 * 1024

/** What a file's name says of its format: `.ndjson`, `.jsonl` and `.json` are JSON lines, anything else is CSV. */
export const formatOf = (path: string): FileFormat => (/\.(?:ndjson|jsonl|json)$/i.test(path) ? 'ndjson' : 'csv')

const Row = v.object({ record: v.array(v.string()), info: v.object({ bytes: v.number(), lines: v.number() }) })

const checkedHeader = (header: readonly string[], path: string): readonly string[] => {
  const names = header.map((name) => name.trim())
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i)
  if (twice !== undefined) throw new InputError(`${path}: the column ${JSON.stringify(twice)} is there twice`)
  return names
}

const readCsv = async (path: string, delimiter: string): Promise<RecordFile> => {
  const file = createReadStream(path)
  const parser = parse({
    bom: true,
    info: true,
    delimiter,
    skip_empty_lines: true,
    relax_column_count: true, // a record with too few or too many cells is refused here, with its line
    relax_quotes: true, // a quote inside a bare cell (3" nails) is text
    max_record_size: MAX_RECORD_BYTES,
  })
  file.on('error', (error) => parser.destroy(error))
  file.pipe(parser)
  const rows = parser[Symbol.asyncIterator]()
  const next = async (): Promise<v.InferOutput<typeof Row> | undefined> => {
    try {
      const row = await rows.next()
      return row.done ? undefined : v.parse(Row, row.value)
    } catch (error) {
      // Past a broken quote nobody can say where a record begins, so the rest is not guessed at.
      if (error instanceof CsvError)
        throw new InputError(`${path}: ${error.message}; the file cannot be read past that line`)
      throw error
    }
  }
  const head = await next()
  if (!head) throw new InputError(`${path} is empty: a CSV file begins with a line of column names`)
  const columns = checkedHeader(head.record, path)

  let before = head.info.bytes
  let doubled = doubledLines(head.record)
  async function* records(): AsyncGenerator<SourceRecord> {
    try {
      for (let row = await next(); row; row = await next()) {
        const { record, info } = row
        doubled += doubledLines(record)
        const common = { line: info.lines - doubled, bytes: info.bytes - before, content: JSON.stringify(record) }
        before = info.bytes
        // The decoder's mark for bytes that are no text: such a value would be kept wrong for good.
        if (common.content.includes('\ufffd')) yield { ...common, fields: undefined, fault: 'is not UTF-8' }
        else if (record.length !== columns.length)
          yield {
            ...common,
            fields: undefined,
            fault: `has ${record.length} cells where the header has ${columns.length}`,
          }
        else yield { ...common, fields: Object.fromEntries(columns.map((name, i) => [name, record[i]])) }
      }
    } finally {
      file.destroy()
      parser.destroy()
    }
  }
  return { columns: columns.filter((name) => name !== ''), records: records() }
}

/** Line ends of two characters inside quotes: the parser counts such a line end twice. */
const doubledLines = (cells: readonly string[]): number =>
  cells.reduce((sum, cell) => sum + (cell.match(/\r\n/g)?.length ?? 0), 0)

const NEWLINE = 0x0a

/** The lines of a file as bytes, without their ends. Only `\n` ends one: JSON text may hold any other separator. */
async function* linesOf(path: string): AsyncGenerator<{ readonly text: Buffer; readonly bytes: number }> {
  let rest: Buffer[] = []
  let size = 0
  const take = (tail: Buffer, ended: boolean) => {
    const text = rest.length === 0 ? tail : Buffer.concat([...rest, tail])
    rest = []
    size = 0
    return { text, bytes: text.length + (ended ? 1 : 0) }
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield take(chunk.subarray(from, at), true)
      from = at + 1
    }
    rest.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > MAX_RECORD_BYTES)
      throw new InputError(`${path}: a line has more than ${MAX_RECORD_BYTES} bytes; is it one JSON object a line?`)
  }
  if (size > 0) yield take(Buffer.alloc(0), false)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

const parseLine = (bytes: Buffer): Pick<SourceRecord, 'fields' | 'fault' | 'content'> => {
  let content = ''
  try {
    content = decoder.decode(bytes).trim()
    const value: unknown = JSON.parse(content)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { content, fields: undefined, fault: 'is not a JSON object' }
    return { content, fields: { ...value } }
  } catch {
    return { content: content || bytes.toString('latin1'), fields: undefined, fault: 'is not JSON in UTF-8' }
  }
}

async function* readNdjson(path: string): AsyncGenerator<SourceRecord> {
  let line = 0
  /** Bytes of blank lines count with the record after them. */
  let blank = 0
  for await (const { text, bytes } of linesOf(path)) {
    line++
    const parsed = parseLine(text)
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
