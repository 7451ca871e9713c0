// Records that are no events: customers, codes of a campaign, cards of a program. Each goes by requests of its own.
import * as v from 'valibot'
import { customerOf, mappingOfCodes, mappingOfCustomers } from './aloneMapping.ts'
import type { Answer, Client } from './client.ts'
import type { MappingFile } from './mappingFile.ts'
import type { EventBody } from './mapRecord.ts'

/** What became of one record: known before, made now, or refused with the API's error body. */
export type Outcome =
  | { readonly status: 'recorded' | 'repeated'; readonly unclear: boolean }
  | { readonly status: 'refused'; readonly answer: Answer }

export interface Alone {
  /** For people: "as customers". */
  readonly what: string
  mapping(file: MappingFile, columns: readonly string[] | undefined): MappingFile
  /** The request, as it is sent and counted. */
  bodyOf(mapped: EventBody): object
  /** Sends one under a name, by which a repeat is known. */
  send(client: Client, body: string, name: string): Promise<Outcome>
}

const outcomeOf = (answer: Answer): Outcome =>
  answer.status === 200
    ? { status: answer.isReplay ? 'repeated' : 'recorded', unclear: answer.unclear }
    : { status: 'refused', answer }

/** A repeat changes nothing, whatever was said of the customer since. */
export const customers: Alone = {
  what: 'customers',
  mapping: mappingOfCustomers,
  bodyOf: customerOf,
  send: async (client, body, name) => outcomeOf(await client.send('POST', '/v1/customers', body, name)),
}

const Row = v.object({
  code: v.string(),
  customer: v.optional(v.string()),
  active: v.optional(v.boolean()),
  quantity: v.optional(v.number()),
  amount: v.optional(v.number()),
  points: v.optional(v.number()),
  start_date: v.optional(v.string()),
  expiration_date: v.optional(v.string()),
  category: v.optional(v.string()),
  additional_info: v.optional(v.string()),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
})

/** The columns that say something of a code, and those of its metadata. */
const rowOf = ({ customer: { source_id: code }, metadata }: EventBody): object => {
  const named = Object.entries(metadata).filter(([name]) => Object.hasOwn(Row.entries, name))
  const { metadata: own, ...said } = Object.fromEntries(named)
  const rest = Object.fromEntries(Object.entries(metadata).filter(([name]) => !Object.hasOwn(Row.entries, name)))
  return { ...said, code, metadata: { ...rest, ...(typeof own === 'object' ? own : {}) } }
}

const whole = async (first: Outcome, further: () => Promise<Answer>): Promise<Outcome> => {
  if (first.status === 'refused') return first
  const answer = await further()
  return answer.status === 200 ? first : { status: 'refused', answer }
}

/** Codes for a campaign; with a customer the code is published to. */
export const vouchersOf = (campaign: string): Alone => ({
  what: `codes of ${campaign}`,
  mapping: mappingOfCodes,
  bodyOf: rowOf,
  async send(client, body, name) {
    const { code, customer, quantity, amount, points: _, ...said } = v.parse(Row, JSON.parse(body))
    const voucher = {
      ...said,
      ...(quantity === undefined ? {} : { redemption: { quantity } }),
      ...(amount === undefined ? {} : { gift: { amount } }),
    }
    const path = `/v1/campaigns/${encodeURIComponent(campaign)}/vouchers/${encodeURIComponent(code)}`
    const made = outcomeOf(await client.send('POST', path, JSON.stringify(voucher), name))
    if (customer === undefined) return made
    const publication = JSON.stringify({ voucher: code, customer: { source_id: customer } })
    return whole(made, () => client.send('POST', '/v1/publications', publication, `${name}:customer`))
  },
})

/** What is refused here, and by no answer of the server. */
const refusedHere = (code: 400 | 409, message: string): Outcome => ({
  status: 'refused',
  answer: { status: code, body: { code, key: 'invalid_payload', message }, unclear: false, isReplay: false },
})

const Card = v.object({ code: v.string(), loyalty_card: v.object({ balance: v.number() }) })

/** Cards for a program: `points` is what is on one in the end. */
export const cardsOf = (program: string): Alone => ({
  what: `cards of ${program}`,
  mapping: mappingOfCodes,
  bodyOf: rowOf,
  async send(client, body, name) {
    const { code, customer, points, expiration_date: until, metadata } = v.parse(Row, JSON.parse(body))
    if (customer === undefined) return refusedHere(400, 'customer: a card must have one')
    if (points !== undefined && points < 0) return refusedHere(400, 'points: must not be below 0')
    const member = JSON.stringify({ customer: { source_id: customer }, voucher: code, metadata })
    const answer = await client.send('POST', `/v1/loyalties/${encodeURIComponent(program)}/members`, member, name)
    const issued = outcomeOf(answer)
    const card = v.safeParse(Card, answer.body)
    const missing = points === undefined || !card.success ? 0 : points - card.output.loyalty_card.balance
    if (issued.status === 'refused') return issued
    if (card.success && card.output.code !== code)
      return refusedHere(409, `customer: ${customer} has a card of the program already, ${card.output.code}`)
    if (missing === 0) return issued
    const change = JSON.stringify({
      points: missing,
      source_id: 'import',
      reason: 'import',
      ...(until === undefined || missing < 0 ? {} : { expiration_type: 'CUSTOM_DATE', expiration_date: until }),
    })
    const path = `/v1/loyalties/members/${encodeURIComponent(code)}/balance`
    return whole(issued, () => client.send('POST', path, change, `${name}:points`))
  },
})
