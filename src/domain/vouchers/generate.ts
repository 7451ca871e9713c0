// What a campaign asks for when it is created: codes that nobody has yet.
import { idFrom } from '../ids.ts'
import { type Refused, refuse } from '../refusal.ts'
import { type Campaign, hasOwnCodes } from '../rulebook/campaign.ts'
import type { VoucherSpec } from '../rulebook/voucherSpec.ts'
import { type JobFactData, MAX_ITEMS } from './job.ts'
import { completeMember } from './make.ts'

type Wish = Omit<JobFactData<'VoucherJobRequested'>, 'occurredAt'>

/** The refusal of more codes than one job makes. */
export const tooMany = (count: number): Refused | undefined =>
  count > MAX_ITEMS
    ? refuse('too_many_vouchers_requested', `At most ${MAX_ITEMS} codes can be asked for at once`)
    : undefined

/** `count` codes in the format of a campaign, unless another is given. */
export const generation = (
  id: string,
  campaign: string,
  definition: Campaign,
  count: number,
  { config, spec = {} }: { readonly config?: Wish['config']; readonly spec?: VoucherSpec } = {},
): Wish => ({
  id,
  type: 'CAMPAIGN.VOUCHERS_GENERATE',
  campaign,
  count,
  config: config ?? definition.voucher?.code_config ?? {},
  spec: completeMember(spec, definition),
})

/** The job that creating a campaign leads to, always under the same id; undefined when it asks for no codes. */
export const firstCodes = (campaign: string, definition: Campaign): Wish | undefined => {
  const count = definition.vouchers_count ?? 0
  return count > 0 && hasOwnCodes(definition.campaign_type)
    ? generation(idFrom('aa', campaign, 'created'), campaign, definition, count)
    : undefined
}
