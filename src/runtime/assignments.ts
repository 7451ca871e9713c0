// Brings a code that was assigned to a customer into the customer's own stream, or sets it free again: by the request that
// assigned it, or by a process when that died on the way.

import * as v from 'valibot'
import type { Claim } from '../domain/customer/vouchers/facts.ts'
import type { CustomerCommand } from '../domain/decider/commands.ts'
import { present } from '../domain/present.ts'
import { CardTraits } from '../domain/rulebook/voucherSpec.ts'
import type { CodeFactData } from '../domain/vouchers/code.ts'
import { type CodeStreams, changeCode, loadCode } from './codeStreams.ts'
import type { CommandContext, CustomerRuntime, Executed } from './customers.ts'
import type { FreeCodes } from './freeCodes.ts'

export type Assigned = Pick<
  CodeFactData<'CodeAssigned'>,
  'code' | 'voucher' | 'campaign' | 'type' | 'customer' | 'publication' | 'joinOnce'
>

/** Codes that one publication is to give together, all or none. */
export interface GroupAssigned {
  readonly campaign: string
  readonly customer: string
  readonly publication: Assigned['publication']
  readonly joinOnce: boolean
  readonly claim: Claim
}

export interface AssignmentOptions {
  readonly ledgers: CodeStreams
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly freeCodes: Pick<FreeCodes, 'giveBack'>
}

/** What the code of a card says of the card that it becomes. */
const saidOfCard = async (ledgers: CodeStreams, code: string, { metadata, channel }: Assigned['publication']) => {
  const { spec } = (await loadCode(ledgers, code)).state
  const all = { ...spec.metadata, ...metadata }
  const own = present(v.parse(CardTraits, spec))
  return {
    ...present({ points: spec.loyalty_card?.points, source: channel }),
    ...(Object.keys(all).length > 0 ? { metadata: all } : {}),
    ...(Object.keys(own).length > 0 ? { own } : {}),
  }
}

/** The customer's answer. When it is not this code that the customer has after it, the code is nobody's again. */
export const settleAssignment = async (
  { ledgers, customers, freeCodes }: AssignmentOptions,
  { code, voucher, campaign, type, customer, publication, joinOnce }: Assigned,
  context: Omit<CommandContext, 'key' | 'dryRun'>,
): Promise<Executed> => {
  const none = { profile: {}, mayCreate: false } as const
  const command: CustomerCommand =
    type === 'LOYALTY_CARD' && campaign !== undefined
      ? {
          type: 'IssueLoyaltyCard',
          campaign,
          card: { id: voucher, code },
          publication: publication.id,
          ...present({ sourceId: publication.sourceId }),
          joinOnce,
          ...(await saidOfCard(ledgers, code, publication)),
          ...none,
        }
      : {
          type: 'PublishVoucher',
          campaign,
          voucherType: type,
          voucher: { id: voucher, code },
          publication,
          joinOnce,
          ...none,
        }
  const executed = await customers.execute(customer, command, {
    ...context,
    key: `process:${publication.id}/${voucher}`,
  })
  const { vouchers, loyalty } = executed.state
  if (Object.hasOwn(vouchers, voucher) || Object.hasOwn(loyalty.cards, voucher)) return executed
  const release = { type: 'ReleaseCode', customer, publication: publication.id } as const
  const released = await changeCode(ledgers, code, release, context)
  if (released.kind === 'done') freeCodes.giveBack(code)
  return executed
}

const claimAll = async (
  { ledgers }: AssignmentOptions,
  { customer, publication, claim, joinOnce }: GroupAssigned,
  context: Omit<CommandContext, 'key' | 'dryRun'>,
): Promise<boolean> => {
  for (const { code } of claim.vouchers) {
    const changed = await changeCode(
      ledgers,
      code,
      { type: 'AssignCode', customer, publication, claim, joinOnce },
      context,
    )
    if (changed.kind !== 'done') return false
  }
  return true
}

/**
 * The same for codes that are given together. Whoever settles a claim first, the request or the process, says in the customer's
 * stream under the claim's key whether it came about; only after that are codes set free that it has not led to.
 */
export const settleGroup = async (
  options: AssignmentOptions,
  group: GroupAssigned,
  context: Omit<CommandContext, 'key' | 'dryRun'>,
): Promise<Executed> => {
  const { ledgers, customers, freeCodes } = options
  const { campaign, customer, publication, joinOnce, claim } = group
  const [voucher, ...more] = [...claim.vouchers, ...claim.made]
  const keyed = { ...context, key: `process:${claim.id}` }
  const publish = {
    type: 'PublishVoucher',
    campaign,
    voucher: voucher!,
    more,
    publication,
    joinOnce,
    profile: {},
    mayCreate: false,
  } as const
  const giveUp = { type: 'GiveUpClaim', publication: publication.id, claim: claim.id } as const
  const isClaimed = await claimAll(options, group, context)
  let executed = await customers.execute(customer, isClaimed ? publish : giveUp, keyed)
  if (isClaimed && executed.kind === 'refused') {
    const ended = await customers.execute(customer, giveUp, keyed)
    // The other one may have published them in between.
    if (Object.hasOwn(ended.state.vouchers, voucher!.id)) executed = ended
  }
  for (const { id, code } of claim.vouchers) {
    if (Object.hasOwn(executed.state.vouchers, id)) continue
    const release = { type: 'ReleaseCode', customer, publication: publication.id, claim: claim.id } as const
    const released = await changeCode(ledgers, code, release, context)
    if (released.kind === 'done') freeCodes.giveBack(code)
  }
  return executed
}
