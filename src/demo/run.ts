// Fills an empty project with a shop's year, by the public API alone: the same from the command line and from the console.

import { groupBy } from '../domain/grouped.ts'
import { sleep } from '../line/backoff.ts'
import {
  distributions,
  EARNING_RULES,
  EVENT_RULES,
  GIFTS,
  LOYALTY,
  ORDER_RULE,
  PROMOTION,
  REWARDS,
  referral,
  SCHEMAS,
  SEGMENTS,
  SPRING,
  TIERS,
} from './shop.ts'
import { type DemoCustomer, type DemoEvent, type DemoYear, yearOf } from './year.ts'

/** Sends a request with an admin's rights and gives the body of its answer. Rejects for anything but success. */
export type Sender = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<unknown>

export interface DemoOptions {
  readonly customers: number
  readonly events: number
  /** Unix milliseconds; the year ends then. */
  readonly now: number
  readonly onProgress?: (done: number, total: number, what: string) => void
}

/** Why a project is not filled. */
export class NotEmpty extends Error {}

const BATCH = 500
/** A busy server leaves some of a batch for later: so often they are sent again, after so long each time, ms. */
const MOST_TRIES = 30
const PAUSE_MS = 1_000
/** Batches on their way at once. */
const AT_ONCE = 2
/** Other requests on their way at once. */
const REQUESTS_AT_ONCE = 8
/** So many of the newest events are sent last, in the order in which they happened: they are what one sees first. */
const NEWEST = 500

interface Made {
  readonly id: string
  readonly code?: string
  readonly name?: string
}
const made = (answer: unknown): Made => answer as Made

/** The work for each of a list, several at once, begun in their order. */
const each = async <T, R>(list: readonly T[], work: (one: T, index: number) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = []
  const queue = list.entries()
  const worker = async (): Promise<void> => {
    for (const [index, one] of queue) results[index] = await work(one, index)
  }
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker))
  return results
}

/** An event as it is sent: with the profile where it is the customer's first, and a friend's code. */
interface SentEvent extends Omit<DemoEvent, 'customer'> {
  readonly customer: DemoCustomer | DemoEvent['customer']
  readonly referral?: { readonly code: string }
}

/**
 * Batches whose order among each other does not matter, in sequences: events of one customer are all in one, in the order in which they
 * happened, and next to each other, since those that come together are decided and recorded together, at a fraction of the cost.
 */
const sequences = (events: readonly SentEvent[]): readonly (readonly SentEvent[])[] => {
  const byCustomer = groupBy(events, ({ customer }) => customer.source_id)
  const found: SentEvent[][] = Array.from({ length: AT_ONCE }, () => [])
  for (const [index, theirs] of [...byCustomer.values()].entries()) found[index % AT_ONCE]!.push(...theirs)
  return found
}

/** The events with what goes with some of them; `codes` are those to bring friends with. */
const completed = ({ customers, events }: DemoYear, codes: readonly string[]): readonly SentEvent[] => {
  const profiles = new Map(customers.map((customer) => [customer.source_id, customer]))
  const referred = new Set<string>()
  return events.map((event) => {
    const { source_id } = event.customer
    const customer = profiles.get(source_id) ?? event.customer
    profiles.delete(source_id)
    const index = Number(source_id.slice(-5)) - 1
    // Every twentieth customer comes by a friend's code, with the first order.
    const isReferred = event.event === 'order_paid' && index % 20 === 7 && !referred.has(source_id)
    if (!isReferred) return { ...event, customer }
    referred.add(source_id)
    const code = codes[index % codes.length]
    return code === undefined ? { ...event, customer } : { ...event, customer, referral: { code } }
  })
}

/** Throws `NotEmpty` for a project that has customers, and whatever `send` rejects with. */
export const fillWithDemo = async (
  send: Sender,
  { customers, events, now, onProgress }: DemoOptions,
): Promise<void> => {
  const there = (await send('GET', '/v1/customers?limit=1')) as { readonly total: number }
  if (there.total > 0)
    throw new NotEmpty(`The project has customers already (${there.total}): a demonstration needs an empty one`)
  const year = yearOf({ customers, events }, now)
  const total = year.events.length
  let done = 0
  const progress = (n: number, what: string): void => {
    done += n
    onProgress?.(done, total, what)
  }

  progress(0, 'definitions')
  const { club, friends, spring } = await define(send)

  progress(0, 'codes')
  // Those who bring friends, before the friends come.
  const referrers = year.customers.filter((_, index) => index % 40 === 0)
  const codes = await each(referrers, (customer) => publish(send, friends, customer))

  progress(0, 'events')
  const sent = completed(year, codes)
  const sendAll = (events: readonly SentEvent[]): Promise<void> => inBatches(send, events, (n) => progress(n, 'events'))
  await Promise.all(sequences(sent.slice(0, -NEWEST)).map(sendAll))
  await sendAll(sent.slice(-NEWEST))

  progress(0, 'redemptions')
  // Whoever has ordered has a card by now: orders earn points, and the club gives a card to who has none.
  const ordered = new Set(
    year.events.flatMap(({ event, customer }) => (event === 'order_paid' ? customer.source_id : [])),
  )
  const members = year.customers.filter(({ source_id }) => ordered.has(source_id))
  await redeemSome(send, { spring, club, members })
  await sendWrong(send, year.customers[0]?.source_id ?? 'shop-00001')
  progress(0, 'done')
}

