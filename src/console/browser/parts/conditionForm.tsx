// The builder of conditions: groups and leaves as forms that suggest the events, properties and attributes there are.
import {
  type EventLeaf,
  isBare,
  type Node,
  NUMBER_OPERATORS,
  newEvent,
  OPERATORS,
  type Test,
  WINDOWS,
} from '../lib/condition.ts'
import type { EventSchema, Segment } from '../lib/shapes.ts'
import { Select } from './form.tsx'

export interface Known {
  readonly schemas: readonly EventSchema[]
  readonly segments: readonly Segment[]
}

const ATTRIBUTES = [
  'name',
  'email',
  'phone',
  'birthdate',
  'address.city',
  'address.country',
  'address.postal_code',
  'created_at',
  'updated_at',
  'unsubscribed',
  'summary.orders.total_amount',
  'summary.orders.total_count',
  'summary.redemptions.total_redeemed',
]

interface NodeProps<N extends Node = Node> {
  readonly node: N
  readonly known: Known
  readonly onNode: (node: Node) => void
  readonly onRemove?: (() => void) | undefined
}

const Remove = ({ what, onRemove }: { readonly what: string; readonly onRemove: (() => void) | undefined }) =>
  onRemove ? (
    <button type="button" class="quiet" aria-label={`Remove ${what}`} onClick={onRemove}>
      Remove
    </button>
  ) : null

interface TestProps {
  readonly of: string
  readonly test: Test
  readonly onTest: (test: Test) => void
  readonly operators?: readonly (readonly [string, string])[]
  readonly isNumber?: boolean
}

const TestFields = ({ of, test, onTest, operators = OPERATORS, isNumber = false }: TestProps) => (
  <>
    <Select
      aria-label={`How ${of} compares`}
      value={test.operator}
      onValue={(operator) => onTest({ ...test, operator })}
      options={operators}
    />
    {!isBare(test.operator) && (
      <input
        type={(isNumber ? 'number' : 'text') as 'text'}
        aria-label={`Value of ${of}`}
        value={test.value}
        onInput={(e) => onTest({ ...test, value: e.currentTarget.value })}
      />
    )}
  </>
)

const propertiesOf = ({ schemas }: Known, event: string): readonly string[] =>
  Object.entries(schemas.find(({ name }) => name === event)?.schema.properties ?? {})
    .filter(([, { deleted }]) => !deleted)
    .map(([name]) => name)

const asOptions = (names: readonly string[], chosen: string): readonly (readonly [string, string])[] =>
  [...new Set([...(chosen === '' ? [] : [chosen]), ...names])].map((name) => [name, name] as const)

const EventFields = ({ node, known, onNode, onRemove }: NodeProps<EventLeaf>) => {
  const set = (changed: Partial<EventLeaf>) => onNode({ ...node, ...changed })
  const properties = propertiesOf(known, node.event)
  return (
    <div class="leaf">
      <Select
        aria-label="Event"
        value={node.event}
        onValue={(event) => set({ event, property: '', where: [] })}
        options={asOptions(
          known.schemas.map(({ name }) => name),
          node.event,
        )}
      />
      <Select
        aria-label={`What is asked of ${node.event}`}
        value={node.ask}
        onValue={(ask) => set({ ask: ask === 'count' || ask === 'sum' ? ask : 'any', property: properties[0] ?? '' })}
        options={[
          ['any', 'happened'],
          ['count', 'count'],
          ['sum', 'sum of'],
        ]}
      />
      {node.ask === 'sum' && (
        <Select
          aria-label="Property to add up"
          value={node.property}
          onValue={(property) => set({ property })}
          options={asOptions(properties, node.property)}
        />
      )}
      {node.ask !== 'any' && (
        <TestFields
          of={`the ${node.ask} of ${node.event}`}
          test={node.test}
          onTest={(test) => set({ test })}
          operators={NUMBER_OPERATORS}
          isNumber
        />
      )}
      <Select
        aria-label="Window of time"
        value={node.within}
        onValue={(within) => set({ within })}
        options={
          WINDOWS.some(([one]) => one === node.within) ? WINDOWS : [...WINDOWS, [node.within, `within ${node.within}`]]
        }
      />
      {properties.length > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => set({ where: [...node.where, { property: properties[0] ?? '', operator: '$is', value: '' }] })}
        >
          + where
        </button>
      )}
      <Remove what={`the event ${node.event}`} onRemove={onRemove} />
      {node.where.map((one, index) => {
        const change = (changed: Partial<typeof one>) =>
          set({ where: node.where.map((other, i) => (i === index ? { ...other, ...changed } : other)) })
        return (
          <div class="where" key={index}>
            <span class="soft">where</span>
            <Select
              aria-label="Property"
              value={one.property}
              onValue={(property) => change({ property })}
              options={asOptions(properties, one.property)}
            />
            <TestFields of={one.property} test={one} onTest={change} />
            <Remove
              what={`where ${one.property}`}
              onRemove={() => set({ where: node.where.filter((_, i) => i !== index) })}
            />
          </div>
        )
      })}
    </div>
  )
}

