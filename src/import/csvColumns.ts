// The first line of a CSV file that is uploaded: which character stands between its cells, and what each column is.

/** Rows of one uploaded file at most, as in requests that list them. */
export const MAX_ROWS = 20_000
/** Bytes of one row: a profile with all its metadata is some thousand. */
export const MAX_ROW_BYTES = 64 * 1024
const MAX_COLUMNS = 200

/** Columns of a customer that go into the profile; a column with another name is metadata. */
export const PROFILE_COLUMNS: ReadonlySet<string> = new Set([
  'source_id',
  'name',
  'description',
  'email',
  'phone',
  'birthdate',
  'birthday',
  'unsubscribed',
])
const ADDRESS_COLUMNS: ReadonlySet<string> = new Set(['line_1', 'line_2', 'postal_code', 'city', 'state', 'country'])

/** Columns that say something of a voucher; a column with another name is metadata. */
export const VOUCHER_COLUMNS: ReadonlySet<string> = new Set([
  'code',
  'voucher_type',
  'type',
  'value',
  'discount_type',
  'category',
  'start_date',
  'expiration_date',
  'redemption_limit',
  // As exports call it.
  'redemption_quantity',
  'additional_info',
  'active',
  'redeemed_quantity',
  'redeemed_amount',
  'redemption_count',
  'gift_balance',
  'loyalty_balance',
])
/** Columns that say how far a voucher is used up. */
export const USED_COLUMNS = ['redeemed_quantity', 'redeemed_amount', 'redemption_count'] as const
/** Columns that say what is left on it. */
export const LEFT_COLUMNS = ['gift_balance', 'loyalty_balance'] as const

/** How names of columns are compared: `Source_id`, `source id` and `SOURCE-ID` are one. */
export const columnName = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')

/** The name of a column of metadata, whether or not it says so. */
export const metadataName = (name: string): string => name.replace(/^metadata[._]/i, '')

/** The part of the address that a column is; undefined for another column. */
export const addressPart = (column: string): string | undefined => {
  const part = /^address[._]/.test(column) ? column.slice('address_'.length) : undefined
  return part !== undefined && ADDRESS_COLUMNS.has(part) ? part : undefined
}

/** The character between cells: commas, or semicolons where the first line has no comma. */
export const delimiterOf = (text: string): string => {
  const [first = ''] = text.split(/[\r\n]/, 1)
  return !first.includes(',') && first.includes(';') ? ';' : ','
}

/** The text of a file without the mark that some programs begin it with. */
export const bareText = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text)

/** Why these names cannot be the columns of a file that needs one of them, in words; undefined when they can. */
export const headerFault = (names: readonly string[], needed: string): string | undefined => {
  if (names.every((name) => name === '')) return 'The file has no header'
  if (names.length > MAX_COLUMNS) return `The file has more than ${MAX_COLUMNS} columns`
  const known = names.map(columnName).filter((name) => name !== '')
  const twice = known.find((name, n) => known.indexOf(name) !== n)
  if (twice !== undefined) return `The column ${twice} is there twice`
  return known.includes(needed) ? undefined : `The file has no column ${needed}`
}

/** Whether a row has cells that no name stands above. */
export const hasMoreCells = (cells: readonly string[], names: readonly string[]): boolean =>
  cells.length > names.length && cells.slice(names.length).some((cell) => cell !== '')

/** `email, sms` as a list. */
export const listIn = (text: string): readonly string[] => text.split(/[\s,;|]+/).filter((part) => part !== '')
