// Stacking rules: how the codes, promotions and cards of one request go together, in all and by category.

import { useState } from 'preact/hooks'
import { at, carryOut, change, tagOf } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import { Link } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { ListOf } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { Action } from '../parts/dialog.tsx'
import { ApiCall, Choice, Fault, Form, NumberField, NumberInput, type Options, Select } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Id, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { say, sayOvertaken } from '../parts/toast.tsx'

type Ids = readonly string[]

interface Rules {
  readonly redeemables_limit: number
  readonly applicable_redeemables_limit: number
  readonly applicable_redeemables_per_category_limit: number | null
  readonly applicable_redeemables_category_limits: Readonly<Record<string, number>>
  readonly applicable_exclusive_redeemables_limit: number
  readonly applicable_exclusive_redeemables_per_category_limit: number | null
  readonly exclusive_categories: Ids
  readonly joint_categories: Ids
  readonly discount_calculation_mode: string
  readonly initial_amount_mode_categories: Ids
  readonly discounted_amount_mode_categories: Ids
  readonly redeemables_application_mode: string
  readonly redeemables_sorting_rule: string
  readonly redeemables_products_application_mode: string
  readonly redeemables_no_effect_rule: string
  readonly no_effect_skip_categories: Ids
  readonly no_effect_redeem_anyway_categories: Ids
  readonly redeemables_rollback_order_mode: string
}

interface Saved extends Rules {
  readonly id: string
  readonly created_at: string
  readonly updated_at?: string
  readonly switched_off?: string
}

interface Category {
  readonly id: string
  readonly name: string
  readonly hierarchy: number
}

/** What a project begins with: the defaults of the API. */
const NEW: Rules = {
  redeemables_limit: 30,
  applicable_redeemables_limit: 5,
  applicable_redeemables_per_category_limit: 1,
  applicable_redeemables_category_limits: {},
  applicable_exclusive_redeemables_limit: 1,
  applicable_exclusive_redeemables_per_category_limit: 1,
  exclusive_categories: [],
  joint_categories: [],
  discount_calculation_mode: 'DISCOUNTED_AMOUNT',
  initial_amount_mode_categories: [],
  discounted_amount_mode_categories: [],
  redeemables_application_mode: 'ALL',
  redeemables_sorting_rule: 'REQUESTED_ORDER',
  redeemables_products_application_mode: 'STACK',
  redeemables_no_effect_rule: 'REDEEM_ANYWAY',
  no_effect_skip_categories: [],
  no_effect_redeem_anyway_categories: [],
  redeemables_rollback_order_mode: 'WITH_ORDER',
}

interface Limit {
  readonly name: keyof Rules
  readonly label: string
  readonly max: number
  /** May be left empty: without bound. */
  readonly isOptional?: true
}

const LIMITS: readonly Limit[] = [
  { name: 'redeemables_limit', label: 'A request may name', max: 30 },
  { name: 'applicable_redeemables_limit', label: 'Of them are applied', max: 30 },
  { name: 'applicable_redeemables_per_category_limit', label: 'Of one category', max: 30, isOptional: true },
  { name: 'applicable_exclusive_redeemables_limit', label: 'Of exclusive categories', max: 5 },
  {
    name: 'applicable_exclusive_redeemables_per_category_limit',
    label: 'Of one exclusive category',
    max: 5,
    isOptional: true,
  },
]

interface Mode {
  readonly name: keyof Rules
  readonly label: string
  readonly options: Options
}

const MODES: readonly Mode[] = [
  {
    name: 'redeemables_application_mode',
    label: 'When some may not be redeemed',
    options: [
      ['ALL', 'Nothing is redeemed'],
      ['PARTIAL', 'The others are redeemed'],
    ],
  },
  {
    name: 'redeemables_sorting_rule',
    label: 'Applied in the order',
    options: [
      ['REQUESTED_ORDER', 'of the request'],
      ['CATEGORY_HIERARCHY', 'of their categories’ places'],
    ],
  },
  {
    name: 'discount_calculation_mode',
    label: 'A percentage is taken',
    options: [
      ['DISCOUNTED_AMOUNT', 'of what those before it have left'],
      ['INITIAL_AMOUNT', 'of the order as it came'],
    ],
  },
  {
    name: 'redeemables_products_application_mode',
    label: 'Discounts on one item',
    options: [
      ['STACK', 'add up'],
      ['ONCE', 'only the first counts'],
    ],
  },
  {
    name: 'redeemables_no_effect_rule',
    label: 'One that changes nothing of the order',
    options: [
      ['REDEEM_ANYWAY', 'is redeemed anyway'],
      ['SKIP', 'is left out'],
    ],
  },
  {
    name: 'redeemables_rollback_order_mode',
    label: 'A rollback',
    options: [
      ['WITH_ORDER', 'tells the order'],
      ['WITHOUT_ORDER', 'leaves out the order'],
    ],
  },
]

