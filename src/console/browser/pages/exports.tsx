// Exports: objects of a kind as a CSV file, made in the background and kept for a day.
import { at, change } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { may } from '../lib/session.ts'
import type { Fields } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { Definition } from '../parts/definition.tsx'
import { Action } from '../parts/dialog.tsx'
import { Page } from '../parts/layout.tsx'
import { State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'

interface ExportShape {
  readonly id: string
  readonly created_at: string
  readonly status: string
  readonly exported_object: string
  readonly result: { readonly url: string } | null
  readonly rows?: number
  readonly error?: { readonly message?: string }
  readonly parameters: Fields
}

/** What can be exported, and what one must be let see for it. */
const KINDS = [
  ['customer', 'Customers', 'customers.read'],
  ['voucher', 'Codes', 'codes.read'],
  ['redemption', 'Redemptions', 'redemptions.read'],
  ['publication', 'Publications', 'codes.read'],
  ['order', 'Orders', 'orders.read'],
  ['points_expiration', 'Points that will expire', 'members.read'],
  ['voucher_transactions', 'Transactions of cards and gift vouchers', 'members.read'],
] as const

const NAMES: ReadonlyMap<string, string> = new Map(KINDS.map(([kind, name]) => [kind, name]))

/** How often files under way are looked at, ms. */
const EVERY_MS = 2_000
/** How often otherwise: others may ask for files too, ms. */
const SELDOM_MS = 30_000

/** The file's address at this server, which may be known to the browser by another name. */
const fileOf = (url: string): string => {
  const { pathname, search } = new URL(url, window.location.origin)
  return `${pathname}${search}`
}

const NewExport = () => (
  <Definition
    title="New export"
    button="New export"
    tone="main"
    start={{ exported_object: 'customer' }}
    fields={[
      {
        path: 'exported_object',
        label: 'What',
        kind: 'choice',
        options: KINDS.filter(([, , permission]) => may(permission)).map(([kind, name]) => [kind, name]),
        hint: 'Columns, an order and filters can be given below, as the request’s parameters.',
      },
    ]}
    request={(body) => change('POST', '/v1/exports', { body })}
    done="The file is being made"
  />
)

export const Exports = () => {
  const address = at('/v1/exports', { query: { limit: 50 } })
  const asked = useAsk<{ readonly exports: readonly ExportShape[] }>(address, SELDOM_MS)
  const isUnderWay = asked.data?.exports.some(({ status }) => status === 'SCHEDULED' || status === 'IN_PROGRESS')
  const quick = useAsk<{ readonly exports: readonly ExportShape[] }>(isUnderWay ? address : undefined, EVERY_MS)
  return (
    <Page
      title="Exports"
      lead="Files for spreadsheets, made in the background. A file is kept for a day, and goes when a person in it is erased."
      actions={may('exports.manage') && <NewExport />}
    >
      <Shown of={{ ...asked, data: quick.data ?? asked.data }}>
        {({ exports }) =>
          exports.length === 0 ? (
            <Empty title="No file is kept">A new export makes one.</Empty>
          ) : (
            <Table
              label="Exports"
              rows={exports}
              rowKey={({ id }) => id}
              columns={[
                {
                  head: 'What',
                  wide: true,
                  cell: ({ exported_object, error }) => (
                    <>
                      {NAMES.get(exported_object) ?? exported_object}
                      {error?.message && <div class="soft small">{error.message}</div>}
                    </>
                  ),
                },
                { head: 'Lines', align: 'right', cell: ({ rows }) => number(rows) },
                { head: 'Asked for', cell: ({ created_at }) => <Time at={created_at} /> },
                { head: 'State', cell: ({ status }) => <State state={status} /> },
                {
                  head: '',
                  align: 'right',
                  cell: (one) => (
                    <div class="row end">
                      {one.result && (
                        <a class="button" href={fileOf(one.result.url)} download={`${one.exported_object}.csv`}>
                          Download
                        </a>
                      )}
                      {may('exports.manage') && (
                        <Action
                          request={change('DELETE', '/v1/exports/{id}', { params: { id: one.id } })}
                          done="Deleted"
                          tone="quiet"
                        >
                          Delete
                        </Action>
                      )}
                    </div>
                  ),
                },
              ]}
            />
          )
        }
      </Shown>
    </Page>
  )
}
