// Validation rules: what they ask in words, what they bound, and whether one holds for a customer.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { OPERATORS } from '../lib/condition.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayAudit, mayWrite } from '../lib/session.ts'
import type { Fields, ListOf } from '../lib/shapes.ts'
import { amount, brief, number } from '../lib/text.ts'
import { AskWhy } from '../parts/askWhy.tsx'
import { Definition, type FormField } from '../parts/definition.tsx'
import { Action } from '../parts/dialog.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Id, Json, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface RuleShape {
  readonly id: string
  readonly name: string
  readonly rules: Readonly<Record<string, unknown>>
  readonly error?: { readonly message?: string } | null
  readonly assignments_count: number
  readonly created_at: string
  readonly updated_at?: string
}

const NAMES: Readonly<Record<string, string>> = {
  'order.amount': 'the amount of the order',
  'order.items.count': 'the number of items',
  'customer.segment': 'the customer’s segment',
  'redemption.count.total': 'redemptions in all',
  'redemption.count.per_customer': 'redemptions of the customer',
  'redemption.count.daily': 'redemptions a day',
  'redemption.count.weekly': 'redemptions a week',
  'redemption.count.monthly': 'redemptions a month',
}

const SAID = new Map(OPERATORS)

/** What is compared with amounts, which are sent in minor units. */
const MONEY: ReadonlySet<string> = new Set(['order.amount', 'order.initial_amount'])
const inUnits = (value: unknown): string => (typeof value === 'number' ? amount(value) : String(value))

const oneRule = (rule: Fields): string => {
  const { name, property, conditions } = rule
  const subject = property
    ? `the property ${String(property)} of the ${String(name).includes('event') ? 'event' : 'customer'}`
    : (NAMES[String(name)] ?? String(name).replaceAll(/[._]/g, ' '))
  const shown = MONEY.has(String(name)) ? inUnits : String
  const tests = Object.entries((conditions ?? {}) as Fields).map(
    ([operator, value]) =>
      `${SAID.get(operator) ?? operator.slice(1).replaceAll('_', ' ')} ${brief(Array.isArray(value) ? value.map(shown).join(', ') : value, 60)}`,
  )
  return `${subject} ${tests.length === 0 ? 'is asked' : `is ${tests.join(' and ')}`.replace('is is', 'is').replace(/is (contains|starts)/, '$1')}`
}

/** The rules of a validation rule in words: several have the names by which its logic joins them. */
const ruleWords = (rules: RuleShape['rules']): readonly string[] =>
  Object.entries(rules)
    .filter(([name, rule]) => name !== 'logic' && typeof rule === 'object' && rule !== null)
    .map(([name, rule], _, all) => `${all.length > 1 ? `${name}: ` : ''}${oneRule(rule as Fields)}`)

const FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  {
    path: 'rules.1.name',
    label: 'What is asked',
    kind: 'choice',
    options: Object.entries(NAMES).map(([name, said]) => [name, said] as const),
  },
  { path: 'error.message', label: 'What customers are told when it does not hold' },
]

const NEW = {
  name: '',
  type: 'expression',
  rules: { 1: { name: 'order.amount', conditions: { $more_than_equal: [5000] } }, logic: '1' },
  error: { message: '' },
}

export const Rules = () => (
  <Page
    title="Validation rules"
    lead="What must hold before a code, a rule or a message does something."
    actions={
      mayWrite() && (
        <Definition
          title="New validation rule"
          button="New rule"
          tone="main"
          start={NEW}
          fields={FIELDS}
          request={(body) => change('POST', '/v1/validation-rules', { body })}
          onDone={(made) => go(`/validation-rules/${(made as RuleShape).id}`)}
        />
      )
    }
  >
    <List
      label="Validation rules"
      list={useList<RuleShape>(at('/v1/validation-rules', { query: { limit: 25 } }))}
      rowKey={({ id }) => id}
      columns={[
        {
          head: 'Rule',
          wide: true,
          cell: ({ id, name, rules }) => (
            <>
              <Link to={`/validation-rules/${id}`}>{name}</Link>
              {ruleWords(rules).map((one) => (
                <div class="soft small" key={one}>
                  {one}
                </div>
              ))}
            </>
          ),
        },
        { head: 'Assigned to', align: 'right', cell: ({ assignments_count }) => number(assignments_count) },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={
        <Empty title="There is no validation rule yet">
          A rule can bound codes, campaigns, earning rules, rewards and messages.
        </Empty>
      }
    />
  </Page>
)

interface Assignment {
  readonly id: string
  readonly related_object_type: string
  readonly related_object_id: string
  readonly created_at: string
}

const PLACES: Readonly<Record<string, string>> = {
  campaign: '/campaigns',
  distribution: '/distributions',
  voucher: '/codes',
}

export const Rule = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<RuleShape>(at('/v1/validation-rules/{id}', { params: { id } }))
  const assigned = useAsk<ListOf<Assignment>>(
    at('/v1/validation-rules/{id}/assignments', { params: { id }, query: { limit: 100 } }),
  )
  const { data } = asked
  return (
    <Page
      title={data?.name ?? 'Validation rule'}
      crumbs={[['/validation-rules', 'Validation rules']]}
      actions={
        data &&
        mayWrite() && (
          <>
            <Definition
              title="Change the rule"
              button="Change"
              of={data}
              start={{ name: data.name, rules: data.rules, error: data.error ?? undefined }}
              fields={[FIELDS[0]!, FIELDS[2]!]}
              request={(body) => change('PUT', '/v1/validation-rules/{id}', { params: { id }, body })}
            />
            <Action
              request={change('DELETE', '/v1/validation-rules/{id}', { params: { id } })}
              question={`“${data.name}” bounds nothing any more.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/validation-rules')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(rule) => (
          <div class="columns">
            <Card title="In words">
              <ul>
                {ruleWords(rule.rules).map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
              <Facts
                of={[
                  ['Joined by', <code key="logic">{String(rule.rules.logic ?? '–')}</code>],
                  ['Customers are told', rule.error?.message],
                  ['Id', <Id key="id" id={rule.id} />],
                  ['Changed', <Time key="changed" at={rule.updated_at ?? rule.created_at} />],
                ]}
              />
              <Json value={rule.rules} label="Rules" />
            </Card>
            <div class="stack">
              <Card title="Assigned to">
                <Shown of={assigned}>
                  {(list) =>
                    list.data.length === 0 ? (
                      <Empty title="To nothing, by an assignment">
                        A distribution or earning rule can name it too.
                      </Empty>
                    ) : (
                      <Table
                        label="Assignments"
                        rows={list.data}
                        rowKey={(one) => one.id}
                        columns={[
                          { head: 'Kind', cell: ({ related_object_type }) => related_object_type.replaceAll('_', ' ') },
                          {
                            head: 'What',
                            wide: true,
                            cell: ({ related_object_type: kind, related_object_id: what }) =>
                              PLACES[kind] ? <Link to={`${PLACES[kind]}/${what}`}>{what}</Link> : <Id id={what} />,
                          },
                        ]}
                      />
                    )
                  }
                </Shown>
              </Card>
              {mayAudit() && <AskWhy title="Does it hold for somebody?" id={id} />}
            </div>
          </div>
        )}
      </Shown>
    </Page>
  )
}
