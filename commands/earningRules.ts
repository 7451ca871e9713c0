// Creating, changing, switching and deleting earning rules of a loyalty program.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { ByRule, EarningRuleObject, findRule, showEarningRule } from '../src/api/presenters/earningRules.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { answered } from '../src/domain/answered.ts'
import { idFrom } from '../src/domain/ids.ts'
import { EarningRule } from '../src/domain/rulebook/earningRule.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions, recorded } from './definitions.ts'
import { invalid } from './invalid.ts'

const TAG = 'Earning rules'
const MAX_AT_ONCE = 100

const { campaign_id: _, event, source, ...fields } = EarningRule.entries
const SHOWN = ['automation_id']
/** Answers say of the banner which program it belongs to. */
const Source = v.nullish(v.pipe(source.wrapped, answered('object_id', 'object_type')))
/** A client may leave the event's name out, or write `custom_event`, and name its schema instead. */
const RuleBody = v.pipe(
  v.object({ ...fields, event: v.optional(event, 'custom_event'), source: Source }),
  recorded(...SHOWN),
  v.title('EarningRuleBody'),
)
type RuleBody = v.InferOutput<typeof RuleBody>

const RulePatch = v.pipe(v.partial(v.object({ ...fields, event, source: Source })), recorded(...SHOWN))

/** The event that a body means: by the name of its schema, or by the type under which orders are known. */
const eventOf = (body: Pick<RuleBody, 'event' | 'custom_event'>, definitions: Definitions): string => {
  const schema = body.custom_event ? entriesOf(definitions, 'eventSchema').get(body.custom_event.schema_id) : undefined
  if (body.event === 'custom_event') return schema?.definition.name ?? body.event
  return body.event.startsWith('order.') ? `customer.${body.event}` : body.event
}

const change = (
  services: Services,
  call: Call<unknown, unknown, v.InferOutput<typeof ByRule>>,
  of: (old: EarningRule) => unknown,
  verb: 'Updated' | 'Enabled' | 'Disabled',
): Outcome | Promise<Outcome> => {
  const found = findRule(services, call.params)
  if (isFailure(found)) return found
  // As it was written: the one that was found may be switched off.
  const { definition: old } = entriesOf(services.rulebook.current().definitions, 'earningRule').get(found.id) ?? found
  const parsed = v.safeParse(EarningRule, of(old))
  if (!parsed.success) return invalid(parsed.issues)
  return changeDefinitions(
    services,
    call,
    (definitions) => {
      const definition = { ...parsed.output, event: eventOf(parsed.output, definitions) }
      return [{ kind: 'earningRule', verb, id: found.id, definition, occurredAt: call.now }]
    },
    (rulebook) => ({ body: showEarningRule(rulebook.entries('earningRule').get(found.id)!, rulebook) }),
  )
}

const patched = (old: EarningRule, patch: v.InferOutput<typeof RulePatch>): unknown => ({ ...old, ...patch })

export const earningRuleCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/loyalties/{campaignId}/earning-rules',
    summary: 'Create earning rules, all or none',
    description:
      'A list. Set off by a custom event, any internal event, or the entry of a segment. Beyond the contract: bounds ' +
      '(`max_per_customer`, `max_per_period`), `cooldown`, and `stacking` for rules that one event sets off.',
    tag: TAG,
    permission: 'definitions.write',
    params: ByCampaign,
    body: v.pipe(v.array(RuleBody), v.minLength(1), v.maxLength(MAX_AT_ONCE)),
    response: v.array(EarningRuleObject),
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
      const ids = call.body.map((_, i) => idFrom('ern', key, String(i)))
      return changeDefinitions(
        services,
        call,
        (definitions) =>
          call.body.map((body, i) => ({
            kind: 'earningRule',
            verb: 'Created',
            id: ids[i]!,
            definition: { ...body, campaign_id: program.id, event: eventOf(body, definitions) },
            occurredAt: call.now,
          })),
        (rulebook) => ({
          body: ids.map((id) => showEarningRule(rulebook.entries('earningRule').get(id)!, rulebook)),
        }),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}',
    summary: 'Change an earning rule',
    description: 'What is left out stays as it is. What it paid before stays as it was.',
    tag: TAG,
    permission: 'definitions.write',
    params: ByRule,
    body: RulePatch,
    response: EarningRuleObject,
    handler: (call) => change(services, call, (old) => patched(old, call.body), 'Updated'),
  }),
  ...(['enable', 'disable'] as const).map((word) =>
    route({
      method: 'post',
      path: `/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/${word}` as '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}/enable',
      summary: word === 'enable' ? 'Enable an earning rule' : 'Disable an earning rule',
      tag: TAG,
      permission: 'definitions.write',
      params: ByRule,
      response: EarningRuleObject,
      handler: (call) =>
        change(
          services,
          call,
          (old) => ({ ...old, active: word === 'enable' }),
          word === 'enable' ? 'Enabled' : 'Disabled',
        ),
    }),
  ),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}',
    summary: 'Delete an earning rule',
    tag: TAG,
    permission: 'definitions.write',
    params: ByRule,
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findRule(services, call.params)
      if (isFailure(found)) return found
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'earningRule', verb: 'Deleted', id: found.id, occurredAt: call.now }],
        () => ({ status: 204 }),
      )
    },
  }),
]
