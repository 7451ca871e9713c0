// Metadata schemas: what the metadata of each kind of resource holds, and a property made, changed, and checked no longer.
import { useState } from 'preact/hooks'
import { ApiError, at, change, type Request } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { go, Link, type Params } from '../lib/router.tsx'
import { mayWrite } from '../lib/session.ts'
import type { Fields } from '../lib/shapes.ts'
import { count, number } from '../lib/text.ts'
import { Definition, type FormField } from '../parts/definition.tsx'
import { Action, Dialog } from '../parts/dialog.tsx'
import { Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Facts, Id, State, Time } from '../parts/small.tsx'
import { Empty, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'

interface Property {
  readonly type: string
  readonly optional: boolean
  readonly array: boolean
  readonly deleted: boolean
  readonly objectType?: string | null
  readonly minLength?: number
  readonly maxLength?: number
  readonly exactLength?: number
  readonly eq?: readonly (string | number)[] | null
  readonly ne?: readonly (string | number)[] | null
  readonly lt?: number | null
  readonly lte?: number | null
  readonly gt?: number | null
  readonly gte?: number | null
}

interface Schema {
  readonly id: string
  readonly related_object: string
  readonly properties: Readonly<Record<string, Property>>
  readonly allow_defined_only: boolean
  readonly created_at: string
  readonly updated_at: string | null
}

/** The kinds of resources whose metadata can have a schema. */
const RESOURCES: Readonly<Record<string, string>> = {
  customer: 'Customers',
  order: 'Orders',
  order_item: 'Items of orders',
  voucher: 'Codes',
  campaign: 'Campaigns',
  publication: 'Publications',
  redemption: 'Redemptions',
  earning_rule: 'Earning rules',
  loyalty_tier: 'Loyalty tiers',
  promotion_tier: 'Promotion tiers',
  reward: 'Rewards',
}

const nameOf = (resource: string): string => RESOURCES[resource] ?? `Objects: ${resource}`
const pathTo = (resource: string): string => `/metadata-schemas/${encodeURIComponent(resource)}`

/** Properties that are checked, and those that are no longer. */
const parts = ({ properties }: Schema) => {
  const all = Object.entries(properties)
  return { checked: all.filter(([, one]) => !one.deleted), left: all.filter(([, one]) => one.deleted) }
}

/** A name of one's own: for objects within metadata. */
const NewObjects = () => {
  const [name, setName] = useState<string>()
  return (
    <>
      <button type="button" onClick={() => setName('')}>
        New schema for objects
      </button>
      {name !== undefined && (
        <Dialog title="New schema for objects" onClose={() => setName(undefined)}>
          <Form onSend={() => go(pathTo(name.trim()))}>
            <Text
              label="Name"
              value={name}
              onValue={setName}
              required
              maxLength={300}
              hint="A property of the type object names it, as the schema that its values have."
            />
            <footer>
              <button type="button" onClick={() => setName(undefined)}>
                Cancel
              </button>
              <button type="submit" class="main" disabled={name.trim() === ''}>
                Go on
              </button>
            </footer>
          </Form>
        </Dialog>
      )}
    </>
  )
}

export const MetadataSchemas = () => {
  const asked = useAsk<{ readonly schemas: readonly Schema[] }>(at('/v1/metadata-schemas'))
  return (
    <Page
      title="Metadata schemas"
      lead="What the metadata of each kind of resource holds. Without a schema anything is taken; with one, what does not fit is refused."
      actions={mayWrite() && <NewObjects />}
    >
      <Shown of={asked} rows={11}>
        {({ schemas }) => {
          const known = new Map(schemas.map((one) => [one.related_object, one]))
          const names = [...new Set([...Object.keys(RESOURCES), ...known.keys()])]
          return (
            <Table
              label="Metadata schemas"
              rows={names}
              rowKey={(name) => name}
              columns={[
                {
                  head: 'Metadata of',
                  wide: true,
                  cell: (name) => (
                    <Link to={pathTo(name)} class="wrap">
                      {nameOf(name)}
                    </Link>
                  ),
                },
                {
                  head: 'Properties',
                  align: 'right',
                  cell: (name) => {
                    const one = known.get(name)
                    return one ? number(parts(one).checked.length) : <span class="soft">no schema</span>
                  },
                },
                {
                  head: 'Other properties',
                  cell: (name) => {
                    const one = known.get(name)
                    return one?.allow_defined_only ? 'are refused' : 'are taken'
                  },
                },
                {
                  head: 'Changed',
                  cell: (name) => {
                    const one = known.get(name)
                    return <Time at={one?.updated_at ?? one?.created_at} form="date" />
                  },
                },
              ]}
            />
          )
        }}
      </Shown>
    </Page>
  )
}

const TYPES = [
  ['string', 'Text'],
  ['number', 'Number'],
  ['boolean', 'Yes or no'],
  ['date', 'Day'],
  ['datetime', 'Day and time'],
  ['geopoint', 'Place (lat and lon)'],
  ['image_url', 'Address of a picture'],
  ['object', 'Object'],
] as const
const TYPE_NAMES: ReadonlyMap<string, string> = new Map(TYPES)

const isOf =
  (...types: readonly string[]) =>
  (body: Fields) =>
    types.includes(String(body.type))

/** What is asked of values: lists are written a line each. */
const FIELDS: readonly FormField[] = [
  { path: 'type', label: 'Type', kind: 'choice', options: TYPES },
  { path: 'required', label: 'Must be there', kind: 'check' },
  { path: 'array', label: 'Many values', kind: 'check' },
  {
    path: 'object_type',
    label: 'Schema of its values',
    hint: 'The name of a schema for objects; empty: anything',
    when: isOf('object'),
  },
  { path: 'gte', label: 'At least', kind: 'number', when: isOf('number') },
  { path: 'lte', label: 'At most', kind: 'number', when: isOf('number') },
  { path: 'gt', label: 'More than', kind: 'number', when: isOf('number') },
  { path: 'lt', label: 'Less than', kind: 'number', when: isOf('number') },
  { path: 'min_length', label: 'Characters, at least', kind: 'number', when: isOf('string', 'image_url') },
  { path: 'max_length', label: 'Characters, at most', kind: 'number', when: isOf('string', 'image_url') },
  { path: 'exact_length', label: 'Characters, exactly', kind: 'number', when: isOf('string', 'image_url') },
  {
    path: 'eq',
    label: 'One of these, a line each',
    kind: 'area',
    hint: 'Empty: any value',
    when: isOf('string', 'number'),
  },
  { path: 'ne', label: 'None of these, a line each', kind: 'area', when: isOf('string', 'number') },
]

const linesOf = (values: Property['eq']): string | undefined => values?.join('\n')

/** A property as the form has it. */
const formOf = ({ optional, objectType, minLength, maxLength, exactLength, ...one }: Property): Fields => ({
  ...one,
  required: !optional,
  object_type: objectType ?? undefined,
  min_length: minLength,
  max_length: maxLength,
  exact_length: exactLength,
  eq: linesOf(one.eq),
  ne: linesOf(one.ne),
})

const listFrom = (written: unknown, type: unknown): unknown => {
  if (typeof written !== 'string') return written
  const lines = written
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  // What is no number stays as it was written: the server says what is wrong with it.
  const values = type === 'number' ? lines.map((line) => (Number.isNaN(Number(line)) ? line : Number(line))) : lines
  return values.length === 0 ? undefined : values
}

/** A property as it is sent: of its type alone, and without what goes without saying. */
const bodyOf = (written: unknown): { readonly name: string; readonly property: Fields } => {
  const { name, required, ...rest } = written as Fields
  const kept = FIELDS.filter(({ path, when }) => path !== 'required' && (when === undefined || when(rest)))
  const property = Object.fromEntries(kept.map(({ path }) => [path, rest[path]]))
  return {
    name: String(name ?? '').trim(),
    property: {
      ...property,
      eq: listFrom(property.eq, rest.type),
      ne: listFrom(property.ne, rest.type),
      optional: required !== true,
    },
  }
}

const NEW_PROPERTY = { name: '', type: 'string', required: false, array: false }
const NAME: FormField = { path: 'name', label: 'Name', isRequired: true }

/** Adds to the schema of a resource, or makes it with what is the first of it. */
const adding =
  (resource: string, schema: Schema | undefined) =>
  (properties: Fields): Request =>
    schema
      ? change('PUT', '/v1/metadata-schemas/{metadataSchemaId}', {
          params: { metadataSchemaId: schema.id },
          body: { properties },
        })
      : change('POST', '/v1/metadata-schemas', { body: { related_object: resource, properties } })

const AddProperty = ({
  resource,
  schema,
  tone,
}: {
  readonly resource: string
  readonly schema: Schema | undefined
  readonly tone?: 'main'
}) => (
  <Definition
    title={`A property of ${nameOf(resource).toLowerCase()}`}
    button="Add a property"
    {...(tone && { tone })}
    start={NEW_PROPERTY}
    fields={[NAME, ...FIELDS]}
    request={(written) => {
      const { name, property } = bodyOf(written)
      return adding(resource, schema)({ [name]: property })
    }}
  />
)

const bounds = ({ minLength, maxLength, exactLength, eq, ne, gte, lte, gt, lt, objectType }: Property): string =>
  [
    exactLength !== undefined && `exactly ${count(exactLength, 'character')}`,
    minLength !== undefined && `at least ${count(minLength, 'character')}`,
    maxLength !== undefined && `at most ${count(maxLength, 'character')}`,
    gte != null && `at least ${gte}`,
    lte != null && `at most ${lte}`,
    gt != null && `more than ${gt}`,
    lt != null && `less than ${lt}`,
    eq && eq.length > 0 && `one of ${eq.slice(0, 8).join(', ')}${eq.length > 8 ? '…' : ''}`,
    ne && ne.length > 0 && `none of ${ne.slice(0, 8).join(', ')}${ne.length > 8 ? '…' : ''}`,
    objectType && `as the schema ${objectType} says`,
  ]
    .filter(Boolean)
    .join(', ')

const Properties = ({ schema }: { readonly schema: Schema }) => {
  const { checked, left } = parts(schema)
  const put = adding(schema.related_object, schema)
  return (
    <>
      {checked.length === 0 ? (
        <Empty title="No property is checked">
          {schema.allow_defined_only
            ? 'Other properties are refused, so that no metadata is taken at all.'
            : 'Any metadata is taken.'}
        </Empty>
      ) : (
        <Table
          label="Properties"
          rows={checked}
          rowKey={([name]) => name}
          columns={[
            { head: 'Property', wide: true, cell: ([name]) => <b class="wrap">{name}</b> },
            {
              head: 'Type',
              cell: ([, { type, array }]) => `${TYPE_NAMES.get(type) ?? type}${array ? ', many' : ''}`,
            },
            { head: 'Must be there', cell: ([, { optional }]) => (optional ? 'No' : 'Yes') },
            { head: 'Bounds', wide: true, cell: ([, one]) => <span class="wrap">{bounds(one) || '–'}</span> },
            ...(mayWrite()
              ? [
                  {
                    head: '',
                    align: 'right' as const,
                    cell: ([name, one]: readonly [string, Property]) => (
                      <div class="row end">
                        <Definition
                          title={`Change ${name}`}
                          button="Change"
                          tone="quiet"
                          start={formOf(one)}
                          fields={FIELDS}
                          request={(written) => put({ [name]: bodyOf(written).property })}
                        />
                        <Action
                          request={put({ [name]: { ...bodyOf(formOf(one)).property, deleted: true } })}
                          question={`“${name}” is not checked any more. What was recorded stays.`}
                          done="It is not checked any more"
                          tone="quiet"
                        >
                          Delete
                        </Action>
                      </div>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {left.length > 0 && (
        <div class="stack tight">
          <h3>Not checked any more</h3>
          <ul class="plain-list">
            {left.map(([name, one]) => (
              <li key={name} class="row between">
                <span class="wrap soft">
                  {name} <State state={TYPE_NAMES.get(one.type) ?? one.type} />
                </span>
                {mayWrite() && (
                  <Action
                    request={put({ [name]: bodyOf(formOf(one)).property })}
                    done="It is checked again"
                    tone="quiet"
                  >
                    Check again
                  </Action>
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

const Others = ({ schema }: { readonly schema: Schema }) => {
  const { id, allow_defined_only: isClosed } = schema
  return (
    <Action
      request={change('PUT', '/v1/metadata-schemas/{metadataSchemaId}', {
        params: { metadataSchemaId: id },
        body: { allow_defined_only: !isClosed },
      })}
      done={isClosed ? 'Other properties are taken' : 'Other properties are refused'}
      {...(isClosed ? {} : { question: 'From then on metadata with a property that is not defined here is refused.' })}
    >
      {isClosed ? 'Take other properties' : 'Refuse other properties'}
    </Action>
  )
}

const None = ({ resource }: { readonly resource: string }) => (
  <Empty
    title="There is no schema yet: any metadata is taken"
    action={mayWrite() && <AddProperty resource={resource} schema={undefined} tone="main" />}
  >
    {RESOURCES[resource]
      ? 'The first property makes it. What is there already stays as it is.'
      : 'The first property makes it. A property of the type object can then name it as the schema of its values.'}
  </Empty>
)

export const MetadataSchema = ({ params }: { readonly params: Params }) => {
  const { id: resource = '' } = params
  const asked = useAsk<Schema>(
    at('/v1/metadata-schemas/{metadataSchemaId}', { params: { metadataSchemaId: resource } }),
  )
  const isNone = asked.error instanceof ApiError && asked.error.status === 404
  const { data } = asked
  const name = nameOf(data?.related_object ?? resource)
  return (
    <Page
      title={name}
      crumbs={[['/metadata-schemas', 'Metadata schemas']]}
      lead="What their metadata holds. What does not fit is refused from then on; what is there already stays."
      actions={
        data &&
        mayWrite() && (
          <>
            <AddProperty resource={data.related_object} schema={data} tone="main" />
            <Others schema={data} />
            <Action
              request={change('DELETE', '/v1/metadata-schemas/{metadataSchemaId}', {
                params: { metadataSchemaId: data.id },
              })}
              question="Any metadata is taken then."
              done="Deleted"
              tone="danger"
              onDone={() => go('/metadata-schemas')}
            >
              Delete the schema
            </Action>
          </>
        )
      }
    >
      {isNone ? (
        <None resource={resource} />
      ) : (
        <Shown of={asked}>
          {(schema) => (
            <>
              <Card title="Properties">
                <Properties schema={schema} />
              </Card>
              <Card title="The schema">
                <Facts
                  of={[
                    ['Other properties', schema.allow_defined_only ? 'are refused' : 'are taken'],
                    ['Name', <code key="name">{schema.related_object}</code>],
                    ['Id', <Id key="id" id={schema.id} />],
                    ['Made', <Time key="made" at={schema.created_at} />],
                    ['Changed', <Time key="changed" at={schema.updated_at} />],
                  ]}
                />
              </Card>
            </>
          )}
        </Shown>
      )}
    </Page>
  )
}
