// Loyalty programs: the points that are out, by which rules they are earned, and who holds them.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { Campaign, EventSchema, Fields, ListOf, Voucher } from '../lib/shapes.ts'
import { number, typeWords } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Definition, type FormField, partsOf, RowDefinition } from '../parts/definition.tsx'
import { Action, Switch } from '../parts/dialog.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Facts, Figure, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

const PROGRAM_FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  { path: 'voucher.code_config.pattern', label: 'Pattern of card codes', hint: '# stands for a character' },
  { path: 'voucher.loyalty_card.points', label: 'Points to begin with', kind: 'number' },
  { path: 'voucher.loyalty_card.expiration_rules.period_value', label: 'Points expire after months', kind: 'number' },
]

/** Cards that were made keep their codes and the points that they began with. */
const PROGRAM_CHANGES: readonly FormField[] = [
  ...PROGRAM_FIELDS.filter(({ path }) => path !== 'voucher.code_config.pattern'),
  { path: 'description', label: 'Description', kind: 'area' },
]

interface ProgramFields {
  readonly voucher?: { readonly loyalty_card?: { readonly expiration_rules?: Fields } }
}

/** Points that expire do so after months where nothing else was said, and never where nothing is. */
const programBody = (body: unknown): unknown => {
  const { voucher, ...rest } = body as ProgramFields
  const { expiration_rules: rules, ...card } = voucher?.loyalty_card ?? {}
  const isFixedDay = rules?.period_type === 'FIXED_DAY_OF_YEAR'
  const expires = rules?.period_value !== undefined || isFixedDay ? { period_type: 'MONTH', ...rules } : null
  return { ...rest, voucher: { ...voucher, loyalty_card: { ...card, expiration_rules: expires } } }
}

const NEW_PROGRAM = {
  name: '',
  voucher: {
    type: 'LOYALTY_CARD',
    code_config: { pattern: 'CARD-########' },
    loyalty_card: { points: 0, expiration_rules: { period_type: 'MONTH', period_value: 12 } },
  },
}

