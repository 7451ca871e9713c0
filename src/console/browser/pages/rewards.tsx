// Rewards: what points pay for, in which program and for how many.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { Campaign, Fields, ListOf } from '../lib/shapes.ts'
import { number, stateWords } from '../lib/text.ts'
import { Definition, type FormField, partsOf, withEmptied } from '../parts/definition.tsx'
import { Action } from '../parts/dialog.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Figure, Id, Json, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface RewardShape {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly stock: number | null
  readonly redeemed: number | null
  readonly parameters: Fields
  readonly created_at: string
}

const FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  { path: 'stock', label: 'Pieces in stock', kind: 'number', hint: 'Empty: as many as are asked for' },
  { path: 'parameters.product.id', label: 'Id of the product', isRequired: true },
]

export const Rewards = () => (
  <Page
    title="Rewards"
    lead="What points pay for. A reward is offered in a program for a number of points."
    actions={
      mayWrite() && (
        <Definition
          title="New reward"
          button="New reward"
          tone="main"
          start={{ name: '', type: 'MATERIAL', parameters: { product: { id: '' } } }}
          fields={FIELDS}
          request={(body) => change('POST', '/v1/rewards', { body })}
          onDone={(made) => go(`/rewards/${(made as RewardShape).id}`)}
        />
      )
    }
  >
    <List
      label="Rewards"
      list={useList<RewardShape>(at('/v1/rewards', { query: { limit: 25 } }))}
      rowKey={({ id }) => id}
      columns={[
        { head: 'Reward', wide: true, cell: ({ id, name }) => <Link to={`/rewards/${id}`}>{name}</Link> },
        { head: 'Kind', cell: ({ type }) => stateWords(type) },
        { head: 'Stock', align: 'right', cell: ({ stock }) => (stock === null ? 'no bound' : number(stock)) },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={<Empty title="There is no reward yet">Points are spent on rewards.</Empty>}
    />
  </Page>
)

interface Assignment {
  readonly id: string
  readonly related_object_id: string
  readonly parameters: { readonly loyalty?: { readonly points?: number } }
  readonly created_at: string
}

const Offers = ({ id }: { readonly id: string }) => {
  const programs = useAsk<{ readonly campaigns: readonly Campaign[] }>(at('/v1/loyalties', { query: { limit: 100 } }))
  const names = new Map((programs.data?.campaigns ?? []).map((one) => [one.id, one.name]))
  return (
    <Card
      title="Offered in"
      actions={
        mayWrite() && (
          <Definition
            title="Offer it in a program"
            button="Offer it in a program"
            start={{ campaign: '', parameters: { loyalty: { points: 100 } } }}
            fields={[
              { path: 'campaign', label: 'Program', kind: 'choice', options: [['', 'Choose a program'], ...names] },
              { path: 'parameters.loyalty.points', label: 'For points', kind: 'number', isRequired: true },
            ]}
            request={(body) => change('POST', '/v1/rewards/{id}/assignments', { params: { id }, body })}
          />
        )
      }
    >
      <Shown
        of={useAsk<ListOf<Assignment>>(at('/v1/rewards/{id}/assignments', { params: { id }, query: { limit: 100 } }))}
      >
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="It is offered nowhere yet" />
          ) : (
            <Table
              label="Offers"
              rows={data}
              rowKey={(one) => one.id}
              columns={[
                {
                  head: 'Program',
                  wide: true,
                  cell: ({ related_object_id: program }) => (
                    <Link to={`/loyalty/${program}`}>{names.get(program) ?? program}</Link>
                  ),
                },
                { head: 'Points', align: 'right', cell: ({ parameters }) => number(parameters.loyalty?.points) },
                { head: 'Since', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
              ]}
            />
          )
        }
      </Shown>
    </Card>
  )
}

export const Reward = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<RewardShape>(at('/v1/rewards/{id}', { params: { id } }))
  return (
    <Page
      title={asked.data?.name ?? 'Reward'}
      crumbs={[['/rewards', 'Rewards']]}
      actions={
        asked.data &&
        mayWrite() && (
          <>
            <Definition
              title="Change the reward"
              button="Change"
              of={asked.data}
              start={partsOf(asked.data, ['name', 'stock', 'parameters', 'metadata'])}
              fields={
                asked.data.type === 'MATERIAL' ? FIELDS : FIELDS.filter(({ path }) => !path.startsWith('parameters.'))
              }
              request={(body) =>
                change('PUT', '/v1/rewards/{id}', { params: { id }, body: withEmptied(body, ['stock']) })
              }
            />
            <Action
              request={change('DELETE', '/v1/rewards/{id}', { params: { id } })}
              question={`“${asked.data.name}” can be had no longer. What was redeemed stays.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/rewards')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(reward) => (
          <>
            <dl class="figures">
              <Figure label="Stock" value={reward.stock ?? 'No bound'} />
              <Figure
                label="Redeemed"
                value={reward.redeemed ?? undefined}
                hint={reward.redeemed === null ? 'counted where there is a stock' : undefined}
              />
            </dl>
            <div class="columns">
              <Offers id={id} />
              <Card title="Reward">
                <Facts
                  of={[
                    ['Id', <Id key="id" id={reward.id} />],
                    ['Kind', stateWords(reward.type)],
                    ['Made', <Time key="made" at={reward.created_at} />],
                  ]}
                />
                <Json value={reward.parameters} label="Parameters" />
              </Card>
            </div>
          </>
        )}
      </Shown>
    </Page>
  )
}
