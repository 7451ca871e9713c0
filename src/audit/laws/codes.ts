// Law: what a code gives is within what it has: how often, and how much.
import { definedOf } from './definitions.ts'
import { type Law, type LawRecord, law } from './law.ts'
import { type Data, dataAt, numberAt, textAt } from './read.ts'

/** How often and, for gift cards, how much, minor units; null or undefined: no bound. */
interface Bounds {
  readonly quantity: number | undefined
  readonly credits: number | undefined
}

interface Known {
  readonly spec: Data
  readonly campaign: string | undefined
  readonly times: number
  readonly credits: number
  /** Credits added by hand, less those taken away. */
  readonly added: number
  /** The bounds that a redemption took its place under, while it is not known yet what comes of it. */
  readonly open: ReadonlyMap<string, Bounds>
}

const NEW: Known = { spec: {}, campaign: undefined, times: 0, credits: 0, added: 0, open: new Map() }

const boundsOf = ({ spec, campaign }: Known, { definitions }: LawRecord): Bounds => {
  const base =
    campaign === undefined ? {} : dataAt(definedOf(definitions, 'Campaign', campaign)?.definition ?? {}, 'voucher')
  const own = dataAt(spec, 'redemption')
  return {
    quantity: 'quantity' in own ? numberAt(own, 'quantity') : numberAt(base, 'redemption', 'quantity'),
    credits: numberAt(spec, 'gift', 'amount') ?? numberAt(base, 'gift', 'amount'),
  }
}

/** The wider of two bounds: between the place and the redemption either may have been in force. */
const wider = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.max(a, b)

const without = (open: Known['open'], redemption: string): Known['open'] => {
  const rest = new Map(open)
  rest.delete(redemption)
  return rest
}

const codeOf = ({ type, stream, data }: LawRecord): string | undefined => {
  if (type === 'RedemptionSucceeded' || type === 'RedemptionRolledBack') return textAt(data, 'voucher', 'code')
  if (!stream.startsWith('code-')) return undefined
  return /^(?:RedemptionReserved|RedemptionReleased|CodeReserved|VoucherChanged|GiftCreditsChanged)$/.test(type)
    ? stream
    : undefined
}

const one: Law<Known> = {
  name: 'codes-keep-their-limits',
  says: 'Redemptions of a code, less those rolled back, are within its quantity, and the credits taken within its amount.',
  /** By its stream, which facts outside of it name among the ledgers. */
  subjects: (record) => {
    const code = codeOf(record)
    if (code === undefined) return []
    if (code === record.stream) return [code]
    const ledgers = record.data.ledgers
    const own = Array.isArray(ledgers)
      ? ledgers.find((one) => typeof one === 'string' && one.startsWith('code-'))
      : undefined
    return typeof own === 'string' ? [own] : []
  },
  evolve: (known = NEW, record, subject, report) => {
    const { type, data } = record
    const redemption = textAt(data, 'redemption') ?? ''
    switch (type) {
      case 'CodeReserved':
        return { ...known, spec: dataAt(data, 'spec'), campaign: textAt(data, 'owner', 'campaign') }
      case 'VoucherChanged':
        return { ...known, spec: dataAt(data, 'spec') }
      case 'GiftCreditsChanged': {
        const balance = numberAt(data, 'balance')
        if (balance !== undefined && balance < 0) report({ details: `${subject}: the balance is ${balance}` })
        return { ...known, added: known.added + (numberAt(data, 'amount') ?? 0) }
      }
      case 'RedemptionReserved':
        return { ...known, open: new Map([...known.open, [redemption, boundsOf(known, record)]]) }
      case 'RedemptionReleased':
        return { ...known, open: without(known.open, redemption) }
      case 'RedemptionRolledBack':
        return { ...known, times: known.times - 1, credits: known.credits - (numberAt(data, 'credits') ?? 0) }
      default: {
        const now = boundsOf(known, record)
        const then = known.open.get(redemption) ?? now
        const times = known.times + 1
        const credits = known.credits + (numberAt(data, 'credits') ?? 0)
        const quantity = wider(now.quantity, then.quantity)
        const amount = wider(now.credits, then.credits)
        if (quantity !== undefined && times > quantity)
          report({ details: `${subject} is redeemed ${times} times, and may be ${quantity} times`, streams: [subject] })
        if (amount !== undefined && numberAt(data, 'credits') !== undefined && credits > amount + known.added)
          report({ details: `${subject} has given ${credits} of ${amount + known.added} credits`, streams: [subject] })
        return { ...known, times, credits, open: without(known.open, redemption) }
      }
    }
  },
}

export const codeLimits = law(one)