const Leaf = (props: NodeProps) => {
  const { node, known, onNode, onRemove } = props
  switch (node.kind) {
    case 'event':
      return <EventFields {...props} node={node} />
    case 'attribute':
      return (
        <div class="leaf">
          <input
            type="text"
            list="attributes"
            aria-label="Attribute"
            class="grow"
            placeholder="address.city, metadata.…"
            value={node.attribute}
            onInput={(e) => onNode({ ...node, attribute: e.currentTarget.value })}
          />
          <TestFields
            of={node.attribute || 'the attribute'}
            test={node.test}
            onTest={(test) => onNode({ ...node, test })}
          />
          <Remove what={`the attribute ${node.attribute}`} onRemove={onRemove} />
        </div>
      )
    case 'segment':
      return (
        <div class="leaf">
          <span>is in</span>
          <Select
            aria-label="Segment"
            value={node.segment}
            onValue={(segment) => onNode({ ...node, segment })}
            options={known.segments.map(({ id, name }) => [id, name])}
          />
          <Remove what="the segment" onRemove={onRemove} />
        </div>
      )
    case 'json':
      return (
        <div class="leaf">
          <code>{JSON.stringify(node.value)}</code>
          <span class="soft small">Change this in the JSON.</span>
          <Remove what="this part" onRemove={onRemove} />
        </div>
      )
    case 'group':
      return <Group {...props} node={node} />
    default:
      return node satisfies never
  }
}

const JOINS = [
  ['all', 'All of these hold'],
  ['any', 'Any of these holds'],
  ['not', 'None of these holds'],
] as const

type GroupNode = Extract<Node, { kind: 'group' }>

const Group = ({ node, known, onNode, onRemove }: NodeProps<GroupNode>) => {
  const add = (one: Node) => onNode({ ...node, of: [...node.of, one] })
  return (
    <fieldset class="group">
      <legend class="unseen">Group of conditions</legend>
      <div class="row">
        <Select
          aria-label="How these join"
          value={node.join}
          onValue={(join) => onNode({ ...node, join: JOINS.find(([one]) => one === join)?.[0] ?? 'all' })}
          options={JOINS}
        />
        <Remove what="the group" onRemove={onRemove} />
      </div>
      {node.of.length === 0 && <p class="soft small">Nothing yet: add what is asked.</p>}
      {node.of.map((one, index) => (
        <Leaf
          key={index}
          node={one}
          known={known}
          onNode={(changed) => onNode({ ...node, of: node.of.map((other, i) => (i === index ? changed : other)) })}
          onRemove={() => onNode({ ...node, of: node.of.filter((_, i) => i !== index) })}
        />
      ))}
      <div class="row">
        <button
          type="button"
          onClick={() => add(newEvent(known.schemas[0]?.name ?? ''))}
          disabled={known.schemas.length === 0}
        >
          + Event
        </button>
        <button
          type="button"
          onClick={() => add({ kind: 'attribute', attribute: '', test: { operator: '$is', value: '' } })}
        >
          + Attribute
        </button>
        <button
          type="button"
          onClick={() => add({ kind: 'segment', segment: known.segments[0]?.id ?? '' })}
          disabled={known.segments.length === 0}
        >
          + Segment
        </button>
        <button type="button" onClick={() => add({ kind: 'group', join: 'any', of: [] })}>
          + Group
        </button>
      </div>
    </fieldset>
  )
}

interface ConditionProps {
  readonly node: Node
  readonly known: Known
  readonly onNode: (node: Node) => void
}

/** A whole condition; at the outside there is always a group. */
export const ConditionForm = ({ node, known, onNode }: ConditionProps) => (
  <div class="stack tight">
    <datalist id="attributes">
      {ATTRIBUTES.map((one) => (
        <option key={one} value={one} />
      ))}
    </datalist>
    <Group
      node={node.kind === 'group' ? node : { kind: 'group', join: 'all', of: [node] }}
      known={known}
      onNode={onNode}
    />
  </div>
)
