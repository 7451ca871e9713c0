// Reading promotion tiers. The rulebook in memory is their read model.
import * as v from 'valibot'
import { promotionTiers } from '../src/api/definitions/promotionTier.ts'
import { definitionListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { PromotionTierObject } from '../src/api/presenters/promotionTierObject.ts'
import {
  ByPromotion,
  findPromotion,
  showPromotionTier,
  showTiersWithTotals,
  showTierWithTotals,
  tiersOf,
} from '../src/api/presenters/promotionTiers.ts'
import { calendarOf } from '../src/domain/calendar.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { PromotionTier } from '../src/domain/rulebook/promotionTier.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { compileValidity } from '../src/domain/validity.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

/** Whether a tier and its campaign are switched on and in force. */
const isAvailable =
  (rulebook: Rulebook, now: number) =>
  ({ definition }: Entry<PromotionTier>): boolean => {
    const calendar = calendarOf(rulebook.project.timeZone)
    const campaign = rulebook.entries('campaign').get(definition.campaign_id)?.definition
    return [definition, campaign].every((one) => one?.active && compileValidity(one, calendar)(now).holds)
  }

const SAID = 'Whom the rules of one let through is asked by POST /v1/qualifications.'

export const promotionTierQueries = (services: Services) => {
  const { tag, path } = promotionTiers
  const permission = 'definitions.read'
  const query = v.object({ ...definitionListQuery, is_available: v.optional(queryFlag) })
  const list = (
    call: Call<unknown, v.InferOutput<typeof query>, unknown>,
    show: (entry: Entry<PromotionTier>, rulebook: Rulebook) => object | Promise<object>,
    { onlyNow = false } = {},
  ): Promise<Outcome> => {
    const rulebook = services.rulebook.current()
    const { is_available: wanted } = call.query
    const isNow = isAvailable(rulebook, call.now)
    const all = [...rulebook.entries('promotionTier').values()].filter((entry) => !onlyNow || isNow(entry))
    const meant = wanted === undefined ? all : all.filter((entry) => isNow(entry) === wanted)
    return pageOfDefinitions(
      services,
      meant,
      call,
      { texts: ['name', 'campaign_id'] },
      (entry) => show(entry, rulebook),
      'tiers',
    )
  }
  const listed = { tag, query, response: listOf('tiers', PromotionTierObject) }
  return [
    route({
      ...listed,
      method: 'get',
      path,
      summary: 'List the promotion tiers of all campaigns',
      description: `With \`is_available=true\` those that are switched on and in force, as their campaigns are. ${SAID}`,
      permission,
      handler: (call) => list(call, (entry, rulebook) => showTierWithTotals(services, entry, rulebook)),
    }),
    route({
      ...listed,
      method: 'get',
      path: '/client/v1/promotions/tiers',
      summary: 'List the promotion tiers of all campaigns (from browsers)',
      description: `Those that are in force, without what was redeemed of them. ${SAID}`,
      permission: 'qualifications.run',
      ability: 'qualify',
      // What is planned, or was switched off, is the shop's own business.
      handler: (call) => list(call, showPromotionTier, { onlyNow: true }),
    }),
    route({
      method: 'get',
      path: '/v1/promotions/{campaignId}/tiers',
      summary: 'The promotion tiers of a campaign, in their order',
      tag,
      permission,
      params: ByPromotion,
      response: listOf('tiers', PromotionTierObject),
      handler: async (call): Promise<Outcome> => {
        const promotion = findPromotion(services, call.params)
        if (isFailure(promotion)) return promotion
        const rulebook = services.rulebook.current()
        const tiers = await showTiersWithTotals(services, tiersOf(promotion.id, rulebook), rulebook)
        return { body: { object: 'list', data_ref: 'tiers', tiers, total: tiers.length } }
      },
    }),
  ]
}