interface BatchAnswer {
  readonly data: readonly {
    readonly index: number
    readonly status: string
    readonly error?: { readonly code?: number }
  }[]
}

/** The status of an event that can be sent again: the server did not come to it, or gave way. */
const LATER = 503

/** Sends them all; throws for one that is refused for what it is. */
const inBatches = async (
  send: Sender,
  events: readonly SentEvent[],
  onSent: (count: number) => void,
): Promise<void> => {
  for (let from = 0; from < events.length; from += BATCH) {
    let left = events.slice(from, from + BATCH)
    for (let tries = 1; left.length > 0; tries++) {
      const { data } = (await send('POST', '/v1/events/batch', { events: left })) as BatchAnswer
      const refused = data.filter(({ status }) => status === 'refused')
      onSent(left.length - refused.length)
      if (refused.some(({ error }) => error?.code !== LATER) || (refused.length > 0 && tries >= MOST_TRIES))
        throw new Error(`An event was refused: ${JSON.stringify(refused[0]?.error)}`)
      left = refused.map(({ index }) => left[index]!)
      if (left.length > 0) await sleep(PAUSE_MS)
    }
  }
}

/** Gives a customer a code of a campaign, or a card of a program; gives the code. */
const publish = async (send: Sender, campaign: string, customer: DemoCustomer): Promise<string> => {
  const { voucher } = (await send('POST', '/v1/publications?join_once=true', { campaign, customer })) as {
    readonly voucher: Made
  }
  return voucher.code ?? ''
}

interface Defined {
  readonly club: string
  readonly friends: string
  readonly spring: string
}

/** What the shop has defined. */
const define = async (send: Sender): Promise<Defined> => {
  const make = async (path: string, body: unknown): Promise<string> => made(await send('POST', path, body)).id
  const named = async (path: string, all: readonly { readonly name: string }[]): Promise<Record<string, string>> =>
    Object.fromEntries(await each(all, async (one) => [one.name, await make(path, one)]))

  await named('/v1/event-schemas', SCHEMAS)
  const [segments, rules, club] = await Promise.all([
    named('/v1/segments', SEGMENTS),
    named('/v1/validation-rules', [...EVENT_RULES, ORDER_RULE]),
    make('/v1/loyalties', LOYALTY),
  ])
  await send('POST', `/v1/loyalties/${club}/tiers`, TIERS)
  await send('POST', `/v1/loyalties/${club}/earning-rules`, EARNING_RULES)
  await each(REWARDS, async ({ points, ...reward }) => {
    const id = await make('/v1/rewards', { ...reward, type: 'MATERIAL' })
    await send('POST', `/v1/rewards/${id}/assignments`, { campaign: club, parameters: { loyalty: { points } } })
  })
  const [friends, spring] = await Promise.all([
    make('/v1/campaigns', referral(club)),
    make('/v1/campaigns', SPRING),
    make('/v1/campaigns', GIFTS),
    make('/v1/campaigns', PROMOTION),
  ])
  await send('POST', `/v1/validation-rules/${rules[ORDER_RULE.name]}/assignments`, {
    related_object_type: 'campaign',
    related_object_id: spring,
  })
  await each(distributions(segments, rules), (one) => send('POST', '/v1/distributions', one))
  return { club, friends, spring }
}

interface Redeeming {
  readonly spring: string
  readonly club: string
  readonly members: readonly DemoCustomer[]
}

/** Some codes are used, some refused by their rule; some points are spent. */
const redeemSome = async (send: Sender, { spring, club, members }: Redeeming): Promise<void> => {
  const orNot = (asked: Promise<unknown>): Promise<unknown> => asked.catch(() => undefined)
  await each(members.slice(0, 60), async (customer, index) => {
    const code = await publish(send, spring, customer)
    const order = { amount: index % 5 === 0 ? 1_500 : 2_000 + index * 130 }
    const redeemables = [{ object: 'voucher', id: code }]
    await orNot(send('POST', '/v1/redemptions', { redeemables, order, customer: { source_id: customer.source_id } }))
  })
  const offers = (await send('GET', `/v1/loyalties/${club}/rewards`)) as {
    readonly data: readonly { readonly reward_id: string }[]
  }
  await each(members.slice(0, 80), async (customer, index) => {
    const reward = offers.data[index % offers.data.length]
    const card = await publish(send, club, customer)
    if (reward !== undefined)
      await orNot(send('POST', `/v1/loyalties/members/${card}/redemption`, { reward: { id: reward.reward_id } }))
  })
}

/** A sender with a mistake, as there always is one: what it sends is kept until it is mended. */
const sendWrong = async (send: Sender, source_id: string): Promise<void> => {
  const wrong = [
    { event: 'review_left', metadata: { stars: 'five' } },
    { event: 'order_paid', metadata: { amount: '49.90', category: 'bags', items: 1 } },
    { event: 'parcel_returned', metadata: { reason: 'too small' } },
  ]
  for (const event of wrong)
    await send('POST', '/v1/events', { ...event, customer: { source_id } }).catch(() => undefined)
}
