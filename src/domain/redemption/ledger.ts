// The ledger of a limit: which redemptions a code, or a campaign over all its codes, has taken in, in the order in which they
// were reserved. A reservation takes its place in a queue; whether it is within the limits is asked of those before it only, so
// that of many at once exactly as many get through as the limit allows, whoever of them fails for another reason.
import * as v from 'valibot'
import type { Calendar } from '../calendar.ts'
import {
  type Counts,
  counted,
  countWithin,
  daysWithin,
  NO_COUNTS,
  PERIODS,
  type PeriodSuffix,
} from '../customer/redemptions/counts.ts'
import { Share } from '../customer/redemptions/share.ts'
import { type Refused, refuse, refuseSourceId } from '../refusal.ts'

const At = v.pipe(v.number(), v.integer())
const Amount = v.pipe(v.number(), v.integer(), v.minValue(0))

export const ledgerFacts = {
  /** A redemption took its place. Whether it comes about is said by the stream `commit`. */
  RedemptionReserved: {
    version: 1,
    schema: v.object({
      redemption: v.string(),
      /** The request it belongs to, which is decided as a whole. */
      request: v.string(),
      /** The stream that says what became of the request. */
      commit: v.string(),
      share: Share,
      /** The session whose lock it uses up. */
      session: v.optional(v.string()),
      /** The customer, for who reads the log. */
      customer: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** They came about. */
  RedemptionConfirmed: {
    version: 1,
    schema: v.object({ redemption: v.string(), share: Share, occurredAt: At }),
  },
  /** It did not come about, or was rolled back: its place is free again. */
  RedemptionReleased: {
    version: 1,
    schema: v.object({
      redemption: v.string(),
      reason: v.picklist(['refused', 'abandoned', 'rolled_back']),
      share: Share,
      occurredAt: At,
    }),
  },
  /** A validation keeps one redemption for a session, until a time. */
  SessionLocked: {
    version: 1,
    schema: v.object({ session: v.string(), expiresAt: At, credits: Amount, occurredAt: At }),
  },
  SessionReleased: { version: 1, schema: v.object({ session: v.string(), occurredAt: At }) },
  /** Gift credits were added or (negative) taken away by hand. */
  GiftCreditsChanged: {
    version: 1,
    schema: v.object({
      code: v.string(),
      voucher: v.string(),
      campaign: v.optional(v.object({ id: v.string(), name: v.string() })),
      /** The holder, in whose activity it shows. */
      customer: v.optional(v.string()),
      transaction: v.string(),
      amount: v.pipe(v.number(), v.integer()),
      balance: Amount,
      sourceId: v.optional(v.string()),
      reason: v.optional(v.string()),
      source: v.optional(v.string()),
      occurredAt: At,
    }),
  },
} as const

type Registry = typeof ledgerFacts
export type LedgerFactType = keyof Registry
export type LedgerFactData<T extends LedgerFactType> = v.InferOutput<Registry[T]['schema']>
export type LedgerFact = {
  [T in LedgerFactType]: { readonly type: T; readonly data: LedgerFactData<T> }
}[LedgerFactType]

export const isLedgerFact = (fact: { readonly type: string; readonly data: unknown }): fact is LedgerFact =>
  Object.hasOwn(ledgerFacts, fact.type)

/** A reservation whose redemption is undecided as yet. */
export type Open = LedgerFactData<'RedemptionReserved'>

interface Lock {
  readonly expiresAt: number
  readonly credits: number
}

export interface Ledger {
  /** By redemption, in the order of their places. */
  readonly open: ReadonlyMap<string, Open>
  /** Sums over what came about. */
  readonly confirmed: Counts & { readonly credits: number; readonly amount: number; readonly discounted: number }
  readonly byKey: Readonly<Record<string, number>>
  readonly locks: Readonly<Record<string, Lock>>
  /** Gift credits added by hand, less those taken away. */
  readonly added: number
  /** What was added or taken away by hand, by transaction. */
  readonly additions: Readonly<Record<string, LedgerFactData<'GiftCreditsChanged'>>>
  /** The newest redemptions that came about: one that is reserved again by a late repeat is not taken in twice. */
  readonly recent: readonly string[]
  /** Redemptions that were rolled back. */
  readonly undone: ReadonlySet<string>
}

export const NO_LEDGER: Ledger = {
  open: new Map(),
  confirmed: { ...NO_COUNTS, credits: 0, amount: 0, discounted: 0 },
  byKey: {},
  locks: {},
  added: 0,
  additions: {},
  recent: [],
  undone: new Set(),
}

const MAX_RECENT = 512

const without = <T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> => {
  if (!map.has(key)) return map
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

const unlocked = (locks: Ledger['locks'], session: string): Ledger['locks'] => {
  if (!Object.hasOwn(locks, session)) return locks
  const { [session]: _, ...rest } = locks
  return rest
}

/** The sums after one share more or (`by` -1) fewer. */
const summed = (ledger: Ledger, share: Share, by: 1 | -1): Pick<Ledger, 'confirmed' | 'byKey'> => ({
  confirmed: {
    ...counted(ledger.confirmed, share.day, by),
    credits: ledger.confirmed.credits + by * share.credits,
    amount: ledger.confirmed.amount + by * share.amount,
    discounted: ledger.confirmed.discounted + by * share.discounted,
  },
  byKey: { ...ledger.byKey, [share.apiKey]: (ledger.byKey[share.apiKey] ?? 0) + by },
})

export const evolveLedger = (ledger: Ledger, fact: LedgerFact): Ledger => {
  switch (fact.type) {
    case 'RedemptionReserved':
      return { ...ledger, open: new Map([...ledger.open, [fact.data.redemption, fact.data]]) }
    case 'RedemptionConfirmed': {
      const { redemption, share } = fact.data
      const session = ledger.open.get(redemption)?.session
      return {
        ...ledger,
        ...summed(ledger, share, 1),
        open: without(ledger.open, redemption),
        locks: session === undefined ? ledger.locks : unlocked(ledger.locks, session),
        recent: [...ledger.recent.slice(1 - MAX_RECENT), redemption],
      }
    }
    case 'RedemptionReleased': {
      const { redemption, reason, share } = fact.data
      return reason === 'rolled_back'
        ? { ...ledger, ...summed(ledger, share, -1), undone: new Set([...ledger.undone, redemption]) }
        : { ...ledger, open: without(ledger.open, redemption) }
    }
    case 'SessionLocked': {
      const { session, expiresAt, credits } = fact.data
      return { ...ledger, locks: { ...ledger.locks, [session]: { expiresAt, credits } } }
    }
    case 'SessionReleased':
      return { ...ledger, locks: unlocked(ledger.locks, fact.data.session) }
    case 'GiftCreditsChanged': {
      const { amount, transaction } = fact.data
      return {
        ...ledger,
        added: ledger.added + amount,
        additions: { ...ledger.additions, [transaction]: fact.data },
      }
    }
    default:
      return fact satisfies never
  }
}

/** From where a ledger is looked at. */
export interface View {
  readonly now: number
  readonly calendar: Calendar
  readonly apiKey: string
  /** The session that asks: its own lock does not stand in its way. */
  readonly session?: string
  /**
   * The redemption that asks, when it has its place: those after it do not count. Without a place it would come last; then
   * `hopeful` leaves out all whose redemption is undecided as yet.
   */
  readonly redemption?: string
  readonly hopeful?: boolean
  /** What it takes itself; nothing of this is counted but the redemption as such when it is absent. */
  readonly share?: Share
}

/** The open reservations that count for a view. */
const before = ({ open }: Ledger, { redemption, hopeful }: View): readonly Open[] => {
  if (hopeful) return []
  const found: Open[] = []
  for (const one of open.values()) {
    if (one.redemption === redemption) break
    found.push(one)
  }
  return found
}

/** Locks of other sessions that have not ended and that no open reservation has taken up. */
const foreignLocks = ({ locks, open }: Ledger, { now, session }: View): readonly Lock[] => {
  const names = Object.keys(locks)
  if (names.length === 0) return []
  const taken = new Set([...open.values()].map((one) => one.session))
  return names.flatMap((name) => {
    const lock = locks[name]!
    return name !== session && lock.expiresAt > now && !taken.has(name) ? [lock] : []
  })
}

/** The reservations before this one that are undecided as yet. */
export const waitsFor = (ledger: Ledger, view: View): readonly Open[] => before(ledger, view)

/** How many redemptions there are with the one that asks. */
export const redemptionsWith = (ledger: Ledger, view: View, suffix: PeriodSuffix = ''): number => {
  const open = before(ledger, view)
  const within = daysWithin(view.calendar, suffix, view.now)
  return (
    1 +
    countWithin(ledger.confirmed, view.calendar, suffix, view.now) +
    open.filter(({ share }) => within(share.day)).length +
    foreignLocks(ledger, view).length
  )
}

/** The gift credits that the one who asks may take, minor units; `initial` is what the voucher began with. */
export const creditsLeft = (ledger: Ledger, initial: number, view: View): number => {
  const taken = before(ledger, view).reduce((sum, { share }) => sum + share.credits, 0)
  const locked = foreignLocks(ledger, view).reduce((sum, { credits }) => sum + credits, 0)
  return Math.max(0, initial + ledger.added - ledger.confirmed.credits - taken - locked)
}

const SUFFIXES: readonly PeriodSuffix[] = ['', ...(Object.keys(PERIODS) as (keyof typeof PERIODS)[])]

/** The budgets that a code's ledger answers for, by the names of rules; the redemption that asks is counted in. */
export const codeMeasures = (ledger: Ledger, view: View): Readonly<Record<string, number>> => ({
  ...Object.fromEntries(SUFFIXES.map((suffix) => [`redemption.count${suffix}`, redemptionsWith(ledger, view, suffix)])),
  'redemption.count.per_api_key':
    1 +
    (ledger.byKey[view.apiKey] ?? 0) +
    before(ledger, view).filter(({ share }) => share.apiKey === view.apiKey).length,
})

/** The budgets that a campaign's ledger answers for. */
export const campaignMeasures = (ledger: Ledger, view: View): Readonly<Record<string, number>> => {
  const open = before(ledger, view)
  const total = (of: (share: Share) => number): number =>
    open.reduce((sum, { share }) => sum + of(share), view.share ? of(view.share) : 0)
  return {
    ...Object.fromEntries(
      SUFFIXES.map((suffix) => [`campaign.redemptions.count${suffix}`, redemptionsWith(ledger, view, suffix)]),
    ),
    'campaign.orders.amount': ledger.confirmed.amount + total((share) => share.amount),
    'campaign.orders.amount_discounted': ledger.confirmed.discounted + total((share) => share.discounted),
  }
}

/** What bounds a ledger beside rules. */
export interface Bounds {
  /** How many redemptions in all; null for no bound. */
  readonly quantity: number | null
  /** The gift credits that the voucher began with; absent where it has none. */
  readonly credits?: number
}

export const NO_BOUNDS: Bounds = { quantity: null }

export type LedgerCommand =
  | { readonly type: 'Reserve'; readonly reservation: Omit<Open, 'occurredAt'> }
  | { readonly type: 'Confirm'; readonly redemption: string; readonly share: Share }
  | { readonly type: 'Release'; readonly redemption: string; readonly reason: 'refused' | 'abandoned' }
  | { readonly type: 'Return'; readonly redemption: string; readonly share: Share }
  | { readonly type: 'Lock'; readonly session: string; readonly expiresAt: number; readonly credits: number }
  | { readonly type: 'Unlock'; readonly session: string }
  | {
      readonly type: 'ChangeCredits'
      readonly change: Omit<LedgerFactData<'GiftCreditsChanged'>, 'balance' | 'occurredAt'>
    }

/** Why a view is beyond the bounds; undefined when it is not. */
const boundsFault = (
  ledger: Ledger,
  { quantity, credits: initial }: Bounds,
  view: View,
  credits: number,
): Refused | undefined => {
  if (quantity !== null && redemptionsWith(ledger, view) > quantity)
    return refuse('quantity_exceeded', `The code was redeemed as often as it may be (${quantity})`)
  const left = initial === undefined ? undefined : creditsLeft(ledger, initial, view)
  return left !== undefined && credits > left
    ? refuse('gift_amount_exceeded', `${credits} credits were asked for, and ${left} are left`)
    : undefined
}

/**
 * What a command does to a ledger: facts, none because it holds already, or a refusal. Reserving is refused only when it is
 * certain that there is no place, whatever becomes of the open ones.
 */
export const decideLedger = (
  ledger: Ledger,
  command: LedgerCommand,
  bounds: Bounds,
  { now, calendar }: { readonly now: number; readonly calendar: Calendar },
): readonly LedgerFact[] | Refused => {
  switch (command.type) {
    case 'Reserve': {
      const { redemption, share, session } = command.reservation
      if (ledger.open.has(redemption) || ledger.recent.includes(redemption)) return []
      const view: View = { now, calendar, apiKey: share.apiKey, hopeful: true, session }
      return (
        boundsFault(ledger, bounds, view, share.credits) ?? [
          { type: 'RedemptionReserved', data: { ...command.reservation, occurredAt: now } },
        ]
      )
    }
    case 'Confirm':
      return ledger.open.has(command.redemption)
        ? [
            {
              type: 'RedemptionConfirmed',
              data: { redemption: command.redemption, share: command.share, occurredAt: now },
            },
          ]
        : []
    case 'Release': {
      const open = ledger.open.get(command.redemption)
      const { redemption, reason } = command
      return open
        ? [{ type: 'RedemptionReleased', data: { redemption, reason, share: open.share, occurredAt: now } }]
        : []
    }
    case 'Return':
      return ledger.undone.has(command.redemption)
        ? []
        : [
            {
              type: 'RedemptionReleased',
              data: { redemption: command.redemption, reason: 'rolled_back', share: command.share, occurredAt: now },
            },
          ]
    case 'Lock': {
      const { session, expiresAt, credits } = command
      const view: View = { now, calendar, apiKey: '', session }
      return (
        boundsFault(ledger, bounds, view, credits) ?? [
          { type: 'SessionLocked', data: { session, expiresAt, credits, occurredAt: now } },
        ]
      )
    }
    case 'Unlock':
      return Object.hasOwn(ledger.locks, command.session)
        ? [{ type: 'SessionReleased', data: { session: command.session, occurredAt: now } }]
        : []
    case 'ChangeCredits': {
      const { change } = command
      if (bounds.credits === undefined)
        return refuse('invalid_voucher', 'Only gift vouchers have a balance of credits', {
          resource: { type: 'voucher', id: change.code },
        })
      const before = Object.hasOwn(ledger.additions, change.transaction)
        ? ledger.additions[change.transaction]
        : undefined
      if (before)
        return before.amount === change.amount && before.reason === change.reason
          ? []
          : refuseSourceId(change.sourceId ?? change.transaction)
      const balance = creditsLeft(ledger, bounds.credits, { now, calendar, apiKey: '' }) + change.amount
      if (balance < 0)
        return refuse('gift_amount_exceeded', `The balance has only ${balance - change.amount} credits`, {
          resource: { type: 'voucher', id: change.code },
        })
      return [{ type: 'GiftCreditsChanged', data: { ...change, balance, occurredAt: now } }]
    }
    default:
      return command satisfies never
  }
}
