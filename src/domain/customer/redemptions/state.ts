// What a customer has redeemed, as the facts leave it.
import { type Counts, counted, NO_COUNTS } from './counts.ts'
import type { Succeeded } from './facts.ts'
import { NO_SUMS, type RedemptionSums } from './sums.ts'

/** A redemption that came about, as far as rolling it back needs it. */
export type Made = Succeeded & {
  /** The rollback that undid it. */
  readonly rolledBack?: string
}

export interface RedemptionsState {
  /** By voucher, and by campaign; what was rolled back does not count. */
  readonly byVoucher: Readonly<Record<string, Counts>>
  readonly byCampaign: Readonly<Record<string, Counts>>
  /** By redemption; those of the last `KEPT_MS` before the newest, since older ones can be rolled back no more. */
  readonly made: Readonly<Record<string, Made>>
  /** Requests that cannot come about any more. */
  readonly abandoned: readonly string[]
  readonly sums: RedemptionSums
}

export const NO_REDEMPTIONS: RedemptionsState = {
  byVoucher: {},
  byCampaign: {},
  made: {},
  abandoned: [],
  sums: NO_SUMS,
}

const DAY_MS = 86_400_000
/** How long after it a redemption can be rolled back: three months, ms. */
export const ROLLBACK_MS = 92 * DAY_MS
const KEPT_MS = ROLLBACK_MS + DAY_MS
/** An abandoned request is asked for again within seconds, if at all. */
export const MAX_ABANDONED = 64

export const counting = (
  state: RedemptionsState,
  { voucher, campaign, share }: Pick<Made, 'voucher' | 'campaign' | 'share'>,
  by: 1 | -1,
): Pick<RedemptionsState, 'byVoucher' | 'byCampaign'> => ({
  byVoucher: {
    ...state.byVoucher,
    [voucher.id]: counted(state.byVoucher[voucher.id] ?? NO_COUNTS, share.day, by),
  },
  byCampaign: campaign
    ? { ...state.byCampaign, [campaign.id]: counted(state.byCampaign[campaign.id] ?? NO_COUNTS, share.day, by) }
    : state.byCampaign,
})

/** Without what is too old to be rolled back; the oldest come first. */
export const recent = (made: RedemptionsState['made'], now: number): RedemptionsState['made'] => {
  const oldest = Object.values(made)[0]
  if (!oldest || oldest.occurredAt >= now - KEPT_MS) return made
  return Object.fromEntries(Object.entries(made).filter(([, one]) => one.occurredAt >= now - KEPT_MS))
}

/** The redemptions of a request that came about, in the order of their places; empty when it did not. */
export const madeBy = (state: RedemptionsState, request: string): readonly Made[] =>
  Object.values(state.made)
    .filter((one) => one.request === request)
    .sort((a, b) => a.place - b.place)
