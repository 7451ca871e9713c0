// Qualifications: which promotion tiers and codes a customer could redeem now, each by itself. Nothing is recorded and no place is
// kept.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { VoucherDocument } from '../projections/vouchers.ts'
import { contextOf } from '../src/api/context.ts'
import { fresh } from '../src/api/fresh.ts'
import { showCategories } from '../src/api/presenters/categories.ts'
import { showOrder } from '../src/api/presenters/facts/orders.ts'
import { CalculatedOrder, Metadata, NoItems } from '../src/api/presenters/parts.ts'
import {
  StackedCategories,
  StackingRulesInForce,
  showRulesInForce,
  showStackedCategories,
} from '../src/api/presenters/stackingRules.ts'
import { JudgedResult } from '../src/api/presenters/verdicts.ts'
import { VoucherObject } from '../src/api/presenters/voucherObject.ts'
import { showCode } from '../src/api/presenters/vouchers.ts'
import { type AnyCall, askedOf, CustomerField, customerMeant } from '../src/api/redeemables.ts'
import { isoOf } from '../src/api/shapes.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import { numeric } from '../src/domain/numbers.ts'
import { OrderInput, stepOrder } from '../src/domain/order.ts'
import { outsideIdOrNone } from '../src/domain/outsideIds.ts'
import { asMoment, ofMoment } from '../src/domain/position.ts'
import { present } from '../src/domain/present.ts'
import { evaluate, type Situation } from '../src/domain/redemption/evaluate.ts'
import { creditsLeft } from '../src/domain/redemption/ledger.ts'
import { foreseen, passes, QualificationFilters } from '../src/domain/redemption/qualify.ts'
import { evaluateFor, type Looked } from '../src/domain/redemption/sight.ts'
import { campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { compileValidity } from '../src/domain/validity.ts'
import { type ResolvedVoucher, resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, fromRefusal, isFailure, refuse } from '../src/http/errors.ts'
import { instant, queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { isMeant } from '../src/runtime/orders.ts'
import type { Services } from '../src/services.ts'
import { MAX_SCANNED, type Scan } from './qualifiedScan.ts'
import { type FoundStack, scanStacks } from './qualifiedStacks.ts'
import { type Found, NO_TIERS, scanTiers } from './qualifiedTiers.ts'

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

const redeemableFields = {
  id: v.string(),
  object: v.picklist(['voucher', 'promotion_tier', 'promotion_stack']),
  created_at: v.string(),
  result: JudgedResult,
  order: v.optional(CalculatedOrder),
  validation_rule_id: v.optional(v.string()),
  applicable_to: NoItems,
  inapplicable_to: NoItems,
  metadata: Metadata,
  categories: StackedCategories,
  name: v.optional(v.string()),
  banner: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  campaign_name: v.optional(v.string()),
}

const Qualifications = v.pipe(
  v.object({
    redeemables: v.object({
      object: v.literal('list'),
      data_ref: v.literal('data'),
      data: v.array(
        v.pipe(
          v.object({
            ...redeemableFields,
            /** The tiers of a stack. */
            redeemables: v.optional(v.array(v.object(redeemableFields))),
          }),
          v.title('QualifiedRedeemable'),
        ),
      ),
      total: v.number(),
      has_more: v.boolean(),
      more_starting_after: v.optional(v.string()),
    }),
    tracking_id: v.optional(v.string()),
    order: v.optional(CalculatedOrder),
    stacking_rules: StackingRulesInForce,
  }),
  v.title('Qualifications'),
)

/** How many of the codes that are looked through have their streams asked: they are few unless limits that only streams know rule them out. */
const MAX_LOOKS = 200
/** How many streams are read at once. */
const TOGETHER = 10
const CHUNK = 100

/** The campaigns whose codes may be redeemed at all now; null stands for single vouchers. */
const campaignsNow = (rulebook: Rulebook, now: number): readonly (string | null)[] => {
  const calendar = calendarOf(rulebook.project.timeZone)
  return [
    null,
    ...[...campaignsIn(rulebook.definitions).values()]
      .filter(
        ({ definition }) =>
          definition.active &&
          (definition.campaign_type === 'DISCOUNT_COUPONS' || definition.campaign_type === 'GIFT_VOUCHERS') &&
          compileValidity(definition, calendar)(now).holds,
      )
      .map(({ id }) => id),
  ]
}

/** What of the filters the read model can be asked for, so that few codes among many are found at once. */
const narrowed = (filters: QualificationFilters | undefined, campaigns: readonly (string | null)[]) => {
  const all = filters?.junction.toLowerCase() === 'and'
  const named = (field: 'campaign_id' | 'code') => {
    const { $in, $is } = (all ? filters[field]?.conditions : undefined) ?? {}
    return $in ?? $is
  }
  const [ofCampaigns, codes] = [named('campaign_id'), named('code')]
  return {
    campaign: { $in: campaigns.filter((id) => ofCampaigns === undefined || (id !== null && ofCampaigns.includes(id))) },
    ...(codes ? { _id: { $in: codes } } : {}),
  }
}

type Holder = string | null

/** The codes of nobody that browsers are told: such as are meant for everybody. One for a single use is somebody's to be. */
const isPublic = ({ campaign, holder, type, quantity }: ResolvedVoucher): boolean =>
  campaign === undefined && holder === undefined && type === 'DISCOUNT_VOUCHER' && quantity !== 1

/** What of the codes of nobody is looked through for browsers: an index leads past those of campaigns. */
const SINGLE = { $and: [{ campaign: null }] }

/**
 * Codes of some holders (null: of nobody), the newest first, from a place on. One query for each holder, since each then
 * follows an index in order; the newest of all of them are taken.
 */
const candidates = async (
  { readModel }: Services,
  holders: readonly Holder[],
  filter: Readonly<Record<string, unknown>>,
  ofNobody: Readonly<Record<string, unknown>>,
): Promise<readonly VoucherDocument[]> => {
  const found = await Promise.all(
    holders.map((customer) =>
      readModel
        .collection<VoucherDocument>('vouchers')
        .find(
          { customer, active: true, ...filter, ...(customer === null ? ofNobody : {}) },
          { sort: { customer: -1, position: -1 }, limit: CHUNK },
        ),
    ),
  )
  return found
    .flat()
    .sort((a, b) => (a.position < b.position ? 1 : -1))
    .slice(0, CHUNK)
}

/** Without an order there is nothing for a gift voucher to pay: whether it has a credit left is what can be asked. */
const leastOf = (voucher: ResolvedVoucher | undefined, { order }: Situation) =>
  voucher?.type === 'GIFT_VOUCHER' && !order ? { credits: 1 } : {}

/** Looks through promotion tiers and codes until enough of them may be redeemed, all have been seen, or too many for one answer. */
const scan = async (
  services: Services,
  call: AnyCall,
  body: QualificationBody,
  situation: Situation,
): Promise<Scan<Found>> => {
  const { rulebook, now, customer } = situation
  const { filters, starting_after: after, sorting_rule: sorting } = body.options
  const limit = sorting === 'DEFAULT' ? body.options.limit : MAX_LOOKS
  const holders: readonly Holder[] = [
    ...(customer ? [customer.id] : []),
    ...(body.scenario === 'CUSTOMER_WALLET' ? [] : [null]),
  ]
  const asked = askedOf(call, body)
  const tiers =
    body.scenario === 'CUSTOMER_WALLET' ? NO_TIERS : await scanTiers(services, body.options, limit, asked, situation)
  if (tiers.next !== null) return tiers
  const within = narrowed(filters ?? undefined, campaignsNow(rulebook, now))
  const since = typeof after === 'number' ? { created_at: { $lt: new Date(after) } } : {}
  const found: Found[] = [...tiers.found]
  let next = typeof after === 'string' ? after : null
  let [scanned, looks] = [0, 0]
  for (;;) {
    const place = next === null ? {} : { position: { $lt: next } }
    const chunk = await candidates(services, holders, { ...within, ...since, ...place }, call.client ? SINGLE : {})
    // The read models rule most of them out; the streams are asked of the others.
    const likely = chunk.filter(({ state, sums, category }) => {
      const voucher = resolveVoucher(state, rulebook)
      if (
        !voucher ||
        (call.client && voucher.holder === undefined && !isPublic(voucher)) ||
        !passes(filters ?? undefined, voucher, category ?? voucher.campaign?.definition.category ?? undefined)
      )
        return false
      return evaluate([{ ...foreseen(state, voucher, sums), ...leastOf(voucher, situation) }], situation).valid
    })
    const streams = new Map<string, Looked>()
    for (const [n, document] of chunk.entries()) {
      if (likely[0]?._id === document._id) {
        if (!streams.has(document._id)) {
          const ahead = likely.slice(0, Math.min(limit - found.length, TOGETHER)).map(({ _id }) => _id)
          const looked = await services.redemptions.look(ahead.map((code) => ({ code })))
          for (const [k, code] of ahead.entries()) streams.set(code, { ...looked, codes: [looked.codes[k]!] })
        }
        likely.shift()
        looks += 1
        const looked = streams.get(document._id)!
        const least = leastOf(resolveVoucher(document.state, rulebook), situation)
        const ask = { redeemables: [{ code: document._id, ...least }], asked }
        const [verdict] = evaluateFor(ask, looked, situation).verdicts
        if (verdict?.status === 'APPLICABLE')
          found.push({ createdAt: document.state.createdAt, stream: looked.codes[0]!, verdict })
      }
      next = document.position
      scanned += 1
      const isLast = n === chunk.length - 1 && chunk.length < CHUNK
      if (!isLast && (found.length === limit || scanned === MAX_SCANNED || looks === MAX_LOOKS)) return { found, next }
    }
    if (chunk.length < CHUNK) return { found, next: null }
  }
}

/** The best or the least deals of all that were found: there is no page after them, since the next may hold a better one. */
const sorted = <F>(
  { found, next }: Scan<F>,
  { sorting_rule: rule, limit }: QualificationBody['options'],
  appliedBy: (one: F) => number,
): Scan<F> => {
  if (rule === 'DEFAULT') return { found, next }
  const sign = rule === 'BEST_DEAL' ? -1 : 1
  const deals = found.toSorted((a, b) => sign * (appliedBy(a) - appliedBy(b)))
  return { found: deals.slice(0, limit), next: null }
}

const NO_LIST = { object: 'list', data_ref: 'data', data: [], total: 0 } as const

const resultOf = ({ stream: { ledger }, verdict }: Found, call: AnyCall, rulebook: Rulebook) => {
  const { voucher, credits, after } = verdict
  if (voucher.type !== 'GIFT_VOUCHER') return voucher.discount ? { discount: voucher.discount } : {}
  const view = { now: call.now, calendar: calendarOf(rulebook.project.timeZone), apiKey: call.key.name }
  return {
    gift: { balance: creditsLeft(ledger, voucher.gift?.amount ?? 0, view), credits: after ? (credits ?? 0) : 0 },
  }
}

const show = (found: Found, call: AnyCall, rulebook: Rulebook) => {
  const { createdAt, verdict } = found
  const { voucher, before, after } = verdict
  const { name, banner } = voucher.tier?.definition ?? {}
  const rule = verdict.because[0]?.rule
  return {
    id: voucher.code,
    object: voucher.tier ? ('promotion_tier' as const) : ('voucher' as const),
    created_at: isoOf(createdAt),
    result: resultOf(found, call, rulebook),
    ...(before && after ? { order: showOrder(stepOrder(before, after)) } : {}),
    validation_rule_id: rule,
    applicable_to: NO_LIST,
    inapplicable_to: NO_LIST,
    metadata: voucher.metadata,
    categories: showStackedCategories(rulebook, voucher),
    ...present({ name, banner, campaign_name: voucher.campaign?.definition.name, campaign_id: voucher.campaign?.id }),
  }
}

const qualifyEach = async (services: Services, call: AnyCall, body: QualificationBody, situation: Situation) => {
  const { found, next } = sorted(
    await scan(services, call, body, situation),
    body.options,
    ({ verdict }) => verdict.applied,
  )
  return { data: found.map((one) => show(one, call, situation.rulebook)), next }
}

/** How a promotion stack shows, with its tiers. */
const showStack = ({ entry, tiers }: FoundStack, call: AnyCall, rulebook: Rulebook) => {
  const { name, campaign_id } = entry.definition
  const campaign = rulebook.entries('campaign').get(campaign_id)?.definition
  const [before, after] = [tiers[0]?.verdict.before, tiers.at(-1)?.verdict.after]
  return {
    id: entry.id,
    object: 'promotion_stack' as const,
    created_at: isoOf(entry.createdAt),
    result: {},
    ...(before && after ? { order: showOrder(stepOrder(before, after)) } : {}),
    applicable_to: NO_LIST,
    inapplicable_to: NO_LIST,
    metadata: {},
    categories: showCategories(rulebook.definitions, entry.definition, campaign),
    name,
    ...present({ campaign_name: campaign?.name, campaign_id }),
    redeemables: tiers.map((one) => show(one, call, rulebook)),
  }
}

const qualifyStacks = async (services: Services, call: AnyCall, body: QualificationBody, situation: Situation) => {
  const { sorting_rule: sorting, limit } = body.options
  const most = sorting === 'DEFAULT' ? limit : MAX_LOOKS
  const scanned = await scanStacks(services, body.options, most, askedOf(call, body), situation)
  const { found, next } = sorted(scanned, body.options, ({ applied }) => applied)
  return { data: found.map((one) => showStack(one, call, situation.rulebook)), next }
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
    return refuse('missing_customer', 'The scenario CUSTOMER_WALLET asks for a customer')
  const rulebook = services.rulebook.current()
  const asker = { customer: meant.customer?.id, isStranger: call.client !== undefined }
  const about = body.order ? await services.orders.meant(body.order, asker, context) : undefined
  if (about && !isMeant(about)) return fromRefusal(about.refused)
  const order = about?.order
  if (body.options.sorting_rule !== 'DEFAULT' && !order)
    return refuse('missing_order', 'What is the best deal depends on the order')
  const situation = {
    ...(meant.state ? { customer: meant.state } : {}),
    ...(order ? { order } : {}),
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
