// Rows of a CSV file that a request brings, as records by the names in its first line.
import { type Failure, fail } from '../src/http/errors.ts'
import { turns } from '../src/http/longBody.ts'
import { csvRows } from '../src/import/csv.ts'
import {
  bareText,
  delimiterOf,
  hasMoreCells,
  headerFault,
  MAX_ROW_BYTES,
  MAX_ROWS,
  metadataName,
} from '../src/import/csvColumns.ts'
import { isRefusedName } from '../src/refusedNames.ts'

/** Characters, and rows, that are read before others have their turn. */
const PIECE = 64 * 1024
const TOGETHER = 50

/** A row that cannot be read is an item that fails: the others are dealt with. */
export interface Faulty {
  readonly fault: string
}

/** Cells by the name of their column; empty ones are left out. */
export type CsvRecord = ReadonlyMap<string, string>

/** The text bit by bit, others having their turn in between. */
async function* inPieces(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += PIECE) {
    await turns.over()
    yield text.slice(at, at + PIECE)
  }
}

const headerOf = (cells: readonly string[] | undefined, needed: string): readonly string[] | Failure => {
  const names = (cells ?? []).map((cell) => cell.trim())
  // Columns become names of metadata, as in a body of JSON.
  const refused = names.find((name) => isRefusedName(metadataName(name)))
  if (refused !== undefined) return fail('invalid_payload', `The column ${JSON.stringify(refused)} is not allowed`)
  const fault = headerFault(names, needed)
  return fault === undefined ? names : fail('invalid_payload', fault)
}

const recordOf = (names: readonly string[], cells: readonly string[]): CsvRecord =>
  new Map(
    names.flatMap((name, n) => {
      const cell = cells[n]?.trim() ?? ''
      return name === '' || cell === '' ? [] : [[name, cell] as const]
    }),
  )

/**
 * What the rows of a file are, in their order. `needed` is the column that must be there; `itemOf` makes an item of a record, or says
 * what is wrong with it. Cells may stand between commas or, where the first line has no comma, between semicolons.
 */
export const csvItems = async <T>(
  text: string,
  needed: string,
  itemOf: (record: CsvRecord) => T | Faulty,
): Promise<readonly (T | Faulty)[] | Failure> => {
  const bare = bareText(text)
  const options = { delimiter: delimiterOf(bare), maxBytes: MAX_ROW_BYTES }
  const items: (T | Faulty)[] = []
  let names: readonly string[] | undefined
  for await (const { cells, fault, line } of csvRows(inPieces(bare), options)) {
    if (!names) {
      const header = headerOf(cells, needed)
      if ('failed' in header) return header
      names = header
      continue
    }
    if (items.length === MAX_ROWS) return fail('invalid_payload', `The file has more than ${MAX_ROWS} rows`)
    if (items.length % TOGETHER === TOGETHER - 1) await turns.over()
    if (!cells) items.push({ fault: `line ${line}: ${fault ?? 'cannot be read'}` })
    else if (hasMoreCells(cells, names))
      items.push({ fault: `line ${line}: has ${cells.length} cells under ${names.length} names` })
    else items.push(itemOf(recordOf(names, cells)))
  }
  if (!names) return fail('invalid_payload', 'The file has no header')
  return items.length > 0 ? items : fail('invalid_payload', 'The file has no rows below its header')
}
