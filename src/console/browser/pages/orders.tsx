// Orders: what customers bought, how far each order is, and the codes that were redeemed for it.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params, query, withQuery } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import type { Fields } from '../lib/shapes.ts'
import { amount, number, stateWords } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Action } from '../parts/dialog.tsx'
import { Select } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Figure, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface Item {
  readonly id: string
  readonly source_id?: string | null
  readonly product_id?: string | null
  readonly quantity?: number
  readonly price?: number
  readonly amount?: number
  readonly product?: { readonly name?: string | null }
}

interface OrderShape {
  readonly id: string
  readonly source_id: string | null
  readonly status: string
  readonly amount: number
  readonly total_discount_amount?: number
  readonly total_amount: number
  readonly items?: readonly Item[]
  readonly metadata: Fields
  readonly customer_id: string | null
  readonly redemptions: Readonly<Record<string, { readonly date: string }>>
  readonly created_at: string
  readonly updated_at: string | null
}

const STATUSES = ['CREATED', 'PROCESSING', 'PAID', 'FULFILLED', 'CANCELED'] as const

export const Orders = () => {
  const status = query.value.get('status') ?? ''
  const wanted = STATUSES.find((one) => one === status)
  return (
    <Page
      title="Orders"
      lead="What customers bought. An order that is paid earns points; one that is canceled takes them back."
    >
      <div class="filters">
        <Select
          aria-label="Status of orders"
          value={status}
          onValue={(value) => go(withQuery({ status: value }))}
          options={[['', 'Every status'], ...STATUSES.map((one) => [one, stateWords(one)] as const)]}
        />
      </div>
      <List
        label="Orders"
        list={useList<OrderShape>(at('/v1/orders', { query: { limit: 25, status: wanted } }))}
        rowKey={({ id }) => id}
        columns={[
          {
            head: 'Order',
            wide: true,
            cell: ({ id, source_id }) => <Link to={`/orders/${encodeURIComponent(id)}`}>{source_id ?? id}</Link>,
          },
          {
            head: 'Customer',
            cell: ({ customer_id }) => <CustomerOf id={customer_id} />,
          },
          { head: 'Amount', align: 'right', cell: (one) => amount(one.amount) },
          { head: 'To pay', align: 'right', cell: (one) => amount(one.total_amount) },
          { head: 'Status', cell: (one) => <State state={one.status} /> },
          { head: 'Made', cell: ({ created_at }) => <Time at={created_at} /> },
        ]}
        empty={
          <Empty title="No order is here">
            Orders come by POST /v1/orders, or with a redemption that names what was bought.
          </Empty>
        }
      />
    </Page>
  )
}

const Items = ({ items }: { readonly items: readonly Item[] }) => (
  <Table
    label="Items"
    rows={items}
    rowKey={(one) => one.id}
    columns={[
      { head: 'Item', wide: true, cell: (one) => one.product?.name ?? one.source_id ?? one.product_id ?? one.id },
      { head: 'Pieces', align: 'right', cell: ({ quantity }) => number(quantity) },
      { head: 'Price', align: 'right', cell: ({ price }) => amount(price) },
      { head: 'Amount', align: 'right', cell: (one) => amount(one.amount) },
    ]}
  />
)

const Changes = ({ order: { id, status } }: { readonly order: OrderShape }) => {
  const to = (wanted: string) => change('PUT', '/v1/orders/{id}', { params: { id }, body: { status: wanted } })
  return (
    <>
      {(status === 'CREATED' || status === 'PROCESSING') && (
        <Action request={to('PAID')} done="Paid">
          Mark as paid
        </Action>
      )}
      {status === 'PAID' && (
        <Action request={to('FULFILLED')} done="Fulfilled">
          Mark as fulfilled
        </Action>
      )}
      {status !== 'CANCELED' && (
        <Action
          request={to('CANCELED')}
          question="Points that the order earned are taken back as far as they are left."
          done="Canceled"
          tone="danger"
        >
          Cancel the order
        </Action>
      )}
    </>
  )
}

export const Order = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<OrderShape>(at('/v1/orders/{id}', { params: { id } }))
  const { data } = asked
  return (
    <Page
      title={data ? `Order ${data.source_id ?? data.id}` : 'Order'}
      crumbs={[['/orders', 'Orders']]}
      actions={data && may('orders.write') && <Changes order={data} />}
    >
      <Shown of={asked}>
        {(order) => (
          <>
            <dl class="figures">
              <Figure label="Amount" value={amount(order.amount)} />
              <Figure label="Discounts" value={amount(order.total_discount_amount ?? 0)} />
              <Figure label="To pay" value={amount(order.total_amount)} />
            </dl>
            <div class="columns">
              <Card title="Order">
                <Facts
                  of={[
                    ['Id', <Id key="id" id={order.id} />],
                    ['source_id', <Id key="source" id={order.source_id} />],
                    ['Status', <State key="status" state={order.status} />],
                    ['Customer', <CustomerOf key="customer" id={order.customer_id} />],
                    ['Made', <Time key="made" at={order.created_at} />],
                    ['Changed', <Time key="changed" at={order.updated_at} />],
                    ['Redemptions', number(Object.keys(order.redemptions).length)],
                  ]}
                />
                {Object.keys(order.metadata).length > 0 && <Json value={order.metadata} label="Metadata" />}
              </Card>
              <Card title="Items">
                {(order.items?.length ?? 0) === 0 ? (
                  <Empty title="The order names no items" />
                ) : (
                  <Items items={order.items ?? []} />
                )}
              </Card>
            </div>
          </>
        )}
      </Shown>
    </Page>
  )
}
