// Event schemas: what events there are, making and changing them, and trying one out.

import { useState } from 'preact/hooks'
import { at, carryOut, change, tagOf } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { isAdmin, may } from '../lib/session.ts'
import type { Distribution, EventName, EventSchema, ListOf, Property, Segment } from '../lib/shapes.ts'
import { count, number } from '../lib/text.ts'
import { Action } from '../parts/dialog.tsx'
import { ApiCall, Check, Fault, Form, Select, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Id, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { say, sayOvertaken } from '../parts/toast.tsx'
import { TryEvent } from './tryEvent.tsx'

const TYPES = ['string', 'number', 'boolean', 'date', 'datetime'] as const

const kept = (schema: EventSchema): readonly (readonly [string, Property])[] =>
  Object.entries(schema.schema.properties).filter(([, one]) => !one.deleted)

export const Schemas = () => {
  const schemas = useAsk<ListOf<EventSchema>>(at('/v1/event-schemas'))
  const names = useAsk<ListOf<EventName>>(at('/v1/events/names'))
  const seen = new Map((names.data?.data ?? []).map((one) => [one.event, one]))
  return (
    <Page
      title="Event schemas"
      lead="What your applications may send: the name of each event, and its properties."
      actions={
        isAdmin() ? (
          <Link to="/event-schemas/new" class="button main">
            New event schema
          </Link>
        ) : undefined
      }
    >
      <Shown of={schemas}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No event is defined yet">
              An event schema says how an event is called and what it carries.
            </Empty>
          ) : (
            <Table
              label="Event schemas"
              rows={data}
              rowKey={({ id }) => id}
              columns={[
                {
                  head: 'Event',
                  wide: true,
                  cell: ({ id, name }) => (
                    <Link to={`/event-schemas/${id}`} class="wrap">
                      {name}
                    </Link>
                  ),
                },
                { head: 'Properties', align: 'right', cell: (one) => number(kept(one).length) },
                {
                  head: 'Events',
                  align: 'right',
                  cell: ({ name }) => number(seen.get(name)?.events ?? (names.data ? 0 : undefined)),
                },
                { head: 'Last seen', cell: ({ name }) => <Time at={seen.get(name)?.last_at} /> },
                {
                  head: 'Changed',
                  cell: ({ updated_at, created_at }) => <Time at={updated_at ?? created_at} form="date" />,
                },
              ]}
            />
          )
        }
      </Shown>
    </Page>
  )
}

interface Row {
  readonly name: string
  readonly property: Property
  /** It was saved before: its type stays. */
  readonly isOld: boolean
}

const rowsOf = (schema: EventSchema | undefined): readonly Row[] =>
  schema ? kept(schema).map(([name, property]) => ({ name, property, isOld: true })) : []

const bodyOf = (name: string, rows: readonly Row[]) => ({
  name,
  schema: {
    properties: Object.fromEntries(
      rows
        .filter((row) => row.name.trim() !== '')
        .map(({ name: property, property: { type, array, optional, personal } }) => [
          property.trim(),
          // What is not so goes without saying: JSON leaves undefined out.
          { type, array: array || undefined, optional: optional || undefined, personal: personal || undefined },
        ]),
    ),
  },
})

