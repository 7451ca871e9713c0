// Qualifications: which promotion tiers and codes a customer could redeem now, each by itself. Nothing is recorded and no place is
// kept.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { fresh } from '../src/api/fresh.ts'
import { showOrder } from '../src/api/presenters/facts/orders.ts'
import { NoItems } from '../src/api/presenters/parts.ts'
import { NO_LIST, Qualifications, showQualified, showQualifiedStack } from '../src/api/presenters/qualifications.ts'
import { showRulesInForce } from '../src/api/presenters/stackingRules.ts'
import { VoucherObject } from '../src/api/presenters/voucherObject.ts'
import { showCode } from '../src/api/presenters/vouchers.ts'
import { type AnyCall, askedOf, CustomerField, customerMeant } from '../src/api/redeemables.ts'
import { isoOf } from '../src/api/shapes.ts'
import { numeric } from '../src/domain/numbers.ts'
import { OrderInput } from '../src/domain/order.ts'
import { outsideIdOrNone } from '../src/domain/outsideIds.ts'
import { asMoment, ofMoment } from '../src/domain/position.ts'
import { present } from '../src/domain/present.ts'
import { dealsOf, QualificationFilters, type Qualified } from '../src/domain/redemption/qualify.ts'
import type { Situation } from '../src/domain/redemption/situation.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, fail, fromRefusal, isFailure } from '../src/http/errors.ts'
import { instant, queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { isMeant } from '../src/runtime/orders.ts'
import type { Services } from '../src/services.ts'
import { MAX_LOOKS, scanCodes } from './qualifiedCodes.ts'
import type { Scan } from './qualifiedScan.ts'
import { scanStacks } from './qualifiedStacks.ts'
import { NO_TIERS, scanTiers } from './qualifiedTiers.ts'

const SCENARIOS = ['ALL', 'CUSTOMER_WALLET', 'AUDIENCE_ONLY', 'PROMOTION_STACKS'] as const
const Scenario = v.picklist(SCENARIOS, `must be equal to one of ${SCENARIOS.join(', ')}: others are not supported`)

const Options = v.object({
  limit: v.optional(v.pipe(numeric, v.integer(), v.minValue(1), v.maxValue(50)), 5),
  /** `more_starting_after` of the page before; or a time, for those made before it. */
  starting_after: v.nullish(
    v.union(
      [v.pipe(v.string(), v.transform(ofMoment), v.string()), instant],
      'must be more_starting_after of an answer, or a time',
    ),
  ),
  filters: v.nullish(QualificationFilters),
  expand: v.optional(v.pipe(v.array(v.picklist(['redeemable', 'category', 'validation_rules'])), v.maxLength(3)), []),
  /** The newest first, or by what each takes off the order: the most or the least. */
  sorting_rule: v.optional(v.picklist(['DEFAULT', 'BEST_DEAL', 'LEAST_DEAL']), 'DEFAULT'),
})

const QualificationBody = v.pipe(
  v.object({
    customer: CustomerField,
    order: v.nullish(OrderInput),
    scenario: v.optional(Scenario, 'ALL'),
    mode: v.optional(v.picklist(['BASIC', 'ADVANCED']), 'BASIC'),
    tracking_id: v.nullish(outsideIdOrNone()),
    metadata: v.nullish(GivenMetadata),
    options: v.optional(Options, {}),
  }),
  v.title('QualificationRequest'),
)
type QualificationBody = v.InferOutput<typeof QualificationBody>

/** Looks through promotion tiers and then codes until enough of them may be redeemed, or too many were looked at for one answer. */
const scan = async (
  services: Services,
  call: AnyCall,
  body: QualificationBody,
  situation: Situation,
): Promise<Scan<Qualified>> => {
  const { customer } = situation
  const { limit: wanted, sorting_rule: sorting } = body.options
  const limit = sorting === 'DEFAULT' ? wanted : MAX_LOOKS
  const isWallet = body.scenario === 'CUSTOMER_WALLET'
  const asked = askedOf(call, body)
  const tiers = isWallet ? NO_TIERS : await scanTiers(services, body.options, limit, asked, situation)
  if (tiers.next !== null) return tiers
  const codes = await scanCodes(services, body.options, limit - tiers.found.length, asked, situation, {
    holders: [...(customer ? [customer.id] : []), ...(isWallet ? [] : [null])],
    isForBrowsers: call.client !== undefined,
  })
  return { found: [...tiers.found, ...codes.found], next: codes.next }
}

/** The best or the least deals of all that were found: there is no page after them, since the next may hold a better one. */
const sorted = <F>(
  { found, next }: Scan<F>,
  { sorting_rule: rule, limit }: QualificationBody['options'],
  appliedBy: (one: F) => number,
): Scan<F> =>
  rule === 'DEFAULT' ? { found, next } : { found: dealsOf(found, rule, appliedBy).slice(0, limit), next: null }

const qualifyEach = async (services: Services, call: AnyCall, body: QualificationBody, situation: Situation) => {
  const { found, next } = sorted(
    await scan(services, call, body, situation),
    body.options,
    ({ verdict }) => verdict.applied,
  )
  return { data: found.map((one) => showQualified(one, call, situation.rulebook)), next }
}

const qualifyStacks = async (services: Services, call: AnyCall, body: QualificationBody, situation: Situation) => {
  const { sorting_rule: sorting, limit } = body.options
  const most = sorting === 'DEFAULT' ? limit : MAX_LOOKS
  const scanned = await scanStacks(services, body.options, most, askedOf(call, body), situation)
  const { found, next } = sorted(scanned, body.options, ({ applied }) => applied)
  return { data: found.map((one) => showQualifiedStack(one, call, situation.rulebook)), next }
}

interface Asked {
  readonly situation: Situation
  readonly trackingId: string | null
}

/** Whom a qualification is about, and on which order. */
const situationOf = async (
  services: Services,
  call: AnyCall,
  body: Pick<QualificationBody, 'customer' | 'order' | 'scenario' | 'metadata' | 'options' | 'tracking_id'>,
): Promise<Asked | Failure> => {
  const context = contextOf(call, services, { dryRun: true })
  const meant = await customerMeant(services, call, body, context)
  if (isFailure(meant)) return meant
  if (body.scenario === 'CUSTOMER_WALLET' && !meant.state)
    return fail('missing_customer', 'The scenario CUSTOMER_WALLET asks for a customer')
  const rulebook = services.rulebook.current()
  const asker = { customer: meant.customer?.id, isStranger: call.client !== undefined }
  const about = body.order ? await services.orders.meant(body.order, asker, context) : undefined
  if (about && !isMeant(about)) return fromRefusal(about.refused)
  const order = about?.order
  if (body.options.sorting_rule !== 'DEFAULT' && !order)
    return fail('missing_order', 'What is the best deal depends on the order')
  const situation = {
    customer: meant.state,
    order,
    metadata: body.metadata ?? {},
    apiKey: call.key.name,
    rulebook,
    now: call.now,
    ...(body.scenario === 'AUDIENCE_ONLY' ? { audienceOnly: true } : {}),
  }
  return { situation, trackingId: body.tracking_id ?? meant.state?.profile.source_id ?? null }
}

const qualify = async (services: Services, call: AnyCall & { readonly body: QualificationBody }): Promise<Outcome> => {
  const { body } = call
  const asked = await situationOf(services, call, body)
  if (isFailure(asked)) return asked
  const { situation, trackingId } = asked
  const { order, rulebook } = situation
  const { data, next } =
    body.scenario === 'PROMOTION_STACKS'
      ? await qualifyStacks(services, call, body, situation)
      : await qualifyEach(services, call, body, situation)
  return {
    body: {
      redeemables: {
        object: 'list',
        data_ref: 'data',
        data,
        total: data.length,
        has_more: next !== null,
        ...(next === null ? {} : { more_starting_after: asMoment(next) }),
      },
      ...present({ tracking_id: trackingId }),
      ...(order ? { order: showOrder(order) } : {}),
      stacking_rules: showRulesInForce(rulebook),
    },
  }
}

const VouchersBody = v.pipe(
  v.nullish(
    v.object({
      customer: CustomerField,
      order: v.nullish(OrderInput),
      metadata: v.nullish(GivenMetadata),
      tracking_id: v.nullish(v.pipe(v.string(), v.maxLength(300))),
    }),
    {},
  ),
  v.title('VoucherQualificationRequest'),
)

const VouchersQuery = v.object({
  audienceRulesOnly: v.optional(queryFlag),
  limit: v.optional(v.pipe(numeric, v.integer(), v.minValue(1), v.maxValue(100)), 10),
})

const ONLY_VOUCHERS: QualificationFilters = { junction: 'and', resource_type: { conditions: { $is: ['voucher'] } } }

/** The older answer: the vouchers themselves, the newest first. */
const qualifyVouchers = async (
  services: Services,
  call: AnyCall & { readonly query: v.InferOutput<typeof VouchersQuery> },
  given: v.InferOutput<typeof VouchersBody>,
): Promise<Outcome> => {
  const { limit, audienceRulesOnly: isAudience } = call.query
  const body: QualificationBody = {
    ...given,
    mode: 'BASIC',
    scenario: isAudience ? 'AUDIENCE_ONLY' : 'ALL',
    options: { limit, sorting_rule: 'DEFAULT', expand: [], filters: ONLY_VOUCHERS },
  }
  const asked = await situationOf(services, call, body)
  if (isFailure(asked)) return asked
  const { found } = await scan(services, call, body, asked.situation)
  const shown = await Promise.all(
    found.map(async ({ stream }) => ({
      ...(await showCode(services, stream.code)),
      applicable_to: NO_LIST,
      inapplicable_to: NO_LIST,
    })),
  )
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: shown,
      total: shown.length,
      id: `qfl_${randomBytes(12).toString('hex')}`,
      created_at: isoOf(call.now),
      ...present({ tracking_id: asked.trackingId }),
    },
  }
}

