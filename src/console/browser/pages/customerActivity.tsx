// The activity of one customer: everything that happened, each entry opened to what it carries and to why it came about.
import { useState } from 'preact/hooks'
import { at } from '../lib/api.ts'
import { useList } from '../lib/ask.ts'
import { go, query, withQuery } from '../lib/router.tsx'
import { mayAudit } from '../lib/session.ts'
import type { Activity } from '../lib/shapes.ts'
import { number } from '../lib/text.ts'
import { detailOf, headOf, occurredAt } from '../parts/activity.tsx'
import { Select } from '../parts/form.tsx'
import { Id, Json, State, Time } from '../parts/small.tsx'
import { Empty, Failed, Loading } from '../parts/state.tsx'
import { Why } from '../parts/why.tsx'

const TYPES = [
  ['', 'Everything'],
  ['customer.custom_event', 'Custom events'],
  ['customer.segment.entered', 'Segment entered'],
  ['customer.segment.left', 'Segment left'],
  ['customer.rewarded.loyalty_points', 'Points earned'],
  ['customer.loyalty.tier.upgraded', 'Tier upgraded'],
  ['customer.redemption.succeeded', 'Redeemed'],
  ['customer.redemption.failed', 'Redemption refused'],
  ['customer.publication.succeeded', 'Code published'],
] as const

const Entry = ({ entry }: { readonly entry: Activity }) => {
  const [isOpen, setOpen] = useState(false)
  const { customer: _, ...payload } = entry.data
  return (
    <li class="entry">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class="wrap">
            <b>{headOf(entry)}</b> <span class="soft">{detailOf(entry)}</span>
          </span>
          <State
            state={entry.category === 'ACTION' ? 'action' : 'effect'}
            tone={entry.category === 'ACTION' ? 'accent' : 'plain'}
          />
          <span class="soft">
            <Time at={occurredAt(entry)} />
          </span>
        </summary>
        {isOpen && (
          <div class="inside">
            {mayAudit() && (
              <div class="stack tight">
                <h2 class="minor">Why</h2>
                <Why id={entry.id} />
              </div>
            )}
            <div class="stack tight">
              <h2 class="minor">Payload</h2>
              <Json value={payload} label="Payload" />
            </div>
            <p class="row small soft">
              <span>{entry.type}</span> <Id id={entry.id} />
            </p>
          </div>
        )}
      </details>
    </li>
  )
}

/** The first instant of a day as it is written in the address; the API reads it in UTC. */
const fromDay = (day: string): string | undefined => (day === '' ? undefined : `${day}T00:00:00Z`)
const toDay = (day: string): string | undefined => (day === '' ? undefined : `${day}T23:59:59.999Z`)

export const CustomerActivity = ({ id }: { readonly id: string }) => {
  const value = (name: string): string => query.value.get(name) ?? ''
  const set = (changed: Readonly<Record<string, string>>) => go(withQuery(changed), { replace: true })
  const category = value('category')
  const list = useList<Activity>(
    at('/v1/customers/{id}/activity', {
      params: { id },
      query: {
        limit: 50,
        type: value('type'),
        category: category === 'ACTION' || category === 'EFFECT' ? category : undefined,
        start_date: fromDay(value('from')),
        end_date: toDay(value('to')),
      },
    }),
  )
  const { entries, error, more, isAsking } = list
  return (
    <div class="stack">
      <div class="filters">
        <Select aria-label="Type" value={value('type')} onValue={(type) => set({ type })} options={TYPES} />
        <Select
          aria-label="Kind"
          value={category}
          onValue={(one) => set({ category: one })}
          options={[
            ['', 'Actions and effects'],
            ['ACTION', 'Actions'],
            ['EFFECT', 'Effects'],
          ]}
        />
        <label>
          From
          <input type="date" value={value('from')} onChange={(e) => set({ from: e.currentTarget.value })} />
        </label>
        <label>
          To
          <input type="date" value={value('to')} onChange={(e) => set({ to: e.currentTarget.value })} />
        </label>
      </div>
      {entries === undefined &&
        (error === undefined ? <Loading rows={8} /> : <Failed error={error} again={list.again} />)}
      {entries?.length === 0 && <Empty title="Nothing happened that fits" />}
      {entries && entries.length > 0 && (
        <ol class="entries" aria-label="Activity, newest first">
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
      {entries && entries.length > 0 && (
        <p class="list-end soft small">
          <span>{number(entries.length)} shown</span>
          {more && (
            <button type="button" class="quiet" onClick={more} disabled={isAsking}>
              {isAsking ? 'Loading…' : 'Show more'}
            </button>
          )}
        </p>
      )}
    </div>
  )
}
