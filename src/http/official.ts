// Every operation of the public contract, so that one that is not served is told apart from a record that is not there.

const LIST = `
GET /v1/async-actions
GET /v1/async-actions/{asyncActionId}
POST,GET /v1/campaigns
GET,PUT,DELETE /v1/campaigns/{campaignId}
POST /v1/campaigns/{campaignId}/vouchers
POST /v1/campaigns/{campaignId}/vouchers/{code}
POST /v1/campaigns/{campaignId}/import
POST /v1/campaigns/{campaignId}/importCSV
POST /v1/campaigns/{campaignId}/enable
POST /v1/campaigns/{campaignId}/disable
GET /v1/campaigns/{campaignId}/transactions
POST /v1/campaigns/{campaignId}/transactions/export
GET /v1/campaigns/{campaignId}/summary
GET,POST /v1/categories
GET,DELETE,PUT /v1/categories/{categoryId}
POST /client/v1/qualifications
GET /client/v1/promotions/tiers
POST /client/v1/redemptions
POST /client/v1/validations
POST /client/v1/events
GET /client/v1/validate
POST /client/v1/redeem
POST /client/v1/publish
GET,POST /v1/customers
GET,DELETE,PUT /v1/customers/{customerId}
POST /v1/customers/{customerId}/permanent-deletion
POST /v1/customers/importCSV
POST /v1/customers/bulk/async
POST /v1/customers/metadata/async
GET /v1/customers/{customerId}/activity
GET /v1/customers/{customerId}/activities
GET /v1/customers/{customerId}/segments
GET /v1/customers/{customerId}/redeemables
POST /v1/events
GET,POST /v1/loyalties
GET,PUT,DELETE /v1/loyalties/{campaignId}
GET,POST /v1/loyalties/{campaignId}/members
GET /v1/loyalties/{campaignId}/members/{memberId}
GET /v1/loyalties/members/{memberId}
GET /v1/loyalties/{campaignId}/members/{memberId}/pending-points
GET /v1/loyalties/members/{memberId}/pending-points
POST /v1/loyalties/members/{memberId}/pending-points/{pendingPointsId}/activate
POST /v1/loyalties/members/{memberId}/pending-points/{pendingPointsId}/balance
POST /v1/loyalties/members/{memberId}/pending-points/{pendingPointsId}/cancel
GET /v1/loyalties/{campaignId}/members/{memberId}/activity
GET /v1/loyalties/members/{memberId}/activity
POST /v1/loyalties/{campaignId}/members/{memberId}/balance
POST /v1/loyalties/members/{memberId}/balance
POST /v1/loyalties/{campaignId}/members/{memberId}/transfers
GET /v1/loyalties/{campaignId}/transactions
GET /v1/loyalties/{campaignId}/members/{memberId}/transactions
GET /v1/loyalties/members/{memberId}/transactions
GET /v1/loyalties/{campaignId}/members/{memberId}/points-expiration
GET,POST /v1/loyalties/{campaignId}/earning-rules
GET,PUT,DELETE /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}
POST /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/enable
POST /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/disable
GET /v1/loyalties/members/{memberId}/rewards
GET /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}/reward
GET /v1/loyalties/{campaignId}/reward-assignments
GET,POST /v1/loyalties/{campaignId}/rewards
GET /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}
GET,PUT,DELETE /v1/loyalties/{campaignId}/rewards/{assignmentId}
POST /v1/loyalties/{campaignId}/members/{memberId}/redemption
POST /v1/loyalties/members/{memberId}/redemption
GET,POST /v1/loyalties/{campaignId}/tiers
GET /v1/loyalties/{campaignId}/tiers/{loyaltyTierId}
GET /v1/loyalties/members/{memberId}/tiers
GET /v1/loyalties/{campaignId}/tiers/{loyaltyTierId}/earning-rules
GET /v1/loyalties/{campaignId}/tiers/{loyaltyTierId}/rewards
POST,GET /management/v1/projects
GET,PUT,DELETE /management/v1/projects/{projectId}
POST,GET /management/v1/projects/{projectId}/users
GET,PUT,DELETE /management/v1/projects/{projectId}/users/{userId}
POST /management/v1/projects/users/invite
GET /management/v1/projects/{projectId}/templates/campaigns
POST /management/v1/projects/{projectId}/templates/campaigns/{campaignTemplateId}/copy
POST,GET /management/v1/projects/{projectId}/stacking-rules
GET,PUT,DELETE /management/v1/projects/{projectId}/stacking-rules/{stackingRulesId}
POST,GET /management/v1/projects/{projectId}/metadata-schemas
GET,PUT,DELETE /management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId}
POST,GET /management/v1/projects/{projectId}/custom-event-schemas
GET,PUT,DELETE /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}
POST,GET /management/v1/projects/{projectId}/webhooks
GET,PUT,DELETE /management/v1/projects/{projectId}/webhooks/{webhookId}
POST,GET /management/v1/projects/{projectId}/branding
GET,PUT,DELETE /management/v1/projects/{projectId}/branding/{brandingId}
GET /v1/metadata-schemas
GET /v1/metadata-schemas/{resource}
POST /v1/oauth/token
POST /v1/oauth/introspect
POST /v1/oauth/token/revoke
GET,POST /v1/orders
GET,PUT /v1/orders/{orderId}
POST /v1/orders/import
POST /v1/orders/export
GET /v1/promotions/tiers
GET,POST /v1/promotions/{campaignId}/tiers
GET,PUT,DELETE /v1/promotions/tiers/{promotionTierId}
POST /v1/promotions/tiers/{promotionTierId}/enable
POST /v1/promotions/tiers/{promotionTierId}/disable
GET /v1/promotions/stacks
GET,POST /v1/promotions/{campaignId}/stacks
GET,PUT,DELETE /v1/promotions/{campaignId}/stacks/{stackId}
GET /v1/publications/create
GET,POST /v1/publications
POST /v1/qualifications
GET,POST /v1/redemptions
GET /v1/redemptions/{redemptionId}
GET,POST /v1/vouchers/{code}/redemption
POST /v1/redemptions/{redemptionId}/rollback
POST /v1/redemptions/{parentRedemptionId}/rollbacks
POST,GET /v1/referrals/{campaignId}/members/{memberId}/holders
DELETE /v1/referrals/{campaignId}/members/{memberId}/holders/{holderId}
POST,GET /v1/referrals/members/{memberId}/holders
DELETE /v1/referrals/members/{memberId}/holders/{holderId}
GET,POST /v1/rewards
GET,PUT,DELETE /v1/rewards/{rewardId}
GET,POST /v1/rewards/{rewardId}/assignments
PUT,DELETE,GET /v1/rewards/{rewardId}/assignments/{assignmentId}
GET,DELETE /v1/segments/{segmentId}
GET,POST /v1/segments
GET,POST /v1/validation-rules
GET,PUT,DELETE /v1/validation-rules/{validationRuleId}
GET /v1/validation-rules-assignments
GET,POST /v1/validation-rules/{validationRuleId}/assignments
DELETE /v1/validation-rules/{validationRuleId}/assignments/{assignmentId}
POST /v1/validations
POST /v1/vouchers/{code}/validate
GET,POST /v1/vouchers
GET,PUT,DELETE,POST /v1/vouchers/{code}
POST /v1/vouchers/{code}/enable
POST /v1/vouchers/{code}/disable
POST /v1/vouchers/{code}/balance
GET /v1/vouchers/{code}/transactions
POST /v1/vouchers/{code}/transactions/export
POST /v1/vouchers/import
POST /v1/vouchers/importCSV
POST /v1/vouchers/bulk/async
POST /v1/vouchers/metadata/async
DELETE /v1/vouchers/{code}/sessions/{sessionKey}
POST /v1/vouchers/qualification
`