interface Choosing {
  readonly head: string
  /** What holds where a category is in neither list. */
  readonly otherwise: string
  readonly lists: readonly (readonly [list: CategoryList, words: string])[]
}

type CategoryList =
  | 'exclusive_categories'
  | 'joint_categories'
  | 'initial_amount_mode_categories'
  | 'discounted_amount_mode_categories'
  | 'no_effect_skip_categories'
  | 'no_effect_redeem_anyway_categories'

/** What each category can be otherwise, one of two lists or neither. */
const CHOICES: readonly Choosing[] = [
  {
    head: 'Beside others',
    otherwise: 'as others',
    lists: [
      ['exclusive_categories', 'not with others'],
      ['joint_categories', 'with everything'],
    ],
  },
  {
    head: 'A percentage of',
    otherwise: 'as above',
    lists: [
      ['initial_amount_mode_categories', 'the order as it came'],
      ['discounted_amount_mode_categories', 'what is left'],
    ],
  },
  {
    head: 'Without effect',
    otherwise: 'as above',
    lists: [
      ['no_effect_skip_categories', 'left out'],
      ['no_effect_redeem_anyway_categories', 'redeemed anyway'],
    ],
  },
]

/** The list that a category is in, of those that exclude one another. */
const listOf = (rules: Rules, { lists }: Choosing, id: string): string =>
  lists.find(([list]) => rules[list].includes(id))?.[0] ?? ''

const wordsFor = (rules: Rules, choosing: Choosing, id: string): string =>
  choosing.lists.find(([list]) => rules[list].includes(id))?.[1] ?? choosing.otherwise

const withList = (rules: Rules, { lists }: Choosing, id: string, chosen: string): Rules => ({
  ...rules,
  ...Object.fromEntries(
    lists.map(([list]) => [list, [...rules[list].filter((one) => one !== id), ...(list === chosen ? [id] : [])]]),
  ),
})

const withLimit = (rules: Rules, id: string, limit: number | undefined): Rules => {
  const { [id]: _, ...others } = rules.applicable_redeemables_category_limits
  const limits = limit === undefined ? others : { ...others, [id]: limit }
  return { ...rules, applicable_redeemables_category_limits: limits }
}

const namesOf = Object.keys(NEW) as readonly (keyof Rules)[]
const rulesOf = (saved: Saved): Rules =>
  Object.fromEntries(namesOf.map((name) => [name, saved[name]])) as unknown as Rules

const NoCategory = () => (
  <Empty title="There is no category yet">
    What codes and promotions are sorted into can go alone, or with everything. <Link to="/categories">Categories</Link>
  </Empty>
)

interface FormProps {
  readonly saved: Saved | undefined
  readonly categories: readonly Category[]
  readonly onDone?: () => void
}

const RulesForm = ({ saved, categories, onDone }: FormProps) => {
  const [rules, setRules] = useState<Rules>(saved ? rulesOf(saved) : NEW)
  const [tag] = useState(() => tagOf(saved))
  const { fault, isBusy, once } = useOnce()
  const named = { stackingRulesId: saved?.id }
  const request = saved
    ? { ...change('PUT', '/v1/stacking-rules/{stackingRulesId}', { params: named, body: rules }), ifMatch: tag }
    : change('POST', '/v1/stacking-rules', { body: rules })
  const save = () =>
    once(async () => {
      await carryOut(request).catch(sayOvertaken)
      say('Saved')
      onDone?.()
    })
  return (
    <Form onSend={save}>
      <Card title="How many">
        <div class="form-grid">
          {LIMITS.map(({ name, label, max, isOptional }) => (
            <NumberField
              key={name}
              label={label}
              step="1"
              min="1"
              max={String(max)}
              required={!isOptional}
              value={rules[name]}
              hint={isOptional ? `1 to ${max}; empty: no bound of its own` : `1 to ${max}`}
              onValue={(value) => setRules({ ...rules, [name]: value ?? null })}
            />
          ))}
        </div>
      </Card>
      <Card title="What is done">
        <div class="form-grid">
          {MODES.map(({ name, label, options }) => (
            <Choice
              key={name}
              label={label}
              value={String(rules[name])}
              options={options}
              onValue={(value) => setRules({ ...rules, [name]: value })}
            />
          ))}
        </div>
      </Card>
      <Card title="By category">
        {categories.length === 0 ? (
          <NoCategory />
        ) : (
          <Table
            label="Categories"
            rows={categories}
            rowKey={({ id }) => id}
            columns={[
              { head: 'Category', wide: true, cell: ({ name }) => <b class="wrap beside-field">{name}</b> },
              ...CHOICES.map((choosing) => ({
                head: choosing.head,
                cell: ({ id, name }: Category) => (
                  <Select
                    aria-label={`${choosing.head}: ${name}`}
                    value={listOf(rules, choosing, id)}
                    options={[['', choosing.otherwise], ...choosing.lists]}
                    onValue={(chosen) => setRules(withList(rules, choosing, id, chosen))}
                  />
                ),
              })),
              {
                head: 'At most',
                cell: ({ id, name }: Category) => (
                  <NumberInput
                    class="few"
                    step="1"
                    min="1"
                    max="30"
                    aria-label={`At most: ${name}`}
                    placeholder="as others"
                    value={rules.applicable_redeemables_category_limits[id]}
                    onValue={(limit) => setRules(withLimit(rules, id, limit))}
                  />
                ),
              },
            ]}
          />
        )}
      </Card>
      <Fault text={fault} />
      <footer>
        <button type="submit" class="main" disabled={isBusy}>
          {saved ? 'Save' : 'Make these the rules'}
        </button>
        {onDone && (
          <button type="button" onClick={onDone}>
            Cancel
          </button>
        )}
      </footer>
      <ApiCall request={request} />
    </Form>
  )
}

