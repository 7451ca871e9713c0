// Trying an event: a form made from its schema, what would follow without recording it, and sending it.

import { useState } from 'preact/hooks'
import { carryOut, change, send } from '../lib/api.ts'
import { useOnce } from '../lib/once.ts'
import { Link } from '../lib/router.tsx'
import type { EventSchema, Fields, Property } from '../lib/shapes.ts'
import { brief, typeWords } from '../lib/text.ts'
import { customerPath } from '../parts/customer.tsx'
import { ApiCall, Choice, Fault, Form, Text } from '../parts/form.tsx'
import { Card } from '../parts/layout.tsx'
import { say } from '../parts/toast.tsx'

interface TryProps {
  readonly schema: EventSchema
  readonly properties: readonly (readonly [string, Property])[]
}

interface Tracked {
  readonly customer: { readonly id: string; readonly source_id: string | null }
  readonly effects: readonly ({ readonly type: string } & Fields)[]
}

const one = (text: string, { type }: Property): unknown => {
  if (type === 'number') return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

/** What was written, in the type that the schema asks for; what does not read so is sent as it is, so that the API says what is wrong. */
const readValue = (text: string, property: Property): unknown =>
  property.array ? text.split(',').map((part) => one(part.trim(), property)) : one(text, property)

const HINTS = {
  string: undefined,
  number: 'A number',
  boolean: undefined,
  date: '2026-11-29',
  datetime: '2026-11-29T12:00:00Z',
} as const

/** What followed, or would, in a line each. */
const Effects = ({ of }: { readonly of: Tracked['effects'] }) =>
  of.length === 0 ? (
    <p>Nothing follows from it: no segment, rule or distribution is moved by it.</p>
  ) : (
    <ul>
      {of.map(({ type, ...data }, index) => {
        const { segment, campaign, transaction, balance, points } = data as Record<string, Fields | undefined>
        const said =
          segment?.name ??
          campaign?.name ??
          (balance ? `${balance.points} points` : undefined) ??
          points ??
          transaction?.id
        return (
          <li key={index}>
            {typeWords(type)} {said !== undefined && <span class="soft">{brief(said)}</span>}
          </li>
        )
      })}
    </ul>
  )

export const TryEvent = ({ schema, properties }: TryProps) => {
  const [customer, setCustomer] = useState('')
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  const [result, setResult] = useState<{ readonly isDry: boolean; readonly tracked: Tracked }>()
  const { fault, isBusy, once } = useOnce()
  const metadata = Object.fromEntries(
    properties.flatMap(([name, property]) => {
      const text = texts[name] ?? ''
      return text === '' ? [] : [[name, readValue(text, property)]]
    }),
  )
  const body = { event: schema.name, customer: { source_id: customer.trim() }, metadata }
  const request = change('POST', '/v1/events', { body })
  const run = (isDry: boolean) =>
    once(async () => {
      setResult(undefined)
      const tracked = isDry
        ? await send<Tracked>(change('POST', '/v1/events', { query: { dry_run: true }, body }))
        : await carryOut<Tracked>(request)
      setResult({ isDry, tracked })
      if (!isDry) say('Recorded')
    })
  return (
    <Card title="Try it">
      <Form onSend={() => run(true)}>
        <Text
          label="Customer"
          value={customer}
          onValue={setCustomer}
          required
          placeholder="ann"
          hint="By source_id; an unknown one is made when it is sent."
        />
        {properties.map(([name, property]) => {
          const label = `${name}${property.optional ? ' (optional)' : ''}`
          const value = texts[name] ?? ''
          const set = (text: string) => setTexts({ ...texts, [name]: text })
          return property.type === 'boolean' && !property.array ? (
            <Choice
              key={name}
              label={label}
              value={value}
              onValue={set}
              options={[
                ['', '–'],
                ['true', 'true'],
                ['false', 'false'],
              ]}
            />
          ) : (
            <Text
              key={name}
              label={label}
              value={value}
              onValue={set}
              hint={property.array ? 'Several, separated by commas' : HINTS[property.type]}
            />
          )
        })}
        <Fault text={fault} />
        {result && (
          <div class="note" data-tone="good" role="status">
            <p>
              <b>{result.isDry ? 'This would follow' : 'Recorded, and this followed'}</b>
              {!result.isDry && (
                <>
                  {' · '}
                  <Link to={customerPath(result.tracked.customer.id)}>see the customer</Link>
                </>
              )}
            </p>
            <Effects of={result.tracked.effects} />
          </div>
        )}
        <footer>
          <button type="submit" disabled={isBusy}>
            Dry run
          </button>
          <button type="button" class="main" onClick={() => run(false)} disabled={isBusy || customer.trim() === ''}>
            Send
          </button>
        </footer>
        <ApiCall request={request} />
      </Form>
    </Card>
  )
}
