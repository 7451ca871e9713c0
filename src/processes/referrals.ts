// The processes of referrals: conversions are credited to their referrers, codes that rules gave are reserved, and customers
// learn of their places among a code's referees.

import { isCustomerFact } from '../domain/customer/facts.ts'
import type { ReferralFactData } from '../domain/customer/referrals/facts.ts'
import { customerOfStream } from '../domain/ids.ts'
import type { CreditReferrer } from '../domain/referrals/commands.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { isCodeFact } from '../domain/vouchers/code.ts'
import { giftOf, ownerTypeOf } from '../domain/vouchers/publish.ts'
import type { Codes } from '../runtime/codes.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import { contextBy, type Process, tellBy } from './process.ts'

export interface ReferralProcessesOptions {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly codes: Codes
  readonly rulebook: () => Rulebook
  readonly now: () => number
}

/** The referrer's side of a conversion, as the command that the fact in the referee's stream asks for. */
export const creditCommand = (referee: string, data: ReferralFactData<'ReferralConverted'>): CreditReferrer => {
  const { campaign, voucher, cause, promise, occurredAt } = data
  return {
    type: 'CreditReferrer',
    conversion: { conversion: cause.fact, campaign, voucher, referee, cause, promise, convertedAt: occurredAt },
  }
}

export const referralProcesses = ({
  customers,
  codes,
  rulebook,
  now,
}: ReferralProcessesOptions): readonly Process[] => {
  const contextOf = contextBy(now)
  const tell = tellBy({ customers, now })

  const credits: Process = {
    name: 'referrals',
    types: ['ReferralConverted'],
    async handle(fact) {
      const referee = customerOfStream(fact.stream)
      if (referee === undefined || !isCustomerFact(fact) || fact.type !== 'ReferralConverted') return
      await tell(fact.data.referrer, creditCommand(referee, fact.data), fact)
    },
  }

  const voucherCodes: Process = {
    name: 'voucher-codes',
    types: ['VoucherPublished', 'VoucherCodeReplaced'],
    async handle(fact) {
      const own = customerOfStream(fact.stream)
      if (own === undefined || !isCustomerFact(fact)) return
      if (fact.type !== 'VoucherCodeReplaced' && (fact.type !== 'VoucherPublished' || fact.data.by === 'request'))
        return
      const { voucher, campaign } = fact.data
      if (!campaign) return
      const owner = { type: ownerTypeOf(campaign.type), id: voucher.id, campaign: campaign.id, customer: own }
      const definition = rulebook().entries('campaign').get(campaign.id)?.definition
      const spec = giftOf(definition, fact.data.credits)
      if ((await codes.reserve(voucher.code, owner, contextOf(fact), spec)) === 'reserved') return
      const attempt = fact.type === 'VoucherCodeReplaced' ? fact.data.attempt + 1 : 1
      await tell(own, { type: 'ReplaceVoucherCode', voucher: voucher.id, taken: voucher.code, attempt }, fact)
    },
  }

  const holders: Process = {
    name: 'referral-holders',
    types: ['RefereesAssigned', 'RefereeRemoved'],
    async handle(fact) {
      if (!isCodeFact(fact)) return
      if (fact.type !== 'RefereesAssigned' && fact.type !== 'RefereeRemoved') return
      const { code, voucher: id, campaign, referrer } = fact.data
      const base = { campaign, voucher: { id, code }, referrer }
      if (fact.type === 'RefereeRemoved') {
        const { holder, customer } = fact.data
        await tell(customer, { type: 'NoteReferralHolder', assigned: false, holder: { ...base, holder } }, fact)
        return
      }
      for (const { id: holder, customer, metadata } of fact.data.holders) {
        const about = { ...base, holder, ...(metadata ? { metadata } : {}) }
        await tell(customer, { type: 'NoteReferralHolder', assigned: true, holder: about }, fact)
      }
    },
  }

  return [credits, voucherCodes, holders]
}
