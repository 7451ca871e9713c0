// The outbox: messages by state with every try, hosts that are paused, and trying again.
import { at, change } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { go, Link, type Params, query, withQuery } from '../lib/router.tsx'
import { may, mayAudit, session } from '../lib/session.ts'
import type { Distribution, Fields, ListOf, Message as MessageShape } from '../lib/shapes.ts'
import { channelWords, number, span, stateWords } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Action } from '../parts/dialog.tsx'
import { Select } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List, Table } from '../parts/table.tsx'
import { Why } from '../parts/why.tsx'

const STATES = ['requested', 'waiting', 'sending', 'sent', 'failed', 'parked', 'skipped'] as const
/** States that a retry changes. */
const RETRIED = ['failed', 'parked', 'skipped'] as const

/** What this node lacks to send through a channel, by the setting that says so. */
const LACKS = [
  {
    channel: 'email',
    setting: 'mail_server',
    is: 'none',
    means: 'E-mails wait: this node has no mail server (SMTP_URL).',
  },
  {
    channel: 'sms',
    setting: 'text_message_gateway',
    is: 'none',
    means: 'Text messages wait: this node has no gateway for them (SMS_GATEWAY_URL).',
  },
  { channel: undefined, setting: 'delivery', is: 'off', means: 'This node sends nothing (DELIVERY=off).' },
] as const

/** Why messages of these channels are not tried here, where the node's settings are the reason. */
const Lacking = ({ channels }: { readonly channels: readonly string[] }) => (
  <>
    {LACKS.filter(
      ({ channel, setting, is }) =>
        (channel === undefined || channels.includes(channel)) &&
        String(session.value?.settings[setting] ?? '').startsWith(is),
    ).map(({ setting, means }) => (
      <p key={setting} class="note" data-tone="warn">
        {means}
      </p>
    ))}
  </>
)

/** Whether messages of a distribution go anywhere: it is on, and its mail is not for the server's own sink. */
const isSent = ({ active, channel }: Distribution): boolean =>
  active && !(channel.type === 'email' && /[@.]sink\.test>?\s*$/i.test(String(channel.from ?? '')))

interface Bulkhead {
  readonly channel: string
  readonly host: string
  readonly state: string
  readonly sending: number
  readonly waiting: number
  readonly failures: number
  readonly paused_until: string | null
}

/** How often paused hosts are looked at, ms. */
const EVERY_MS = 10_000

const Bulkheads = () => {
  const asked = useAsk<ListOf<Bulkhead>>(at('/v1/messages/bulkheads'), EVERY_MS)
  if (!asked.data || asked.data.data.length === 0) return null
  return (
    <Card title="Hosts">
      <Table
        label="Hosts that messages go to"
        rows={asked.data.data}
        rowKey={({ channel, host }) => `${channel} ${host}`}
        columns={[
          { head: 'Host', wide: true, cell: ({ host }) => <span class="wrap">{host}</span> },
          { head: 'Channel', cell: ({ channel }) => <span class="nowrap">{channelWords(channel)}</span> },
          { head: 'State', cell: ({ state }) => <State state={state} tone={state === 'paused' ? 'warn' : 'good'} /> },
          { head: 'Failures in a row', align: 'right', cell: ({ failures }) => number(failures) },
          { head: 'Tried again', cell: ({ paused_until }) => <Time at={paused_until} /> },
        ]}
      />
    </Card>
  )
}

const retry = (id: string) => change('POST', '/v1/messages/{id}/retry', { params: { id } })

const isRetried = (state: string): boolean => RETRIED.some((one) => one === state)