export const Loyalties = () => (
  <Page
    title="Loyalty programs"
    lead="Cards, the rules by which points are earned, tiers and rewards."
    actions={
      mayWrite() && (
        <Definition
          title="New loyalty program"
          button="New program"
          tone="main"
          start={NEW_PROGRAM}
          fields={PROGRAM_FIELDS}
          request={(body) => change('POST', '/v1/loyalties', { body: programBody(body) })}
          onDone={(made) => go(`/loyalty/${(made as Campaign).id}`)}
        />
      )
    }
  >
    <List
      label="Loyalty programs"
      list={useList<Campaign>(at('/v1/loyalties', { query: { limit: 25 } }))}
      rowKey={({ id }) => id}
      columns={[
        { head: 'Program', wide: true, cell: ({ id, name }) => <Link to={`/loyalty/${id}`}>{name}</Link> },
        { head: 'State', cell: ({ active }) => <Active active={active} /> },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={
        <Empty title="There is no loyalty program yet">
          Points are given by rules on events, and spent on rewards.
        </Empty>
      }
    />
  </Page>
)

interface Summary {
  readonly members: number
  readonly balance: number
  readonly pending_points: number
  readonly transactions: Readonly<Record<string, { readonly count: number; readonly points: number }>>
}

interface EarningRule {
  readonly id: string
  readonly event: string
  readonly active: boolean
  readonly loyalty: Fields & { readonly type: string; readonly points?: number }
  readonly validation_rule_id: string | null
  readonly segment?: { readonly id: string } | null
}

/** An earning rule in words. */
const earningWords = ({ loyalty }: Pick<EarningRule, 'loyalty'>): string => {
  if (loyalty.type === 'FIXED') return `${number(loyalty.points)} points`
  const { custom_event, customer } = loyalty as Record<
    string,
    { readonly metadata: { every: number; points: number; property: string } } | undefined
  >
  const share = custom_event?.metadata ?? customer?.metadata
  return share
    ? `${number(share.points)} points for every ${number(share.every)} of ${share.property}`
    : 'points by a share'
}

const RULE_PARTS = ['event', 'loyalty', 'validation_rule_id', 'segment', 'start_date', 'expiration_date', 'metadata']

const RULE_FIELDS = (events: readonly string[]): readonly FormField[] => [
  {
    path: '0.event',
    label: 'For the event',
    kind: 'choice',
    options: [['', 'Choose an event'], ...events.map((name) => [name, name] as const)],
  },
  {
    path: '0.loyalty.type',
    label: 'How many points',
    kind: 'choice',
    options: [
      ['FIXED', 'A fixed number'],
      ['PROPORTIONAL', 'A share of a property'],
    ],
  },
  {
    path: '0.loyalty.points',
    label: 'Points',
    kind: 'number',
    when: (body) => (body as unknown as readonly EarningRule[])[0]?.loyalty.type === 'FIXED',
  },
  ...(
    [
      ['property', 'Property of the event', undefined],
      ['every', 'For every', 'number'],
      ['points', 'Points', 'number'],
    ] as const
  ).map(([name, label, kind]) => ({
    path: `0.loyalty.custom_event.metadata.${name}`,
    label,
    ...(kind ? { kind } : {}),
    when: (body: Fields) => (body as unknown as readonly EarningRule[])[0]?.loyalty.type === 'PROPORTIONAL',
  })),
]

const NEW_RULE = [{ event: '', loyalty: { type: 'FIXED', points: 10 } }]

/** A proportional rule has no fixed points, and must say what it is a share of. */
const ruleBody = (body: unknown): unknown =>
  (body as readonly EarningRule[]).map(({ loyalty: { type, points, custom_event, ...loyalty }, ...rule }) => ({
    ...rule,
    loyalty:
      type === 'FIXED'
        ? { type, points }
        : { type, calculation_type: 'CUSTOM_EVENT_METADATA', custom_event, ...loyalty },
  }))

const EarningRules = ({ id }: { readonly id: string }) => {
  const list = useList<EarningRule>(
    at('/v1/loyalties/{campaignId}/earning-rules', { params: { campaignId: id }, query: { limit: 25 } }),
  )
  const schemas = useAsk<ListOf<EventSchema>>(at('/v1/event-schemas'))
  const fields = RULE_FIELDS((schemas.data?.data ?? []).map(({ name }) => name))
  const of = (rule: string) => ({ params: { campaignId: id, earningRuleId: rule } })
  return (
    <Card
      title="Earning rules"
      actions={
        mayWrite() && (
          <Definition
            title="New earning rule"
            button="Add a rule"
            start={NEW_RULE}
            fields={fields}
            request={(body) =>
              change('POST', '/v1/loyalties/{campaignId}/earning-rules', {
                params: { campaignId: id },
                body: ruleBody(body),
              })
            }
          />
        )
      }
    >
      <List
        label="Earning rules"
        list={list}
        rowKey={(one) => one.id}
        columns={[
          { head: 'Event', cell: ({ event }) => <b class="wrap">{event}</b> },
          {
            head: 'Gives',
            wide: true,
            cell: (one) => (
              <>
                {earningWords(one)}
                {one.validation_rule_id && (
                  <div class="small">
                    if <Link to={`/validation-rules/${one.validation_rule_id}`}>a rule</Link> holds
                  </div>
                )}
              </>
            ),
          },
          { head: 'State', cell: ({ active }) => <Active active={active} /> },
          {
            head: '',
            align: 'right',
            cell: (one) =>
              mayWrite() && (
                <div class="row end">
                  <RowDefinition<EarningRule>
                    title="Change the earning rule"
                    button="Change"
                    tone="quiet"
                    address={at('/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}', of(one.id))}
                    start={(rule) => [partsOf(rule, RULE_PARTS)]}
                    fields={fields}
                    request={(body) =>
                      change('PUT', '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}', {
                        ...of(one.id),
                        body: (ruleBody(body) as readonly unknown[])[0],
                      })
                    }
                  />
                  <Switch
                    of="/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}"
                    params={of(one.id).params}
                    isOn={one.active}
                    tone="quiet"
                  />
                  <Action
                    request={change('DELETE', '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}', of(one.id))}
                    question={`“${one.event}” earns ${earningWords(one)} no longer. What was earned stays.`}
                    done="Deleted"
                    tone="quiet"
                  >
                    Delete
                  </Action>
                </div>
              ),
          },
        ]}
        empty="No event earns points yet"
      />
    </Card>
  )
}

interface Tier {
  readonly id: string
  readonly name: string
  readonly points: { readonly from: number; readonly to: number }
}

const TIER_FIELDS: readonly FormField[] = [
  { path: '0.name', label: 'Name', isRequired: true },
  { path: '0.points.from', label: 'From points', kind: 'number', isRequired: true },
  { path: '0.points.to', label: 'To points', kind: 'number', isRequired: true },
]

const Tiers = ({ id }: { readonly id: string }) => {
  const tier = (tierId: string) => ({ params: { campaignId: id, tierId } })
  return (
    <Card
      title="Tiers"
      actions={
        mayWrite() && (
          <Definition
            title="New tier"
            button="Add a tier"
            start={[{ name: '', points: { from: 0, to: 100 } }]}
            fields={TIER_FIELDS}
            request={(body) => change('POST', '/v1/loyalties/{campaignId}/tiers', { params: { campaignId: id }, body })}
          />
        )
      }
    >
      <Shown
        of={useAsk<ListOf<Tier>>(
          at('/v1/loyalties/{campaignId}/tiers', { params: { campaignId: id }, query: { limit: 100 } }),
        )}
      >
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No tiers: all members are alike" />
          ) : (
            <Table
              label="Tiers"
              rows={data}
              rowKey={(one) => one.id}
              columns={[
                { head: 'Tier', wide: true, cell: ({ name }) => <b>{name}</b> },
                { head: 'From', align: 'right', cell: ({ points }) => number(points.from) },
                { head: 'To', align: 'right', cell: ({ points }) => number(points.to) },
                {
                  head: '',
                  align: 'right',
                  cell: (one) =>
                    mayWrite() && (
                      <div class="row end">
                        <RowDefinition<Tier>
                          title="Change the tier"
                          button="Change"
                          tone="quiet"
                          address={at('/v1/loyalties/{campaignId}/tiers/{tierId}', tier(one.id))}
                          start={(read) => [partsOf(read, ['name', 'points', 'metadata'])]}
                          fields={TIER_FIELDS}
                          request={(body) =>
                            change('PUT', '/v1/loyalties/{campaignId}/tiers/{tierId}', {
                              ...tier(one.id),
                              body: (body as readonly unknown[])[0],
                            })
                          }
                        />
                        <Action
                          request={change('DELETE', '/v1/loyalties/{campaignId}/tiers/{tierId}', tier(one.id))}
                          question={`No card is in “${one.name}” any more.`}
                          done="Deleted"
                          tone="quiet"
                        >
                          Delete
                        </Action>
                      </div>
                    ),
                },
              ]}
            />
          )
        }
      </Shown>
    </Card>
  )
}

