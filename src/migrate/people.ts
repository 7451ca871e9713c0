// Customers, what they did, and what they ordered.
import { TributaryError } from '../client/errors.ts'
import { MAX_BATCH_BYTES } from '../domain/size.ts'
import { type Item, isItem, numberOf, partOf, picked, textOf } from './item.ts'
import { counted, each, eachPage, type Move, personOf, type Step } from './move.ts'

const PROFILE = ['name', 'description', 'email', 'phone', 'birthdate', 'address', 'metadata']

/** Whoever had no `source_id` is known by the old id. */
const profileOf = (customer: Item): { readonly old: string; readonly body: Item } => {
  const old = textOf(customer.id) ?? ''
  return {
    old,
    body: {
      source_id: textOf(customer.source_id) ?? old,
      ...(textOf(customer.birthday) === undefined ? {} : { birthdate: customer.birthday }),
      ...picked(customer, PROFILE),
    },
  }
}

export const customers: Step = {
  name: 'customers',
  async run(move) {
    const { state, target } = move
    if (state.place('customers') === undefined) state.begin('customers')
    await eachPage(
      move,
      'customers',
      { kind: 'customers', path: '/v1/customers', query: { order: 'created_at' } },
      (entries) =>
        each(entries, async (customer) => {
          const { old, body } = profileOf(customer)
          state.count('customers', 'read')
          const written = await target.write('POST', '/v1/customers', [], body, `customer:${old}`)
          if (!counted(move, 'customers', old, written)) return
          state.named('customers', old, String(body.source_id))
          if (customer.source_id !== body.source_id)
            state.note('Customers without a source_id have their old id for one')
        }),
    )
    state.note('Customers were made when they came over: created_at is of then')
  },
}

const ORDER = ['source_id', 'status', 'amount', 'discount_amount', 'metadata']
const ITEM = [
  'source_id',
  'related_object',
  'product_id',
  'sku_id',
  'quantity',
  'price',
  'amount',
  'product',
  'sku',
  'metadata',
]

/** An order as a request says it; it is known by its old id where it had no `source_id`. */
export const orderOf = (order: Item): Item => {
  const items = Array.isArray(order.items) ? order.items.filter(isItem) : []
  return {
    ...picked(order, ORDER),
    source_id: textOf(order.source_id) ?? textOf(order.id),
    amount: order.initial_amount,
    ...(items.length === 0 ? {} : { items: items.map((item) => picked(item, ITEM)) }),
  }
}

/** Orders with redemptions come with them. */
export const orders: Step = {
  name: 'orders',
  async run(move) {
    const { state, target } = move
    if (state.place('orders') === undefined) state.begin('orders')
    await eachPage(move, 'orders', { kind: 'orders', path: '/v1/orders', query: { order: 'created_at' } }, (entries) =>
      each(entries, async (order) => {
        if (Object.keys(partOf(order, 'redemptions')).length > 0) return
        const old = textOf(order.id) ?? ''
        const source_id = personOf(move, order.customer, order.customer_id)
        state.count('orders', 'read')
        const body = {
          ...orderOf(order),
          ...picked(order, ['created_at']),
          ...(source_id === undefined ? {} : { customer: { source_id } }),
        }
        counted(move, 'orders', old, await target.write('POST', '/v1/orders', [], body, `order:${old}`))
      }),
    )
  },
}

/** An event as `POST /v1/events/batch` takes it, under its old id. What it referred or earned comes over by itself. */
const eventOf = (move: Move, event: Item, customer: unknown): Item | undefined => {
  const source_id = personOf(move, customer, undefined)
  const [name, id] = [textOf(event.type), textOf(event.id)]
  if (source_id === undefined || name === undefined || id === undefined) return undefined
  const occurred_at = textOf(event.occurred_at) ?? textOf(event.created_at)
  return {
    event: name,
    id,
    customer: { source_id },
    metadata: partOf(event, 'metadata'),
    occurred_at,
  }
}

