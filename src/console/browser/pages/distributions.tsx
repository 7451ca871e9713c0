// Distributions: which message goes out on what, its template, and how it would read for a customer.

import { useState } from 'preact/hooks'
import { at, change, send } from '../lib/api.ts'
import { useAsk, useList } from '../lib/ask.ts'
import { readJson } from '../lib/json.ts'
import { useOnce } from '../lib/once.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { Distribution as DistributionShape, EventSchema, Fields, ListOf, Segment } from '../lib/shapes.ts'
import { CHANNELS, channelWords, typeWords } from '../lib/text.ts'
import { Definition, type FormField } from '../parts/definition.tsx'
import { Action, Switch } from '../parts/dialog.tsx'
import { Area, Fault, Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Code, Facts, Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'
import { type Truth, TruthTree } from '../parts/why.tsx'

const channelIs = (type: string) => (body: Fields) => (body.channel as Fields | undefined)?.type === type
const triggerIs =
  (...types: readonly string[]) =>
  (body: Fields) =>
    types.includes(String((body.trigger as Fields | undefined)?.type))

const fieldsOf = (events: readonly string[], segments: readonly Segment[]): readonly FormField[] => [
  { path: 'name', label: 'Name', isRequired: true },
  {
    path: 'trigger.type',
    label: 'When',
    kind: 'choice',
    options: [
      ['event', 'An event occurs'],
      ['segment_entered', 'A segment is entered'],
      ['segment_left', 'A segment is left'],
    ],
  },
  {
    path: 'trigger.event',
    label: 'Event',
    kind: 'choice',
    options: [['', 'Choose an event'], ...events.map((one) => [one, one] as const)],
    when: triggerIs('event'),
  },
  {
    path: 'trigger.segment_id',
    label: 'Segment',
    kind: 'choice',
    options: [['', 'Choose a segment'], ...segments.map(({ id, name }) => [id, name] as const)],
    when: triggerIs('segment_entered', 'segment_left'),
  },
  { path: 'channel.type', label: 'How', kind: 'choice', options: Object.entries(CHANNELS) },
  {
    path: 'channel.url',
    label: 'Address',
    hint: 'https://…, or https://sink.test/ to try it: that reaches nobody',
    when: channelIs('webhook'),
  },
  {
    path: 'channel.template',
    label: 'Body (Liquid); empty: the event itself',
    kind: 'area',
    when: channelIs('webhook'),
  },
  {
    path: 'channel.from',
    label: 'Sender',
    hint: 'Empty: the server’s own. Shop <shop@sink.test> to try it: that reaches nobody',
    when: channelIs('email'),
  },
  { path: 'channel.subject', label: 'Subject', when: channelIs('email') },
  { path: 'channel.html', label: 'HTML (Liquid)', kind: 'area', when: channelIs('email') },
  {
    path: 'channel.text',
    label: 'Text (Liquid)',
    kind: 'area',
    when: (body) => channelIs('email')(body) || channelIs('sms')(body),
  },
  {
    path: 're_entry.policy',
    label: 'How often',
    kind: 'choice',
    options: [
      ['every_time', 'Every time'],
      ['once', 'Once a customer'],
      ['once_per', 'Once a period'],
    ],
  },
  {
    path: 're_entry.period',
    label: 'Period',
    hint: 'day, week, month or P7D',
    when: (body) => (body.re_entry as Fields | undefined)?.policy === 'once_per',
  },
]

const NEW = {
  name: '',
  trigger: { type: 'event', event: '' },
  channel: { type: 'email', subject: 'Hello {{ customer.name }}', text: 'Hello {{ customer.name }}.' },
  re_entry: { policy: 'every_time' },
}

const CHANNEL_FIELDS: Readonly<Record<string, readonly string[]>> = {
  email: ['type', 'subject', 'html', 'text', 'from'],
  sms: ['type', 'text'],
  webhook: ['type', 'url', 'template'],
}

const only = (value: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(value).filter(([name, one]) => names.includes(name) && one !== undefined))

/** A body with the fields of its channel and trigger alone: a form that was changed may hold those of another. */
const distributionBody = (body: unknown): unknown => {
  const { channel, trigger, ...rest } = body as { readonly channel: Fields; readonly trigger: Fields }
  return {
    ...rest,
    trigger: only(trigger, trigger.type === 'event' ? ['type', 'event'] : ['type', 'segment_id']),
    channel: only(channel, CHANNEL_FIELDS[String(channel.type)] ?? Object.keys(channel)),
  }
}

const useFields = () => {
  const schemas = useAsk<ListOf<EventSchema>>(at('/v1/event-schemas'))
  const segments = useAsk<ListOf<Segment>>(at('/v1/segments', { query: { limit: 100 } }))
  return fieldsOf(
    (schemas.data?.data ?? []).map(({ name }) => name),
    segments.data?.data ?? [],
  )
}

const When = ({ trigger }: { readonly trigger: DistributionShape['trigger'] }) =>
  trigger.type === 'event' ? (
    <>on {trigger.event?.startsWith('customer.') ? typeWords(trigger.event) : trigger.event}</>
  ) : (
    <>
      when a <Link to={`/segments/${trigger.segment_id}`}>segment</Link> is{' '}
      {trigger.type === 'segment_entered' ? 'entered' : 'left'}
    </>
  )

export const Distributions = () => (
  <Page
    title="Distributions"
    lead="Which message goes to a customer when an event occurs, or a segment is entered or left."
    actions={
      mayWrite() && (
        <Definition
          title="New distribution"
          button="New distribution"
          tone="main"
          start={NEW}
          fields={useFields()}
          request={(body) => change('POST', '/v1/distributions', { body: distributionBody(body) })}
          onDone={(made) => go(`/distributions/${(made as DistributionShape).id}`)}
        />
      )
    }
  >
    <List
      label="Distributions"
      list={useList<DistributionShape>(at('/v1/distributions', { query: { limit: 25 } }))}
      rowKey={(one) => one.id}
      columns={[
        {
          head: 'Distribution',
          wide: true,
          cell: (one) => (
            <>
              <Link to={`/distributions/${one.id}`}>{one.name}</Link>
              <div class="soft small">
                <When trigger={one.trigger} />
              </div>
            </>
          ),
        },
        { head: 'Channel', cell: ({ channel }) => channelWords(channel.type) },
        { head: 'State', cell: ({ active }) => <Active active={active} /> },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
      ]}
      empty={
        <Empty title="There is no distribution yet">
          A distribution sends an e-mail, a text message or a webhook by itself.
        </Empty>
      }
    />
  </Page>
)

interface Tested {
  readonly rendered: {
    readonly to?: string
    readonly subject?: string
    readonly html?: string
    readonly text?: string
    readonly body?: unknown
    readonly url?: string
  } & Fields
  readonly validation_rule?: { readonly holds: boolean; readonly because: Truth } | null
  readonly would_be_skipped: string | null
}

/** Characters of one text message; longer ones are sent in parts. */
const SMS_CHARS = 160

const Rendered = ({ tested }: { readonly tested: Tested }) => {
  const { rendered, validation_rule, would_be_skipped } = tested
  const { to, subject, html, text, ...rest } = rendered
  return (
    <div class="stack" role="status">
      {would_be_skipped && (
        <p class="note" data-tone="warn">
          It would not be sent: {would_be_skipped.replaceAll('_', ' ')}
        </p>
      )}
      {validation_rule && <TruthTree of={{ ...validation_rule.because, holds: validation_rule.holds }} />}
      <Facts
        of={[
          ['To', to],
          ...(subject === undefined ? [] : ([['Subject', subject]] as const)),
          ...(text !== undefined && html === undefined
            ? ([
                ['Length', `${text.length} characters, ${Math.max(1, Math.ceil(text.length / SMS_CHARS))} part(s)`],
              ] as const)
            : []),
        ]}
      />
      {html !== undefined && (
        <iframe
          class="preview-frame"
          title="The message as HTML, without its styles and pictures"
          sandbox=""
          srcdoc={html}
        />
      )}
      {text !== undefined && <Code text={text} label="Text" />}
      {Object.keys(rest).length > 0 && <Json value={rest} label="Body" />}
    </div>
  )
}

const Try = ({ id }: { readonly id: string }) => {
  const [customer, setCustomer] = useState('')
  const [metadata, setMetadata] = useState('{}')
  const [tested, setTested] = useState<Tested>()
  const { fault, isBusy, once } = useOnce()
  const run = () =>
    once(async () => {
      const read = readJson(metadata)
      if ('fault' in read) throw new Error(`Metadata: ${read.fault}`)
      const body = {
        ...(customer.trim() === '' ? {} : { customer: { source_id: customer.trim() } }),
        event: { metadata: read.value },
      }
      setTested(await send<Tested>(change('POST', '/v1/distributions/{id}/test', { params: { id }, body })))
    })
  return (
    <Card title="How it reads">
      <Form onSend={run}>
        <Text label="For the customer" value={customer} onValue={setCustomer} placeholder="source_id" />
        <Area label="Metadata of the event" isCode rows={3} value={metadata} onValue={setMetadata} />
        <Fault text={fault} />
        <footer>
          <button type="submit" disabled={isBusy}>
            Preview
          </button>
          <span class="soft small">Nothing is sent.</span>
        </footer>
      </Form>
      {tested && <Rendered tested={tested} />}
    </Card>
  )
}

export const Distribution = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<DistributionShape>(at('/v1/distributions/{id}', { params: { id } }))
  const fields = useFields()
  const { data } = asked
  const { id: _, created_at, updated_at, object, switched_off, ...body } = (data ?? {}) as Fields
  return (
    <Page
      title={data?.name ?? 'Distribution'}
      crumbs={[['/distributions', 'Distributions']]}
      lead={data && <When trigger={data.trigger} />}
      actions={
        data &&
        mayWrite() && (
          <>
            <Definition
              title="Change the distribution"
              button="Change"
              of={data}
              start={body}
              fields={fields}
              request={(changed) =>
                change('PUT', '/v1/distributions/{id}', { params: { id }, body: distributionBody(changed) })
              }
            />
            <Switch of="/v1/distributions/{id}" params={{ id }} isOn={data.active} />
            <Action
              request={change('DELETE', '/v1/distributions/{id}', { params: { id } })}
              question={`“${data.name}” sends nothing any more. Messages that were asked for are not sent.`}
              done="Deleted"
              tone="danger"
              onDone={() => go('/distributions')}
            >
              Delete
            </Action>
          </>
        )
      }
    >
      <Shown of={asked}>
        {(distribution) => (
          <div class="columns">
            <Card title="Distribution">
              <Facts
                of={[
                  ['State', <Active key="state" active={distribution.active} />],
                  ['Channel', <State key="channel" state={channelWords(distribution.channel.type)} tone="accent" />],
                  [
                    'Messages',
                    <Link key="messages" to={`/messages?distribution=${distribution.id}`}>
                      See its messages
                    </Link>,
                  ],
                  [
                    'Only if',
                    distribution.validation_rule_id ? (
                      <Link key="rule" to={`/validation-rules/${distribution.validation_rule_id}`}>
                        a rule holds
                      </Link>
                    ) : undefined,
                  ],
                  ['Id', <Id key="id" id={distribution.id} />],
                  ['Made', <Time key="made" at={distribution.created_at} />],
                ]}
              />
              <Json value={body} label="Definition" />
            </Card>
            {mayWrite() && <Try id={id} />}
          </div>
        )}
      </Shown>
    </Page>
  )
}
