// The places of redemptions in the ledgers of codes and campaigns: looked at, given up, told of what came about, settled after
// crashes, kept for sessions.
import { codeIn } from '../domain/codes.ts'
import type { RedemptionFactData } from '../domain/customer/redemptions/facts.ts'
import type { Made, RedemptionsState } from '../domain/customer/redemptions/state.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerOfStream } from '../domain/ids.ts'
import { countsOverCampaign, gatesOf } from '../domain/redemption/gates.ts'
import { type LedgerCommand, NO_LEDGER, type Open } from '../domain/redemption/ledger.ts'
import { ledgerOfStream, noCodeStream } from '../domain/redemption/ledgers.ts'
import type { RedemptionCommand } from '../domain/redemption/redeem.ts'
import { type Looked, redemptionId, type Target, type Wanted } from '../domain/redemption/sight.ts'
import { offerOf } from '../domain/referrals/offer.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { resolveVoucher, tierCode } from '../domain/vouchers/resolve.ts'
import type { Logger } from '../log.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import type { Ledgers } from './ledgers.ts'
import type { RewardPlaces } from './rewardPlaces.ts'

export interface Places {
  /**
   * What the streams of codes and promotion tiers say now or, `remembered`, what this node knows of them, without a read where it does;
   * a text that cannot be a code is one that nobody has.
   */
  look(wanted: readonly Wanted[], options?: { readonly remembered?: boolean }): Promise<Looked>
  /** Executes a command on the ledger that a stream is. */
  tell(
    stream: string,
    command: LedgerCommand,
    context: CommandContext,
  ): ReturnType<Ledgers['codes']['execute']> | ReturnType<Ledgers['campaigns']['execute']>
  /** Gives up a request in the stream that decides it; does nothing when it came about. What that stream says is returned. */
  abandon(
    request: string,
    commit: string,
  ): Promise<{
    readonly redemptions: RedemptionsState
    /** Absent of a request without a customer. */
    readonly customer: CustomerState | undefined
    readonly position: bigint | undefined
  }>
  /** Gives the places of a request up. */
  release(reserved: ReadonlyMap<string, Target>, request: string, context: CommandContext): Promise<void>
  /** Tells the ledgers of what came about, without anybody waiting for it. */
  confirm(
    redemptions: readonly Pick<RedemptionFactData<'RedemptionSucceeded'>, 'redemption' | 'share' | 'ledgers'>[],
    context: CommandContext,
  ): void
  /** Lets what became of a reservation be known in its ledger; what did not come about by now never does. */
  settle(ledger: string, open: Pick<Open, 'redemption' | 'request' | 'commit'>): Promise<void>
  /** Settles those of whom nothing was heard for long. */
  settleStale(stream: string, before: readonly Open[]): Promise<void>
  /** Whether a ledger still waits to be told of a redemption, as of a revision of its stream or later. */
  isOpen(ledger: string, redemption: string, asOf: bigint): Promise<boolean>
  /** Frees the places of a redemption that was rolled back. */
  giveBack(rolledBack: Pick<Made, 'redemption' | 'share' | 'ledgers'>): Promise<void>
  /** Keeps a place for a session in the ledgers of redeemables, in all or none; the refusal says of which there is none. */
  lock(
    session: string,
    redeemables: readonly { readonly code: string; readonly ledger: string; readonly credits: number }[],
    expiresAt: number,
    context: CommandContext,
  ): Promise<Refusal | undefined>
  /** Resolves when the ledgers have been told of everything that came about here. */
  idle(): Promise<void>
}

export interface PlacesOptions {
  readonly customers: Pick<CustomerRuntime, 'execute' | 'load'>
  readonly ledgers: Ledgers
  readonly rulebook: () => Rulebook
  readonly log: Pick<Logger, 'warn'>
  readonly now: () => number
  readonly rewards: Pick<RewardPlaces, 'outOfStock'>
}

/** An open reservation of that age belongs to nobody who is still at work, ms: whoever waits for it settles it. */
const STALE_MS = 1_000

const ACTOR = { name: 'redemptions', role: 'system' } as const

const notALedger = (stream: string): never => {
  throw new Error(`${stream} has no ledger`)
}

