// All query routes.

import type { Route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { accessQueries } from './access.ts'
import { accessLogQueries } from './accessLog.ts'
import { activityQueries } from './activity.ts'
import { activityStreamQueries } from './activityStream.ts'
import { asyncActionQueries } from './asyncActions.ts'
import { auditQueries } from './audit.ts'
import { auditRunQueries } from './auditRuns.ts'
import { campaignSummaryQueries } from './campaignSummary.ts'
import { campaignQueries } from './campaigns.ts'
import { campaignTransactionQueries } from './campaignTransactions.ts'
import { clockQueries } from './clock.ts'
import { consentQueries } from './consents.ts'
import { creditTransactionQueries } from './creditTransactions.ts'
import { customerQueries } from './customers.ts'
import { definitionQueries } from './definitionRoutes.ts'
import { distributionQueries } from './distributions.ts'
import { earningRuleQueries } from './earningRules.ts'
import { eventQueries } from './events.ts'
import { exportQueries } from './exports.ts'
import { loyaltyQueries } from './loyalties.ts'
import { loyaltyMemberQueries } from './loyaltyMembers.ts'
import { loyaltyTierQueries } from './loyaltyTiers.ts'
import { loyaltyTransactionQueries } from './loyaltyTransactions.ts'
import { messageQueries } from './messages.ts'
import { metadataSchemaQueries } from './metadataSchemas.ts'
import { orderQueries } from './orders.ts'
import { pendingPointsQueries } from './pendingPoints.ts'
import { personalDataQueries } from './personalData.ts'
import { processQueries } from './processes.ts'
import { projectionQueries } from './projections.ts'
import { promotionStackQueries } from './promotionStacks.ts'
import { promotionTierQueries } from './promotionTiers.ts'
import { publicationQueries } from './publications.ts'
import { redeemableQueries } from './redeemables.ts'
import { redemptionQueries } from './redemptions.ts'
import { referralQueries } from './referrals.ts'
import { rejectedEventQueries } from './rejectedEvents.ts'
import { rewardQueries } from './rewards.ts'
import { segmentStatisticsQueries } from './segmentStatistics.ts'
import { segmentQueries } from './segments.ts'
import { statisticsQueries } from './statistics.ts'
import { userQueries } from './users.ts'
import { validationRuleQueries } from './validationRules.ts'
import { voucherQueries } from './vouchers.ts'
import { webhookQueries } from './webhooks.ts'

export const queryRoutes = (services: Services): readonly Route[] => [
  ...customerQueries(services),
  ...consentQueries(services),
  ...activityQueries(services),
  ...activityStreamQueries(services),
  ...personalDataQueries(services),
  ...eventQueries(services),
  ...statisticsQueries(services),
  ...rejectedEventQueries(services),
  ...definitionQueries(services),
  ...metadataSchemaQueries(services),
  ...auditQueries(services),
  ...auditRunQueries(services),
  ...segmentQueries(services),
  ...segmentStatisticsQueries(services),
  ...validationRuleQueries(services),
  ...distributionQueries(services),
  ...messageQueries(services),
  ...promotionTierQueries(services),
  ...promotionStackQueries(services),
  ...campaignQueries(services),
  ...campaignTransactionQueries(services),
  ...pendingPointsQueries(services),
  ...voucherQueries(services),
  ...creditTransactionQueries(services),
  ...campaignSummaryQueries(services),
  ...asyncActionQueries(services),
  ...publicationQueries(services),
  ...redemptionQueries(services),
  ...orderQueries(services),
  ...exportQueries(services),
  ...redeemableQueries(services),
  ...referralQueries(services),
  ...webhookQueries(services),
  ...accessQueries(services),
  ...userQueries(services),
  ...accessLogQueries(services),
  ...loyaltyQueries(services),
  ...loyaltyMemberQueries(services),
  ...loyaltyTransactionQueries(services),
  ...earningRuleQueries(services),
  ...loyaltyTierQueries(services),
  ...rewardQueries(services),
  ...processQueries(services),
  ...clockQueries(services),
  ...projectionQueries(services),
]
