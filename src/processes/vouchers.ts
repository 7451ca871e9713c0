// The processes of vouchers: campaigns that were created with codes get them, and customers the codes that were assigned to them,
// also when the request for it died on the way.
import type { Campaign } from '../domain/rulebook/campaign.ts'
import { changeOf } from '../domain/rulebook/facts.ts'
import { isCodeFact } from '../domain/vouchers/code.ts'
import { firstCodes } from '../domain/vouchers/generate.ts'
import { type AssignmentOptions, settleAssignment, settleGroup } from '../runtime/assignments.ts'
import type { VoucherJobs } from '../runtime/voucherJobs.ts'
import { contextBy, type Process } from './process.ts'

export interface VoucherProcessesOptions extends AssignmentOptions {
  readonly jobs: Pick<VoucherJobs, 'request' | 'begin'>
  readonly now: () => number
}

export const voucherProcesses = ({ jobs, now, ...assignment }: VoucherProcessesOptions): readonly Process[] => {
  const contextOf = contextBy(now)

  const campaignCodes: Process = {
    name: 'campaign-codes',
    types: ['CampaignCreated'],
    async handle(fact) {
      const created = changeOf(fact)
      if (created?.kind !== 'campaign') return
      const wish = firstCodes(created.id, created.definition as Campaign)
      if (!wish) return
      await jobs.request(wish, [], contextOf(fact))
      jobs.begin(wish.id)
    },
  }

  const assignments: Process = {
    name: 'code-assignments',
    types: ['CodeAssigned'],
    async handle(fact) {
      if (!isCodeFact(fact) || fact.type !== 'CodeAssigned') return
      const { claim, campaign } = fact.data
      if (claim === undefined || campaign === undefined) await settleAssignment(assignment, fact.data, contextOf(fact))
      else await settleGroup(assignment, { ...fact.data, claim, campaign }, contextOf(fact))
    },
  }

  return [campaignCodes, assignments]
}
