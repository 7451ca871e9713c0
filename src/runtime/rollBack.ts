// Takes redemptions back in the stream where they were made, and frees their places.

import { type RedemptionFactData, requestOfStream } from '../domain/customer/redemptions/facts.ts'
import type { RedemptionsState } from '../domain/customer/redemptions/state.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import { customerOfStream, idFrom } from '../domain/ids.ts'
import { type Asked, type RedemptionCommand, rollbackId } from '../domain/redemption/redeem.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Logger } from '../log.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import type { Ledgers } from './ledgers.ts'
import type { Places } from './places.ts'

export type RolledBack =
  | {
      readonly kind: 'rolled_back'
      readonly parent: string
      readonly rollbacks: readonly RedemptionFactData<'RedemptionRolledBack'>[]
      readonly customer: CustomerState | undefined
      readonly position: bigint | undefined
    }
  | { readonly kind: 'failed'; readonly refusal: Refusal; readonly position: bigint | undefined }

/** Rolls back redemptions of one stream: all that were not rolled back yet, or none. */
export type RollBack = (
  ask: {
    readonly stream: string
    readonly redemptions: readonly string[]
    readonly reason?: string
    readonly asked: Asked
  },
  context: CommandContext,
) => Promise<RolledBack>

export interface RollBackOptions {
  readonly customers: Pick<CustomerRuntime, 'execute'>
  readonly ledgers: Ledgers
  readonly log: Pick<Logger, 'warn'>
  readonly giveBack: Places['giveBack']
}

export const createRollBack =
  ({ customers, ledgers, log, giveBack }: RollBackOptions): RollBack =>
  async ({ stream, redemptions, reason, asked }, context) => {
    const parent = idFrom('rr', 'parent', ...redemptions, context.key ?? context.requestId)
    const command: RedemptionCommand = {
      type: 'RollBackRedemptions',
      parent,
      redemptions,
      asked,
      reason,
    }
    const customer = customerOfStream(stream)
    let refusal: Refusal | undefined
    let position: bigint | undefined
    let state: CustomerState | undefined
    let after: RedemptionsState
    if (customer === undefined) {
      const decided = await ledgers.requests.execute(requestOfStream(stream) ?? stream, command, context)
      refusal = decided.refusal
      position = decided.position
      after = decided.state
    } else {
      const executed = await customers.execute(customer, command, context)
      if (executed.kind === 'refused') refusal = executed.refusal
      else position = executed.position
      state = executed.state
      after = executed.state.redemptions
    }
    if (refusal) return { kind: 'failed', refusal, position }
    const rolledBack = (id: string) => after.made[id]?.rolledBack === rollbackId(id, parent)
    const made = redemptions.filter(rolledBack).flatMap((id) => after.made[id] ?? [])
    try {
      await Promise.all(made.map(giveBack))
    } catch (error) {
      log.warn({ err: error }, 'ledgers are told later of what was rolled back')
    }
    const rollbacks = made.map((one) => ({
      ...one,
      ...asked,
      rollback: one.rolledBack ?? '',
      parent,
      ...(reason === undefined ? {} : { reason }),
      occurredAt: context.now,
    }))
    return { kind: 'rolled_back', parent, rollbacks, customer: state, position }
  }
