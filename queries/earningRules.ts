// Reading earning rules of a loyalty program.

import * as v from 'valibot'
import type { EarningRule } from '../src/domain/rulebook/earningRule.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { listOf } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { pageOfDefinitions } from './definitionList.ts'
import { ByCampaign, findProgram, ListQuery } from './loyalties.ts'
import { isoOf, isoOrNull, offOf } from './shapes.ts'

export const EarningRuleObject = v.pipe(
  v.looseObject({
    id: v.string(),
    event: v.string(),
    loyalty: v.looseObject({ type: v.string() }),
    active: v.boolean(),
    created_at: v.string(),
    object: v.literal('earning_rule'),
  }),
  v.title('EarningRule'),
)

/** An earning rule as the HTTP contract shows it. */
export const showEarningRule = (entry: Entry<EarningRule>, rulebook: Rulebook) => {
  const { campaign_id, source, custom_event, ...definition } = entry.definition
  const schema = custom_event?.schema_id ?? rulebook.schemaOf(definition.event)?.id
  return {
    id: entry.id,
    ...definition,
    ...(schema === undefined ? {} : { custom_event: { schema_id: schema } }),
    validation_rule_id: definition.validation_rule_id ?? null,
    source: { banner: source?.banner ?? null, object_id: campaign_id, object_type: 'campaign' as const },
    automation_id: entry.id.replace('ern_', 'auto_'),
    created_at: isoOf(entry.createdAt),
    updated_at: isoOrNull(entry.updatedAt),
    ...offOf(entry),
    object: 'earning_rule' as const,
  }
}

export const ByRule = v.object({ campaignId: v.string(), earningRuleId: v.string() })

/** The rule that a path names within a program. */
export const findRule = (
  services: Services,
  { campaignId, earningRuleId }: v.InferOutput<typeof ByRule>,
): Entry<EarningRule> | Failure => {
  const program = findProgram(services, campaignId)
  if (isFailure(program)) return program
  const rule = services.rulebook.current().entries('earningRule').get(earningRuleId)
  return rule?.definition.campaign_id === program.id ? rule : notFound('earning_rule', earningRuleId)
}

/** The earning rules of a program in the order of their creation. */
export const rulesOf = (rulebook: Rulebook, campaign: string): readonly Entry<EarningRule>[] =>
  [...rulebook.entries('earningRule').values()].filter(({ definition }) => definition.campaign_id === campaign)

export const earningRuleQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/earning-rules',
    summary: 'List the earning rules of a loyalty program',
    tag: 'Earning rules',
    permission: 'definitions.read',
    params: ByCampaign,
    query: ListQuery,
    response: listOf('data', EarningRuleObject),
    handler: async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const rulebook = services.rulebook.current()
      const rules = rulesOf(rulebook, program.id)
      return pageOfDefinitions(services, rules, call, { texts: ['event'] }, (rule) => showEarningRule(rule, rulebook))
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}',
    summary: 'Get an earning rule',
    tag: 'Earning rules',
    permission: 'definitions.read',
    params: ByRule,
    response: EarningRuleObject,
    handler: (call): Outcome => {
      const rule = findRule(services, call.params)
      return isFailure(rule)
        ? rule
        : { revision: rule.revision, body: showEarningRule(rule, services.rulebook.current()) }
    },
  }),
]
