// Carries a request for redemptions through its streams: places in the ledgers of codes and campaigns, the decision in the
// stream of the customer (or of the request), and the ledgers told of it. Nothing here is remembered: whatever is broken off
// at any point is settled from what the streams say.

import { isDeepStrictEqual } from 'node:util'
import { calendarOf } from '../domain/calendar.ts'
import { type RedemptionFactData, redemptionStream } from '../domain/customer/redemptions/facts.ts'
import { madeBy, type RedemptionsState } from '../domain/customer/redemptions/state.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerStream } from '../domain/ids.ts'
import { chosenOf, commandOf, failureOf, type RedemptionAsk, withoutRefused } from '../domain/redemption/ask.ts'
import { waitsFor } from '../domain/redemption/ledger.ts'
import type { CodeStream } from '../domain/redemption/ledgers.ts'
import { GIVEN_UP, standingOf } from '../domain/redemption/redeem.ts'
import {
  asPlaced,
  failedRedemptionId,
  formerRequestId,
  type Hope,
  hopeOf,
  type Looked,
  ledgerIn,
  placedOf,
  redemptionId,
  requestId,
  type Sight,
  type Target,
  targetsOf,
  withLedger,
} from '../domain/redemption/sight.ts'
import type { Refusal } from '../domain/refusal.ts'
import { TooBusy } from '../trouble.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import { createPlaces, type Places, type PlacesOptions } from './places.ts'
import { createRewardPlaces, type KeptReward, type RewardPlaces } from './rewardPlaces.ts'
import { createRollBack, type RollBack } from './rollBack.ts'
import type { Stock } from './stock.ts'

export type Succeeded = RedemptionFactData<'RedemptionSucceeded'>

export type Redeemed =
  | {
      readonly kind: 'redeemed'
      readonly request: string
      readonly redemptions: readonly Succeeded[]
      readonly customer: CustomerState | undefined
      /** The streams of the redeemables' codes with their places; absent of a request that had come about before. */
      readonly streams?: readonly CodeStream[]
      readonly position: bigint | undefined
    }
  | {
      readonly kind: 'failed'
      readonly refusal: Refusal
      /** Id of the failed redemption, where one was recorded. */
      readonly redemption?: string
      readonly position: bigint | undefined
    }

type Failed = Extract<Redeemed, { kind: 'failed' }>
/** The request was given up before it came about: it begins again, with what is left of its redeemables. */
interface Again {
  readonly kind: 'again'
  readonly rest?: RedemptionAsk
}

export interface Redemptions extends Omit<Places, 'tell' | 'abandon' | 'release' | 'confirm' | 'settleStale'> {
  /** Redeems all or none. Rejects with the store's own errors when it is unavailable: asking again goes on with it. */
  redeem(ask: RedemptionAsk, context: CommandContext): Promise<Redeemed>
  readonly rollBack: RollBack
  /** Lets the stock of a reward know what became of a reservation. */
  readonly settleReward: RewardPlaces['settle']
}

export interface RedemptionsOptions extends Omit<PlacesOptions, 'rewards'> {
  readonly customers: Pick<CustomerRuntime, 'execute' | 'load' | 'factsOf'>
  readonly stock: Stock
  readonly sleep: (ms: number) => Promise<void>
}

/** How long a request waits for those before it in the queue of a limit, ms. */
const WAIT_MS = 2_000
const FIRST_PAUSE_MS = 4
const LONGEST_PAUSE_MS = 50
/** How often a request that is given up by others meanwhile is begun again. */
const MAX_BEGINNINGS = 3
/** How many beginnings of a request are looked at for what came of it; 1 is the rule. */
const LOOKED_AT = 8

const isRefusal = (value: Hope | Refusal): value is Refusal => 'key' in value

/** The places and rewards that a request has taken before it is decided. */
interface TakenPlaces {
  readonly reserved: Map<string, Target>
  readonly kept: Map<number, KeptReward>
}

/** Whether the codes are what they were when they were looked at; what their ledgers say is another matter. */
const isAsLooked = (looked: Looked, placed: Looked): boolean =>
  placed.codes.every(({ code }, place) => {
    const before = looked.codes[place]!.code
    // Mostly memory has the very object.
    return code === before || isDeepStrictEqual(code, before)
  })

