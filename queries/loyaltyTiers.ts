// Reading loyalty tiers: of a program, with what rules pay and rewards cost in them, and the tier that a card is in.

import * as v from 'valibot'
import { definitionListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { orderOf } from '../src/api/lists/pager.ts'
import { EarningRuleObject, showEarningRule } from '../src/api/presenters/earningRules.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { readCard } from '../src/api/presenters/loyaltyMembers.ts'
import { ByTier, findTier, showTier, TierObject } from '../src/api/presenters/loyaltyTiers.ts'
import { AssignmentObject, RewardObject, showAssignment, showReward } from '../src/api/presenters/rewards.ts'
import { isoOf, isoOrNull } from '../src/api/shapes.ts'
import { CodeName } from '../src/domain/codes.ts'
import { Mapping, tiersOf } from '../src/domain/rulebook/loyaltyTier.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { rulesOf } from './earningRules.ts'
import { ListQuery } from './loyalties.ts'
import { assignmentsOf } from './rewards.ts'

const TAG = 'Loyalty tiers'

export const loyaltyTierQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/tiers',
    summary: 'List the tiers of a loyalty program',
    tag: TAG,
    permission: 'definitions.read',
    params: ByCampaign,
    query: v.object({ ...definitionListQuery, order: orderOf(['points', 'created_at', 'updated_at'], 'points') }),
    response: listOf('data', TierObject),
    handler: async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const tiers = tiersOf(program.id, services.rulebook.current().definitions)
      return pageOfDefinitions(services, tiers, call, { texts: ['name'] }, showTier)
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/tiers/{tierId}/earning-rules',
    summary: 'The earning rules of a tier, with what they pay in it',
    tag: TAG,
    permission: 'definitions.read',
    params: ByTier,
    query: ListQuery,
    response: listOf('data', EarningRuleObject),
    handler: async (call): Promise<Outcome> => {
      const tier = findTier(services, call.params)
      if (isFailure(tier)) return tier
      const rulebook = services.rulebook.current()
      const rules = rulesOf(rulebook, tier.definition.campaign_id)
      return pageOfDefinitions(services, rules, call, { texts: ['event'] }, (rule) => ({
        ...showEarningRule(rule, rulebook),
        mapping: tier.definition.earning_rules[rule.id] ?? null,
      }))
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/tiers/{tierId}/rewards',
    summary: 'The rewards of a tier, with what they cost in it',
    tag: TAG,
    permission: 'definitions.read',
    params: ByTier,
    query: ListQuery,
    response: listOf(
      'data',
      v.object({
        reward: RewardObject,
        assignment: AssignmentObject,
        /** What the tier changes of it. */
        mapping: v.nullable(Mapping),
        object: v.literal('loyalty_tier_reward'),
      }),
    ),
    handler: async (call): Promise<Outcome> => {
      const tier = findTier(services, call.params)
      if (isFailure(tier)) return tier
      const rulebook = services.rulebook.current()
      const offers = assignmentsOf(rulebook, tier.definition.campaign_id)
      return pageOfDefinitions(services, offers, call, { texts: ['reward_id'] }, async (assignment) => ({
        reward: await showReward(services, rulebook.entries('reward').get(assignment.definition.reward_id)!),
        assignment: showAssignment(assignment),
        mapping: tier.definition.rewards[assignment.id] ?? null,
        object: 'loyalty_tier_reward',
      }))
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/members/{memberId}/tiers',
    summary: "The tier that a member's card is in",
    tag: TAG,
    permission: 'members.read',
    params: v.object({ memberId: CodeName }),
    response: listOf('data', TierObject),
    handler: async (call): Promise<Outcome> => {
      const found = await readCard(services, call.params.memberId)
      if (isFailure(found)) return found
      const { tier, campaign } = found.card
      const entry = tier && services.rulebook.current().entries('loyaltyTier').get(tier.id)
      const data = entry
        ? [
            {
              ...showTier(entry),
              expiration: {
                customer_id: found.customer,
                campaign_id: campaign.id,
                tier_id: entry.id,
                start_date: isoOf(tier.since),
                expiration_date: isoOrNull(tier.until),
                created_at: isoOf(tier.since),
              },
            },
          ]
        : []
      return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
    },
  }),
]
