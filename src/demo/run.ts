// Fills an empty project with a shop's year, by the public API alone: the same from the command line and from the console.
import {
  distributions,
  EARNING_RULES,
  EVENT_RULES,
  GIFTS,
  LOYALTY,
  REWARDS,
  referral,
  SCHEMAS,
  SEGMENTS,
  SPRING,
  TIERS,
} from './shop.ts'
import { type DemoEvent, yearOf } from './year.ts'

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
/** Batches on their way at once. */
const AT_ONCE = 3

interface Made {
  readonly id: string
  readonly code?: string
  readonly name?: string
}
const made = (answer: unknown): Made => answer as Made

/**
 * Batches whose order among each other does not matter: events of one customer are all in one lane, in the order in which they
 * happened.
 */
const lanes = (events: readonly DemoEvent[]): readonly (readonly DemoEvent[])[] => {
  const found: DemoEvent[][] = Array.from({ length: AT_ONCE }, () => [])
  const laneOf = (id: string): number => Number(id.slice(-3)) % AT_ONCE
  for (const event of events) found[laneOf(event.customer.source_id)]!.push(event)
  return found
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
  const total = year.customers.length + year.events.length
  let done = 0
  const progress = (n: number, what: string): void => {
    done += n
    onProgress?.(done, total, what)
  }

  progress(0, 'definitions')
  for (const schema of SCHEMAS) await send('POST', '/v1/event-schemas', schema)
  const segments: Record<string, string> = {}
  for (const segment of SEGMENTS) segments[segment.name] = made(await send('POST', '/v1/segments', segment)).id
  const club = made(await send('POST', '/v1/loyalties', LOYALTY)).id
  await send('POST', `/v1/loyalties/${club}/tiers`, TIERS)
  await send('POST', `/v1/loyalties/${club}/earning-rules`, EARNING_RULES)
  for (const { points, ...reward } of REWARDS) {
    const { id } = made(await send('POST', '/v1/rewards', { ...reward, type: 'MATERIAL' }))
    await send('POST', `/v1/rewards/${id}/assignments`, { campaign: club, parameters: { loyalty: { points } } })
  }
  const friends = made(await send('POST', '/v1/campaigns', referral(club))).id
  const spring = made(await send('POST', '/v1/campaigns', SPRING)).id
  await send('POST', '/v1/campaigns', GIFTS)
  const rule = made(
    await send('POST', '/v1/validation-rules', {
      name: 'Orders of 20 and more',
      type: 'expression',
      rules: { 1: { name: 'order.amount', conditions: { $more_than_equal: [2_000] } }, logic: '1' },
      error: { message: 'This code is for orders of 20 and more.' },
    }),
  ).id
  await send('POST', `/v1/validation-rules/${rule}/assignments`, {
    related_object_type: 'campaign',
    related_object_id: spring,
  })
  const rules: Record<string, string> = {}
  for (const one of EVENT_RULES) rules[one.name] = made(await send('POST', '/v1/validation-rules', one)).id
  for (const distribution of distributions(segments, rules)) await send('POST', '/v1/distributions', distribution)

  // Members and codes first, so that what is bought earns, and friends are brought.
  const inTurns = async <T>(list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> => {
    const queue = [...list]
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
      }),
    )
  }
  await inTurns(year.customers, async (customer) => {
    await send('POST', '/v1/customers', customer)
    progress(1, 'customers')
  })
  const members = year.customers.filter((_, index) => index % 3 !== 2)
  const cards = new Map<string, string>()
  await inTurns(members, async ({ source_id }) => {
    const card = made(await send('POST', `/v1/loyalties/${club}/members`, { customer: { source_id } }))
    cards.set(source_id, card.code ?? card.id)
  })
  const referrers = year.customers.filter((_, index) => index % 40 === 0)
  const codes = new Map<string, string>()
  await inTurns(referrers, async ({ source_id }) => {
    const published = (await send('POST', '/v1/publications', { campaign: friends, customer: { source_id } })) as {
      readonly voucher: Made
    }
    codes.set(source_id, published.voucher.code ?? '')
  })

  // Every twentieth customer comes by a friend's code, with the first order.
  const referred = new Set<string>()
  const withCodes = year.events.map((event) => {
    const { source_id } = event.customer
    const index = Number(source_id.slice(-5)) - 1
    if (event.event !== 'order_paid' || index % 20 !== 7 || referred.has(source_id)) return event
    referred.add(source_id)
    const code = codes.get(referrers[index % referrers.length]?.source_id ?? '')
    return code === undefined ? event : { ...event, referral: { code } }
  })
  await Promise.all(
    lanes(withCodes).map(async (lane) => {
      for (let from = 0; from < lane.length; from += BATCH) {
        const batch = lane.slice(from, from + BATCH)
        await send('POST', '/v1/events/batch', { events: batch })
        progress(batch.length, 'events')
      }
    }),
  )

  await redeemSome(send, { spring, members: members.map(({ source_id }) => source_id), cards, club })
  await sendWrong(send, year.customers[0]?.source_id ?? 'shop-00001')
  progress(0, 'done')
}

interface Redeeming {
  readonly spring: string
  readonly club: string
  readonly members: readonly string[]
  readonly cards: ReadonlyMap<string, string>
}

/** Some codes are used, some refused by their rule; some points are spent. */
const redeemSome = async (send: Sender, { spring, club, members, cards }: Redeeming): Promise<void> => {
  const orNot = (asked: Promise<unknown>): Promise<unknown> => asked.catch(() => undefined)
  for (const [index, source_id] of members.slice(0, 60).entries()) {
    const published = (await send('POST', '/v1/publications', { campaign: spring, customer: { source_id } })) as {
      readonly voucher: Made
    }
    const order = { amount: index % 5 === 0 ? 1_500 : 2_000 + index * 130 }
    const redeemables = [{ object: 'voucher', id: published.voucher.code }]
    await orNot(send('POST', '/v1/redemptions', { redeemables, order, customer: { source_id } }))
  }
  const offers = (await send('GET', `/v1/loyalties/${club}/rewards`)) as {
    readonly data: readonly { readonly reward_id: string }[]
  }
  for (const [index, source_id] of members.slice(0, 80).entries()) {
    const card = cards.get(source_id)
    const reward = offers.data[index % offers.data.length]
    if (card !== undefined && reward !== undefined)
      await orNot(send('POST', `/v1/loyalties/members/${card}/redemption`, { reward: { id: reward.reward_id } }))
  }
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