const Members = ({ id }: { readonly id: string }) => (
  <Card title="Members">
    <List
      label="Members"
      list={useList<Voucher>(
        at('/v1/loyalties/{campaignId}/members', { params: { campaignId: id }, query: { limit: 25 } }),
      )}
      rowKey={(one) => one.id}
      columns={[
        { head: 'Card', wide: true, cell: ({ code }) => <Id id={code} /> },
        {
          head: 'Tier',
          cell: ({ loyalty_tier }) => (loyalty_tier ? <State state={loyalty_tier.name} tone="accent" /> : '–'),
        },
        { head: 'Balance', align: 'right', cell: ({ loyalty_card }) => number(loyalty_card?.balance) },
        {
          head: 'Expires next',
          cell: ({ loyalty_card }) => <Time at={loyalty_card?.next_expiration_date} form="date" />,
        },
        {
          head: 'Customer',
          cell: ({ holder_id }) => <CustomerOf id={holder_id} tab="cards" />,
        },
      ]}
      empty="Nobody is a member yet"
    />
  </Card>
)

const Numbers = ({ id }: { readonly id: string }) => (
  <Shown of={useAsk<Summary>(at('/v1/loyalties/{campaignId}/summary', { params: { campaignId: id } }))}>
    {({ members, balance, pending_points, transactions }) => (
      <div class="stack">
        <dl class="figures">
          <Figure label="Members" value={members} />
          <Figure label="Points outstanding" value={balance} />
          <Figure label="Pending points" value={pending_points} />
          <Figure label="Earned" value={transactions.POINTS_ACCRUAL?.points ?? 0} />
          <Figure label="Spent" value={transactions.POINTS_REDEMPTION?.points ?? 0} />
          <Figure label="Expired" value={transactions.POINTS_EXPIRATION?.points ?? 0} />
        </dl>
        <Card title="Points by kind of transaction">
          <Table
            label="Points by kind of transaction"
            rows={Object.entries(transactions)}
            rowKey={([type]) => type}
            columns={[
              { head: 'Kind', wide: true, cell: ([type]) => typeWords(type.toLowerCase()) },
              { head: 'Transactions', align: 'right', cell: ([, { count }]) => number(count) },
              { head: 'Points', align: 'right', cell: ([, { points }]) => number(points) },
            ]}
          />
        </Card>
      </div>
    )}
  </Shown>
)

export const Loyalty = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<Campaign>(at('/v1/loyalties/{campaignId}', { params: { campaignId: id } }))
  const { data } = asked
  const named = { params: { campaignId: id } }
  return (
    <Page
      title={data?.name ?? 'Loyalty program'}
      crumbs={[['/loyalty', 'Loyalty programs']]}
      actions={
        data &&
        mayWrite() && (
          <>
            <Definition
              title="Change the program"
              button="Change"
              of={data}
              start={{
                ...partsOf(data, ['name', 'description', 'metadata']),
                voucher: partsOf(data.voucher ?? {}, ['loyalty_card']),
              }}
              fields={PROGRAM_CHANGES}
              request={(body) => change('PUT', '/v1/loyalties/{campaignId}', { ...named, body: programBody(body) })}
            />
            <Switch of="/v1/loyalties/{campaignId}" params={named.params} isOn={data.active} />
          </>
        )
      }
    >
      <Shown of={asked}>
        {(program) => (
          <>
            <Numbers id={id} />
            <EarningRules id={id} />
            <Tiers id={id} />
            <Members id={id} />
            <Card title="Program">
              <Facts
                of={[
                  ['Id', <Id key="id" id={program.id} />],
                  ['State', <Active key="state" active={program.active} />],
                  ['Made', <Time key="made" at={program.created_at} />],
                ]}
              />
              <Json value={program.voucher} label="Card" />
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
