// Validating redeemables: what a redemption would give now, without redeeming anything; with a session, a place is kept for it.

import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { showOrder } from '../src/api/presenters/facts/orders.ts'
import { showRulesInForce } from '../src/api/presenters/stackingRules.ts'
import {
  OneValidation,
  showInvalid,
  showValid,
  showVerdict,
  tellableVerdict,
  ValidationObject,
} from '../src/api/presenters/validations.ts'
import { type Reach, tellableRefusal } from '../src/api/reach.ts'
import {
  type AnyCall,
  askedOf,
  asksOf,
  atMost,
  codesOf,
  customerMeant,
  expanded,
  listedByStatus,
  type Meant,
  type OneCodeBody,
  oneCodeBody,
  RedeemablesBody,
  redeemablesFault,
  showSession,
  ttlOf,
} from '../src/api/redeemables.ts'
import { holds } from '../src/domain/access/permissions.ts'
import { CodeName } from '../src/domain/codes.ts'
import { name300 } from '../src/domain/name.ts'
import { numeric } from '../src/domain/numbers.ts'
import type { Evaluated, Verdict } from '../src/domain/redemption/evaluate.ts'
import { ledgerStream } from '../src/domain/redemption/ledgers.ts'
import { evaluateFor } from '../src/domain/redemption/sight.ts'
import type { Refusal } from '../src/domain/refusal.ts'
import { stackingRulesOf } from '../src/domain/rulebook/stackingRules.ts'
import { CLIENT_LOCK_MS } from '../src/http/clients.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { describeIssues } from '../src/http/issues.ts'
import { type Call, type Client, checkerOf, type Outcome, route } from '../src/http/route.ts'
import { loadCode } from '../src/runtime/codeStreams.ts'
import { isMeant } from '../src/runtime/orders.ts'
import type { Services } from '../src/services.ts'

const TAG = 'Validations'

type Asks = Omit<RedeemablesBody, 'options'>

/** What a request for a validation comes to. */
type Validated =
  | { readonly failure: Outcome }
  | {
      readonly reach: Reach
      readonly evaluated: Evaluated
      readonly session?: ReturnType<typeof showSession>
      /** Why no place could be kept although all are applicable. */
      readonly unlocked?: Refusal
    }

/** 429 where the address of a browser, or its customer, would hold too many codes. */
const lockFault = (client: Client, codes: number, { reach, customer }: Meant): Failure | undefined =>
  client.take('locks', codes) ?? (customer && !reach.isStranger ? client.take('locks', codes, customer.id) : undefined)

const validate = async (services: Services, call: AnyCall, body: Asks): Promise<Validated> => {
  const fault = redeemablesFault(body.redeemables)
  if (fault) return { failure: fault }
  const context = contextOf(call, services, { dryRun: true })
  const meant = await customerMeant(services, call, body, context)
  if (isFailure(meant)) return { failure: meant }
  if (body.session && !holds(call.key, 'redemptions.write'))
    return { failure: fail('forbidden', `The role ${call.key.role} may not keep places: ask without a session`) }
  const lasting = body.session && call.client ? atMost(body.session, CLIENT_LOCK_MS) : body.session
  const session = lasting ? showSession(lasting, call.idempotencyKey) : undefined
  const asked = askedOf(call, body)
  const redeemables = codesOf(body.redeemables)
  const looked = await services.redemptions.look(redeemables)
  const asker = { customer: meant.customer?.id, isStranger: call.client !== undefined }
  const about = body.order ? await services.orders.meant(body.order, asker, context) : undefined
  if (about && !isMeant(about)) return { failure: fromRefusal(about.refused) }
  const order = about?.order
  const situation = {
    customer: meant.state,
    order,
    metadata: asked.metadata ?? {},
    apiKey: asked.apiKey,
    rulebook: services.rulebook.current(),
    now: call.now,
  }
  const asks = { redeemables, asked, session: session?.key }
  const { reach } = meant
  const evaluated = evaluateFor(asks, looked, situation)
  if (!evaluated.valid || !lasting || !session) return { reach, evaluated }
  const codes = evaluated.verdicts.flatMap((verdict, place) =>
    verdict.status === 'APPLICABLE'
      ? [{ code: verdict.asked, ledger: ledgerStream(looked.codes[place]!.code), credits: verdict.credits ?? 0 }]
      : [],
  )
  const full = call.client && lockFault(call.client, codes.length, meant)
  if (full) return { failure: full }
  const { dryRun: _, ...recording } = context
  const ttl = ttlOf(lasting)
  const unlocked = await services.redemptions.lock(session.key, codes, call.now + ttl, recording)
  return unlocked ? { reach, evaluated, unlocked } : { reach, evaluated, session }
}

