// How loyalty programs show.

import * as v from 'valibot'
import type { Campaign } from '../../domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import { type Failure, notFound } from '../../http/errors.ts'
import type { Services } from '../../services.ts'
import { CampaignObject as AnyCampaign, generationOf, type Totals, wholeCampaign } from './campaigns.ts'
import { recordOf } from './parts.ts'

export const CampaignObject = v.pipe(v.omit(AnyCampaign.pipe[0], ['promotion']), v.title('LoyaltyCampaign'))

const showWhole = (definition: Campaign, all: Definitions) => {
  const whole = wholeCampaign(definition, all)
  return whole.voucher
    ? { ...whole, voucher: { ...whole.voucher, object: 'voucher' as const, active: definition.active } }
    : whole
}

/** A program as the HTTP contract shows it, with its cards where they were counted; null: it has none yet. */
export const showCampaign = (
  { id, definition, createdAt, updatedAt, off }: Entry<Campaign>,
  all: Definitions,
  totals?: Totals | null,
) => ({
  id,
  ...definition,
  ...showWhole(definition, all),
  vouchers_count: totals === undefined ? undefined : (totals?.codes ?? 0),
  creation_status: generationOf(definition, totals),
  vouchers_generation_status: generationOf(definition, totals),
  ...recordOf({ createdAt, updatedAt, off }),
  object: 'campaign' as const,
})

/** The loyalty program that a path names by id or name. */
export const findProgram = ({ rulebook }: Pick<Services, 'rulebook'>, name: string): Entry<Campaign> | Failure => {
  const campaigns = rulebook.current().entries('campaign')
  const found = campaigns.get(name) ?? [...campaigns.values()].find(({ definition }) => definition.name === name)
  return found?.definition.campaign_type === 'LOYALTY_PROGRAM' ? found : notFound('campaign', name)
}

export const ByCampaign = v.object({ campaignId: v.string() })
