// What a customer has: segments with the question why not, cards with their ledgers, codes and redemptions, referrals, messages.
import { useState } from 'preact/hooks'
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { Link } from '../lib/router.tsx'
import { may, mayAudit } from '../lib/session.ts'
import type { Customer, Fields, ListOf, Message, Redemption, Segment, Voucher } from '../lib/shapes.ts'
import { amount, channelWords, dateText, number, typeWords } from '../lib/text.ts'
import { CustomerLink, CustomerOf } from '../parts/customer.tsx'
import { Action } from '../parts/dialog.tsx'
import { Select } from '../parts/form.tsx'
import { Card } from '../parts/layout.tsx'
import { Facts, Figure, Id, State, Time, Value } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'
import { WhyNot } from '../parts/why.tsx'
import { ChangePoints, Join, Publish, SpendPoints } from './customerGets.tsx'

interface Membership {
  readonly id: string
  readonly name: string
  readonly since?: string
  readonly until?: string | null
}

export const CustomerSegments = ({ id }: { readonly id: string }) => {
  const segments = useAsk<ListOf<Membership>>(at('/v1/customers/{id}/segments', { params: { id } }))
  const all = useAsk<ListOf<Segment>>(mayAudit() ? at('/v1/segments', { query: { limit: 100 } }) : undefined)
  const [asked, setAsked] = useState('')
  return (
    <div class="stack">
      <Shown of={segments}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="In no segment now" />
          ) : (
            <Table
              label="Segments"
              rows={data}
              rowKey={(one) => one.id}
              columns={[
                { head: 'Segment', wide: true, cell: (one) => <Link to={`/segments/${one.id}`}>{one.name}</Link> },
                { head: 'Since', cell: ({ since }) => <Time at={since} /> },
                { head: 'Until, if nothing happens', cell: ({ until }) => <Time at={until} /> },
              ]}
            />
          )
        }
      </Shown>
      {mayAudit() && (
        <Card title="Why, or why not?">
          <div class="filters">
            <Select
              aria-label="Segment to explain"
              value={asked}
              onValue={setAsked}
              options={[['', 'Choose a segment'], ...(all.data?.data ?? []).map((one) => [one.id, one.name] as const)]}
            />
          </div>
          {asked !== '' && <WhyNot customer={id} definition={asked} />}
        </Card>
      )}
    </div>
  )
}

interface Held {
  readonly redeemable: { readonly voucher?: Voucher; readonly status?: string }
}

interface Transaction {
  readonly id: string
  readonly type: string
  readonly reason: string | null
  readonly created_at: string
  readonly details: Fields & { readonly balance?: { readonly points?: number; readonly balance?: number } }
}

/** The ledger of a card: each change with its balance after. */
export const Ledger = ({ code }: { readonly code: string }) => {
  const list = useList<Transaction>(
    at('/v1/loyalties/members/{memberId}/transactions', { params: { memberId: code }, query: { limit: 25 } }),
  )
  return (
    <List
      label={`Ledger of ${code}`}
      list={list}
      rowKey={({ id }) => id}
      columns={[
        { head: 'When', cell: ({ created_at }) => <Time at={created_at} /> },
        {
          head: 'What',
          wide: true,
          cell: ({ type, reason, details }) => {
            const { reward, event_schema, rule, earning_rule } = details as Record<string, Fields | undefined>
            const about = reason ?? reward?.name ?? event_schema?.name ?? rule?.id ?? earning_rule?.id
            return (
              <>
                {typeWords(type.toLowerCase())} {about !== undefined && <span class="soft">{String(about)}</span>}
              </>
            )
          },
        },
        { head: 'Points', align: 'right', cell: ({ details }) => number(details.balance?.points) },
        { head: 'Balance', align: 'right', cell: ({ details }) => number(details.balance?.balance) },
      ]}
      empty="No points were given or spent"
    />
  )
}

const useHeld = (id: string) =>
  useAsk<ListOf<Held>>(at('/v1/customers/{id}/redeemables', { params: { id }, query: { limit: 100 } }))

const vouchersIn = (held: ListOf<Held>): readonly Voucher[] =>
  held.data.flatMap(({ redeemable }) => (redeemable.voucher ? [redeemable.voucher] : []))

/** A day as other days are written; undefined where there is none. */
const dayOf = (date: string | undefined): string | undefined => date && dateText(new Date(date))

export const CustomerCards = ({ id }: { readonly id: string }) => (
  <Shown of={useHeld(id)}>
    {(held) => {
      const cards = vouchersIn(held).filter((one) => one.loyalty_card !== undefined)
      if (cards.length === 0)
        return (
          <Empty title="No loyalty card" action={may('members.write') && <Join customer={id} />}>
            A card comes with joining a loyalty program, or with the first points where the program gives one.
          </Empty>
        )
      return (
        <div class="stack">
          {cards.map((card) => (
            <Card
              key={card.id}
              title={card.campaign ?? card.code}
              actions={
                <>
                  {card.loyalty_tier && <State state={card.loyalty_tier.name} tone="accent" />}
                  {may('points.adjust') && <ChangePoints code={card.code} />}
                  {may('redemptions.write') && card.campaign_id && (
                    <SpendPoints code={card.code} program={card.campaign_id} />
                  )}
                  <Id id={card.code} />
                </>
              }
            >
              <dl class="figures">
                <Figure label="Balance" value={card.loyalty_card?.balance} />
                <Figure label="Earned in all" value={card.loyalty_card?.points} />
                <Figure
                  label="Expire next"
                  value={card.loyalty_card?.next_expiration_points ?? '–'}
                  hint={dayOf(card.loyalty_card?.next_expiration_date)}
                />
              </dl>
              <Ledger code={card.code} />
            </Card>
          ))}
        </div>
      )
    }}
  </Shown>
)

