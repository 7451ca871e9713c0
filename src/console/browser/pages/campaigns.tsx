// Campaigns of codes: how many were made, published, redeemed and are left, making more of them, and finding one.
import { useState } from 'preact/hooks'
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params, query, withQuery } from '../lib/router.tsx'
import { may, mayWrite } from '../lib/session.ts'
import type { Campaign as CampaignShape, Fields, Voucher } from '../lib/shapes.ts'
import { amount, number, stateWords } from '../lib/text.ts'
import { Definition, type FormField, partsOf, withEmptied } from '../parts/definition.tsx'
import { Action, Switch } from '../parts/dialog.tsx'
import { Form, Select } from '../parts/form.tsx'
import { type Jobs as JobsShape, JobTable } from '../parts/jobs.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Bar, Facts, Figure, Id, Json, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'
import { RedemptionList, worthOf } from './customerHas.tsx'
import { Tiers } from './promotion.tsx'

const isGift = (body: Fields): boolean => body.campaign_type === 'GIFT_VOUCHERS'
const isPromotion = (body: { readonly campaign_type?: unknown }): boolean => body.campaign_type === 'PROMOTION'
const isDiscount = (body: Fields): boolean => !isGift(body) && !isPromotion(body)
const hasCodes = (body: Fields): boolean => !isPromotion(body)
const discountType = (body: Fields): unknown =>
  (body.voucher as { readonly discount?: Fields } | undefined)?.discount?.type

const VALIDITY: readonly FormField[] = [
  { path: 'start_date', label: 'From', hint: '2026-12-01T00:00:00Z' },
  { path: 'expiration_date', label: 'Until', hint: '2026-12-31T23:59:59Z' },
]

const FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  {
    path: 'campaign_type',
    label: 'Kind',
    kind: 'choice',
    options: [
      ['DISCOUNT_COUPONS', 'Discount codes'],
      ['GIFT_VOUCHERS', 'Gift vouchers'],
      ['PROMOTION', 'Promotion: discounts without a code'],
    ],
  },
  {
    path: 'voucher.discount.type',
    label: 'Discount',
    kind: 'choice',
    options: [
      ['PERCENT', 'Per cent of the order'],
      ['AMOUNT', 'A fixed amount'],
    ],
    when: isDiscount,
  },
  {
    path: 'voucher.discount.percent_off',
    label: 'Per cent off',
    kind: 'number',
    when: (body) => isDiscount(body) && discountType(body) !== 'AMOUNT',
  },
  {
    path: 'voucher.discount.amount_off',
    label: 'Amount off',
    kind: 'money',
    when: (body) => isDiscount(body) && discountType(body) === 'AMOUNT',
  },
  { path: 'voucher.gift.amount', label: 'Credit of each voucher', kind: 'money', when: isGift },
  {
    path: 'voucher.redemption.quantity',
    label: 'Redemptions of each code',
    kind: 'number',
    hint: 'Empty: without bound',
    when: hasCodes,
  },
  {
    path: 'voucher.code_config.pattern',
    label: 'Pattern of codes',
    hint: '# stands for a character',
    when: hasCodes,
  },
  { path: 'vouchers_count', label: 'Codes to make now', kind: 'number', when: hasCodes },
  ...VALIDITY,
]

const MAY_BE_EMPTY = ['description', 'start_date', 'expiration_date']
const CHANGES: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  ...VALIDITY,
  { path: 'description', label: 'Description', kind: 'area' },
]

/** What can change of a campaign of any type; its codes keep what they were made with. */
export const ChangeCampaign = ({ campaign, what }: { readonly campaign: CampaignShape; readonly what: string }) => (
  <Definition
    title={`Change the ${what}`}
    button="Change"
    of={campaign}
    start={partsOf(campaign, ['name', 'metadata', ...MAY_BE_EMPTY])}
    fields={CHANGES}
    request={(body) =>
      change('PUT', '/v1/campaigns/{id}', {
        params: { id: campaign.id },
        body: withEmptied(body, MAY_BE_EMPTY),
      })
    }
  />
)

const NEW_CAMPAIGN = {
  name: '',
  campaign_type: 'DISCOUNT_COUPONS',
  voucher: {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 10 },
    redemption: { quantity: 1 },
    code_config: { pattern: 'SALE-######' },
  },
  vouchers_count: 100,
}

