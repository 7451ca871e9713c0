// Webhooks of the project: endpoints that are told of events of every customer, how far each is, and whom it is held up by.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import type { Fields } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Definition, type FormField, partsOf } from '../parts/definition.tsx'
import { Action } from '../parts/dialog.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Facts, Figure, Id, Json, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'

interface WebhookShape {
  readonly id: string
  readonly url: string
  readonly events: readonly string[]
  readonly active: boolean
  readonly created_at: string
  readonly switched_off?: string
}

interface WithProgress extends WebhookShape {
  readonly position: string | null
  readonly held_customers: number
  readonly held: readonly {
    readonly customer_id: string
    readonly tries: number
    readonly retry_at: string
    readonly reason: string
  }[]
  readonly parked: readonly Fields[]
}

const mayChange = (): boolean => may('webhooks.write')

const FIELDS: readonly FormField[] = [
  { path: 'target_url', label: 'Address', isRequired: true, hint: 'https://…; https://sink.test/ to try it' },
  {
    path: 'events',
    label: 'Events, a line each',
    kind: 'area',
    hint: 'Names of custom events, types such as customer.segment.entered, or * for all',
  },
  { path: 'active', label: 'Is on', kind: 'check' },
]

const asLines = ({ events, ...rest }: Fields & { readonly events: readonly string[] }) => ({
  ...rest,
  events: events.join('\n'),
})

/** The form has a text of lines; the JSON beside it may have a list. */
const asBody = (written: unknown): unknown => {
  const { events, ...rest } = written as { readonly events?: unknown }
  const names = typeof events === 'string' ? events.split(/[\s,]+/).filter(Boolean) : events
  return { ...rest, events: names }
}

const eventsOf = ({ events }: WebhookShape): string => (events.includes('*') ? 'All events' : events.join(', '))

export const Webhooks = () => (
  <Page
    title="Webhooks"
    lead="Your own systems, told of events of every customer as they are recorded: in order, signed, each until it was taken."
    actions={
      mayChange() && (
        <Definition
          title="New webhook"
          button="New webhook"
          tone="main"
          start={{ target_url: '', events: '*', active: true }}
          fields={FIELDS}
          request={(body) => change('POST', '/v1/webhooks', { body: asBody(body) })}
          onDone={(made) => go(`/webhooks/${(made as WebhookShape).id}`)}
        />
      )
    }
  >
    <List
      label="Webhooks"
      list={useList<WebhookShape>(at('/v1/webhooks'))}
      rowKey={({ id }) => id}
      columns={[
        {
          head: 'Address',
          wide: true,
          cell: ({ id, url }) => (
            <Link to={`/webhooks/${id}`} class="wrap">
              {url}
            </Link>
          ),
        },
        { head: 'Events', wide: true, cell: eventsOf },
        { head: 'State', cell: ({ active }) => <Active active={active} /> },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={<Empty title="No system is told of events yet">Messages to customers are made by distributions.</Empty>}
    />
  </Page>
)

const Held = ({ held, total }: { readonly held: WithProgress['held']; readonly total: number }) => (
  <Card title="Customers that are held back">
    <p class="soft">
      An event that was not taken is sent again; the later ones of the same customer wait for it, everybody else goes
      on.
      {total > held.length && ` The first ${number(held.length)} of ${number(total)}.`}
    </p>
    <Table
      label="Customers that are held back"
      rows={held}
      rowKey={({ customer_id }) => customer_id}
      columns={[
        {
          head: 'Customer',
          cell: ({ customer_id }) => <CustomerOf id={customer_id} />,
        },
        { head: 'Reason', wide: true, cell: ({ reason }) => reason },
        { head: 'Tries', align: 'right', cell: ({ tries }) => number(tries) },
        { head: 'Next try', cell: ({ retry_at }) => <Time at={retry_at} /> },
      ]}
    />
  </Card>
)

export const Webhook = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<WithProgress>(at('/v1/webhooks/{id}', { params: { id } }), 10_000)
  const secret = useAsk<{ readonly secret: string }>(
    may('webhooks.secret') ? at('/v1/webhooks/signing-secret') : undefined,
  )
  const { data } = asked
  const named = { params: { id } }
  return (
    <Page
      title={data?.url ?? 'Webhook'}
      crumbs={[['/webhooks', 'Webhooks']]}
      actions={
        data &&
        mayChange() && (
          <>
            <Definition
              title="Change the webhook"
              button="Change"
              start={asLines({
                ...partsOf(data, ['active']),
                target_url: data.url,
                events: data.events,
              })}
              fields={FIELDS}
              request={(body) => change('PUT', '/v1/webhooks/{id}', { ...named, body: asBody(body) })}
            />
            <Definition
              title="Send events again"
              button="Send again"
              start={{ from: new Date(Date.now() - 86_400_000).toISOString() }}
              fields={[{ path: 'from', label: 'From this instant on', isRequired: true }]}
              request={(body) => change('POST', '/v1/webhooks/{id}/replay', { ...named, body })}
              done="They are sent again, under the same ids"
            />
            <Action
              request={change('DELETE', '/v1/webhooks/{id}', named)}
              question={`${data.url} is told of nothing any more.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/webhooks')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(webhook) => (
          <>
            <dl class="figures">
              <Figure label="Customers held back" value={webhook.held_customers} />
              <Figure label="Events given up" value={webhook.parked.length} hint="the last 20 at most" />
            </dl>
            <Card title="Webhook">
              <Facts
                of={[
                  ['Id', <Id key="id" id={webhook.id} />],
                  ['Events', eventsOf(webhook)],
                  ['State', <Active key="state" active={webhook.active} />],
                  ['Switched off', webhook.switched_off],
                  [
                    'Signing secret',
                    secret.data && (
                      <details key="secret">
                        <summary>Show</summary>
                        <Id id={secret.data.secret} />
                      </details>
                    ),
                  ],
                  ['Made', <Time key="made" at={webhook.created_at} />],
                ]}
              />
            </Card>
            {webhook.held.length > 0 && <Held held={webhook.held} total={webhook.held_customers} />}
            {webhook.parked.length > 0 && (
              <Card title="Events given up">
                <Json value={webhook.parked} label="Events given up" />
              </Card>
            )}
          </>
        )}
      </Shown>
    </Page>
  )
}