const trackingIdOf = ({ tracking_id: given }: Asks): string => given ?? `track_${randomBytes(12).toString('hex')}`

const answer = async (services: Services, call: AnyCall, given: RedeemablesBody): Promise<Outcome> => {
  const body = expanded(services, given)
  if (isFailure(body)) return body
  const done = await validate(services, call, body)
  if ('failure' in done) return done.failure
  const { reach, evaluated, session, unlocked } = done
  const verdicts = unlocked
    ? evaluated.verdicts.map(
        (verdict): Verdict =>
          unlocked.resource?.id === verdict.asked
            ? { status: 'INAPPLICABLE', asked: verdict.asked, refusal: unlocked }
            : verdict,
      )
    : evaluated.verdicts
  const rulebook = services.rulebook.current()
  const shown = verdicts.map((verdict, n) =>
    showVerdict(
      rulebook,
      tellableVerdict(reach, verdict),
      call.requestId,
      body.redeemables[n]?.object === 'promotion_tier' ? 'promotion_tier' : 'voucher',
    ),
  )
  const valid = evaluated.valid && !unlocked
  const isPartial = stackingRulesOf(rulebook.definitions).redeemables_application_mode === 'PARTIAL'
  return {
    body: {
      id: `valid_${randomBytes(12).toString('hex')}`,
      valid,
      // As in the contract: what is left out of a valid request is in the lists of its own alone.
      redeemables: valid || isPartial ? shown.filter(({ status }) => status === 'APPLICABLE') : shown,
      ...listedByStatus(shown),
      ...(valid && evaluated.order ? { order: showOrder(evaluated.order) } : {}),
      tracking_id: trackingIdOf(body),
      session,
      stacking_rules: showRulesInForce(rulebook),
    },
  }
}

const LegacyBody = oneCodeBody('VoucherValidationRequest')
const checkLegacyBody = checkerOf(LegacyBody, { isNew: true })

/** The older answer about a single code, which says yes or no in its body. */
const answerOne = async (services: Services, call: AnyCall, code: string, body: OneCodeBody): Promise<Outcome> => {
  const asks = asksOf(code, body)
  const done = await validate(services, call, asks)
  if ('failure' in done) return done.failure
  const verdict = tellableVerdict(done.reach, done.evaluated.verdicts[0]!)
  const refused = done.unlocked ?? (verdict.status === 'INAPPLICABLE' ? verdict.refusal : undefined)
  const refusal = refused && tellableRefusal(done.reach, refused)
  const shown =
    refusal || verdict.status !== 'APPLICABLE'
      ? showInvalid(verdict, refusal, call.requestId)
      : showValid(verdict, done.session)
  return { body: { code, tracking_id: trackingIdOf(asks), ...shown } }
}

