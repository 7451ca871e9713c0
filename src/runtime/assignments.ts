// Brings a code that was assigned to a customer into the customer's own stream, or sets it free again: by the request that
// assigned it, or by a process when that died on the way.
import type { CodeFactData } from '../domain/vouchers/code.ts'
import { type CodeStreams, changeCode } from './codeStreams.ts'
import type { CommandContext, CustomerRuntime, Executed } from './customers.ts'
import type { FreeCodes } from './freeCodes.ts'

export type Assigned = Pick<
  CodeFactData<'CodeAssigned'>,
  'code' | 'voucher' | 'campaign' | 'type' | 'customer' | 'publication' | 'joinOnce'
>

export interface AssignmentOptions {
  readonly ledgers: CodeStreams
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly freeCodes: Pick<FreeCodes, 'giveBack'>
}

/** The customer's answer. When it is not this code that the customer has after it, the code is nobody's again. */
export const settleAssignment = async (
  { ledgers, customers, freeCodes }: AssignmentOptions,
  { code, voucher, campaign, type, customer, publication, joinOnce }: Assigned,
  context: Omit<CommandContext, 'key' | 'dryRun'>,
): Promise<Executed> => {
  const executed = await customers.execute(
    customer,
    {
      type: 'PublishVoucher',
      ...(campaign === undefined ? {} : { campaign }),
      ...(type === undefined ? {} : { voucherType: type }),
      voucher: { id: voucher, code },
      publication,
      joinOnce,
      profile: {},
      mayCreate: false,
    },
    { ...context, key: `process:${publication.id}/${voucher}` },
  )
  if (executed.kind === 'busy' || Object.hasOwn(executed.state.vouchers, voucher)) return executed
  const release = { type: 'ReleaseCode', customer, publication: publication.id } as const
  const released = await changeCode(ledgers, code, release, context)
  if (released.kind === 'done') freeCodes.giveBack(code)
  return executed
}
