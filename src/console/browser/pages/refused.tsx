// Refused events: what was sent, why it was refused, and sending it again once its cause is mended.
import { at, change, changed, send, wordsOf } from '../lib/api.ts'
import { useList } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import { go, Link, query, withQuery } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import type { Fields, RejectedEvent } from '../lib/shapes.ts'
import { count } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Action } from '../parts/dialog.tsx'
import { Select } from '../parts/form.tsx'
import { Page } from '../parts/layout.tsx'
import { Json, State, Time } from '../parts/small.tsx'
import { Empty } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'
import { say } from '../parts/toast.tsx'

const resend = (id: string) => change('POST', '/v1/events/rejected/{id}/resend', { params: { id } })

/** Whom an event names, in its sender's words. */
const saidBy = ({ customer }: RejectedEvent['body']): string | undefined => {
  const { source_id } = typeof customer === 'object' && customer !== null ? (customer as Fields) : {}
  return typeof source_id === 'string' ? source_id : undefined
}

/** Sends all that are shown again, one after the other; those still refused stay. */
const resendAll = async (shown: readonly RejectedEvent[]) => {
  let done = 0
  let last: unknown
  for (const { id } of shown)
    try {
      await send(resend(id))
      done += 1
    } catch (error) {
      last = error
    }
  // Once for all of them: the list is as long as they are.
  changed()
  const left = shown.length - done
  say(
    left === 0
      ? `${count(done, 'event')} sent again`
      : `${count(done, 'event')} sent again, ${left} still refused: ${wordsOf(last)}`,
    left === 0 ? 'good' : 'bad',
  )
}

export const Refused = () => {
  const event = query.value.get('event') ?? ''
  const resent = query.value.get('resent') ?? 'false'
  const list = useList<RejectedEvent>(
    at('/v1/events/rejected', { query: { event, resent: resent === 'all' ? undefined : resent, limit: 25 } }),
  )
  const { isBusy, once } = useOnce()
  const waiting = (list.entries ?? []).filter((one) => one.resent_at === null)
  const names = [...new Set([...(list.entries ?? []).map((one) => one.event), ...(event === '' ? [] : [event])])].sort()
  return (
    <Page
      title="Refused events"
      lead="Events that broke their schema or had none. They are kept: mend the schema or the sender, then send them again."
      actions={
        may('events.write') && waiting.length > 0 ? (
          <button type="button" disabled={isBusy} onClick={() => once(() => resendAll(waiting))}>
            {waiting.length === 1 ? 'Send it again' : `Send all ${waiting.length} shown again`}
          </button>
        ) : undefined
      }
    >
      <div class="filters">
        <Select
          aria-label="Which"
          value={resent}
          onValue={(value) => go(withQuery({ resent: value === 'false' ? undefined : value }))}
          options={[
            ['false', 'Waiting'],
            ['true', 'Sent again'],
            ['all', 'All'],
          ]}
        />
        <Select
          aria-label="Event"
          value={event}
          onValue={(value) => go(withQuery({ event: value }))}
          options={[['', 'Every event'], ...names.map((name) => [name, name] as const)]}
        />
      </div>
      <List
        label="Refused events"
        list={list}
        rowKey={({ id }) => id}
        columns={[
          { head: 'Refused', cell: ({ rejected_at }) => <Time at={rejected_at} /> },
          { head: 'Event', cell: (one) => <b class="wrap">{one.event}</b> },
          {
            head: 'Why',
            wide: true,
            cell: ({ reasons, body, event: name }) => (
              <div class="stack tight">
                {reasons.map((reason) => (
                  <span key={reason}>{reason}</span>
                ))}
                <details>
                  <summary>What was sent</summary>
                  <Json value={body} label={`The event ${name}`} />
                </details>
              </div>
            ),
          },
          {
            head: 'Customer',
            cell: ({ customer_id, body }) => <CustomerOf id={customer_id} called={saidBy(body)} />,
          },
          {
            head: 'State',
            cell: ({ resent_at }) =>
              resent_at === null ? <State state="waiting" /> : <State state="sent again" tone="good" />,
          },
          {
            head: '',
            align: 'right',
            cell: ({ id, resent_at }) =>
              may('events.write') && resent_at === null ? (
                <Action request={resend(id)} done="Sent again, and recorded">
                  Send again
                </Action>
              ) : null,
          },
        ]}
        empty={
          <Empty title={resent === 'false' ? 'No event waits to be mended' : 'No event is here'}>
            When an event does not fit its <Link to="/event-schemas">schema</Link>, it shows here with the property at
            fault.
          </Empty>
        }
      />
    </Page>
  )
}