/** A voucher is of the kind of its campaign, and has nothing of the other kind. */
const campaignBody = (body: unknown): unknown => {
  const { voucher = {}, vouchers_count, ...about } = body as Fields & { readonly voucher?: Fields }
  if (isPromotion(about)) return about
  const rest = { ...about, vouchers_count }
  const { discount, gift, type: _, ...others } = voucher
  const { type, percent_off, amount_off } = (discount ?? {}) as Fields
  return {
    ...rest,
    voucher: isGift(rest)
      ? { type: 'GIFT_VOUCHER', gift, ...others }
      : {
          type: 'DISCOUNT_VOUCHER',
          discount: type === 'AMOUNT' ? { type, amount_off } : { type, percent_off },
          ...others,
        },
  }
}

const KINDS = [
  ['', 'Every kind'],
  ['DISCOUNT_COUPONS', 'Discount codes'],
  ['GIFT_VOUCHERS', 'Gift vouchers'],
  ['PROMOTION', 'Promotions'],
  ['REFERRAL_PROGRAM', 'Referral programs'],
] as const

const pageOf = ({ id, campaign_type }: CampaignShape): string =>
  campaign_type === 'LOYALTY_PROGRAM'
    ? `/loyalty/${id}`
    : campaign_type === 'REFERRAL_PROGRAM'
      ? `/referrals/${id}`
      : `/campaigns/${id}`

const FindCode = () => {
  const [code, setCode] = useState('')
  return (
    <Form
      class="filters grow"
      onSend={() => {
        if (code.trim() !== '') go(`/codes/${encodeURIComponent(code.trim())}`)
      }}
    >
      <input
        type="search"
        class="grow"
        aria-label="Find a code"
        placeholder="Find a code"
        value={code}
        onInput={(e) => setCode(e.currentTarget.value)}
      />
      <button type="submit">Find</button>
    </Form>
  )
}