export const createPlaces = ({ customers, ledgers, rulebook, log, now, rewards }: PlacesOptions): Places => {
  const telling = new Set<Promise<unknown>>()

  const tell: Places['tell'] = (stream, command, context) => {
    const { of, name } = ledgerOfStream(stream) ?? notALedger(stream)
    return of === 'campaign'
      ? ledgers.campaigns.execute(name, command, context)
      : ledgers.codes.execute(name, command, context)
  }

  const look: Places['look'] = async (wanted, { remembered = false } = {}) => {
    const atLeast = remembered ? 0n : undefined
    const streams = await Promise.all(
      wanted.map(async ({ code: text, isTier }) => {
        if (isTier) return { code: tierCode(text), ledger: NO_LEDGER }
        const code = codeIn(text)
        return code === undefined ? noCodeStream(text) : (await ledgers.codes.load(code, atLeast)).state
      }),
    )
    const counted = new Set<string>()
    for (const { code } of streams) {
      const voucher = resolveVoucher(code, rulebook())
      if (voucher?.tier) counted.add(voucher.id)
      if (voucher?.campaign && countsOverCampaign(gatesOf(voucher, rulebook()))) counted.add(voucher.campaign.id)
    }
    const campaigns = await Promise.all(
      [...counted].map(async (id) => [id, (await ledgers.campaigns.load(id, atLeast)).state] as const),
    )
    const referrals = await Promise.all(
      streams.map(async ({ code }) => {
        const holder = code.owner?.type === 'referral_code' ? code.owner.customer : undefined
        if (holder === undefined) return []
        const { state } = await customers.load(holder)
        return [[code.code, offerOf(code, state, undefined, rulebook().project.customerKey)] as const]
      }),
    )
    return {
      codes: streams,
      campaigns: new Map(campaigns),
      referrals: new Map(referrals.flat()),
      outOfStock: await rewards.outOfStock(streams, wanted),
    }
  }

  const release: Places['release'] = async (reserved, request, context) => {
    await Promise.all(
      [...reserved.values()].map(({ stream, place }) =>
        tell(stream, { type: 'Release', redemption: redemptionId(request, place), reason: 'refused' }, context),
      ),
    )
  }

  const abandon: Places['abandon'] = async (request, commit) => {
    const context = { requestId: request, actor: ACTOR, now: now() }
    const id = customerOfStream(commit)
    const command: RedemptionCommand = { type: 'AbandonRedemption', request }
    if (id === undefined) {
      const { state, position } = await ledgers.requests.execute(request, command, context)
      return { redemptions: state, customer: undefined, position }
    }
    const executed = await customers.execute(id, command, context)
    const { state } = executed
    return {
      redemptions: state.redemptions,
      customer: state,
      position: 'position' in executed ? executed.position : undefined,
    }
  }

  const settle: Places['settle'] = async (stream, { redemption, request, commit }) => {
    const { made } = (await abandon(request, commit)).redemptions
    const one = Object.hasOwn(made, redemption) ? made[redemption] : undefined
    // One that came about need not have this place: the request may have been begun with other redeemables before.
    const has = one?.ledgers.includes(stream) ? one : undefined
    await tell(
      stream,
      has ? { type: 'Confirm', redemption, share: has.share } : { type: 'Release', redemption, reason: 'abandoned' },
      { requestId: request, actor: ACTOR, now: now() },
    )
  }

  const settleStale: Places['settleStale'] = async (stream, before) => {
    for (const open of before) if (now() - open.occurredAt > STALE_MS) await settle(stream, open)
  }

  // A process does it if this node does not live to.
  const confirm: Places['confirm'] = (redemptions, context) => {
    const told = Promise.all(
      redemptions.flatMap(({ redemption, share, ledgers: streams }) =>
        streams.map((stream) => tell(stream, { type: 'Confirm', redemption, share }, context)),
      ),
    ).catch((error: unknown) => log.warn({ err: error }, 'ledgers are told later of what came about'))
    telling.add(told)
    void told.finally(() => telling.delete(told))
  }

  const giveBack: Places['giveBack'] = async ({ redemption, share, ledgers: streams }) => {
    const context = { requestId: redemption, actor: ACTOR, now: now() }
    for (const stream of streams) {
      // A ledger that was not told yet that it came about could not take it back.
      await tell(stream, { type: 'Confirm', redemption, share }, context)
      await tell(stream, { type: 'Return', redemption, share }, context)
    }
  }

  return {
    look,
    tell,
    abandon,
    release,
    confirm,
    settle,
    settleStale,
    giveBack,
    async isOpen(stream, redemption, asOf) {
      const { of, name } = ledgerOfStream(stream) ?? notALedger(stream)
      const { open } =
        of === 'campaign'
          ? (await ledgers.campaigns.load(name, asOf)).state
          : (await ledgers.codes.load(name, asOf)).state.ledger
      return open.has(redemption)
    },
    async lock(session, redeemables, expiresAt, context) {
      const locked: string[] = []
      for (const { code, ledger, credits } of redeemables) {
        const { refusal } = await tell(ledger, { type: 'Lock', session, expiresAt, credits }, context)
        if (refusal) {
          await Promise.all(locked.map((one) => tell(one, { type: 'Unlock', session }, context)))
          return {
            ...refusal,
            resource: { type: ledgerOfStream(ledger)?.of === 'code' ? 'voucher' : 'promotion_tier', id: code },
          }
        }
        locked.push(ledger)
      }
      return undefined
    },
    idle: async () => {
      await Promise.all(telling)
    },
  }
}
