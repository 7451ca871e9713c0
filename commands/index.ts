// All command routes.

import type { Route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { accessCommands } from './access.ts'
import { asyncActionCommands } from './asyncActions.ts'
import { clockCommands } from './clock.ts'
import { consentCommands } from './consents.ts'
import { creditCommands } from './credits.ts'
import { csvImportCommands } from './csvImports.ts'
import { customerJobCommands } from './customerJobs.ts'
import { customerCommands } from './customers.ts'
import { definitionCommands } from './definitionRoutes.ts'
import { earningRuleCommands } from './earningRules.ts'
import { eventCommands } from './events.ts'
import { exportCommands } from './exports.ts'
import { loyaltyMemberCommands } from './loyaltyMembers.ts'
import { loyaltyPointCommands } from './loyaltyPoints.ts'
import { loyaltyTierCommands } from './loyaltyTiers.ts'
import { loyaltyTransferCommands } from './loyaltyTransfers.ts'
import { messageCommands } from './messages.ts'
import { oauthCommands } from './oauth.ts'
import { orderCommands } from './orders.ts'
import { processCommands } from './processes.ts'
import { projectionCommands } from './projections.ts'
import { promotionStackCommands } from './promotionStacks.ts'
import { promotionTierCommands } from './promotionTiers.ts'
import { publicationCommands } from './publications.ts'
import { qualificationCommands } from './qualifications.ts'
import { redemptionCommands } from './redemptions.ts'
import { referralCommands } from './referrals.ts'
import { rewardRedemptionCommands } from './rewardRedemptions.ts'
import { rewardCommands } from './rewards.ts'
import { rollbackCommands } from './rollbacks.ts'
import { segmentCommands } from './segments.ts'
import { userCommands } from './users.ts'
import { validationRuleCommands } from './validationRules.ts'
import { validationCommands } from './validations.ts'
import { voucherJobCommands } from './voucherJobs.ts'
import { voucherCommands } from './vouchers.ts'
import { webhookCommands } from './webhooks.ts'

export const commandRoutes = (services: Services): readonly Route[] => [
  ...eventCommands(services),
  ...definitionCommands(services),
  ...customerCommands(services),
  ...consentCommands(services),
  ...customerJobCommands(services),
  ...csvImportCommands(services),
  ...segmentCommands(services),
  ...validationRuleCommands(services),
  ...messageCommands(services),
  ...promotionTierCommands(services),
  ...promotionStackCommands(services),
  ...voucherCommands(services),
  ...creditCommands(services),
  ...voucherJobCommands(services),
  ...asyncActionCommands(services),
  ...processCommands(services),
  ...clockCommands(services),
  ...publicationCommands(services),
  ...validationCommands(services),
  ...redemptionCommands(services),
  ...rollbackCommands(services),
  ...orderCommands(services),
  ...exportCommands(services),
  ...qualificationCommands(services),
  ...referralCommands(services),
  ...webhookCommands(services),
  ...accessCommands(services),
  ...userCommands(services),
  ...oauthCommands(services),
  ...earningRuleCommands(services),
  ...loyaltyMemberCommands(services),
  ...loyaltyPointCommands(services),
  ...loyaltyTransferCommands(services),
  ...rewardRedemptionCommands(services),
  ...loyaltyTierCommands(services),
  ...rewardCommands(services),
  ...projectionCommands(services),
]
