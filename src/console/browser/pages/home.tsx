// Home: what comes in now, the numbers of the project, and in a fresh system the way to the first event.
import { useMemo, useState } from 'preact/hooks'
import { at } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { go, query, withQuery } from '../lib/router.tsx'
import type { EventSchema, ListOf } from '../lib/shapes.ts'
import { useTail } from '../lib/stream.ts'
import { count, number } from '../lib/text.ts'
import { detailOf, headOf } from '../parts/activity.tsx'
import { CustomerLink } from '../parts/customer.tsx'
import { Select } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Plot } from '../parts/plot.tsx'
import { Figure, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { FirstSteps } from './firstSteps.tsx'

interface Statistics {
  readonly customers: number
  readonly events: number
  readonly rejected_events: number
  readonly redemptions: { readonly succeeded: number; readonly failed: number }
  readonly points: {
    readonly issued: number
    readonly spent: number
    readonly expired: number
    readonly balance: number
  }
  readonly messages: Readonly<Record<string, number>>
  readonly read_models: { readonly state: string; readonly behind_events: number; readonly behind_seconds: number }
}

interface Series {
  readonly data: readonly { readonly from: string; readonly events: number }[]
  readonly names: readonly { readonly event: string; readonly events: number }[]
  readonly total: number
}

const SPANS = {
  hour: { name: 'Last hour', interval: 'minute', ms: 59 * 60_000, unit: 'events a minute' },
  day: { name: 'Last day', interval: 'hour', ms: 23 * 3_600_000, unit: 'events an hour' },
  month: { name: 'Last 30 days', interval: 'day', ms: 29 * 86_400_000, unit: 'events a day' },
} as const
type SpanName = keyof typeof SPANS

const spanIn = (text: string | null): SpanName => (text === 'day' || text === 'month' ? text : 'hour')

/** How often numbers are asked for again, ms. */
const EVERY_MS = 10_000

const Incoming = () => {
  const name = spanIn(query.value.get('span'))
  const { interval, ms, unit } = SPANS[name]
  const [begin] = useState(() => Date.now())
  const start = new Date(begin - ms).toISOString()
  const asked = useAsk<Series>(at('/v1/events/statistics', { query: { interval, start_date: start } }), EVERY_MS)
  const points = useMemo(
    () => asked.data?.data.map(({ from, events }) => ({ at: from, value: events })) ?? [],
    [asked.data],
  )
  return (
    <div class="columns wide-first">
      <Card
        title="Events that came in"
        actions={
          <Select
            aria-label="Span of time"
            value={name}
            onValue={(value) => go(withQuery({ span: value === 'hour' ? undefined : value }) || '/', { replace: true })}
            options={Object.entries(SPANS).map(([one, span]) => [one, span.name])}
          />
        }
      >
        <Shown of={asked}>
          {() => <Plot label={`Events, ${SPANS[name].name.toLowerCase()}`} unit={unit} points={points} />}
        </Shown>
      </Card>
      <Card title="Most frequent" actions={<span class="soft small">in whole hours</span>}>
        <Shown of={asked}>
          {({ names }) =>
            names.length === 0 ? (
              <Empty title="No events in this time" />
            ) : (
              <ul class="bars">
                {names.slice(0, 10).map(({ event, events }) => (
                  <li key={event}>
                    <div class="row between">
                      <span class="wrap">{event}</span>
                      <span>{number(events)}</span>
                    </div>
                    <progress value={events} max={names[0]?.events ?? 1} aria-label={`${event}: ${number(events)}`} />
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      </Card>
    </div>
  )
}

const Live = () => {
  const [isPaused, setPaused] = useState(false)
  const event = query.value.get('event') ?? ''
  const category = query.value.get('category') ?? ''
  const schemas = useAsk<ListOf<EventSchema>>(at('/v1/event-schemas'))
  const tail = useTail({ event, category }, isPaused)
  const set = (changed: Readonly<Record<string, string>>) => go(withQuery(changed) || '/', { replace: true })
  return (
    <Card
      isFlush
      title="Live activity"
      actions={
        <>
          <Select
            aria-label="Only this event"
            value={event}
            onValue={(value) => set({ event: value })}
            options={[['', 'Every event'], ...(schemas.data?.data ?? []).map(({ name }) => [name, name] as const)]}
          />
          <Select
            aria-label="Only this kind"
            value={category}
            onValue={(value) => set({ category: value })}
            options={[
              ['', 'Actions and effects'],
              ['ACTION', 'Actions'],
              ['EFFECT', 'Effects'],
            ]}
          />
          <button type="button" onClick={() => setPaused(!isPaused)} aria-pressed={isPaused}>
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        </>
      }
    >
      <p class="soft small feed-state" role="status">
        <span class="pulse" data-on={tail.isOpen} />
        {isPaused ? 'Paused' : tail.isOpen ? 'Watching: what comes in shows here at once' : 'Connecting…'}
        {tail.isCut && ' · more came in than could be shown'}
      </p>
      {tail.entries.length === 0 ? (
        <Empty title="Nothing has come in since you opened this page" />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is reached by keyboard
        <ol class="feed" aria-label="What came in, newest first" tabIndex={0}>
          {tail.entries.map((entry) => (
            <li key={entry.id}>
              <span class="soft">
                <Time at={entry.recorded_at} form="clock" />
              </span>
              <span class="what">
                <b>{headOf(entry)}</b> <span class="soft">{detailOf(entry)}</span>
              </span>
              {entry.data.customer && <CustomerLink customer={entry.data.customer} />}
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}

const Numbers = ({ of }: { readonly of: Statistics }) => {
  const { customers, events, rejected_events, redemptions, points, messages, read_models } = of
  const waiting = (messages.requested ?? 0) + (messages.waiting ?? 0)
  const behind = read_models.behind_events
  return (
    <dl class="figures">
      <Figure label="Customers" value={customers} />
      <Figure label="Events" value={events} />
      <Figure
        label="Refused events"
        value={rejected_events}
        hint={rejected_events === 0 ? undefined : 'wait to be mended'}
      />
      <Figure
        label="Points issued"
        value={points.issued}
        hint={`${number(points.spent)} spent, ${number(points.expired)} expired`}
      />
      <Figure label="Redemptions" value={redemptions.succeeded} hint={`${number(redemptions.failed)} refused`} />
      <Figure
        label="Messages sent"
        value={messages.sent ?? 0}
        hint={`${number(waiting)} to send, ${number((messages.failed ?? 0) + (messages.parked ?? 0))} failed`}
      />
      <Figure
        label="Read side"
        value={behind === 0 ? 'Up to date' : `${Math.ceil(read_models.behind_seconds)} s behind`}
        hint={behind === 0 ? undefined : `${count(behind, 'fact')} to come`}
      />
    </dl>
  )
}

export const Home = () => {
  const statistics = useAsk<Statistics>(at('/v1/statistics'), EVERY_MS)
  const schemas = useAsk<ListOf<EventSchema>>(
    at('/v1/event-schemas'),
    statistics.data?.events === 0 ? 3_000 : undefined,
  )
  const quick = useAsk<Statistics>(statistics.data?.events === 0 ? at('/v1/statistics') : undefined, 2_000)
  const now = quick.data ?? statistics.data
  const hasSchema = (schemas.data?.data.length ?? 0) > 0
  const hasEvent = (now?.events ?? 0) > 0
  return (
    <Page
      title="Home"
      lead={now?.events === 0 ? 'Customer events in, incentives out. Nothing has come in yet.' : undefined}
    >
      <Shown
        of={{ ...statistics, data: now && schemas.data ? now : undefined, error: statistics.error ?? schemas.error }}
      >
        {(shown) => (
          <>
            {(shown.events < 1 || shown.customers < 2) && <FirstSteps hasSchema={hasSchema} hasEvent={hasEvent} />}
            {hasEvent && <Numbers of={shown} />}
            {hasEvent && <Incoming />}
            <Live />
          </>
        )}
      </Shown>
    </Page>
  )
}
