// Referral programs: who brought whom, and what became of it.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params, query, withQuery } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { Campaign, Fields } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Definition, type FormField } from '../parts/definition.tsx'
import { Select } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Facts, Figure, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'
import { ChangeCampaign } from './campaigns.tsx'

const fieldsOf = (programs: readonly Campaign[]): readonly FormField[] => [
  { path: 'name', label: 'Name', isRequired: true },
  { path: 'voucher.code_config.pattern', label: 'Pattern of codes', hint: '# stands for a character' },
  {
    path: 'referral_program.custom_event.name',
    label: 'Event that converts',
    isRequired: true,
    hint: 'A new customer’s event that carries the code',
  },
  { path: 'referral_program.referrer_reward.amount', label: 'Points for the referrer', kind: 'number' },
  {
    path: 'referral_program.referrer_reward.related_object_parent.id',
    label: 'In the loyalty program',
    kind: 'choice',
    options: [['', 'None: the referrer gets no points'], ...programs.map(({ id, name }) => [id, name] as const)],
  },
]

const NEW = {
  name: '',
  campaign_type: 'REFERRAL_PROGRAM',
  voucher: { type: 'DISCOUNT_VOUCHER', is_referral_code: true, code_config: { pattern: 'FRIEND-######' } },
  referral_program: {
    conversion_event_type: 'custom_event',
    custom_event: { name: '' },
    referrer_reward: { type: 'LOYALTY_CARD', amount: 100, related_object_parent: { id: '' } },
  },
}

/** Points are of a program: without one there are none. */
const referralBody = (body: unknown): unknown => {
  const { referral_program = {}, ...rest } = body as { readonly referral_program?: Fields }
  const { referrer_reward, ...others } = referral_program
  const parent = (referrer_reward as { readonly related_object_parent?: { readonly id?: string } } | undefined)
    ?.related_object_parent
  return { ...rest, referral_program: parent?.id ? referral_program : others }
}

const NewReferrals = () => {
  const programs = useAsk<{ readonly campaigns: readonly Campaign[] }>(at('/v1/loyalties', { query: { limit: 100 } }))
  return (
    <Definition
      title="New referral program"
      button="New program"
      tone="main"
      start={NEW}
      fields={fieldsOf(programs.data?.campaigns ?? [])}
      request={(body) => change('POST', '/v1/campaigns', { body: referralBody(body) })}
      onDone={(made) => go(`/referrals/${(made as Campaign).id}`)}
    />
  )
}

export const Referrals = () => (
  <Page
    title="Referrals"
    lead="Customers who bring customers, and what both get for it."
    actions={mayWrite() && <NewReferrals />}
  >
    <List
      label="Referral programs"
      list={useList<Campaign>(at('/v1/campaigns', { query: { campaign_type: 'REFERRAL_PROGRAM', limit: 25 } }))}
      rowKey={({ id }) => id}
      columns={[
        { head: 'Program', wide: true, cell: ({ id, name }) => <Link to={`/referrals/${id}`}>{name}</Link> },
        { head: 'State', cell: ({ active }) => <Active active={active} /> },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={
        <Empty title="There is no referral program yet">
          A code of a customer’s own brings friends, and rewards both.
        </Empty>
      }
    />
  </Page>
)

interface ReferralShape {
  readonly id: string
  readonly status: string
  readonly voucher: { readonly code: string }
  readonly referrer_id: string
  readonly referee_id: string
  readonly refused: Fields | null
  readonly converted_at: string | null
  readonly created_at: string
}

interface Totals {
  readonly totals: Readonly<Record<string, number>>
}

const STATUSES = ['', 'pending', 'converted', 'rewarded', 'refused'] as const

export const Referral = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const status = query.value.get('status') ?? ''
  const campaign = useAsk<Campaign & { readonly referral_program?: Fields }>(
    at('/v1/campaigns/{id}', { params: { id } }),
  )
  const totals = useAsk<Totals>(at('/v1/referrals/{campaignId}', { params: { campaignId: id }, query: { limit: 1 } }))
  const wanted = STATUSES.find((one) => one === status) || undefined
  const list = useList<ReferralShape>(
    at('/v1/referrals/{campaignId}', { params: { campaignId: id }, query: { limit: 25, status: wanted } }),
  )
  return (
    <Page
      title={campaign.data?.name ?? 'Referral program'}
      crumbs={[['/referrals', 'Referrals']]}
      actions={campaign.data && mayWrite() && <ChangeCampaign campaign={campaign.data} what="program" />}
    >
      <Shown of={campaign}>
        {(program) => (
          <>
            <dl class="figures">
              <Figure label="Conversions" value={totals.data?.totals.conversions} />
              <Figure label="Rewarded" value={totals.data?.totals.rewarded} />
              <Figure label="Pending" value={totals.data?.totals.pending} />
              <Figure label="Refused" value={totals.data?.totals.refused} />
            </dl>
            <div class="filters">
              <Select
                aria-label="Status"
                value={status}
                onValue={(value) => go(withQuery({ status: value }))}
                options={STATUSES.map((one) => [one, one === '' ? 'Every status' : one])}
              />
            </div>
            <List
              label="Referrals"
              list={list}
              rowKey={(one) => one.id}
              columns={[
                { head: 'When', cell: ({ created_at }) => <Time at={created_at} /> },
                {
                  head: 'Code',
                  cell: ({ voucher }) => <Link to={`/codes/${encodeURIComponent(voucher.code)}`}>{voucher.code}</Link>,
                },
                {
                  head: 'Referrer',
                  cell: ({ referrer_id }) => <CustomerOf id={referrer_id} tab="referrals" />,
                },
                {
                  head: 'Brought',
                  cell: ({ referee_id }) => <CustomerOf id={referee_id} tab="referrals" />,
                },
                {
                  head: 'Status',
                  wide: true,
                  cell: (one) => (
                    <>
                      <State
                        state={one.status}
                        tone={one.status === 'rewarded' ? 'good' : one.status === 'refused' ? 'bad' : 'warn'}
                      />{' '}
                      {one.refused && <span class="soft small">{String(one.refused.reason ?? '')}</span>}
                    </>
                  ),
                },
              ]}
              empty="Nobody was brought yet"
            />
            <Card title="Program">
              <Facts
                of={[
                  ['Id', <Id key="id" id={program.id} />],
                  ['Codes', number(program.vouchers_count)],
                  ['Made', <Time key="made" at={program.created_at} />],
                ]}
              />
              <Json value={program.referral_program} label="Program" />
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
