// Written by src/console/operations.ts: not to be changed by hand.
export interface Operations {
  'POST /v1/events': { query: { "dry_run"?: boolean | string | undefined } }
  'GET /v1/events': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "customer"?: string | undefined; "event"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'POST /client/v1/events': { query: { "dry_run"?: boolean | string | undefined } }
  'POST /v1/events/batch': { query: { "dry_run"?: boolean | string | undefined } }
  'POST /v1/events/rejected/{id}/resend': { query: Record<string, never> }
  'POST /v1/event-schemas': { query: Record<string, never> }
  'GET /v1/event-schemas': { query: Record<string, never> }
  'POST /management/v1/projects/{projectId}/custom-event-schemas': { query: Record<string, never> }
  'GET /management/v1/projects/{projectId}/custom-event-schemas': { query: Record<string, never> }
  'PUT /v1/event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'DELETE /v1/event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'GET /v1/event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'PUT /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'DELETE /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'GET /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}': { query: Record<string, never> }
  'POST /v1/customers': { query: Record<string, never> }
  'GET /v1/customers': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "email"?: string | undefined; "phone"?: string | undefined; "city"?: string | undefined; "name"?: string | undefined; "segment_id"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "starting_after"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "source_id" | "-source_id" | undefined } }
  'POST /client/v1/customers': { query: Record<string, never> }
  'PUT /v1/customers/{id}': { query: Record<string, never> }
  'DELETE /v1/customers/{id}': { query: Record<string, never> }
  'GET /v1/customers/{id}': { query: Record<string, never> }
  'POST /v1/customers/{id}/permanent-deletion': { query: Record<string, never> }
  'PUT /v1/customers/{id}/consents': { query: Record<string, never> }
  'GET /v1/customers/{id}/consents': { query: Record<string, never> }
  'POST /v1/customers/bulk/async': { query: Record<string, never> }
  'POST /v1/customers/metadata/async': { query: Record<string, never> }
  'POST /v1/segments': { query: Record<string, never> }
  'GET /v1/segments': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | undefined; "starting_after_id"?: string | undefined; "starting_after"?: string | undefined; "ids"?: string | undefined } }
  'PUT /v1/segments/{id}': { query: Record<string, never> }
  'DELETE /v1/segments/{id}': { query: Record<string, never> }
  'GET /v1/segments/{id}': { query: Record<string, never> }
  'POST /v1/segments/preview': { query: Record<string, never> }
  'POST /v1/validation-rules': { query: Record<string, never> }
  'GET /v1/validation-rules': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | undefined } }
  'PUT /v1/validation-rules/{id}': { query: Record<string, never> }
  'DELETE /v1/validation-rules/{id}': { query: Record<string, never> }
  'GET /v1/validation-rules/{id}': { query: Record<string, never> }
  'POST /v1/validation-rules/{id}/assignments': { query: { "force"?: boolean | string | undefined } }
  'GET /v1/validation-rules/{id}/assignments': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'DELETE /v1/validation-rules/{id}/assignments/{assignmentId}': { query: Record<string, never> }
  'POST /v1/distributions': { query: Record<string, never> }
  'GET /v1/distributions': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | undefined } }
  'PUT /v1/distributions/{id}': { query: Record<string, never> }
  'DELETE /v1/distributions/{id}': { query: Record<string, never> }
  'GET /v1/distributions/{id}': { query: Record<string, never> }
  'POST /v1/distributions/{id}/enable': { query: Record<string, never> }
  'POST /v1/distributions/{id}/disable': { query: Record<string, never> }
  'POST /v1/messages/{id}/retry': { query: Record<string, never> }
  'POST /v1/messages/retry': { query: Record<string, never> }
  'POST /v1/campaigns': { query: Record<string, never> }
  'GET /v1/campaigns': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined; "campaign_type"?: "DISCOUNT_COUPONS" | "GIFT_VOUCHERS" | "LOYALTY_PROGRAM" | "PROMOTION" | "REFERRAL_PROGRAM" | undefined; "campaign_status"?: "DONE" | "IN_PROGRESS" | "FAILED" | "DRAFT" | "MODIFYING" | undefined; "is_referral_code"?: boolean | string | undefined } }
  'PUT /v1/campaigns/{id}': { query: Record<string, never> }
  'DELETE /v1/campaigns/{id}': { query: Record<string, never> }
  'GET /v1/campaigns/{id}': { query: Record<string, never> }
  'POST /v1/campaigns/{id}/enable': { query: Record<string, never> }
  'POST /v1/campaigns/{id}/disable': { query: Record<string, never> }
  'POST /v1/vouchers': { query: Record<string, never> }
  'GET /v1/vouchers': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "code"?: string | undefined; "campaign"?: string | undefined; "campaign_id"?: string | undefined; "customer"?: string | undefined; "category"?: string | undefined; "ids"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "code" | "-code" | undefined; "filters"?: string | undefined } }
  'POST /v1/vouchers/{code}': { query: Record<string, never> }
  'PUT /v1/vouchers/{code}': { query: Record<string, never> }
  'DELETE /v1/vouchers/{code}': { query: Record<string, never> }
  'GET /v1/vouchers/{code}': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/enable': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/disable': { query: Record<string, never> }
  'POST /v1/campaigns/{campaignId}/vouchers/{code}': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/balance': { query: Record<string, never> }
  'POST /v1/campaigns/{campaignId}/vouchers': { query: { "vouchers_count"?: number | string | undefined } }
  'POST /v1/campaigns/{campaignId}/import': { query: Record<string, never> }
  'POST /v1/vouchers/import': { query: Record<string, never> }
  'POST /v1/vouchers/bulk/async': { query: Record<string, never> }
  'POST /v1/vouchers/metadata/async': { query: Record<string, never> }
  'POST /v1/async-actions/{id}/cancel': { query: Record<string, never> }
  'POST /v1/async-actions/{id}/retry': { query: Record<string, never> }
  'POST /v1/processes/retry': { query: Record<string, never> }
  'POST /v1/clock/confirm': { query: Record<string, never> }
  'POST /v1/clock/take-back': { query: Record<string, never> }
  'POST /v1/publications': { query: { "join_once"?: boolean | string | undefined; "campaign"?: string | undefined } }
  'GET /v1/publications': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "campaign"?: string | undefined; "customer"?: string | undefined; "voucher"?: string | undefined; "source_id"?: string | undefined; "result"?: "SUCCESS" | "FAILURE" | undefined; "voucher_type"?: "discount" | "loyalty" | "gift" | undefined; "is_referral_code"?: boolean | string | undefined; "order"?: "created_at" | "-created_at" | "id" | "-id" | "voucher_code" | "-voucher_code" | "customer_id" | "-customer_id" | "channel" | "-channel" | undefined; "filters"?: string | undefined } }
  'POST /client/v1/publish': { query: { "join_once"?: boolean | string | undefined; "campaign"?: string | undefined } }
  'POST /v1/validations': { query: Record<string, never> }
  'POST /client/v1/validations': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/validate': { query: Record<string, never> }
  'GET /client/v1/validate': { query: { "code": string; "tracking_id"?: string | undefined; "amount"?: string | undefined; "item"?: string | undefined; "customer"?: string | undefined; "order"?: string | undefined; "metadata"?: string | undefined; "gift"?: string | undefined; "session"?: string | undefined; "session_type"?: string | undefined; "session_key"?: string | undefined; "session_ttl"?: string | undefined; "session_ttl_unit"?: string | undefined } }
  'DELETE /v1/vouchers/{code}/sessions/{sessionKey}': { query: Record<string, never> }
  'POST /v1/redemptions': { query: Record<string, never> }
  'GET /v1/redemptions': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "result"?: "SUCCESS" | "FAILURE" | undefined; "campaign"?: string | undefined; "customer"?: string | undefined; "voucher"?: string | undefined; "created_at"?: string | undefined; "order"?: "created_at" | "-created_at" | "id" | "-id" | "voucher_code" | "-voucher_code" | "tracking_id" | "-tracking_id" | "customer_id" | "-customer_id" | undefined; "filters"?: string | undefined } }
  'POST /client/v1/redemptions': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/redemption': { query: { "tracking_id"?: string | undefined } }
  'GET /v1/vouchers/{code}/redemption': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | "id" | "-id" | "voucher_code" | "-voucher_code" | "tracking_id" | "-tracking_id" | "customer_id" | "-customer_id" | undefined } }
  'POST /client/v1/redeem': { query: { "code": string; "tracking_id"?: string | undefined } }
  'POST /v1/redemptions/{id}/rollback': { query: { "reason"?: string | undefined; "tracking_id"?: string | undefined } }
  'POST /v1/redemptions/{id}/rollbacks': { query: { "reason"?: string | undefined; "tracking_id"?: string | undefined } }
  'POST /v1/orders': { query: Record<string, never> }
  'GET /v1/orders': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "customer"?: string | undefined; "status"?: "CREATED" | "PAID" | "CANCELED" | "PROCESSING" | "FULFILLED" | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "status" | "-status" | undefined } }
  'POST /v1/orders/import': { query: Record<string, never> }
  'PUT /v1/orders/{id}': { query: Record<string, never> }
  'GET /v1/orders/{id}': { query: Record<string, never> }
  'POST /v1/exports': { query: Record<string, never> }
  'GET /v1/exports': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | "status" | "-status" | undefined } }
  'DELETE /v1/exports/{id}': { query: Record<string, never> }
  'GET /v1/exports/{id}': { query: Record<string, never> }
  'POST /v1/orders/export': { query: Record<string, never> }
  'POST /v1/vouchers/{code}/transactions/export': { query: Record<string, never> }
  'POST /v1/campaigns/{campaignId}/transactions/export': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/transactions/export': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/transactions/export': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/points-expiration/export': { query: Record<string, never> }
  'POST /v1/qualifications': { query: Record<string, never> }
  'POST /client/v1/qualifications': { query: Record<string, never> }
  'POST /v1/referrals/members/{code}/holders': { query: Record<string, never> }
  'GET /v1/referrals/members/{code}/holders': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "filters"?: string | undefined } }
  'POST /v1/referrals/{campaignId}/members/{code}/holders': { query: Record<string, never> }
  'GET /v1/referrals/{campaignId}/members/{code}/holders': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "filters"?: string | undefined } }
  'DELETE /v1/referrals/members/{code}/holders/{holderId}': { query: Record<string, never> }
  'DELETE /v1/referrals/{campaignId}/members/{code}/holders/{holderId}': { query: Record<string, never> }
  'POST /v1/webhooks': { query: Record<string, never> }
  'GET /v1/webhooks': { query: Record<string, never> }
  'POST /management/v1/projects/{projectId}/webhooks': { query: Record<string, never> }
  'GET /management/v1/projects/{projectId}/webhooks': { query: Record<string, never> }
  'PUT /v1/webhooks/{id}': { query: Record<string, never> }
  'DELETE /v1/webhooks/{id}': { query: Record<string, never> }
  'GET /v1/webhooks/{id}': { query: Record<string, never> }
  'PUT /management/v1/projects/{projectId}/webhooks/{id}': { query: Record<string, never> }
  'DELETE /management/v1/projects/{projectId}/webhooks/{id}': { query: Record<string, never> }
  'GET /management/v1/projects/{projectId}/webhooks/{id}': { query: Record<string, never> }
  'POST /v1/webhooks/{id}/replay': { query: Record<string, never> }
  'POST /v1/access/keys': { query: Record<string, never> }
  'GET /v1/access/keys': { query: Record<string, never> }
  'POST /v1/access/keys/{id}/rotate': { query: Record<string, never> }
  'DELETE /v1/access/keys/{id}': { query: Record<string, never> }
  'GET /v1/access/keys/{id}': { query: Record<string, never> }
  'POST /v1/access/roles': { query: Record<string, never> }
  'GET /v1/access/roles': { query: Record<string, never> }
  'PUT /v1/access/roles/{name}': { query: Record<string, never> }
  'DELETE /v1/access/roles/{name}': { query: Record<string, never> }
  'GET /v1/access/roles/{name}': { query: Record<string, never> }
  'POST /v1/access/users': { query: Record<string, never> }
  'GET /v1/access/users': { query: Record<string, never> }
  'PUT /v1/access/users/{id}': { query: Record<string, never> }
  'DELETE /v1/access/users/{id}': { query: Record<string, never> }
  'GET /v1/access/users/{id}': { query: Record<string, never> }
  'POST /v1/access/users/{id}/link': { query: Record<string, never> }
  'POST /v1/access/users/{id}/sign-out': { query: Record<string, never> }
  'POST /v1/oauth/token': { query: Record<string, never> }
  'POST /v1/oauth/introspect': { query: Record<string, never> }
  'POST /v1/oauth/token/revoke': { query: Record<string, never> }
  'POST /v1/loyalties': { query: Record<string, never> }
  'GET /v1/loyalties': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | undefined } }
  'PUT /v1/loyalties/{campaignId}': { query: Record<string, never> }
  'DELETE /v1/loyalties/{campaignId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/enable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/disable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/earning-rules': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/earning-rules': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'PUT /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}': { query: Record<string, never> }
  'DELETE /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/enable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/disable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/members': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "customer"?: string | undefined; "code"?: string | undefined; "ids"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "code" | "-code" | undefined } }
  'POST /v1/loyalties/members/{memberId}/enable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/enable': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/disable': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/disable': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/balance': { query: Record<string, never> }
  'GET /v1/loyalties/members/{memberId}/balance': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/balance': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/members/{memberId}/balance': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/pending-points/{pendingId}/balance': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/pending-points/{pendingId}/activate': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/pending-points/{pendingId}/cancel': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/transfers': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/transfers': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/redemption': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/redemption': { query: Record<string, never> }
  'POST /v1/loyalties/members/{memberId}/redemptions/{redemptionId}/rollback': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/members/{memberId}/redemptions/{redemptionId}/rollback': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/tiers': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/tiers': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "points" | "-points" | "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'PUT /v1/loyalties/{campaignId}/tiers/{tierId}': { query: Record<string, never> }
  'DELETE /v1/loyalties/{campaignId}/tiers/{tierId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/tiers/{tierId}': { query: Record<string, never> }
  'POST /v1/rewards': { query: Record<string, never> }
  'GET /v1/rewards': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "name" | "-name" | undefined; "assignment_id"?: string | undefined } }
  'PUT /v1/rewards/{id}': { query: Record<string, never> }
  'DELETE /v1/rewards/{id}': { query: Record<string, never> }
  'GET /v1/rewards/{id}': { query: Record<string, never> }
  'POST /v1/rewards/{id}/assignments': { query: Record<string, never> }
  'GET /v1/rewards/{id}/assignments': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'PUT /v1/rewards/{id}/assignments/{assignmentId}': { query: Record<string, never> }
  'DELETE /v1/rewards/{id}/assignments/{assignmentId}': { query: Record<string, never> }
  'GET /v1/rewards/{id}/assignments/{assignmentId}': { query: Record<string, never> }
  'POST /v1/loyalties/{campaignId}/rewards': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/rewards': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined; "assignment_id"?: string | undefined; "assignmentId"?: string | undefined } }
  'POST /v1/loyalties/{campaignId}/reward-assignments': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/reward-assignments': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined; "assignment_id"?: string | undefined; "assignmentId"?: string | undefined } }
  'PUT /v1/loyalties/{campaignId}/rewards/{assignmentId}': { query: Record<string, never> }
  'DELETE /v1/loyalties/{campaignId}/rewards/{assignmentId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/rewards/{assignmentId}': { query: Record<string, never> }
  'PUT /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}': { query: Record<string, never> }
  'DELETE /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}': { query: Record<string, never> }
  'POST /v1/projections/{name}/rebuild': { query: { "promote"?: boolean | string | undefined } }
  'POST /v1/projections/{name}/promote': { query: Record<string, never> }
  'POST /v1/projections/{name}/rollback': { query: Record<string, never> }
  'POST /v1/projections/parked/retry': { query: Record<string, never> }
  'GET /client/v1/customers/{id}': { query: Record<string, never> }
  'GET /v1/customers/{id}/activity': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "category"?: "ACTION" | "EFFECT" | undefined; "type"?: string | undefined; "campaign_id"?: string | undefined; "campaign_type"?: string | undefined } }
  'GET /v1/customers/{id}/activities': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "category"?: "ACTION" | "EFFECT" | undefined; "type"?: string | undefined; "campaign_id"?: string | undefined; "campaign_type"?: string | undefined } }
  'GET /v1/activity/stream': { query: { "customer"?: string | undefined; "event"?: string | undefined; "type"?: string | undefined; "category"?: "ACTION" | "EFFECT" | undefined } }
  'GET /v1/customers/{id}/personal-data': { query: { "after"?: string | undefined } }
  'GET /v1/events/count': { query: { "customer"?: string | undefined; "event"?: string | undefined } }
  'GET /v1/statistics': { query: Record<string, never> }
  'GET /v1/events/statistics': { query: { "interval"?: "minute" | "hour" | "day" | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined } }
  'GET /v1/events/names': { query: Record<string, never> }
  'GET /v1/events/rejected': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "event"?: string | undefined; "resent"?: boolean | string | undefined } }
  'GET /v1/audit/customers/{id}': { query: { "revision"?: string | undefined; "time"?: string | undefined } }
  'GET /v1/audit/explain': { query: { "id"?: string | undefined; "customer"?: string | undefined; "definition"?: string | undefined; "event"?: string | undefined } }
  'GET /v1/audit/customers/{id}/redecide': { query: { "from"?: string | undefined; "to"?: string | undefined } }
  'GET /v1/audit/verify': { query: { "projection"?: string | undefined; "sample"?: number | string | undefined } }
  'GET /v1/audit/laws': { query: Record<string, never> }
  'GET /v1/audit/clock': { query: Record<string, never> }
  'GET /v1/audit/redecide': { query: { "from"?: string | undefined; "to"?: string | undefined } }
  'GET /v1/audit/export': { query: { "customer"?: string | undefined; "after"?: string | undefined } }
  'GET /v1/audit/project-key': { query: Record<string, never> }
  'GET /v1/audit/seal': { query: { "until"?: string | undefined } }
  'POST /v1/audit/simulations': { query: Record<string, never> }
  'GET /v1/segments/{id}/members': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'GET /v1/segments/{id}/activities': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "starting_after"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined } }
  'GET /v1/customers/{id}/segments': { query: Record<string, never> }
  'GET /v1/segments/{id}/statistics': { query: Record<string, never> }
  'GET /v1/validation-rules-assignments': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined; "related_object_id"?: string | undefined; "rule"?: string | undefined } }
  'POST /v1/validation-rules/{id}/validation': { query: Record<string, never> }
  'POST /v1/distributions/{id}/test': { query: Record<string, never> }
  'GET /v1/messages': { query: { "customer"?: string | undefined; "distribution_id"?: string | undefined; "channel"?: "webhook" | "email" | "sms" | undefined; "reason"?: string | undefined; "cause"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "state"?: "requested" | "waiting" | "sending" | "sent" | "failed" | "parked" | "skipped" | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'GET /v1/messages/lanes': { query: Record<string, never> }
  'GET /v1/messages/{id}': { query: Record<string, never> }
  'GET /v1/vouchers/{code}/transactions': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined } }
  'GET /v1/campaigns/{id}/summary': { query: { "start_date"?: string | undefined; "end_date"?: string | undefined } }
  'GET /v1/async-actions': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "end_date"?: string | undefined } }
  'GET /v1/async-actions/{id}': { query: Record<string, never> }
  'GET /v1/redemptions/{id}': { query: Record<string, never> }
  'GET /v1/vouchers/{code}/redemptions': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | "id" | "-id" | "voucher_code" | "-voucher_code" | "tracking_id" | "-tracking_id" | "customer_id" | "-customer_id" | undefined } }
  'GET /exports/{id}': { query: { "token": string } }
  'GET /v1/customers/{id}/redeemables': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "filters"?: string | undefined } }
  'GET /v1/referrals/{campaignId}': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "status"?: "pending" | "refused" | "converted" | "rewarded" | undefined; "referrer"?: string | undefined; "referee"?: string | undefined; "code"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'GET /v1/referrals/members/{code}': { query: Record<string, never> }
  'GET /v1/referrals/{campaignId}/members/{code}': { query: Record<string, never> }
  'GET /v1/referrals/{campaignId}/referrers/{customer}': { query: Record<string, never> }
  'GET /v1/referrals/{campaignId}/referees/{customer}': { query: Record<string, never> }
  'GET /v1/webhooks/signing-secret': { query: Record<string, never> }
  'GET /v1/access/log': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined; "actor"?: string | undefined; "role"?: string | undefined; "action"?: string | undefined; "resource_type"?: string | undefined; "resource_id"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined } }
  'GET /v1/loyalties/{campaignId}/summary': { query: Record<string, never> }
  'GET /v1/loyalties/members/{memberId}': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/members/{memberId}': { query: Record<string, never> }
  'GET /v1/loyalties/members/{memberId}/points-expiration': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "expires_at" | "-expires_at" | undefined } }
  'GET /v1/loyalties/{campaignId}/members/{memberId}/points-expiration': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "order"?: "expires_at" | "-expires_at" | undefined } }
  'GET /v1/loyalties/members/{memberId}/pending-points': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "activates_at" | "-activates_at" | "id" | "-id" | undefined } }
  'GET /v1/loyalties/{campaignId}/members/{memberId}/pending-points': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "activates_at" | "-activates_at" | "id" | "-id" | undefined } }
  'GET /v1/loyalties/members/{memberId}/activity': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'GET /v1/loyalties/{campaignId}/members/{memberId}/activity': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "order"?: "created_at" | "-created_at" | undefined } }
  'GET /v1/loyalties/members/{memberId}/transactions': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "type"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined } }
  'GET /v1/loyalties/{campaignId}/members/{memberId}/transactions': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "type"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined } }
  'GET /v1/loyalties/{campaignId}/transactions': { query: { "limit"?: number | string | undefined; "starting_after_id"?: string | undefined; "cursor"?: string | undefined; "page"?: number | string | undefined; "order"?: "id" | "-id" | "created_at" | "-created_at" | undefined; "type"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined } }
  'GET /v1/loyalties/{campaignId}/tiers/{tierId}/earning-rules': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'GET /v1/loyalties/{campaignId}/tiers/{tierId}/rewards': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined } }
  'GET /v1/loyalties/members/{memberId}/tiers': { query: Record<string, never> }
  'GET /v1/loyalties/{campaignId}/reward-assignments/{assignmentId}/reward': { query: Record<string, never> }
  'GET /v1/loyalties/members/{memberId}/rewards': { query: { "limit"?: number | string | undefined; "page"?: number | string | undefined; "cursor"?: string | undefined; "created_at"?: string | undefined; "updated_at"?: string | undefined; "start_date"?: string | undefined; "end_date"?: string | undefined; "filters"?: string | undefined; "order"?: "created_at" | "-created_at" | "updated_at" | "-updated_at" | undefined; "affordable_only"?: boolean | string | undefined } }
  'GET /v1/processes': { query: { "limit"?: number | string | undefined } }
  'GET /v1/clock': { query: Record<string, never> }
  'GET /v1/projections': { query: Record<string, never> }
  'GET /v1/projections/parked': { query: { "limit"?: number | string | undefined } }
}
