// One item of a job: a code that is made or changed, or something that was sent to be taken in.
import { codeFault, normalCode } from '../domain/codes.ts'
import { idFrom } from '../domain/ids.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { VoucherSpec } from '../domain/rulebook/voucherSpec.ts'
import type { Job, JobFailure, JobType } from '../domain/vouchers/job.ts'
import { misfitOf } from '../domain/vouchers/make.ts'
import { ownerTypeOf } from '../domain/vouchers/publish.ts'
import { type CodeStreams, changeCode } from './codeStreams.ts'
import type { Codes } from './codes.ts'
import type { CommandContext } from './customers.ts'
import { ACTOR } from './jobStreams.ts'
import { makeVoucher } from './makeVoucher.ts'

/** Deals with an item of a job whose items are kept beside the log; answers why it failed, or undefined. */
export type Deal = (item: unknown, context: CommandContext) => Promise<string | undefined>
export type Deals = Partial<Readonly<Record<JobType, Deal>>>

export interface JobItemsOptions {
  readonly ledgers: CodeStreams
  readonly codes: Codes
  readonly deals: Promise<Deals>
  readonly rulebook: () => Rulebook
  readonly now: () => number
}

/** Gives what deals with item `row` of a job and answers why it failed, or undefined. */
export const createJobItems = ({ ledgers, codes, deals, rulebook, now }: JobItemsOptions) => {
  return async ({ request, items, uploads: sent }: Job, row: number): Promise<JobFailure | undefined> => {
    if (sent) {
      const known = (await deals)[request.type]
      if (!known || row >= sent.length) return { row, reason: 'what was sent is not there any more' }
      // A name for each, so that what was done before a crash is not done again.
      const context = { requestId: request.id, actor: ACTOR, now: now(), key: idFrom('aa', request.id, String(row)) }
      const reason = await known(sent[row], context)
      return reason === undefined ? undefined : { row, reason }
    }
    const { id, type, campaign, config } = request
    const context = { requestId: id, actor: ACTOR, now: now() }
    const given = items[row]
    if (given?.fault !== undefined)
      return { row, ...(given.code === '' ? {} : { code: given.code }), reason: given.fault }
    const item = given && { ...given, code: normalCode(given.code) }
    // It was listed when the rule was another.
    const fault = item && codeFault(item.code)
    if (fault !== undefined) return { row, code: given!.code, reason: `the code ${fault}` }
    if (type === 'VOUCHERS.BULK_UPDATE' || type === 'VOUCHERS.METADATA_UPDATE') {
      const { code, spec } = item!
      const changed = await changeCode(
        ledgers,
        code,
        ({ owner, spec: { metadata, ...rest } }) => {
          const of = rulebook()
            .entries('campaign')
            .get(owner?.campaign ?? '')?.definition
          const unfit = misfitOf(rulebook().definitions, spec ?? {}, of)
          return unfit ?? { type: 'ChangeVoucher', spec: { ...rest, metadata: { ...metadata, ...spec?.metadata } } }
        },
        context,
      )
      return changed.kind === 'refused' ? { row, code, reason: changed.refusal.key } : undefined
    }
    const of = campaign === undefined ? undefined : rulebook().entries('campaign').get(campaign)?.definition
    const owner = {
      type: ownerTypeOf(of?.campaign_type),
      id: idFrom('v', id, String(row)),
      campaign,
    }
    const spec: VoucherSpec = item?.spec ?? request.spec ?? {}
    const wish = { code: item?.code, config: config ?? {}, owner, spec, active: item?.active ?? true }
    const made = await makeVoucher(codes, wish, rulebook().project.customerKey, context)
    if (made.kind === 'taken') return { row, code: made.code, reason: 'duplicate_found' }
    return made.kind === 'used_up' ? { row, reason: 'invalid_code_config' } : undefined
  }
}
