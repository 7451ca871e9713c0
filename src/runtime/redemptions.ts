// Carries a request for redemptions through its streams: places in the ledgers of codes and campaigns, the decision in the
// stream of the customer (or of the request), and the ledgers told of it. Nothing here is remembered: whatever is broken off
// at any point is settled from what the streams say.
import * as v from 'valibot'
import { calendarOf } from '../domain/calendar.ts'
import { Code, codeStream } from '../domain/codes.ts'
import type { ProfilePatch } from '../domain/customer/profile.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerOfStream, customerStream, idFrom } from '../domain/ids.ts'
import { type Evaluated, evaluate, type Situation } from '../domain/redemption/evaluate.ts'
import { isRedemptionFact, type RedemptionFactData, redemptionStream } from '../domain/redemption/facts.ts'
import { countsOverCampaign, gatesOf } from '../domain/redemption/gates.ts'
import {
  campaignMeasures,
  codeMeasures,
  creditsLeft,
  type Ledger,
  type LedgerCommand,
  type Open,
  redemptionsWith,
  type Share,
  type View,
  waitsFor,
} from '../domain/redemption/ledger.ts'
import { boundsOf, type CodeStream, limitsStream, noCodeStream } from '../domain/redemption/ledgers.ts'
import type { PricedOrder } from '../domain/redemption/order.ts'
import {
  type Asked,
  type Placed,
  performRedemptions,
  type RedeemVouchers,
  type RedemptionCommand,
  shareOf,
} from '../domain/redemption/redeem.ts'
import { type Made, madeBy, NO_REDEMPTIONS, type RedemptionsState } from '../domain/redemption/state.ts'
import { offerOf, type ReferralOffer } from '../domain/referrals/offer.ts'
import { isRefused, type Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { resolveVoucher } from '../domain/vouchers/resolve.ts'
import type { Logger } from '../log.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import type { Ledgers } from './ledgers.ts'

export type Succeeded = RedemptionFactData<'RedemptionSucceeded'>

/** What is asked for: redeemables of one order, for one customer or for nobody. */
export interface RedemptionAsk {
  /** Names the asking: with the same name it comes about once. */
  readonly name: string
  readonly redeemables: readonly { readonly code: string; readonly credits?: number }[]
  readonly order?: PricedOrder
  readonly asked: Asked
  readonly session?: string
  readonly customer?: { readonly id: string; readonly profile: ProfilePatch; readonly mayCreate: boolean }
}

export type Redeemed =
  | {
      readonly kind: 'redeemed'
      readonly request: string
      readonly redemptions: readonly Succeeded[]
      readonly customer: CustomerState | undefined
      readonly position: bigint | undefined
    }
  | {
      readonly kind: 'failed'
      readonly refusal: Refusal
      /** Id of the failed redemption, where one was recorded. */
      readonly redemption?: string
      readonly position: bigint | undefined
    }
  | { readonly kind: 'busy' }

type Failed = Extract<Redeemed, { kind: 'failed' }>

/** The redeemables with what their streams say. */
export interface Looked {
  readonly codes: readonly CodeStream[]
  /** What referral codes say of their holders, by code. */
  readonly referrals: ReadonlyMap<string, ReferralOffer>
  /** By campaign: only of those that have rules which count over the campaign. */
  readonly campaigns: ReadonlyMap<string, Ledger>
}

export type RolledBack =
  | {
      readonly kind: 'rolled_back'
      readonly parent: string
      readonly rollbacks: readonly RedemptionFactData<'RedemptionRolledBack'>[]
      readonly customer: CustomerState | undefined
      readonly position: bigint | undefined
    }
  | { readonly kind: 'failed'; readonly refusal: Refusal; readonly position: bigint | undefined }
  | { readonly kind: 'busy' }

export interface Redemptions {
  redeem(ask: RedemptionAsk, context: CommandContext): Promise<Redeemed>
  /** What the streams of the codes say now; a text that cannot be a code is one that nobody has. */
  look(codes: readonly string[]): Promise<Looked>
  /**
   * Judges the redeemables for somebody who has no place in the ledgers yet, everybody else counted in; where rules bound sums
   * of money, with what the redemptions would add to them.
   */
  evaluate(
    ask: Pick<RedemptionAsk, 'redeemables' | 'asked' | 'session'>,
    looked: Looked,
    situation: Situation,
  ): Evaluated
  /** Rolls back redemptions of one stream, all or none. */
  rollBack(
    ask: {
      readonly stream: string
      readonly redemptions: readonly string[]
      readonly reason?: string
      readonly asked: Asked
    },
    context: CommandContext,
  ): Promise<RolledBack>
  /** Keeps a place for a session in the ledgers of the codes, in all or none; the refusal says of which there is none. */
  lock(
    session: string,
    codes: readonly { readonly code: string; readonly credits: number }[],
    expiresAt: number,
    context: CommandContext,
  ): Promise<Refusal | undefined>
  /** Lets what became of a reservation be known in its ledger; what did not come about by now never does. */
  settle(ledger: string, open: Pick<Open, 'redemption' | 'request' | 'commit'>): Promise<void>
  /** Whether a ledger still waits to be told of a redemption, as of a revision of its stream or later. */
  isOpen(ledger: string, redemption: string, asOf: bigint): Promise<boolean>
  /** Frees the places of a redemption that was rolled back. */
  giveBack(rolledBack: Pick<Made, 'redemption' | 'share' | 'ledgers'>): Promise<void>
  /** Resolves when the ledgers have been told of everything that came about here. */
  idle(): Promise<void>
}

export interface RedemptionsOptions {
  readonly customers: Pick<CustomerRuntime, 'execute' | 'load' | 'factsOf'>
  readonly ledgers: Ledgers
  readonly rulebook: () => Rulebook
  readonly log: Pick<Logger, 'warn'>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** How long a request waits for those before it in the queue of a limit, ms. */
const WAIT_MS = 2_000
/** An open reservation of that age belongs to nobody who is still at work, ms: whoever waits for it settles it. */
const STALE_MS = 1_000
const FIRST_PAUSE_MS = 4
const LONGEST_PAUSE_MS = 50
/** How often a request that was given up by others is begun again. */
const MAX_BEGINNINGS = 3

const ACTOR = { name: 'redemptions', role: 'system' } as const

/** A place in a ledger that a request needs. */
interface Target {
  readonly stream: string
  readonly of: 'code' | 'campaign'
  /** The code or the campaign. */
  readonly name: string
  /** Which redeemable of the request. */
  readonly place: number
}

export const createRedemptions = (options: RedemptionsOptions): Redemptions => {
  const { customers, ledgers, rulebook, log, now, sleep } = options
  const telling = new Set<Promise<unknown>>()

  /** Executes a command on the ledger that a stream is. */
  const tell = (stream: string, command: LedgerCommand, context: CommandContext) => {
    const name = stream.slice(stream.indexOf('-') + 1)
    return stream.startsWith(limitsStream(''))
      ? ledgers.campaigns.execute(name, command, context)
      : ledgers.codes.execute(name, command, context)
  }

  const look: Redemptions['look'] = async (codes) => {
    const streams = await Promise.all(
      codes.map(async (code) => (v.is(Code, code) ? (await ledgers.codes.load(code)).state : noCodeStream(code))),
    )
    const counted = new Set<string>()
    for (const { code } of streams) {
      const voucher = resolveVoucher(code, rulebook())
      if (voucher?.campaign && countsOverCampaign(gatesOf(voucher, rulebook()))) counted.add(voucher.campaign.id)
    }
    const campaigns = await Promise.all(
      [...counted].map(async (id) => [id, (await ledgers.campaigns.load(id)).state] as const),
    )
    const referrals = await Promise.all(
      streams.map(async ({ code }) => {
        const holder = code.owner?.type === 'referral_code' ? code.owner.customer : undefined
        if (holder === undefined) return []
        const { state } = await customers.load(holder)
        return [[code.code, offerOf(code, state, undefined, rulebook().project.customerKey)] as const]
      }),
    )
    return { codes: streams, campaigns: new Map(campaigns), referrals: new Map(referrals.flat()) }
  }

  /** How a request sees the ledgers: in those in which it has its place, from there; in others as far as is hoped for. */
  interface Sight {
    readonly now: number
    readonly apiKey: string
    readonly session?: string
    readonly request?: string
    readonly reserved?: ReadonlySet<string>
    readonly shares?: readonly Share[]
    readonly hopeful: boolean
  }

  const redemptionId = (request: string, place: number): string => idFrom('r', request, String(place))

  const placedOf = (
    redeemables: RedemptionAsk['redeemables'],
    { codes, campaigns, referrals }: Looked,
    sight: Sight,
  ): readonly Placed[] => {
    const current = rulebook()
    const calendar = calendarOf(current.project.timeZone)
    /** Redeemables of this request that come before and have no place in the campaign's ledger yet. */
    const earlier = new Map<string, number>()
    return redeemables.map(({ code: asked, credits }, place) => {
      const { code, ledger } = codes[place]!
      const voucher = resolveVoucher(code, current)
      const redemption = sight.request === undefined ? '' : redemptionId(sight.request, place)
      const share = sight.shares?.[place]
      const viewIn = (stream: string): View => ({
        now: sight.now,
        calendar,
        apiKey: sight.apiKey,
        hopeful: sight.hopeful,
        ...(sight.session === undefined ? {} : { session: sight.session }),
        ...(sight.reserved?.has(`${stream}/${place}`) ? { redemption, hopeful: false } : {}),
        ...(share ? { share } : {}),
      })
      const own = codeStream(asked)
      const view = viewIn(own)
      const { credits: initial } = boundsOf(code, current)
      const over = voucher?.campaign && campaigns.get(voucher.campaign.id)
      const shared = voucher?.campaign ? limitsStream(voucher.campaign.id) : undefined
      const before = over && shared && !sight.reserved?.has(`${shared}/${place}`) ? (earlier.get(shared) ?? 0) : 0
      if (over && shared) earlier.set(shared, (earlier.get(shared) ?? 0) + 1)
      const ofCampaign = over && shared ? campaignMeasures(over, viewIn(shared)) : {}
      return {
        asked,
        code,
        redemption,
        ...(referrals.has(asked) ? { referral: referrals.get(asked)! } : {}),
        ledgers: [own, ...(over && shared ? [shared] : [])],
        measures: {
          ...codeMeasures(ledger, view),
          ...Object.fromEntries(
            Object.entries(ofCampaign)
              // What it would add to sums of money is known only after it was judged once.
              .filter(([name]) => share !== undefined || !name.startsWith('campaign.orders.'))
              .map(([name, n]) => [name, name.startsWith('campaign.redemptions.') ? n + before : n]),
          ),
        },
        times: redemptionsWith(ledger, view),
        ...(credits === undefined ? {} : { credits }),
        ...(initial === undefined ? {} : { available: creditsLeft(ledger, initial, view) }),
      }
    })
  }

  const evaluateFor: Redemptions['evaluate'] = ({ redeemables, asked, session }, looked, situation) => {
    const sight: Sight = {
      now: situation.now,
      apiKey: asked.apiKey,
      hopeful: false,
      ...(session === undefined ? {} : { session }),
    }
    const first = evaluate(placedOf(redeemables, looked, sight), situation)
    if (!first.valid || looked.campaigns.size === 0) return first
    const shares = first.verdicts.flatMap((verdict) =>
      verdict.status === 'APPLICABLE' ? [shareOf(verdict, situation.order, situation)] : [],
    )
    return evaluate(placedOf(redeemables, looked, { ...sight, shares }), situation)
  }

  const commandOf = (ask: RedemptionAsk, request: string, redeemables: readonly Placed[]): RedeemVouchers => ({
    type: 'RedeemVouchers',
    request,
    redeemables,
    asked: ask.asked,
    profile: ask.customer?.profile ?? {},
    mayCreate: ask.customer?.mayCreate ?? false,
    ...(ask.order ? { order: ask.order } : {}),
    ...(ask.session === undefined ? {} : { session: ask.session }),
  })

  const succeededIn = (facts: readonly { readonly type: string; readonly data: unknown }[]): readonly Succeeded[] =>
    facts.flatMap((fact) => (isRedemptionFact(fact) && fact.type === 'RedemptionSucceeded' ? [fact.data] : []))

  /** What would come of it: the redemptions, or the refusal. */
  const rehearse = async (
    ask: RedemptionAsk,
    command: RedeemVouchers,
    context: CommandContext,
  ): Promise<readonly Succeeded[] | Refusal> => {
    const { key: _, ...unnamed } = context
    if (ask.customer) {
      const executed = await customers.execute(ask.customer.id, command, { ...unnamed, dryRun: true })
      if (executed.kind === 'refused') return executed.refusal
      return executed.kind === 'done' ? succeededIn(executed.facts) : []
    }
    const facts: { type: string; data: unknown }[] = []
    const refused = performRedemptions(
      {
        redemptions: NO_REDEMPTIONS,
        rulebook: rulebook(),
        now: context.now,
        emit: (type, data) => facts.push({ type, data }),
      },
      command,
    )
    return isRefused(refused) ? refused.refused : succeededIn(facts)
  }

  const isRefusal = (value: readonly Succeeded[] | Refusal): value is Refusal => 'key' in value

  /** Rehearses under a sight; where rules bound sums of money, once more with what the redemptions would add to them. */
  const rehearseUnder = async (
    ask: RedemptionAsk,
    request: string,
    looked: Looked,
    sight: Sight,
    context: CommandContext,
  ): Promise<readonly Succeeded[] | Refusal> => {
    const first = await rehearse(ask, commandOf(ask, request, placedOf(ask.redeemables, looked, sight)), context)
    if (isRefusal(first) || looked.campaigns.size === 0 || sight.shares) return first
    const shares = first.map(({ share }) => share)
    return rehearse(ask, commandOf(ask, request, placedOf(ask.redeemables, looked, { ...sight, shares })), context)
  }

  const release = async (
    reserved: ReadonlyMap<string, Target>,
    request: string,
    reason: 'refused' | 'abandoned',
    context: CommandContext,
  ): Promise<void> => {
    await Promise.all(
      [...reserved.values()].map(({ stream, place }) =>
        tell(stream, { type: 'Release', redemption: redemptionId(request, place), reason }, context),
      ),
    )
  }

  /** Keeps that a request failed, with the customer's facts where there is a customer. */
  const fail = async (
    ask: RedemptionAsk,
    request: string,
    looked: Looked,
    refusal: Refusal,
    context: CommandContext,
  ): Promise<Failed> => {
    const redemption = idFrom('rf', request)
    const at = refusal.resource?.type === 'voucher' ? refusal.resource.id : undefined
    const found = looked.codes.find(({ code }) => code.code === at) ?? looked.codes[0]!
    const voucher = resolveVoucher(found.code, rulebook())
    const command: RedemptionCommand = {
      type: 'RecordFailedRedemption',
      failed: {
        redemption,
        request,
        ...ask.asked,
        voucher: { code: found.code.code, ...(voucher ? { id: voucher.id } : {}) },
        ...(voucher?.campaign
          ? {
              campaign: {
                id: voucher.campaign.id,
                name: voucher.campaign.definition.name,
                type: voucher.campaign.definition.campaign_type,
              },
            }
          : {}),
        ...(ask.order ? { order: { amount: ask.order.amount } } : {}),
        reason: refusal.key,
        details: refusal.details,
        ...(refusal.ruleMessage === undefined ? {} : { message: refusal.ruleMessage }),
      },
    }
    const named = { ...context, key: `${request}/failed` }
    if (ask.customer && (await customers.load(ask.customer.id)).state.status === 'active') {
      const executed = await customers.execute(ask.customer.id, command, named)
      return { kind: 'failed', refusal, redemption, position: 'position' in executed ? executed.position : undefined }
    }
    const { position } = await ledgers.requests.execute(request, command, named)
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

  const targetsOf = (looked: Looked, places: readonly Placed[]): readonly Target[] =>
    places
      .flatMap(({ ledgers: streams }, place) =>
        streams.map((stream, n): Target => {
          const name = stream.slice(stream.indexOf('-') + 1)
          return { stream, of: n === 0 ? 'code' : 'campaign', name, place }
        }),
      )
      // In one order for all requests: of two that need the same places, one is before the other in all of them.
      .sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.place - b.place))
      .filter(({ of, name }) => of === 'code' || looked.campaigns.has(name))

  const withLedger = (looked: Looked, target: Target, state: CodeStream | Ledger): Looked =>
    'ledger' in state
      ? { ...looked, codes: looked.codes.map((one, place) => (place === target.place ? state : one)) }
      : { ...looked, campaigns: new Map([...looked.campaigns, [target.name, state]]) }

  const ledgerIn = (looked: Looked, target: Target): Ledger =>
    target.of === 'code' ? looked.codes[target.place]!.ledger : looked.campaigns.get(target.name)!

  const settle: Redemptions['settle'] = async (stream, { redemption, request, commit }) => {
    const context = { requestId: request, actor: ACTOR, now: now() }
    const customer = customerOfStream(commit)
    const command: RedemptionCommand = { type: 'AbandonRedemption', request }
    let redemptions: RedemptionsState
    if (customer === undefined) redemptions = (await ledgers.requests.execute(request, command, context)).state
    else {
      const executed = await customers.execute(customer, command, context)
      if (executed.kind === 'busy') throw new Error(`customer ${customer} is changed by many at once`)
      redemptions = executed.state.redemptions
    }
    const made = Object.hasOwn(redemptions.made, redemption) ? redemptions.made[redemption] : undefined
    await tell(
      stream,
      made ? { type: 'Confirm', redemption, share: made.share } : { type: 'Release', redemption, reason: 'abandoned' },
      context,
    )
  }

  /** Settles those before a request of whom nothing was heard for long. */
  const settleStale = async (looked: Looked, targets: Iterable<Target>, sight: Sight, at: number): Promise<void> => {
    const calendar = calendarOf(rulebook().project.timeZone)
    for (const target of targets) {
      const view: View = {
        now: sight.now,
        calendar,
        apiKey: sight.apiKey,
        ...(sight.request === undefined ? {} : { redemption: redemptionId(sight.request, target.place) }),
      }
      for (const open of waitsFor(ledgerIn(looked, target), view))
        if (open.request !== sight.request && at - open.occurredAt > STALE_MS) await settle(target.stream, open)
    }
  }

  /** Takes the places of a request one after the other, waiting in each queue until those before it leave room or none. */
  const takePlaces = async (
    ask: RedemptionAsk,
    request: string,
    first: Looked,
    shares: readonly Share[],
    reserved: Map<string, Target>,
    context: CommandContext,
  ): Promise<Looked | Refusal> => {
    let looked = first
    const until = Math.min(now() + WAIT_MS, context.deadline ?? Number.POSITIVE_INFINITY)
    const base: Omit<Sight, 'hopeful'> = {
      now: context.now,
      apiKey: ask.asked.apiKey,
      request,
      shares,
      ...(ask.session === undefined ? {} : { session: ask.session }),
    }
    for (const target of targetsOf(looked, placedOf(ask.redeemables, looked, { ...base, hopeful: true }))) {
      const { stream, of, name, place } = target
      const reservation = {
        redemption: redemptionId(request, place),
        request,
        commit: commitStreamOf(ask, request),
        share: shares[place]!,
        ...(ask.session === undefined ? {} : { session: ask.session }),
        ...(ask.customer ? { customer: ask.customer.id } : {}),
      }
      const placed = await tell(stream, { type: 'Reserve', reservation }, context)
      if (placed.refusal) return { ...placed.refusal, resource: { type: 'voucher', id: ask.redeemables[place]!.code } }
      reserved.set(`${stream}/${place}`, target)
      looked = withLedger(looked, target, placed.state)
      const calendar = calendarOf(rulebook().project.timeZone)
      const isFirst = (): boolean =>
        waitsFor(ledgerIn(looked, target), {
          now: context.now,
          calendar,
          apiKey: '',
          redemption: reservation.redemption,
        }).every((open) => open.request === request)
      for (let pause = FIRST_PAUSE_MS; !isFirst(); pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
        const sight: Sight = { ...base, reserved: new Set(reserved.keys()), hopeful: true }
        const standsAt = await rehearseUnder(ask, request, looked, sight, context)
        if (!isRefusal(standsAt)) break
        const { reserved: _, ...hoped } = sight
        const atBest = await rehearseUnder(ask, request, looked, hoped, context)
        if (isRefusal(atBest) || now() >= until) return standsAt
        await sleep(pause)
        await settleStale(looked, [target], sight, now())
        const loaded = of === 'code' ? await ledgers.codes.load(name) : await ledgers.campaigns.load(name)
        looked = withLedger(looked, target, loaded.state)
      }
    }
    return looked
  }

  /** Tells the ledgers, without anybody waiting for it: a process does it if this node does not live to. */
  const confirm = (redemptions: readonly Succeeded[], context: CommandContext): void => {
    const told = Promise.all(
      redemptions.flatMap(({ redemption, share, ledgers: streams }) =>
        streams.map((stream) => tell(stream, { type: 'Confirm', redemption, share }, context)),
      ),
    ).catch((error: unknown) => log.warn({ err: error }, 'ledgers are told later of what came about'))
    telling.add(told)
    void told.finally(() => telling.delete(told))
  }

  type Begun = Redeemed | { readonly kind: 'again' }

  const begin = async (ask: RedemptionAsk, request: string, context: CommandContext): Promise<Begun> => {
    const known = await recordOf(ask, request)
    const before = madeBy(known.redemptions, request)
    if (before.length > 0)
      return { kind: 'redeemed', request, redemptions: before, customer: known.customer, position: known.position }
    if (known.redemptions.abandoned.includes(request)) return { kind: 'again' }
    const looked = await look(ask.redeemables.map(({ code }) => code))
    const hoped = await rehearseUnder(
      ask,
      request,
      looked,
      {
        now: context.now,
        apiKey: ask.asked.apiKey,
        hopeful: true,
        ...(ask.session === undefined ? {} : { session: ask.session }),
      },
      context,
    )
    if (isRefusal(hoped)) return fail(ask, request, looked, hoped, context)
    if (hoped.length === 0) return { kind: 'busy' }
    const shares = hoped.map(({ share }) => share)
    const reserved = new Map<string, Target>()
    const placed = await takePlaces(ask, request, looked, shares, reserved, context)
    if ('key' in placed) {
      await release(reserved, request, 'refused', context)
      return fail(ask, request, looked, placed, context)
    }
    const command = commandOf(
      ask,
      request,
      placedOf(ask.redeemables, placed, {
        now: context.now,
        apiKey: ask.asked.apiKey,
        request,
        reserved: new Set(reserved.keys()),
        shares,
        hopeful: false,
        ...(ask.session === undefined ? {} : { session: ask.session }),
      }).map((one, place) =>
        // No more credits than have their place.
        one.available === undefined ? one : { ...one, available: Math.min(one.available, shares[place]!.credits) },
      ),
    )
    const refusedBy = async (refusal: Refusal): Promise<Begun> => {
      await release(reserved, request, 'refused', context)
      return refusal.key === 'multiple_requests' ? { kind: 'again' } : fail(ask, request, placed, refusal, context)
    }
    const named = { ...context, key: request }
    if (!ask.customer) {
      const { state, refusal, position } = await ledgers.requests.execute(request, command, named)
      if (refusal) return refusedBy(refusal)
      const redemptions = madeBy(state, request)
      confirm(redemptions, context)
      return { kind: 'redeemed', request, redemptions, customer: undefined, position }
    }
    const executed = await customers.execute(ask.customer.id, command, named)
    switch (executed.kind) {
      case 'busy':
        await release(reserved, request, 'refused', context)
        return executed
      case 'refused':
        return refusedBy(executed.refusal)
      default: {
        const redemptions = madeBy(executed.state.redemptions, request)
        confirm(redemptions, context)
        const { state: customer, position } = executed
        return { kind: 'redeemed', request, redemptions, customer, position }
      }
    }
  }

  /** How a request that was named before and failed was answered then. */
  const failedBefore = async (ask: RedemptionAsk, request: string): Promise<Failed | undefined> => {
    if (!ask.customer) return undefined
    const { state, keys, position } = await customers.load(ask.customer.id)
    const range = keys.find(`${request}/failed`)
    if (!range) return undefined
    for (const fact of await customers.factsOf(state.id, range))
      if (isRedemptionFact(fact) && fact.type === 'RedemptionFailed') {
        const { reason, details, message, redemption, voucher } = fact.data
        const refusal: Refusal = {
          key: reason as Refusal['key'],
          details,
          resource: { type: 'voucher', id: voucher.code },
          ...(message === undefined ? {} : { ruleMessage: message }),
        }
        return { kind: 'failed', refusal, redemption, position }
      }
    return undefined
  }

  const giveBack: Redemptions['giveBack'] = async ({ redemption, share, ledgers: streams }) => {
    const context = { requestId: redemption, actor: ACTOR, now: now() }
    for (const stream of streams) {
      // A ledger that was not told yet that it came about could not take it back.
      await tell(stream, { type: 'Confirm', redemption, share }, context)
      await tell(stream, { type: 'Return', redemption, share }, context)
    }
  }

  return {
    look,
    evaluate: evaluateFor,
    settle,
    giveBack,
    async isOpen(stream, redemption, asOf) {
      const name = stream.slice(stream.indexOf('-') + 1)
      const { open } = stream.startsWith(limitsStream(''))
        ? (await ledgers.campaigns.load(name, asOf)).state
        : (await ledgers.codes.load(name, asOf)).state.ledger
      return open.has(redemption)
    },
    async redeem(ask, context) {
      for (let beginning = 0; beginning < MAX_BEGINNINGS; beginning++) {
        const request = idFrom('r', ask.name, String(beginning))
        const failed = context.key === undefined ? undefined : await failedBefore(ask, request)
        if (failed) return failed
        const begun = await begin(ask, request, context)
        if (begun.kind !== 'again') return begun
      }
      return { kind: 'busy' }
    },
    async rollBack({ stream, redemptions, reason, asked }, context) {
      const parent = idFrom('rr', ...redemptions, 'parent')
      const command: RedemptionCommand = {
        type: 'RollBackRedemptions',
        parent,
        redemptions,
        asked,
        ...(reason === undefined ? {} : { reason }),
      }
      const customer = customerOfStream(stream)
      let refusal: Refusal | undefined
      let position: bigint | undefined
      let state: CustomerState | undefined
      let after: RedemptionsState
      if (customer === undefined) {
        const decided = await ledgers.requests.execute(stream.slice(redemptionStream('').length), command, context)
        refusal = decided.refusal
        position = decided.position
        after = decided.state
      } else {
        const executed = await customers.execute(customer, command, context)
        if (executed.kind === 'busy') return executed
        if (executed.kind === 'refused') refusal = executed.refusal
        else position = executed.position
        state = executed.state
        after = executed.state.redemptions
      }
      if (refusal) return { kind: 'failed', refusal, position }
      const made = redemptions.flatMap((id) => after.made[id] ?? [])
      try {
        await Promise.all(made.map(giveBack))
      } catch (error) {
        log.warn({ err: error }, 'ledgers are told later of what was rolled back')
      }
      const rollbacks = made.map((one) => ({
        ...one,
        ...asked,
        rollback: one.rolledBack ?? '',
        parent,
        ...(reason === undefined ? {} : { reason }),
        occurredAt: context.now,
      }))
      return { kind: 'rolled_back', parent, rollbacks, customer: state, position }
    },
    async lock(session, codes, expiresAt, context) {
      const locked: string[] = []
      for (const { code, credits } of codes) {
        const { refusal } = await ledgers.codes.execute(code, { type: 'Lock', session, expiresAt, credits }, context)
        if (refusal) {
          await Promise.all(locked.map((one) => ledgers.codes.execute(one, { type: 'Unlock', session }, context)))
          return { ...refusal, resource: { type: 'voucher', id: code } }
        }
        locked.push(code)
      }
      return undefined
    },
    idle: async () => {
      await Promise.all(telling)
    },
  }
}