/** Batches within the bounds of a request. */
const batched = (events: readonly Item[]): readonly (readonly Item[])[] => {
  const batches: Item[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event)) + 1
    if (bytes + size > MAX_BATCH_BYTES - 1024) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)!.push(event)
    bytes += size
  }
  return batches
}

/** Event names without a schema get one without properties, so that they are not refused for that. */
const knownNames = async ({ target, state }: Move, events: readonly Item[], known: Set<string>): Promise<void> => {
  for (const name of new Set(events.map((event) => String(event.event)))) {
    if (known.has(name)) continue
    known.add(name)
    const made = await target.write(
      'POST',
      '/v1/event-schemas',
      [],
      { name, schema: { properties: {} } },
      `event schema of:${name}`,
    )
    if (made.ok && !made.isReplay)
      state.note(`Event schema ${JSON.stringify(name)} could not be read: it is made here without properties`)
  }
}

const sendEvents = async (move: Move, events: readonly Item[], known: Set<string>): Promise<void> => {
  const { state, target } = move
  state.count('events', 'read', events.length)
  await knownNames(move, events, known)
  for (const batch of batched(events)) {
    const written = await target.write(
      'POST',
      '/v1/events/batch',
      [],
      { events: batch },
      `events:${batch[0]!.id}:${batch.length}`,
    )
    const results = written.ok && Array.isArray(written.body.data) ? written.body.data.filter(isItem) : []
    for (const [i, event] of batch.entries()) {
      const { status, error } = results[i] ?? {}
      if (status === 'recorded') state.count('events', 'moved')
      else if (status === 'repeated') state.count('events', 'there')
      else {
        const { details, message } = isItem(error) ? error : {}
        state.refuse(
          'events',
          String(event.id),
          written.ok ? (textOf(details) ?? textOf(message) ?? 'refused') : written.reason,
        )
      }
    }
  }
}

/** Whether the project has a list of all events: the public contract has none, Tributary does. */
const listsEvents = async ({ source }: Move): Promise<boolean> => {
  try {
    return (await source.pages('/v1/events', [], { limit: 1 }).next()).done !== true
  } catch (error) {
    if (error instanceof TributaryError && error.status >= 400 && error.status < 500) return false
    throw error
  }
}

/** Where the project lists its events, from the list; else from the activity of each customer. */
export const events: Step = {
  name: 'events',
  async run(move) {
    const { source, state } = move
    if (state.place('events') === undefined && state.place('activity') === undefined) state.begin('events')
    const known = new Set<string>()
    if (await listsEvents(move)) {
      await eachPage(
        move,
        'events',
        { kind: 'events', path: '/v1/events', query: { order: 'created_at' } },
        (entries) =>
          sendEvents(
            move,
            entries.map((event) => eventOf(move, event, event.customer)).filter((event) => event !== undefined),
            known,
          ),
      )
      return
    }
    await eachPage(
      move,
      'activity',
      { kind: 'events', path: '/v1/customers', query: { order: 'created_at' } },
      async (entries) => {
        const found = entries.map(async (customer) => {
          const activity = await source.all('/v1/customers/{id}/activity', [String(customer.id)], {
            type: 'customer.custom_event',
          })
          return activity.map((entry) => {
            const event = partOf(partOf(entry, 'data'), 'event')
            return eventOf(move, { ...event, id: entry.id, created_at: event.created_at ?? entry.created_at }, customer)
          })
        })
        const all = (await Promise.all(found)).flat().filter((event) => event !== undefined)
        if (all.length > 0)
          await sendEvents(
            move,
            all.toSorted((a, b) => (String(a.occurred_at) < String(b.occurred_at) ? -1 : 1)),
            known,
          )
      },
    )
  },
}

/** Points that are left of a part of a card's points. */
export const pointsIn = (bucket: Item): number => numberOf(partOf(bucket, 'bucket').total_points)
