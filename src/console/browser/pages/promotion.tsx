// What a promotion campaign has in place of codes: its tiers in their order, and the stacks of tiers that are redeemed together.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { mayWrite } from '../lib/session.ts'
import type { Fields } from '../lib/shapes.ts'
import { amount, number, stateWords } from '../lib/text.ts'
import { Definition, type FormField, partsOf, RowDefinition, withEmptied } from '../parts/definition.tsx'
import { Action, Switch } from '../parts/dialog.tsx'
import { Card } from '../parts/layout.tsx'
import { Active, Id } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface Tier {
  readonly id: string
  readonly name: string
  readonly banner?: string
  readonly action: { readonly discount?: Fields }
  readonly hierarchy: number
  readonly active: boolean
  readonly validation_rule_assignments: { readonly data: readonly { readonly rule_id: string }[] }
}

interface Stack {
  readonly id: string
  readonly name: string
  readonly tiers: { readonly ids: readonly string[] }
}

interface Rule {
  readonly id: string
  readonly name: string
}

const discountOf = ({ discount }: Tier['action']): string =>
  discount === undefined
    ? 'Nothing'
    : discount.type === 'PERCENT'
      ? `${String(discount.percent_off)} %`
      : discount.type === 'AMOUNT'
        ? amount(Number(discount.amount_off))
        : stateWords(String(discount.type))

const typeOf = (body: Fields): unknown => (body.action as { readonly discount?: Fields } | undefined)?.discount?.type

const FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  { path: 'banner', label: 'Banner', hint: 'What the shop may say to its customers' },
  {
    path: 'action.discount.type',
    label: 'Discount',
    kind: 'choice',
    options: [
      ['PERCENT', 'Per cent of the order'],
      ['AMOUNT', 'A fixed amount'],
    ],
  },
  {
    path: 'action.discount.percent_off',
    label: 'Per cent off',
    kind: 'number',
    when: (body) => typeOf(body) === 'PERCENT',
  },
  {
    path: 'action.discount.amount_off',
    label: 'Amount off',
    kind: 'money',
    when: (body) => typeOf(body) === 'AMOUNT',
  },
  { path: 'hierarchy', label: 'Place', kind: 'number', hint: 'The lower, the earlier; empty: the last' },
]

/** A discount is of one kind, and has nothing of another; of its own it keeps what the form does not ask for. */
const discountFrom = (written: Fields, before: Fields | undefined): Fields => {
  const { type, percent_off, amount_off, ...others } = written
  const { aggregated_amount_limit } = others
  const kept = before === undefined || before.type === type ? others : { aggregated_amount_limit }
  return { ...kept, type, ...(type === 'PERCENT' && { percent_off }), ...(type === 'AMOUNT' && { amount_off }) }
}

const tierBody = (body: unknown, before?: Tier): Fields => {
  const { action, validation_rule: rule, ...rest } = body as Fields & Tier & { readonly validation_rule?: string }
  const discount = discountFrom(action.discount ?? {}, before?.action.discount)
  return { ...rest, action: { discount }, ...(rule === undefined ? {} : { validation_rules: [rule] }) }
}

const NEW_TIER = { name: '', action: { discount: { type: 'PERCENT', percent_off: 10 } } }