export const Outbox = () => {
  const state = STATES.find((one) => one === query.value.get('state'))
  const distribution = query.value.get('distribution') ?? ''
  const list = useList<MessageShape>(at('/v1/messages', { query: { limit: 25, state, distribution_id: distribution } }))
  const all = useAsk<ListOf<Distribution>>(at('/v1/distributions', { query: { limit: 100 } }))
  const names = (all.data?.data ?? []).map((one) => [one.id, one.name] as const)
  return (
    <Page
      title="Outbox"
      lead="Every message that was asked for: sent, waiting, failed, or not sent for a reason."
      actions={
        may('messages.write') && state !== undefined && isRetried(state) ? (
          <Action
            request={change('POST', '/v1/messages/retry', {
              body: { state, ...(distribution === '' ? {} : { distribution_id: distribution }) },
            })}
            question={`All messages of the state “${state}”${distribution === '' ? '' : ' of this distribution'} are tried again.`}
            done="They are tried again"
            tone="main"
          >
            Try all again
          </Action>
        ) : undefined
      }
    >
      <div class="filters">
        <Select
          aria-label="State"
          value={state ?? ''}
          onValue={(value) => go(withQuery({ state: value }))}
          options={[['', 'Every state'], ...STATES.map((one) => [one, stateWords(one)] as const)]}
        />
        <Select
          aria-label="Distribution"
          value={distribution}
          onValue={(value) => go(withQuery({ distribution: value }))}
          options={[['', 'Every distribution'], ...names]}
        />
      </div>
      <Lacking channels={(all.data?.data ?? []).filter(isSent).map(({ channel }) => channel.type)} />
      <Bulkheads />
      <List
        label="Messages"
        list={list}
        rowKey={(one) => one.id}
        columns={[
          { head: 'Asked for', cell: ({ created_at }) => <Time at={created_at} /> },
          {
            head: 'Message',
            wide: true,
            cell: (one) => (
              <>
                <Link to={`/messages/${one.id}`}>{one.distribution.name}</Link>
                {one.reason && <div class="soft small">{one.reason.replaceAll('_', ' ')}</div>}
              </>
            ),
          },
          { head: 'Customer', cell: ({ customer_id }) => <CustomerOf id={customer_id} tab="messages" /> },
          { head: 'Channel', cell: ({ channel }) => <span class="nowrap">{channelWords(channel)}</span> },
          { head: 'Attempts', align: 'right', cell: ({ attempts }) => number(attempts) },
          { head: 'State', cell: (one) => <State state={one.state} /> },
        ]}
        empty={
          <Empty title="No message is here">
            Messages are asked for by <Link to="/distributions">distributions</Link>.
          </Empty>
        }
      />
    </Page>
  )
}

export const Message = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<
    MessageShape & {
      readonly payload?: unknown
      readonly rendered?: unknown
      readonly attempts_log?: readonly Fields[]
    }
  >(at('/v1/messages/{id}', { params: { id } }))
  return (
    <Page
      title={asked.data?.distribution.name ?? 'Message'}
      crumbs={[['/messages', 'Outbox']]}
      actions={
        asked.data && may('messages.write') && isRetried(asked.data.state) ? (
          <Action request={retry(id)} done="It is tried again" tone="main">
            Try again
          </Action>
        ) : undefined
      }
    >
      <Shown of={asked}>
        {(message) => (
          <>
            <Card title="Message">
              <Facts
                of={[
                  ['State', <State key="state" state={message.state} />],
                  ['Reason', message.reason?.replaceAll('_', ' ')],
                  ['Details', message.details],
                  ['Channel', channelWords(message.channel)],
                  ['Customer', <CustomerOf key="customer" id={message.customer_id} tab="messages" />],
                  [
                    'Distribution',
                    <Link key="distribution" to={`/distributions/${message.distribution.id}`}>
                      {message.distribution.name}
                    </Link>,
                  ],
                  ['Due', <Time key="due" at={message.due_at} />],
                  ['Id', <Id key="id" id={message.id} />],
                ]}
              />
            </Card>
            <Card title="Attempts">
              {message.log.length === 0 ? (
                <>
                  {message.state === 'requested' && <Lacking channels={[message.channel]} />}
                  <Empty title="It was not tried yet" />
                </>
              ) : (
                <Table
                  label="Attempts"
                  rows={message.log}
                  rowKey={(_, index) => String(index)}
                  columns={[
                    { head: 'When', cell: ({ at: when }) => <Time at={String(when)} /> },
                    {
                      head: 'To',
                      wide: true,
                      cell: ({ target, error }) => (
                        <>
                          <span class="wrap">{String(target ?? '–')}</span>
                          {typeof error === 'string' && <div class="fault small wrap">{error}</div>}
                        </>
                      ),
                    },
                    {
                      head: 'Took',
                      align: 'right',
                      cell: ({ took_ms: ms }) => (typeof ms === 'number' ? span(ms) : '–'),
                    },
                    {
                      head: 'Outcome',
                      cell: ({ outcome, status }) => (
                        <span class="nowrap">
                          <State state={String(outcome)} /> {typeof status === 'number' ? status : ''}
                        </span>
                      ),
                    },
                  ]}
                />
              )}
            </Card>
            {mayAudit() && (
              <Card title="Why it was asked for">
                <Why id={message.id} />
              </Card>
            )}
            <Card title="All of it">
              <Json value={message} label="Message" />
            </Card>
          </>
        )}
      </Shown>
    </Page>
  )
}