/** The form of a schema, for a new one and for changes. */
const SchemaForm = ({ schema }: { readonly schema?: EventSchema }) => {
  const [name, setName] = useState(schema?.name ?? '')
  const [rows, setRows] = useState(rowsOf(schema))
  const [tag] = useState(() => tagOf(schema))
  const { fault, isBusy, once } = useOnce()
  const body = bodyOf(name.trim(), rows)
  const named = { customEventSchemaId: schema?.id }
  const request = schema
    ? { ...change('PUT', '/v1/event-schemas/{customEventSchemaId}', { params: named, body }), ifMatch: tag }
    : change('POST', '/v1/event-schemas', { body })
  const set = (index: number, changed: Partial<Row>) =>
    setRows(rows.map((row, i) => (i === index ? { ...row, ...changed } : row)))
  const save = () =>
    once(async () => {
      const saved = await carryOut<EventSchema>(request).catch(sayOvertaken)
      say(schema ? 'Saved' : 'Defined')
      if (!schema) go(`/event-schemas/${saved.id}`)
    })
  return (
    <Form onSend={save}>
      <Text
        label="Name of the event"
        value={name}
        onValue={setName}
        required
        maxLength={300}
        placeholder="review_left"
        hint="As applications send it: in the past tense it reads best."
      />
      <fieldset class="plain">
        <legend>Properties</legend>
        {rows.length > 0 && (
          <p class="soft small">What is personal is kept encrypted, and is gone when the person is erased.</p>
        )}
        {rows.length === 0 && <p class="soft">None yet: the event is only counted.</p>}
        {rows.map((row, index) => (
          <div class="leaf" key={index}>
            <input
              type="text"
              class="grow"
              aria-label={`Name of property ${index + 1}`}
              value={row.name}
              placeholder="stars"
              disabled={row.isOld}
              onInput={(e) => set(index, { name: e.currentTarget.value })}
            />
            <Select
              aria-label={`Type of ${row.name || `property ${index + 1}`}`}
              value={row.property.type}
              onValue={(type) =>
                set(index, { property: { ...row.property, type: TYPES.find((one) => one === type) ?? 'string' } })
              }
              options={TYPES.map((type) => [type, type])}
            />
            <Check
              label="Many"
              checked={row.property.array ?? false}
              onChecked={(array) => set(index, { property: { ...row.property, array } })}
            />
            <Check
              label="Optional"
              checked={row.property.optional ?? false}
              onChecked={(optional) => set(index, { property: { ...row.property, optional } })}
            />
            <Check
              label="Personal"
              checked={row.property.personal ?? false}
              onChecked={(personal) => set(index, { property: { ...row.property, personal } })}
            />
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${row.name || `property ${index + 1}`}`}
              onClick={() => setRows(rows.filter((_, i) => i !== index))}
            >
              Remove
            </button>
          </div>
        ))}
        <div class="row">
          <button
            type="button"
            onClick={() => setRows([...rows, { name: '', property: { type: 'string' }, isOld: false }])}
          >
            Add a property
          </button>
        </div>
      </fieldset>
      <Fault text={fault} />
      <footer>
        <button type="submit" class="main" disabled={isBusy}>
          {schema ? 'Save' : 'Define'}
        </button>
      </footer>
      <ApiCall request={request} />
    </Form>
  )
}

export const NewSchema = () => (
  <Page title="New event schema" crumbs={[['/event-schemas', 'Event schemas']]}>
    <Card>
      <SchemaForm />
    </Card>
  </Page>
)

const mentions = (value: unknown, name: string): boolean => JSON.stringify(value).includes(JSON.stringify(name))

/** What is defined over this event, among the first hundred of each kind. */
const Uses = ({ name }: { readonly name: string }) => {
  const segments = useAsk<ListOf<Segment>>(at('/v1/segments', { query: { limit: 100 } }))
  const distributions = useAsk<ListOf<Distribution>>(at('/v1/distributions', { query: { limit: 100 } }))
  const used = [
    ...(segments.data?.data ?? [])
      .filter((one) => mentions(one.condition ?? one.filter ?? null, name))
      .map((one) => ({ to: `/segments/${one.id}`, kind: 'Segment', name: one.name })),
    ...(distributions.data?.data ?? [])
      .filter((one) => one.trigger.event === name)
      .map((one) => ({ to: `/distributions/${one.id}`, kind: 'Distribution', name: one.name })),
  ]
  if (used.length === 0) return <p class="soft">No segment and no distribution asks for it.</p>
  return (
    <ul>
      {used.map((one) => (
        <li key={one.to}>
          <Link to={one.to}>{one.name}</Link> <span class="soft">{one.kind}</span>
        </li>
      ))}
    </ul>
  )
}

const PropertyTable = ({ schema }: { readonly schema: EventSchema }) => (
  <Table
    label="Properties"
    rows={kept(schema)}
    rowKey={([name]) => name}
    columns={[
      { head: 'Property', wide: true, cell: ([name]) => <b>{name}</b> },
      { head: 'Type', cell: ([, { type, array }]) => (array ? `${type}, many` : type) },
      { head: 'Must be there', cell: ([, { optional }]) => (optional ? 'No' : 'Yes') },
    ]}
  />
)

export const Schema = ({ params }: { readonly params: Params }) => {
  const { id = '' } = params
  const asked = useAsk<EventSchema>(
    at('/v1/event-schemas/{customEventSchemaId}', { params: { customEventSchemaId: id } }),
  )
  const name = asked.data?.name
  const counted = useAsk<{ events: number }>(
    name === undefined ? undefined : at('/v1/events/count', { query: { event: name } }),
  )
  return (
    <Page
      title={name ?? 'Event schema'}
      crumbs={[['/event-schemas', 'Event schemas']]}
      actions={
        asked.data && isAdmin() ? (
          <Action
            request={change('DELETE', '/v1/event-schemas/{customEventSchemaId}', {
              params: { customEventSchemaId: id },
            })}
            question={`Events named “${name}” will be refused from then on. What was recorded stays.`}
            done="Deleted"
            tone="danger"
            onDone={() => go('/event-schemas')}
          >
            Delete
          </Action>
        ) : undefined
      }
    >
      <Shown of={asked}>
        {(schema) => (
          <>
            <div class="columns">
              <Card title="The event">
                <Facts
                  of={[
                    ['Id', <Id key="id" id={schema.id} />],
                    ['Recorded', counted.data ? count(counted.data.events, 'event') : undefined],
                    ['Defined', <Time key="made" at={schema.created_at} />],
                    ['Changed', <Time key="changed" at={schema.updated_at} />],
                    [
                      'Refused',
                      <Link key="refused" to={`/refused?event=${encodeURIComponent(schema.name)}`}>
                        See refused events
                      </Link>,
                    ],
                  ]}
                />
              </Card>
              <Card title="Segments and distributions with it">
                <Uses name={schema.name} />
              </Card>
            </div>
            <div class="columns">
              <Card title={isAdmin() ? 'Change it' : 'Properties'}>
                {isAdmin() ? (
                  <SchemaForm key={schema.updated_at ?? ''} schema={schema} />
                ) : kept(schema).length === 0 ? (
                  <Empty title="It has no properties" />
                ) : (
                  <PropertyTable schema={schema} />
                )}
              </Card>
              {may('events.write') && <TryEvent schema={schema} properties={kept(schema)} />}
            </div>
          </>
        )}
      </Shown>
    </Page>
  )
}