export interface Official {
  readonly method: string
  readonly path: string
}

/** The contract's operations, as `{ method: 'GET', path: '/v1/orders/{orderId}' }`. */
export const OFFICIAL: readonly Official[] = LIST.trim()
  .split('\n')
  .flatMap((line) => {
    const [methods = '', path = ''] = line.split(' ')
    return methods.split(',').map((method) => ({ method, path }))
  })

const isParameter = (segment: string): boolean => segment.startsWith('{')

/** Whether one address can lead to both paths, given in their segments. */
const overlap = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i] || isParameter(one) || isParameter(b[i]!))

const haveOneShape = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i] || (isParameter(one) && isParameter(b[i]!)))

const SEGMENTS = OFFICIAL.map((operation) => ({ ...operation, segments: operation.path.split('/') }))

/** The contract's operations without a route, where the route of another would take a word of their path for a parameter. */
export const takenForAnother = <T extends Official>(served: readonly T[]): readonly Official[] => {
  const known = served.map(({ method, path }) => ({ method, segments: path.split('/') }))
  return SEGMENTS.filter(({ method, segments }) => {
    const others = known.filter((one) => one.method === method && overlap(one.segments, segments))
    return others.length > 0 && !others.some((one) => haveOneShape(one.segments, segments))
  }).map(({ method, path }) => ({ method, path }))
}

/** Whether the contract has an operation at an address, as it was sent. */
export const isOfficial = (method: string, address: string): boolean => {
  const asked = address.split('/')
  return SEGMENTS.some((one) => one.method === method && overlap(one.segments, asked))
}