/** What a browser says of an order in its query: `amount` and `item[0][product_id]` beside `order[metadata]`. */
const BrowserQuery = v.object({
  code: v.pipe(name300, CodeName),
  tracking_id: v.optional(v.string()),
  amount: v.optional(numeric),
  item: v.optional(v.array(v.looseObject({}))),
  /** Its fields, or its `source_id`. */
  customer: v.optional(v.union([v.looseObject({}), v.string()])),
  order: v.optional(v.looseObject({})),
  metadata: v.optional(v.looseObject({})),
  gift: v.optional(v.looseObject({})),
  session: v.optional(v.looseObject({})),
  session_type: v.optional(v.string()),
  session_key: v.optional(v.string()),
  session_ttl: v.optional(v.string()),
  session_ttl_unit: v.optional(v.string()),
})

const fromBrowser = (query: v.InferOutput<typeof BrowserQuery>): unknown => {
  const { amount, item, order } = query
  const session = [
    ...Object.entries(query.session ?? {}),
    ['type', query.session_type],
    ['key', query.session_key],
    ['ttl', query.session_ttl],
    ['ttl_unit', query.session_ttl_unit],
  ].filter(([, value]) => value !== undefined)
  const asksOrder = amount !== undefined || item !== undefined || order !== undefined
  return {
    ...(query.customer === undefined
      ? {}
      : { customer: typeof query.customer === 'string' ? { source_id: query.customer } : query.customer }),
    ...(asksOrder
      ? { order: { ...order, ...(amount === undefined ? {} : { amount }), ...(item ? { items: item } : {}) } }
      : {}),
    ...(query.metadata ? { metadata: query.metadata } : {}),
    ...(query.gift ? { gift: query.gift } : {}),
    ...(session.length > 0 ? { session: Object.fromEntries(session) } : {}),
    tracking_id: query.tracking_id,
  }
}

const release = async (
  services: Services,
  call: Call<unknown, unknown, { code: string; sessionKey: string }>,
): Promise<Outcome> => {
  const { code, sessionKey: session } = call.params
  const { state } = await loadCode(services.ledgers, code)
  if (!state.owner || state.deleted) return notFound('voucher', code)
  const { position } = await services.ledgers.codes.execute(
    code,
    { type: 'Unlock', session },
    contextOf(call, services),
  )
  return { status: 204, consistencyToken: position }
}

export const validationCommands = (services: Services) => [
  ...(['/v1/validations', '/client/v1/validations'] as const).map((path) =>
    route({
      method: 'post',
      path,
      summary: 'What redeemables would give now',
      description:
        'Codes, and promotion tiers by their ids: discounts are applied one after the other. With a `session` of type LOCK a place is kept for each until the ' +
        'session ends or redeems; points of a card, and what there is of a reward, are not kept.',
      tag: TAG,
      permission: 'validations.run',
      ability: 'validate',
      body: RedeemablesBody,
      response: ValidationObject,
      handler: (call) => answer(services, call, call.body),
    }),
  ),
  route({
    method: 'post',
    path: '/v1/vouchers/{code}/validate',
    summary: 'What one code would give now (older form)',
    tag: TAG,
    permission: 'validations.run',
    params: v.object({ code: CodeName }),
    body: LegacyBody,
    response: OneValidation,
    handler: (call) => answerOne(services, call, call.params.code, call.body),
  }),
  route({
    method: 'get',
    path: '/client/v1/validate',
    summary: 'What one code would give now (older form, from browsers)',
    tag: TAG,
    permission: 'validations.run',
    ability: 'validate',
    query: BrowserQuery,
    response: OneValidation,
    handler: (call): Outcome | Promise<Outcome> => {
      const checked = checkLegacyBody(fromBrowser(call.query))
      return 'issues' in checked
        ? fail('invalid_query_params', describeIssues(checked.issues))
        : answerOne(services, call, call.query.code, checked.value)
    },
  }),
  route({
    method: 'delete',
    path: '/v1/vouchers/{code}/sessions/{sessionKey}',
    summary: 'Give up what a session keeps of a code',
    tag: TAG,
    permission: 'redemptions.write',
    params: v.object({ code: CodeName, sessionKey: v.string() }),
    status: 204,
    handler: (call) => release(services, call),
  }),
]