export const Campaigns = () => {
  const kind = query.value.get('kind') ?? ''
  const wanted = KINDS.find(([one]) => one === kind)?.[0] || undefined
  const list = useList<CampaignShape>(at('/v1/campaigns', { query: { limit: 25, campaign_type: wanted } }))
  return (
    <Page
      title="Campaigns and codes"
      lead="Codes that give a discount or hold a credit, and promotions, which need no code; with limits that are never passed."
      actions={
        mayWrite() && (
          <Definition
            title="New campaign"
            button="New campaign"
            tone="main"
            start={NEW_CAMPAIGN}
            fields={FIELDS}
            request={(body) => change('POST', '/v1/campaigns', { body: campaignBody(body) })}
            onDone={(made) => go(`/campaigns/${(made as CampaignShape).id}`)}
          />
        )
      }
    >
      <div class="filters">
        <Select
          aria-label="Kind of campaign"
          value={kind}
          onValue={(value) => go(withQuery({ kind: value }))}
          options={KINDS}
        />
        <FindCode />
      </div>
      <List
        label="Campaigns"
        list={list}
        rowKey={({ id }) => id}
        columns={[
          { head: 'Campaign', wide: true, cell: (one) => <Link to={pageOf(one)}>{one.name}</Link> },
          { head: 'Kind', cell: ({ campaign_type }) => stateWords(campaign_type) },
          { head: 'Codes', align: 'right', cell: ({ vouchers_count }) => number(vouchers_count) },
          { head: 'State', cell: ({ active }) => <Active active={active} /> },
          { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
        ]}
        empty={
          <Empty title="No campaign is here">
            A campaign makes codes of one kind, or gives discounts without a code, with limits for all of them.
          </Empty>
        }
      />
    </Page>
  )
}

interface Summary {
  readonly vouchers_count: number
  readonly publications_succeeded: number
  readonly redemptions_succeeded: number
  readonly redemptions_failed: number
  readonly rollbacks_succeeded: number
  readonly discounted_amount: number
  readonly redeemed_amount: number
  readonly orders_amount: number
}

const Numbers = ({ campaign }: { readonly campaign: CampaignShape }) => {
  const asked = useAsk<Summary>(at('/v1/campaigns/{id}/summary', { params: { id: campaign.id } }))
  return (
    <Shown of={asked}>
      {(one) => {
        const quantity = (campaign.voucher?.redemption as { readonly quantity?: number | null } | undefined)?.quantity
        const possible = quantity ? quantity * one.vouchers_count : undefined
        const used = one.redemptions_succeeded - one.rollbacks_succeeded
        return (
          <div class="stack">
            <dl class="figures">
              {!isPromotion(campaign) && (
                <>
                  <Figure label="Codes made" value={one.vouchers_count} />
                  <Figure
                    label="Published"
                    value={one.publications_succeeded}
                    hint={`${number(Math.max(0, one.vouchers_count - one.publications_succeeded))} left`}
                  />
                </>
              )}
              <Figure
                label="Redeemed"
                value={one.redemptions_succeeded}
                hint={one.rollbacks_succeeded > 0 ? `${number(one.rollbacks_succeeded)} rolled back` : undefined}
              />
              <Figure label="Refused" value={one.redemptions_failed} />
              <Figure
                label="Discounts"
                value={amount(one.discounted_amount + one.redeemed_amount)}
                hint={`on orders of ${amount(one.orders_amount)}`}
              />
            </dl>
            {possible !== undefined && (
              <p class="row">
                <span>Limit used</span> <Bar done={used} total={possible} label="Limit used" />
              </p>
            )}
          </div>
        )
      }}
    </Shown>
  )
}

/** How often the progress of making codes is looked at, ms. */
const EVERY_MS = 3_000

const Jobs = ({ id }: { readonly id: string }) => {
  const asked = useAsk<JobsShape>(at('/v1/async-actions', { query: { limit: 50 } }), EVERY_MS)
  const jobs = (asked.data?.async_actions ?? []).filter((one) => one.campaign_id === id).slice(0, 5)
  return jobs.length === 0 ? null : (
    <Card title="Making and importing codes">
      <JobTable jobs={jobs} label="Making and importing codes" />
    </Card>
  )
}

const Codes = ({ id }: { readonly id: string }) => (
  <Card title="Codes">
    <List
      label="Codes"
      list={useList<Voucher>(at('/v1/vouchers', { query: { campaign_id: id, limit: 25 } }))}
      rowKey={(one) => one.id}
      columns={[
        { head: 'Code', wide: true, cell: ({ code }) => <Link to={`/codes/${encodeURIComponent(code)}`}>{code}</Link> },
        { head: 'Worth', cell: worthOf },
        { head: 'Published', align: 'right', cell: ({ publish }) => number(publish?.count) },
        {
          head: 'Redeemed',
          align: 'right',
          cell: ({ redemption: { redeemed_quantity, quantity } }) =>
            `${number(redeemed_quantity)}${quantity === undefined ? '' : ` of ${number(quantity)}`}`,
        },
        { head: 'State', cell: ({ active }) => <Active active={active} /> },
      ]}
      empty="No code was made yet"
    />
  </Card>
)

export const Campaign = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<CampaignShape>(at('/v1/campaigns/{id}', { params: { id } }))
  const { data } = asked
  return (
    <Page
      title={data?.name ?? 'Campaign'}
      crumbs={[['/campaigns', 'Campaigns and codes']]}
      lead={data?.description}
      actions={
        data &&
        mayWrite() && (
          <>
            <ChangeCampaign campaign={data} what="campaign" />
            {!isPromotion(data) && may('codes.write') && (
              <Definition
                title="Make more codes"
                button="Make codes"
                start={{ vouchers_count: 100 }}
                fields={[{ path: 'vouchers_count', label: 'How many', kind: 'number', isRequired: true }]}
                request={(body) =>
                  change('POST', '/v1/campaigns/{campaignId}/vouchers', {
                    params: { campaignId: id },
                    query: { vouchers_count: (body as { readonly vouchers_count: number }).vouchers_count },
                    body: {},
                  })
                }
                done="They are being made"
              />
            )}
            {!isPromotion(data) && may('codes.write') && (
              <Link to={`/imports?of=campaign&campaign=${id}`} class="button">
                Import codes
              </Link>
            )}
            <Switch of="/v1/campaigns/{id}" params={{ id }} isOn={data.active} />
            <Action
              request={change('DELETE', '/v1/campaigns/{id}', { params: { id } })}
              question={`The codes of “${data.name}” can be redeemed no longer. What was redeemed stays.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/campaigns')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(campaign) => (
          <>
            <Numbers campaign={campaign} />
            {isPromotion(campaign) ? (
              <Tiers id={id} />
            ) : (
              <>
                <Jobs id={id} />
                <Codes id={id} />
              </>
            )}
            <Card title="Redemptions">
              <RedemptionList
                address={at('/v1/redemptions', { query: { campaign: id, limit: 25 } })}
                label="Redemptions"
              />
            </Card>
            <Card title="Campaign">
              <Facts
                of={[
                  ['Id', <Id key="id" id={campaign.id} />],
                  ['Kind', stateWords(campaign.campaign_type)],
                  ['State', <Active key="state" active={campaign.active} />],
                  ['Made', <Time key="made" at={campaign.created_at} />],
                ]}
              />
              {campaign.voucher && <Json value={campaign.voucher} label="What its codes are like" />}
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