/** For those who may look only. */
const RulesShown = ({ saved, categories }: { readonly saved: Saved; readonly categories: readonly Category[] }) => (
  <>
    <div class="columns">
      <Card title="How many">
        <Facts
          of={LIMITS.map(({ name, label }) => [
            label,
            saved[name] === null ? 'no bound of its own' : String(saved[name]),
          ])}
        />
      </Card>
      <Card title="What is done">
        <Facts
          of={MODES.map(({ name, label, options }) => [
            label,
            options.find(([one]) => one === saved[name])?.[1] ?? String(saved[name]),
          ])}
        />
      </Card>
    </div>
    <Card title="By category">
      {categories.length === 0 ? (
        <NoCategory />
      ) : (
        <Table
          label="Categories"
          rows={categories}
          rowKey={({ id }) => id}
          columns={[
            { head: 'Category', wide: true, cell: ({ name }) => <b class="wrap">{name}</b> },
            ...CHOICES.map((choosing) => ({
              head: choosing.head,
              cell: ({ id }: Category) => wordsFor(saved, choosing, id),
            })),
            {
              head: 'At most',
              align: 'right' as const,
              cell: ({ id }: Category) => number(saved.applicable_redeemables_category_limits[id]),
            },
          ]}
        />
      )}
    </Card>
  </>
)

const WITHOUT =
  'A request may name 30 codes, promotions and cards. All are applied in its order, all or none, and none excludes another.'

const NoRules = ({ categories }: { readonly categories: readonly Category[] }) => {
  const [isOpen, setOpen] = useState(false)
  return isOpen ? (
    <RulesForm saved={undefined} categories={categories} onDone={() => setOpen(false)} />
  ) : (
    <Empty
      title="There are no stacking rules: everything goes together"
      action={
        mayWrite() && (
          <button type="button" class="main" onClick={() => setOpen(true)}>
            Set stacking rules
          </button>
        )
      }
    >
      {WITHOUT}
    </Empty>
  )
}

export const StackingRules = () => {
  const all = useAsk<ListOf<{ readonly id: string }>>(at('/v1/stacking-rules'))
  const id = all.data?.data[0]?.id
  // Once more by itself: a list has no tag that a change could be held against.
  const asked = useAsk<Saved>(id && at('/v1/stacking-rules/{stackingRulesId}', { params: { stackingRulesId: id } }))
  const categories = useAsk<ListOf<Category>>(at('/v1/categories'))
  const saved = asked.data
  return (
    <Page
      title="Stacking rules"
      lead="How the codes, promotions and cards of one request go together: how many are applied, and which categories exclude others."
      actions={
        saved &&
        mayWrite() && (
          <Action
            request={change('DELETE', '/v1/stacking-rules/{stackingRulesId}', {
              params: { stackingRulesId: saved.id },
            })}
            question={`Without rules everything goes together. ${WITHOUT}`}
            done="Deleted"
            tone="danger"
          >
            Delete the rules
          </Action>
        )
      }
    >
      <Shown
        of={{
          ...all,
          data: categories.data && all.data && (id === undefined || asked.data),
          error: all.error ?? asked.error ?? categories.error,
        }}
      >
        {() => {
          const sorted = [...(categories.data?.data ?? [])].sort((a, b) => a.hierarchy - b.hierarchy)
          if (saved === undefined) return <NoRules categories={sorted} />
          return (
            <>
              {saved.switched_off && (
                <p class="note" data-tone="warn" role="status">
                  These rules are switched off: {saved.switched_off}. Everything goes together meanwhile.
                </p>
              )}
              {mayWrite() ? (
                <RulesForm key={saved.updated_at ?? saved.created_at} saved={saved} categories={sorted} />
              ) : (
                <RulesShown saved={saved} categories={sorted} />
              )}
              <Card title="The rules">
                <Facts
                  of={[
                    ['Id', <Id key="id" id={saved.id} />],
                    ['Made', <Time key="made" at={saved.created_at} />],
                    ['Changed', <Time key="changed" at={saved.updated_at} />],
                  ]}
                />
              </Card>
            </>
          )
        }}
      </Shown>
    </Page>
  )
}