export const Tiers = ({ id: campaign }: { readonly id: string }) => {
  const asked = useAsk<{ readonly tiers: readonly Tier[] }>(
    at('/v1/promotions/{campaignId}/tiers', { params: { campaignId: campaign } }),
  )
  const rules = useAsk<{ readonly data: readonly Rule[] }>(at('/v1/validation-rules', { query: { limit: 100 } }))
  const names = new Map((rules.data?.data ?? []).map((one) => [one.id, one.name]))
  const of = (tier: Tier) => ({ params: { promotionTierId: tier.id } })
  return (
    <Card
      title="Tiers"
      actions={
        mayWrite() && (
          <Definition
            title="New tier"
            button="Add a tier"
            start={NEW_TIER}
            fields={[
              ...FIELDS,
              {
                path: 'validation_rule',
                label: 'Only for orders and customers that keep',
                kind: 'choice',
                options: [['', 'No rule: everybody'], ...names],
              },
            ]}
            request={(body) =>
              change('POST', '/v1/promotions/{campaignId}/tiers', {
                params: { campaignId: campaign },
                body: tierBody(body),
              })
            }
          />
        )
      }
    >
      <Shown of={asked}>
        {({ tiers }) =>
          tiers.length === 0 ? (
            <Empty title="There is no tier yet">A tier is a discount without a code.</Empty>
          ) : (
            <Table
              label="Tiers"
              rows={tiers}
              rowKey={(one) => one.id}
              columns={[
                { head: 'Place', align: 'right', cell: ({ hierarchy }) => number(hierarchy) },
                {
                  head: 'Tier',
                  wide: true,
                  cell: ({ id, name, banner }) => (
                    <>
                      {name}
                      {banner && <div class="soft small">{banner}</div>}
                      <Id id={id} />
                    </>
                  ),
                },
                { head: 'Off', align: 'right', cell: ({ action }) => discountOf(action) },
                {
                  head: 'Only for',
                  cell: ({ validation_rule_assignments: { data } }) =>
                    data.length === 0
                      ? 'everybody'
                      : data.map(({ rule_id }) => names.get(rule_id) ?? rule_id).join(', '),
                },
                { head: 'State', cell: ({ active }) => <Active active={active} /> },
                ...(mayWrite()
                  ? [
                      {
                        head: '',
                        align: 'right' as const,
                        cell: (tier: Tier) => (
                          <span class="row end">
                            <RowDefinition<Tier>
                              title="Change the tier"
                              button="Change"
                              tone="quiet"
                              address={at('/v1/promotions/tiers/{promotionTierId}', of(tier))}
                              start={(read) => partsOf(read, ['name', 'banner', 'action', 'hierarchy'])}
                              fields={FIELDS}
                              request={(body, read) =>
                                change('PUT', '/v1/promotions/tiers/{promotionTierId}', {
                                  ...of(tier),
                                  body: withEmptied(tierBody(body, read), ['banner']),
                                })
                              }
                            />
                            <Switch
                              of="/v1/promotions/tiers/{promotionTierId}"
                              {...of(tier)}
                              isOn={tier.active}
                              tone="quiet"
                            />
                            <Action
                              request={change('DELETE', '/v1/promotions/tiers/{promotionTierId}', of(tier))}
                              question={`“${tier.name}” can be redeemed no longer. What was redeemed stays.`}
                              done="Deleted"
                              tone="quiet"
                            >
                              Delete
                            </Action>
                          </span>
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )
        }
      </Shown>
      <Stacks id={campaign} tiers={asked.data?.tiers ?? []} />
    </Card>
  )
}

const Stacks = ({ id, tiers }: { readonly id: string; readonly tiers: readonly Tier[] }) => {
  const list = useList<Stack>(at('/v1/promotions/{campaignId}/stacks', { params: { campaignId: id } }))
  const names = new Map(tiers.map((one) => [one.id, one.name]))
  const start = { name: '', tiers: { ids: tiers.map((one) => one.id) } }
  const fields: readonly FormField[] = [
    { path: 'name', label: 'Name', isRequired: true },
    ...tiers.map((_, index) => ({
      path: `tiers.ids.${index}`,
      label: `Tier ${index + 1}`,
      kind: 'choice' as const,
      options: [['', 'None'] as const, ...names],
    })),
  ]
  /** Places that were emptied are no tiers. */
  const body = (written: unknown): unknown => {
    const { tiers: chosen, ...rest } = written as Stack
    return { ...rest, tiers: { ...chosen, ids: chosen.ids.filter(Boolean) } }
  }
  return (
    <>
      <div class="row between">
        <h3>Stacks</h3>
        {mayWrite() && tiers.length > 1 && (
          <Definition
            title="New stack"
            button="Add a stack"
            tone="quiet"
            start={start}
            fields={fields}
            request={(written) =>
              change('POST', '/v1/promotions/{campaignId}/stacks', { params: { campaignId: id }, body: body(written) })
            }
          />
        )}
      </div>
      <List
        label="Stacks"
        list={list}
        rowKey={(one) => one.id}
        columns={[
          { head: 'Stack', cell: ({ name }) => name },
          {
            head: 'Tiers, in this order',
            wide: true,
            cell: ({ tiers: { ids } }) => ids.map((one) => names.get(one) ?? one).join(', then '),
          },
          { head: 'Id', cell: (stack) => <Id id={stack.id} /> },
          ...(mayWrite()
            ? [
                {
                  head: '',
                  cell: (stack: Stack) => (
                    <Action
                      request={change('DELETE', '/v1/promotions/{campaignId}/stacks/{stackId}', {
                        params: { campaignId: id, stackId: stack.id },
                      })}
                      question={`“${stack.name}” is gone; its tiers stay.`}
                      done="Deleted"
                      tone="quiet"
                    >
                      Delete
                    </Action>
                  ),
                },
              ]
            : []),
        ]}
        empty="No tiers are redeemed together"
      />
    </>
  )
}
