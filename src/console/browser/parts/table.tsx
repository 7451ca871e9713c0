// Lists: a table that scrolls by itself where it is too wide, and one that asks for its next page.
import type { ComponentChildren } from 'preact'
import type { Listed } from '../lib/ask.ts'
import { counted, number } from '../lib/text.ts'
import { Empty, Failed, Loading } from './state.tsx'

export interface Column<T> {
  readonly head: string
  /** Said below the head, in small. */
  readonly note?: string
  readonly cell: (row: T) => ComponentChildren
  /** Numbers stand at the right. */
  readonly align?: 'right'
  /** Takes what room is left, and breaks lines; `all`: every bit of it, beside columns of a few letters. */
  readonly wide?: true | 'all'
}

interface TableProps<T> {
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly rowKey: (row: T, index: number) => string
}

export const Table = <T,>({ label, columns, rows, rowKey }: TableProps<T>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
  <section class="table" aria-label={label} tabIndex={0}>
    <table>
      <thead>
        <tr>
          {columns.map(({ head, note, align, wide }) => (
            <th key={head} scope="col" data-align={align} data-wide={wide}>
              {head === '' ? <span class="unseen">Actions</span> : head}
              {note !== undefined && <div class="note-below">{note}</div>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={rowKey(row, index)}>
            {columns.map(({ head, cell, align, wide }) => (
              <td key={head} data-align={align} data-wide={wide}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)

interface ListProps<T> extends Omit<TableProps<T>, 'rows'> {
  readonly list: Listed<T>
  /** What stands there when the list is empty. */
  readonly empty: ComponentChildren
}

/** A list of the API with its next page, as far as somebody looks. */
export const List = <T,>({ list, empty, ...table }: ListProps<T>) => {
  const { entries, error, more, total, isAsking } = list
  if (entries === undefined && error !== undefined) return <Failed error={error} again={list.again} />
  if (entries === undefined) return <Loading rows={8} />
  if (entries.length === 0) return typeof empty === 'string' ? <Empty title={empty} /> : empty
  return (
    <>
      <Table {...table} rows={entries} />
      {error !== undefined && <Failed error={error} again={more} />}
      <p class="list-end soft small">
        <span>
          {number(entries.length)}
          {total !== undefined && ` of ${counted(total)}`} shown
        </span>
        {more && (
          <button type="button" class="quiet" onClick={more} disabled={isAsking}>
            {isAsking ? 'Loading…' : 'Show more'}
          </button>
        )}
      </p>
    </>
  )
}
