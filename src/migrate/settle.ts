// What campaigns and tiers of promotions become once everything is redeemed again: in force when they were, and no longer.
import { partOf, picked } from './item.ts'
import { idOf, onceOver, promotionsOf } from './make.ts'
import type { Move } from './move.ts'
import { PROMOTION_TIERS } from './source.ts'

const WHEN = ['start_date', 'expiration_date', 'validity_timeframe', 'validity_day_of_week', 'validity_hours']

/** When the tiers of promotions are in force. */
const settleTiers = async (move: Move): Promise<void> => {
  const { source, state, target } = move
  for (const promotion of await promotionsOf(move))
    for (const item of await source.all(PROMOTION_TIERS, [idOf(promotion)])) {
      const here = state.idOf(idOf(item))
      const rest = { ...picked(item, WHEN), ...(item.active === false ? { active: false } : {}) }
      if (here === undefined || Object.keys(rest).length === 0) continue
      const written = await target.write('PUT', '/v1/promotions/tiers/{id}', [here], rest, `settle:${idOf(item)}`)
      if (!written.ok)
        state.note(`Promotion tier ${JSON.stringify(item.name)} is in force otherwise than before: ${written.reason}`)
    }
}

/** Gives campaigns the rest of what they are: when they are in force, whether customers may have one code only, first points. */
export const settleCampaigns = onceOver('campaigns in force', [], async (move) => {
  const { source, state, target } = move
  for (const item of await source.all('/v1/campaigns')) {
    const here = state.idOf(idOf(item))
    if (here === undefined) continue
    const isProgram = item.campaign_type === 'LOYALTY_PROGRAM'
    const root = isProgram ? '/v1/loyalties/{campaignId}' : '/v1/campaigns/{id}'
    const card = partOf(partOf(item, 'voucher'), 'loyalty_card')
    const rest = {
      ...picked(item, ['join_once', ...WHEN]),
      ...(isProgram && card.points !== undefined
        ? { voucher: { loyalty_card: picked(card, ['points', 'expiration_rules']) } }
        : {}),
    }
    const problems: string[] = []
    if (Object.keys(rest).length > 0) {
      const written = await target.write('PUT', root, [here], rest, `settle:${idOf(item)}`)
      if (!written.ok) problems.push(written.reason)
    }
    if (item.active === false) {
      const written = await target.write('POST', `${root}/disable`, [here], undefined, `disable:${idOf(item)}`)
      if (!written.ok) problems.push(written.reason)
    }
    for (const problem of problems)
      state.note(`Campaign ${JSON.stringify(item.name)} is in force otherwise than before: ${problem}`)
  }
  await settleTiers(move)
})
