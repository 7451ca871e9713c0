// What erasing a person does at once, beside the fact that says so: the keys of what is personal are destroyed, and answers that may
// hold it go. Each step may be done again.

import { dropAnswers } from '../http/requests.ts'
import type { CustomerVault } from '../privacy/vault.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { dropExports } from './exports.ts'

/** Who erases customers for want of activity, as facts name the actor. */
export const RETENTION = 'retention'

export interface Erasures {
  /** False: personal data is not encrypted here, so that the log keeps it. */
  readonly isProvable: boolean
  /** Destroys the keys alone: answers that are kept last a day, and are none of a person who was not active for longer. */
  forget(customer: string): Promise<void>
  /** Resolves once nobody can read what the log holds of the customer's personal data. */
  finish(customer: string): Promise<void>
}

export const createErasures = ({
  vault,
  readModel,
}: {
  readonly vault: Pick<CustomerVault, 'destroy'> | undefined
  readonly readModel: Pick<ReadModel, 'plain'>
}): Erasures => ({
  isProvable: vault !== undefined,
  async forget(customer) {
    await vault?.destroy(customer)
  },
  async finish(customer) {
    await vault?.destroy(customer)
    // Answers do not say whom they are about; they last a day at most.
    await dropAnswers(readModel)
    // Nor do files that were exported.
    await dropExports(readModel)
  },
})
