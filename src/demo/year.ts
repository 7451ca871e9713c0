// A shop's year as events: customers who come in cohorts, buy more before Christmas, and mostly lose interest. Pure: all chance
// comes from a seed.
import { type Chance, chanceFrom } from './chance.ts'

export interface DemoCustomer {
  readonly source_id: string
  readonly name: string
  readonly email: string
  readonly phone: string
  readonly address: { readonly city: string; readonly country: string }
  readonly metadata: { readonly channel: string; readonly newsletter: boolean }
}

export interface DemoEvent {
  readonly event: string
  readonly id: string
  readonly customer: { readonly source_id: string }
  readonly metadata: Readonly<Record<string, unknown>>
  readonly occurred_at: string
}

export interface DemoYear {
  readonly customers: readonly DemoCustomer[]
  /** In the order in which they happened. */
  readonly events: readonly DemoEvent[]
}

const FIRST =
  'Ada Amir Anna Ben Björk Chiara Chen Daniel Elif Emma Eva Farid Finn Greta Hana Hugo Ines Ivan Jana Jonas Kaito Karol Lea Liam Lina Luca Maja Marek Mia Milan Nadia Nina Noah Olga Omar Ola Paul Piotr Priya Rosa Sam Sara Sofia Tomasz Uma Viktor Wei Yara Zoe Zofia'.split(
    ' ',
  )
const LAST =
  'Andersen Bauer Bianchi Brown Costa Dubois Eriksen Fischer García Haddad Ivanova Jensen Kaya Kowalska Kumar Lehmann Lindqvist Martin Mazur Moreau Müller Nguyen Novák O’Brien Okafor Papadopoulos Patel Petrov Rossi Sato Schneider Silva Smith Tanaka Taylor van-der-Berg Virtanen Wiśniewski Yılmaz Zieliński'.split(
    ' ',
  )
const CITIES = [
  ['Berlin', 'DE'],
  ['Warsaw', 'PL'],
  ['London', 'GB'],
  ['Lisbon', 'PT'],
  ['Copenhagen', 'DK'],
  ['Milan', 'IT'],
  ['Kraków', 'PL'],
  ['Lyon', 'FR'],
] as const
const CATEGORIES = ['shoes', 'jackets', 'bags', 'outdoor', 'children', 'home'] as const
const WORDS = ['Fits well', 'Too small', 'Fast delivery', 'Lovely colour', 'As described', 'Would buy again'] as const

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** How busy the shop is on a day, around 1: Christmas, summer sales, weekends. */
const season = (at: number): number => {
  const date = new Date(at)
  const month = date.getUTCMonth()
  const weekend = date.getUTCDay() % 6 === 0 ? 1.35 : 1
  const byMonth = [0.8, 0.75, 0.9, 0.95, 1, 1.15, 1.2, 0.85, 0.95, 1.05, 1.7, 1.9][month] ?? 1
  return byMonth * weekend
}

const customerOf = (index: number, chance: Chance): DemoCustomer => {
  const [first, last] = [chance.pick(FIRST), chance.pick(LAST)]
  const [city, country] = chance.pick(CITIES)
  return {
    source_id: `shop-${String(index + 1).padStart(5, '0')}`,
    name: `${first} ${last}`,
    email: `customer${index + 1}@shop.test`,
    phone: `+49000${String(1_000_000 + index)}`,
    address: { city, country },
    metadata: {
      channel: chance.pick(['search', 'friends', 'newsletter', 'shop window']),
      newsletter: chance.happens(0.6),
    },
  }
}

interface Visit {
  readonly customer: number
  readonly at: number
}

/** What somebody does on a visit, in order. */
const eventsOf = (visit: Visit, source_id: string, chance: Chance): readonly Omit<DemoEvent, 'id'>[] => {
  let at = visit.at
  const say = (event: string, metadata: Readonly<Record<string, unknown>>) => {
    at += 20_000 + chance.below(240_000)
    return { event, customer: { source_id }, metadata, occurred_at: new Date(at).toISOString() }
  }
  const category = chance.pick(CATEGORIES)
  const said = [say('shop_visited', { device: chance.pick(['phone', 'phone', 'computer']) })]
  for (let i = chance.below(3); i >= 0; i--)
    said.push(say('product_viewed', { category, price: 900 + chance.below(140) * 100 }))
  if (chance.happens(0.42)) said.push(say('cart_filled', { items: 1 + chance.below(4) }))
  if (chance.happens(0.3)) {
    const amount = 1_500 + chance.below(180) * 100
    said.push(say('order_paid', { amount, category, items: 1 + chance.below(4), express: chance.happens(0.2) }))
    if (chance.happens(0.3)) {
      at += DAY_MS * (1 + chance.below(6))
      said.push(say('review_left', { stars: 1 + Math.min(4, chance.below(7)), text: chance.pick(WORDS) }))
    }
  }
  if (chance.happens(0.08)) said.push(say('newsletter_opened', { issue: `issue-${1 + chance.below(52)}` }))
  return said
}

/** `events` in all, of `customers`, over the year before `now` (Unix milliseconds). */
export const yearOf = (
  sizes: { readonly customers: number; readonly events: number },
  now: number,
  seed = 7,
): DemoYear => {
  const chance = chanceFrom(seed)
  const begin = now - 365 * DAY_MS
  const customers = Array.from({ length: sizes.customers }, (_, index) => customerOf(index, chance))
  /** When each came first: a steady stream, more of them in busy months. */
  const joined = customers.map(() => {
    let at = begin
    do at = begin + chance.next() * (now - begin - DAY_MS)
    while (!chance.happens(season(at) / 2.6))
    return at
  })
  /** How much each is taken with the shop: a few come all the time, most seldom. */
  const interest = customers.map(() => 0.15 + chance.next() ** 3 * 4)
  const all: Omit<DemoEvent, 'id'>[] = []
  const visit = (customer: number, at: number): void => {
    const started = Math.min(now - HOUR_MS, at)
    for (const one of eventsOf({ customer, at: started }, customers[customer]!.source_id, chance))
      if (all.length < sizes.events && Date.parse(one.occurred_at) < now) all.push(one)
  }
  for (const index of customers.keys()) visit(index, joined[index]!)
  while (all.length < sizes.events) {
    const index = chance.below(customers.length)
    const since = joined[index]!
    const age = chance.next() ** 1.4 * (now - since)
    const at = since + age
    const fades = Math.exp(-age / DAY_MS / 160)
    if (chance.happens(Math.min(1, (interest[index]! * fades * season(at)) / 4))) visit(index, at)
  }
  const events = all
    .sort((a, b) => a.occurred_at.localeCompare(b.occurred_at))
    .map((one, index) => ({ ...one, id: `demo-${index + 1}` }))
  return { customers, events }
}
