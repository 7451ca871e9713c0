// A CSV file before it is sent: its columns as the server will read them, its first rows, and on which line each row ends.
import { csvRows } from '../../../import/csv.ts'
import {
  addressPart,
  bareText,
  columnName,
  delimiterOf,
  hasMoreCells,
  headerFault,
  MAX_ROW_BYTES,
  MAX_ROWS,
  metadataName,
  PROFILE_COLUMNS,
  VOUCHER_COLUMNS,
} from '../../../import/csvColumns.ts'

/** What the rows of a file are. */
export type RowKind = 'customers' | 'vouchers'

/** Rows of each kind need this column. */
const NEEDED = { customers: 'source_id', vouchers: 'code' } as const

/** The server's bound on a request that brings a file, bytes. */
export const MAX_BYTES = 10 * 1024 * 1024
/** Rows shown before the file is sent. */
const SHOWN = 5
/** Characters that are read in one go, so that the page goes on meanwhile. */
const PIECE = 256 * 1024

export interface CsvFile {
  readonly file: File
  readonly names: readonly string[]
  /** The first rows; undefined for one that cannot be read. */
  readonly first: readonly (readonly string[] | undefined)[]
  /** Of each row, by its place below the header: the line of the file on which it ends. */
  readonly lines: readonly number[]
  /** Rows that cannot be read as they are. */
  readonly unreadable: number
  /** Why the server takes none of it. */
  readonly fault: string | undefined
}

async function* inPieces(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += PIECE) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve))
    yield text.slice(at, at + PIECE)
  }
}

/** Reads a file as the server does. */
export const readCsv = async (file: File, kind: RowKind): Promise<CsvFile> => {
  const nothing = { file, names: [], first: [], lines: [], unreadable: 0 }
  if (file.size > MAX_BYTES) return { ...nothing, fault: 'The file is larger than 10 MB: send it in parts' }
  const text = bareText(await file.text())
  const first: (readonly string[] | undefined)[] = []
  const lines: number[] = []
  let names: readonly string[] | undefined
  let unreadable = 0
  for await (const { cells, line } of csvRows(inPieces(text), {
    delimiter: delimiterOf(text),
    maxBytes: MAX_ROW_BYTES,
  })) {
    if (names === undefined) {
      names = (cells ?? []).map((cell) => cell.trim())
      continue
    }
    const canBeRead = cells !== undefined && !hasMoreCells(cells, names)
    if (!canBeRead) unreadable++
    if (first.length < SHOWN) first.push(canBeRead ? cells : undefined)
    lines.push(line)
  }
  const rows =
    lines.length === 0
      ? 'The file has no rows below its header'
      : lines.length > MAX_ROWS
        ? `The file has more than ${MAX_ROWS} rows: send it in parts`
        : undefined
  const fault = headerFault(names ?? [], NEEDED[kind]) ?? rows
  return { file, names: names ?? [], first, lines, unreadable, fault }
}

/** What a column becomes, in words. */
export const columnWords = (name: string, kind: RowKind): string => {
  const column = columnName(name)
  if (column === '') return 'left out'
  if ((kind === 'customers' ? PROFILE_COLUMNS : VOUCHER_COLUMNS).has(column)) return column.replaceAll('_', ' ')
  const part = kind === 'customers' ? addressPart(column) : undefined
  return part === undefined ? `metadata: ${metadataName(name)}` : `address: ${part.replaceAll('_', ' ')}`
}
