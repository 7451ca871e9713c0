// Asking a validation rule: about a customer, an event, an order, or a redemption of a code as it would find its budgets now.

import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { type AnyCall, askedOf, CustomerField, codesOf, customerMeant, Redeemable } from '../src/api/redeemables.ts'
import { ById, isoOrNull } from '../src/api/shapes.ts'
import type { Compiled } from '../src/domain/conditions/compile.ts'
import type { Context, Subject } from '../src/domain/conditions/subject.ts'
import { conditionsOf, subjectOf } from '../src/domain/customer/conditions.ts'
import { type CustomerState, newCustomer } from '../src/domain/customer/state.ts'
import { name300 } from '../src/domain/name.ts'
import { OrderInput, openOrder, type PricedOrder } from '../src/domain/order.ts'
import { contextFor } from '../src/domain/redemption/sight.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const Body = v.object({
  customer: CustomerField,
  event: v.optional(v.object({ type: v.string(), metadata: v.optional(GivenMetadata, {}) })),
  order: v.nullish(OrderInput),
  redemption: v.optional(
    v.looseObject({
      /** The code that would be redeemed: budgets are then those of this code and its campaign, this redemption counted in. */
      code: v.optional(name300),
      gift: Redeemable.entries.gift,
      /** The session that may hold a place for it. */
      session: v.optional(v.object({ key: name300 })),
      metadata: v.optional(GivenMetadata),
    }),
  ),
})

type Body = v.InferOutput<typeof Body>

/** What the rule finds beside the customer, and why a budget that it asks for may not be known. */
interface Surroundings {
  readonly context: Context
  readonly unknown: string
}

const NO_CODE = 'budgets are counted by code and campaign: redemption.code must say which code would be redeemed'

const NOT_COUNTED =
  'nothing counts these for the code: redemptions are counted over a campaign only while a rule attached to it or to the code ' +
  'asks for that, and what this one would add to sums of money is known only of a code that may be redeemed'

/** A redemption of a code, as a validation of it would find it. */
const ofCode = async (
  services: Services,
  call: AnyCall,
  { code, gift, session, metadata }: NonNullable<Body['redemption']> & { readonly code: string },
  customer: CustomerState | undefined,
  order: PricedOrder | undefined,
): Promise<Surroundings | Failure> => {
  const redeemables = codesOf([{ object: 'voucher', id: code, gift }])
  const looked = await services.redemptions.look(redeemables)
  const asked = askedOf(call, { metadata, tracking_id: undefined })
  const context = contextFor({ redeemables, asked, session: session?.key }, looked, {
    customer,
    order,
    metadata: metadata ?? {},
    apiKey: asked.apiKey,
    rulebook: services.rulebook.current(),
    now: call.now,
  })
  return context ? { context, unknown: NOT_COUNTED } : notFound('voucher', code)
}

const surroundingsOf = async (
  services: Services,
  call: AnyCall,
  { order: given, redemption }: Body,
  customer: CustomerState | undefined,
): Promise<Surroundings | Failure> => {
  const order = given ? openOrder(given) : undefined
  if (redemption?.code !== undefined)
    return ofCode(services, call, { ...redemption, code: redemption.code }, customer, order)
  return {
    context: { order, redemption, measures: () => 'skip' },
    unknown: NO_CODE,
  }
}

/** Asks a rule with the budgets that are not known once taken to hold and once to fail: what comes out alike is certain. */
const judge = (rule: Compiled, subject: Subject, context: Context, now: number) => {
  const unknown = new Set<string>()
  const ask = (instead: 'skip' | undefined) =>
    rule.evaluate(
      subject,
      {
        ...context,
        measures: (name) => {
          const value = context.measures?.(name)
          if (value !== 'skip') return value
          unknown.add(name)
          return instead
        },
      },
      now,
    )
  const evaluation = ask('skip')
  const isCertain = evaluation.holds === ask(undefined).holds
  return { evaluation, undetermined: isCertain ? [] : [...unknown] }
}

/** Asks a rule now; the answer names the first rule that failed, with the message its author wrote. */
const validate = async (services: Services, call: AnyCall, id: string, body: Body): Promise<Outcome> => {
  const rulebook = services.rulebook.current()
  const rule = conditionsOf(rulebook).rules.get(id)
  const entry = rulebook.entries('validationRule').get(id)
  if (!rule || !entry) return notFound('validation_rules', id)
  const meant = await customerMeant(services, call, body, contextOf(call, services, { dryRun: true }))
  if (isFailure(meant)) return meant
  const around = await surroundingsOf(services, call, body, meant.state)
  if (isFailure(around)) return around
  const context = body.event ? { ...around.context, event: { ...body.event, occurredAt: call.now } } : around.context
  const { evaluation, undetermined } = judge(rule, subjectOf(meant.state ?? newCustomer('')), context, call.now)
  const { holds, until, because, failed } = evaluation
  const isCertain = undetermined.length === 0
  return {
    body: {
      valid: isCertain ? holds : null,
      rule_id: id,
      applicable_to: entry.definition.applicable_to ?? { included: [], excluded: [], included_all: true },
      until: isCertain ? isoOrNull(until) : null,
      ...(isCertain ? {} : { undetermined: { names: undetermined, reason: around.unknown } }),
      ...(failed && isCertain
        ? { failed, error: failed.message === undefined ? null : { message: failed.message } }
        : {}),
      because,
    },
  }
}

export const ruleValidation = (services: Services) =>
  route({
    method: 'post',
    records: false,
    path: '/v1/validation-rules/{id}/validation',
    summary: 'Ask a validation rule about a customer, an event, an order or a redemption of a code',
    description:
      'Records nothing. `failed` names the first rule that does not hold, with its message. With `redemption.code` budgets ' +
      'are judged as a redemption of that code would find them now. Where a budget decides and is not known, `valid` is null, ' +
      'and `undetermined` names it and says why; in `because` it is then taken to hold.',
    tag: 'Validation rules',
    permission: 'definitions.read',
    params: ById,
    body: Body,
    response: v.object({
      valid: v.nullable(v.boolean()),
      rule_id: v.string(),
      until: v.nullable(v.string()),
      applicable_to: v.optional(v.unknown()),
      /** The truth table. */
      because: v.optional(v.unknown()),
      failed: v.optional(v.unknown()),
      undetermined: v.optional(v.unknown()),
      error: v.optional(v.unknown()),
    }),
    handler: (call) => validate(services, call, call.params.id, call.body),
  })