export const createRedemptions = (options: RedemptionsOptions): Redemptions => {
  const { customers, ledgers, rulebook, log, now, sleep } = options
  const rewards = createRewardPlaces(options)
  const places = createPlaces({ ...options, rewards })

  /** What can be hoped for on what is known of the customer; a "no" is not said before the stream was asked. */
  const hopeFor = async (
    ask: RedemptionAsk,
    request: string,
    looked: Looked,
    sight: Sight,
    context: CommandContext,
  ): Promise<Hope | Refusal> => {
    const of = (customer?: CustomerState): Hope | Refusal => {
      const standing = customer && standingOf(customer.redemptions, request)
      // The same request came about meanwhile: whoever asks again is answered with it.
      if (standing === 'made') throw new TooBusy(`request ${request}`)
      if (standing === 'given_up') return GIVEN_UP.refused
      return hopeOf(
        ask,
        looked,
        {
          customer,
          order: ask.order,
          metadata: ask.asked.metadata ?? {},
          apiKey: ask.asked.apiKey,
          isChosen: ask.chosen !== undefined,
          rulebook: rulebook(),
          now: Math.max(context.now, customer?.now ?? 0),
        },
        sight,
      )
    }
    if (!ask.customer) return of()
    const known = await customers.load(ask.customer.id)
    const hope = of(known.state)
    if (!isRefusal(hope)) return hope
    const fresh = await customers.load(ask.customer.id, { fresh: true })
    return fresh.revision === known.revision ? hope : of(fresh.state)
  }

  /**
   * Keeps that a request failed, with the customer's facts where there is a customer. Each asking fails under an id of its own.
   * A request that others gave up has not failed: it begins again.
   */
  const fail = async (
    ask: RedemptionAsk,
    request: string,
    looked: Looked,
    refusal: Refusal,
    context: CommandContext,
  ): Promise<Failed | Again> => {
    if (refusal.key === 'multiple_requests') return { kind: 'again' }
    const redemption = failedRedemptionId(request, context.requestId)
    const command = failureOf(ask, { redemption, request, refusal }, looked, rulebook())
    const { key: _, ...unnamed } = context
    if (ask.customer && (await customers.load(ask.customer.id)).state.status === 'active') {
      const executed = await customers.execute(ask.customer.id, command, unnamed)
      return { kind: 'failed', refusal, redemption, position: 'position' in executed ? executed.position : undefined }
    }
    const { position } = await ledgers.requests.execute(request, command, unnamed)
    return { kind: 'failed', refusal, redemption, position }
  }

  /** What is recorded of a request, and by which state. */
  const recordOf = async (
    ask: RedemptionAsk,
    request: string,
  ): Promise<{ redemptions: RedemptionsState; customer: CustomerState | undefined; position: bigint | undefined }> => {
    if (ask.customer) {
      const { state, position } = await customers.load(ask.customer.id)
      return { redemptions: state.redemptions, customer: state, position }
    }
    const { state, position } = await ledgers.requests.load(request)
    return { redemptions: state, customer: undefined, position }
  }

  const commitStreamOf = (ask: RedemptionAsk, request: string): string =>
    ask.customer ? customerStream(ask.customer.id) : redemptionStream(request)

  /** Takes the places of a request one after the other, waiting in each queue until those before it leave room or none. */
  const takePlaces = async (
    ask: RedemptionAsk,
    request: string,
    first: Looked,
    { placed: wanted, taken }: Hope,
    reserved: Map<string, Target>,
    context: CommandContext,
  ): Promise<Looked | Refusal> => {
    let looked = first
    const until = Math.min(now() + WAIT_MS, context.deadline ?? Number.POSITIVE_INFINITY)
    const hoped: Sight = { request, shares: taken.map(({ share }) => share), hopeful: true }
    for (const target of targetsOf(looked, wanted)) {
      const { stream, of, name, place } = target
      const reservation = {
        redemption: redemptionId(request, place),
        request,
        commit: commitStreamOf(ask, request),
        share: taken[place]!.share,
        session: ask.session,
        ...(ask.customer ? { customer: ask.customer.id } : {}),
      }
      const placed = await places.tell(stream, { type: 'Reserve', reservation }, context)
      const { code: id, isTier } = ask.redeemables[place]!
      if (placed.refusal) return { ...placed.refusal, resource: { type: isTier ? 'promotion_tier' : 'voucher', id } }
      reserved.set(`${stream}/${place}`, target)
      looked = withLedger(looked, target, placed.state)
      const calendar = calendarOf(rulebook().project.timeZone)
      const before = () =>
        waitsFor(ledgerIn(looked, target), {
          now: context.now,
          calendar,
          apiKey: '',
          redemption: reservation.redemption,
        }).filter((open) => open.request !== request)
      for (let pause = FIRST_PAUSE_MS; before().length > 0; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
        const standsAt = await hopeFor(ask, request, looked, { ...hoped, reserved: new Set(reserved.keys()) }, context)
        if (!isRefusal(standsAt)) break
        const atBest = await hopeFor(ask, request, looked, hoped, context)
        if (isRefusal(atBest)) return standsAt
        // Whether there is room is not known yet: that is no "no".
        if (now() >= until) throw new TooBusy(target.name)
        await sleep(pause)
        await places.settleStale(target.stream, before())
        const loaded = of === 'code' ? await ledgers.codes.load(name) : await ledgers.campaigns.load(name)
        looked = withLedger(looked, target, loaded.state)
      }
    }
    return looked
  }

  type Begun = Redeemed | Again

  /** What came of a request that was asked before, and with which beginning it goes on if nothing did. */
  const lookBack = async (
    ask: RedemptionAsk,
    idOf: (beginning: number) => string,
  ): Promise<{ readonly redeemed?: Redeemed; readonly next: number }> => {
    let next = 0
    for (let n = 0; ; n++) {
      const request = idOf(n)
      const { redemptions: all, customer, position } = await recordOf(ask, request)
      const redemptions = madeBy(all, request)
      if (redemptions.length > 0)
        return { redeemed: { kind: 'redeemed', request, redemptions, customer, position }, next }
      if (all.abandoned.includes(request)) next = n + 1
      // A customer forgets in time what was given up; a request's own stream does not, and each look at one is a read.
      else if (!ask.customer || n >= LOOKED_AT) return { next }
    }
  }

  /**
   * Lets go of what a request holds. Two may ask under one name and count on the same places: the request is given up in the
   * stream that decides it before its places are free, so that the other cannot come about without them. What came about by
   * then is the answer.
   */
  const letGo = async (
    ask: RedemptionAsk,
    request: string,
    { reserved, kept }: TakenPlaces,
    context: CommandContext,
  ): Promise<Redeemed | undefined> => {
    if (reserved.size === 0 && kept.size === 0) return undefined
    if (context.key !== undefined) {
      const { redemptions: all, customer, position } = await places.abandon(request, commitStreamOf(ask, request))
      const redemptions = madeBy(all, request)
      // Its places are settled as those of a request are of which nothing was heard.
      if (redemptions.length > 0) return { kind: 'redeemed', request, redemptions, customer, position }
    }
    await Promise.all([places.release(reserved, request, context), rewards.release(kept, context)])
    return undefined
  }

  /** Fails with a refusal or, where the stacking rules let others do without what was refused, goes on with those. */
  const giveUp = async (
    ask: RedemptionAsk,
    request: string,
    looked: Looked,
    held: TakenPlaces,
    refusal: Refusal,
    context: CommandContext,
  ): Promise<Begun> => {
    const redeemed = await letGo(ask, request, held, context)
    if (redeemed) return redeemed
    const rest = withoutRefused(ask, refusal, rulebook())
    if (!rest) return fail(ask, request, looked, refusal, context)
    const isGivenUp = context.key !== undefined && (held.reserved.size > 0 || held.kept.size > 0)
    return isGivenUp ? { kind: 'again', rest } : begin(rest, request, context)
  }

  /**
   * The redeemables, and what can be hoped for. What this node remembers will do where all of them can: their places are taken by
   * appends that find out whether it is still so. A "no" to any of them is said of what the streams say now, and so is how much is left
   * of a gift, since as much has its place.
   */
  const lookFor = async (ask: RedemptionAsk, request: string, context: CommandContext) => {
    const under = async (lookedAt: Looked) => ({
      lookedAt,
      possible: await hopeFor(ask, request, lookedAt, { hopeful: true }, context),
    })
    const known = await under(await places.look(ask.redeemables, { remembered: true }))
    const willDo =
      !isRefusal(known.possible) &&
      known.possible.taken.length === ask.redeemables.length &&
      known.possible.placed.every(({ available }) => available === undefined)
    return willDo ? known : under(await places.look(ask.redeemables))
  }

  const begin = async (all: RedemptionAsk, request: string, context: CommandContext): Promise<Begun> => {
    const held: TakenPlaces = { reserved: new Map(), kept: new Map() }
    const { reserved, kept } = held
    const { lookedAt, possible } = await lookFor(all, request, context)
    if (isRefusal(possible)) return giveUp(all, request, lookedAt, held, possible, context)
    const { ask, looked, isAll } = chosenOf(all, lookedAt, possible, rulebook())
    const hoped = isAll ? possible : await hopeFor(ask, request, looked, { hopeful: true }, context)
    if (isRefusal(hoped)) return giveUp(ask, request, looked, held, hoped, context)
    const { taken } = hoped
    const decide = async (): Promise<Begun> => {
      const placed = await takePlaces(ask, request, looked, hoped, reserved, context)
      if ('key' in placed) return giveUp(ask, request, looked, held, placed, context)
      // The places were taken for what the codes were before: they are let go, and others taken for what they are.
      if (!isAsLooked(looked, placed)) return (await letGo(ask, request, held, context)) ?? { kind: 'again' }
      const refusedBy = (refusal: Refusal) => giveUp(ask, request, placed, held, refusal, context)
      const none = ask.customer && (await rewards.reserve(request, ask.customer.id, taken, kept, context))
      if (none) return refusedBy(none)
      const shares = taken.map(({ share }) => share)
      const sight = { request, reserved: new Set(reserved.keys()), shares, hopeful: false }
      const settled = placedOf(ask, placed, sight, { rulebook: rulebook(), now: context.now }).map((one, place) =>
        asPlaced(one, taken[place], kept.get(place)?.fact),
      )
      const command = commandOf(ask, request, settled)
      const named = { ...context, key: request }
      if (!ask.customer) {
        const { state, refusal, position } = await ledgers.requests.execute(request, command, named)
        if (refusal) return refusedBy(refusal)
        const redemptions = madeBy(state, request)
        places.confirm(redemptions, context)
        return { kind: 'redeemed', request, redemptions, customer: undefined, streams: placed.codes, position }
      }
      const executed = await customers.execute(ask.customer.id, command, named)
      if (executed.kind === 'refused') return refusedBy(executed.refusal)
      const redemptions = madeBy(executed.state.redemptions, request)
      places.confirm(redemptions, context)
      const { state: customer, position } = executed
      return { kind: 'redeemed', request, redemptions, customer, streams: placed.codes, position }
    }
    return decide().catch(async (error: unknown) => {
      const redeemed = error instanceof TooBusy ? await letGo(ask, request, held, context) : undefined
      if (redeemed) return redeemed
      throw error
    })
  }

  return {
    look: places.look,
    lock: places.lock,
    settle: places.settle,
    settleReward: rewards.settle,
    isOpen: places.isOpen,
    giveBack: places.giveBack,
    idle: places.idle,
    async redeem(ask, context) {
      const { name, formerName: former } = ask
      const of = ask.customer?.id
      const idOf = (beginning: number): string => requestId(name, of, beginning)
      // A request without a name cannot have been made before.
      const named = context.key !== undefined
      const before = named && former !== undefined ? await lookBack(ask, (n) => formerRequestId(former, n)) : undefined
      if (before?.redeemed) return before.redeemed
      const { redeemed, next } = named ? await lookBack(ask, idOf) : { redeemed: undefined, next: 0 }
      if (redeemed) return redeemed
      let left = ask
      for (let n = next, beginnings = 0; beginnings < MAX_BEGINNINGS; n++) {
        const begun = await begin(left, idOf(n), context).catch(async (error: unknown): Promise<Begun> => {
          // Another process may have carried out the same request meanwhile.
          const made = named && error instanceof TooBusy ? (await lookBack(ask, idOf)).redeemed : undefined
          if (made) return made
          throw error
        })
        if (begun.kind !== 'again') return begun
        // Each rest is smaller than the one before.
        if (begun.rest) left = begun.rest
        else beginnings++
      }
      throw new TooBusy(`request ${name}`)
    },
    rollBack: createRollBack({ customers, ledgers, log, giveBack: places.giveBack }),
  }
}