const QualifiedVouchers = v.pipe(
  v.object({
    ...listOf('data', v.object({ ...VoucherObject.pipe[0].entries, applicable_to: NoItems, inapplicable_to: NoItems }))
      .entries,
    id: v.string(),
    created_at: v.string(),
    tracking_id: v.optional(v.string()),
  }),
  v.title('QualifiedVouchers'),
)

export const qualificationCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/qualifications',
    records: false,
    also: ['/client/v1/qualifications'],
    summary: 'Which promotion tiers and codes a customer could redeem now',
    description:
      'CUSTOMER_WALLET looks at the codes that the customer holds, ALL also at single vouchers and codes of campaigns that ' +
      'nobody holds, and before them at promotion tiers; the newest first. Each is judged by itself, by its rules and limits as they stand, on the order that is ' +
      'given. PROMOTION_STACKS looks at promotion stacks, each with all its tiers together. One answer looks through at most 1,000 codes: `has_more` says that there are others, also when `data` is short. ' +
      'A browser is told of the codes that the customer holds whose token it sends, of single discount codes for many uses, and of promotion tiers.',
    tag: 'Qualifications',
    permission: 'qualifications.run',
    ability: 'qualify',
    body: QualificationBody,
    response: Qualifications,
    handler: fresh(services, (call) => qualify(services, call)),
  }),
  route({
    method: 'post',
    path: '/v1/vouchers/qualification',
    records: false,
    summary: 'Which vouchers a customer could redeem now (older form)',
    description:
      'Each by itself, the newest first. `audienceRulesOnly` asks rules only for what they say of the customer.',
    tag: 'Qualifications',
    permission: 'qualifications.run',
    query: VouchersQuery,
    body: VouchersBody,
    response: QualifiedVouchers,
    handler: fresh(services, (call) => qualifyVouchers(services, call, call.body)),
  }),
]