export const worthOf = (voucher: Voucher): string => {
  const { discount, gift } = voucher
  if (gift) return `${amount(gift.balance)} of ${amount(gift.amount)} left`
  if (discount?.type === 'PERCENT') return `${discount.percent_off} % off`
  if (discount?.type === 'AMOUNT') return `${amount(Number(discount.amount_off))} off`
  return typeWords(String(discount?.type ?? voucher.type).toLowerCase())
}

/** Offered where there is something to take back. */
const rollBack = ({ id, object, result, status }: Redemption) =>
  object === 'redemption' && result === 'SUCCESS' && status === 'SUCCEEDED' ? (
    <Action
      request={change('POST', '/v1/redemptions/{id}/rollback', { params: { id }, body: {} })}
      question="The place in each limit is free again, and credit and points come back. What was recorded stays."
      done="Rolled back"
      tone="quiet"
    >
      Roll back
    </Action>
  ) : null

export const RedemptionList = ({
  address,
  label,
  isOneCustomer = false,
}: {
  readonly address: string
  readonly label: string
  readonly isOneCustomer?: boolean
}) => (
  <List
    label={label}
    list={useList<Redemption>(address)}
    rowKey={({ id }) => id}
    columns={[
      { head: 'When', cell: ({ date }) => <Time at={date} /> },
      {
        head: 'Code',
        wide: true,
        cell: ({ voucher, promotion_tier, failure_message }) => (
          <>
            {voucher ? (
              <Link to={`/codes/${encodeURIComponent(voucher.code)}`}>{voucher.code}</Link>
            ) : (
              (promotion_tier?.name ?? '–')
            )}
            {failure_message && <div class="soft small">{failure_message}</div>}
          </>
        ),
      },
      ...(isOneCustomer
        ? []
        : [
            {
              head: 'Customer',
              wide: true as const,
              cell: ({ customer }: Redemption) => (customer ? <CustomerLink customer={customer} tab="codes" /> : '–'),
            },
          ]),
      { head: 'Order', align: 'right', cell: ({ order }) => amount(order?.amount) },
      { head: 'Discount', align: 'right', cell: ({ order }) => amount(order?.total_discount_amount) },
      {
        head: 'Result',
        cell: ({ result, object }) => (
          <State state={object.startsWith('redemption_rollback') ? 'rolled back' : result} />
        ),
      },
      ...(may('redemptions.rollback') ? [{ head: '', align: 'right' as const, cell: rollBack }] : []),
    ]}
    empty="Nothing was redeemed"
  />
)

export const CustomerCodes = ({ id }: { readonly id: string }) => (
  <div class="stack">
    <Card title="Codes held" actions={may('publications.write') && <Publish customer={id} />}>
      <Shown of={useHeld(id)}>
        {(held) => {
          const codes = vouchersIn(held).filter((one) => one.loyalty_card === undefined)
          return codes.length === 0 ? (
            <Empty title="No code is held" />
          ) : (
            <Table
              label="Codes held"
              rows={codes}
              rowKey={(one) => one.id}
              columns={[
                { head: 'Code', cell: (one) => <Link to={`/codes/${encodeURIComponent(one.code)}`}>{one.code}</Link> },
                { head: 'Campaign', wide: true, cell: (one) => <Value value={one.campaign} /> },
                { head: 'Worth', cell: worthOf },
                { head: 'Expires', cell: (one) => <Time at={one.expiration_date} form="date" /> },
              ]}
            />
          )
        }}
      </Shown>
    </Card>
    <Card title="Redemptions">
      <RedemptionList
        address={at('/v1/redemptions', { query: { customer: id, limit: 25 } })}
        label="Redemptions"
        isOneCustomer
      />
    </Card>
  </div>
)

export const CustomerReferrals = ({ customer }: { readonly customer: Customer }) => {
  const { referrals, loyalty } = customer
  return (
    <div class="columns">
      <Card title="Was brought by">
        {(referrals?.campaigns.length ?? 0) === 0 ? (
          <p class="soft">Nobody: this customer came alone.</p>
        ) : (
          referrals?.campaigns.map((one) => (
            <Facts
              key={String(one.campaign_id ?? one.campaign)}
              of={[
                ['Program', <Value key="program" value={one.campaign ?? one.campaign_id} />],
                ['Referrer', <CustomerOf key="referrer" id={String(one.referrer_id)} tab="referrals" />],
                ['When', <Time key="when" at={one.date as string | undefined} />],
              ]}
            />
          ))
        )}
      </Card>
      <Card title="Has brought">
        <p>
          <span class="figure-value">{number(loyalty?.referred_customers ?? 0)}</span>{' '}
          <span class="soft">customers, by codes of their own</span>
        </p>
        <p class="soft">
          Each program lists who brought whom: see <Link to="/referrals">Referrals</Link>.
        </p>
      </Card>
    </div>
  )
}

export const CustomerMessages = ({ id }: { readonly id: string }) => (
  <List
    label="Messages"
    list={useList<Message>(at('/v1/messages', { query: { customer: id, limit: 25 } }))}
    rowKey={(one) => one.id}
    columns={[
      { head: 'Asked for', cell: ({ created_at }) => <Time at={created_at} /> },
      {
        head: 'Distribution',
        wide: true,
        cell: (one) => <Link to={`/messages/${one.id}`}>{one.distribution.name}</Link>,
      },
      { head: 'Channel', cell: ({ channel }) => <span class="nowrap">{channelWords(channel)}</span> },
      { head: 'Attempts', align: 'right', cell: ({ attempts }) => number(attempts) },
      { head: 'State', cell: ({ state }) => <State state={state} /> },
    ]}
    empty="No message was asked for"
  />
)
