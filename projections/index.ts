// All projections: what the projector keeps up to date, in one group behind one checkpoint.
import { accessLog } from './accessLog.ts'
import { activity } from './activity.ts'
import { asyncActions } from './asyncActions.ts'
import { campaignTotals } from './campaignTotals.ts'
import { creditTransactions } from './creditTransactions.ts'
import { customerEvents } from './customerEvents.ts'
import { customers } from './customers.ts'
import { deadlines } from './deadlines.ts'
import { eventHours } from './eventHours.ts'
import { eventTotals } from './eventTotals.ts'
import { loyaltyCards } from './loyaltyCards.ts'
import { loyaltyTotals } from './loyaltyTotals.ts'
import { loyaltyTransactions } from './loyaltyTransactions.ts'
import { orders } from './orders.ts'
import { outbox } from './outbox.ts'
import { pendingPoints } from './pendingPoints.ts'
import type { Projection } from './projection.ts'
import { promotionTotals } from './promotionTotals.ts'
import { publications } from './publications.ts'
import { redemptions } from './redemptions.ts'
import { referrals } from './referrals.ts'
import { rejectedEvents } from './rejectedEvents.ts'
import { segmentDays } from './segmentDays.ts'
import { segmentMembers } from './segmentMembers.ts'
import { vouchers } from './vouchers.ts'
import { voucherTotals } from './voucherTotals.ts'

export const projections = [
  customers,
  activity,
  eventTotals,
  eventHours,
  customerEvents,
  rejectedEvents,
  segmentMembers,
  segmentDays,
  deadlines,
  outbox,
  vouchers,
  voucherTotals,
  creditTransactions,
  asyncActions,
  publications,
  referrals,
  loyaltyCards,
  loyaltyTransactions,
  pendingPoints,
  loyaltyTotals,
  redemptions,
  orders,
  campaignTotals,
  promotionTotals,
  accessLog,
] as unknown as readonly Projection[]
