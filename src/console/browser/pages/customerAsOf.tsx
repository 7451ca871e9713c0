// A customer as of then: the state folded from the log up to an instant, and what differs now.
import { useEffect, useState } from 'preact/hooks'
import { at } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { go, query, withQuery } from '../lib/router.tsx'
import type { Customer, Fields } from '../lib/shapes.ts'
import { timeText } from '../lib/text.ts'
import { Field } from '../parts/form.tsx'
import { Card } from '../parts/layout.tsx'
import { Figure, Value } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'

interface AsOfState extends Customer {
  readonly revision: string
  readonly status: string
  readonly segments: readonly { readonly id: string; readonly name: string }[]
  readonly cards: readonly { readonly code: string; readonly balance: number }[]
}

/** What changes with every fact, and says nothing by itself. */
const IGNORED = new Set(['revision', 'object', 'id', 'updated_at'])

/** All values of a state by their path, lists by what names their members. */
const flat = (value: unknown, path = '', found = new Map<string, unknown>()): ReadonlyMap<string, unknown> => {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      const { code, name, id } = (typeof one === 'object' && one !== null ? one : {}) as Fields
      flat(one, `${path} ${String(code ?? name ?? id ?? index)}`, found)
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value))
      if (!IGNORED.has(name)) flat(one, path === '' ? name : `${path}.${name}`, found)
  } else found.set(path, value)
  return found
}

export interface Difference {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** What differs between two states, path by path. */
export const differences = (then: unknown, now: unknown): readonly Difference[] => {
  const [before, after] = [flat(then), flat(now)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => (before.get(path) || null) !== (after.get(path) || null))
    .map((path) => ({ path, before: before.get(path), after: after.get(path) }))
}

/** How long the slider rests before it is asked, ms. */
const REST_MS = 250

export const AsOf = ({ customer }: { readonly customer: Customer }) => {
  const [end] = useState(() => Date.now())
  const begin = Date.parse(customer.created_at)
  const wanted = Number(query.value.get('time') ?? Number.NaN)
  const shown = Number.isFinite(wanted) ? Math.min(end, Math.max(begin, wanted)) : end
  const [slid, setSlid] = useState(shown)
  useEffect(() => setSlid(shown), [shown])
  useEffect(() => {
    if (slid === shown) return
    const timer = setTimeout(() => go(withQuery({ time: String(slid) }), { replace: true }), REST_MS)
    return () => clearTimeout(timer)
  }, [slid, shown])
  const address = (time?: number) =>
    at('/v1/audit/customers/{id}', {
      params: { id: customer.id },
      query: { time: time === undefined ? undefined : new Date(time).toISOString() },
    })
  const then = useAsk<AsOfState>(address(shown))
  const now = useAsk<AsOfState>(address())
  return (
    <div class="stack">
      <Card title="As of">
        <Field
          label={timeText(new Date(slid))}
          hint="From the day the customer was first seen until now; arrow keys move it step by step."
        >
          {(ids) => (
            <input
              {...ids}
              type="range"
              min={begin}
              max={end}
              step={Math.max(1_000, Math.floor((end - begin) / 500))}
              value={slid}
              aria-valuetext={timeText(new Date(slid))}
              onInput={(e) => setSlid(Number(e.currentTarget.value))}
            />
          )}
        </Field>
      </Card>
      <Shown of={then}>
        {(state) => (
          <>
            <dl class="figures">
              <Figure label="Facts in the stream by then" value={Number(state.revision) + 1} />
              <Figure
                label="Segments"
                value={state.segments.length}
                hint={state.segments.map(({ name }) => name).join(', ') || undefined}
              />
              <Figure label="Points" value={state.cards.reduce((sum, { balance }) => sum + balance, 0)} />
              <Figure label="Status" value={state.status} />
            </dl>
            <Shown of={now}>
              {(present) => {
                const changed = differences(state, present)
                return changed.length === 0 ? (
                  <Empty title="Nothing has changed since">What was known then is what is known now.</Empty>
                ) : (
                  <Table
                    label="What differs between then and now"
                    rows={changed}
                    rowKey={({ path }) => path}
                    columns={[
                      { head: 'What', wide: true, cell: ({ path }) => <code>{path}</code> },
                      { head: 'Then', cell: (one) => <Value value={one.before} /> },
                      { head: 'Now', cell: (one) => <Value value={one.after} /> },
                    ]}
                  />
                )
              }}
            </Shown>
          </>
        )}
      </Shown>
    </div>
  )
}
