// What erasing a person does at once, beside the fact that says so: the keys of what is personal are destroyed, and answers that may
// hold it go. Each step may be done again.

import { customerStream } from '../domain/ids.ts'
import type { EventStore } from '../eventstore/index.ts'
import { CUSTOMER_ERASED } from '../eventstore/personal.ts'
import { dropAnswers } from '../http/requests.ts'
import type { CustomerVault } from '../privacy/vault.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { dropExports } from './exports.ts'

/** Who erases customers for want of activity, as facts name the actor. */
export const RETENTION = 'retention'

export interface Erasures {
  /** False: personal data is not encrypted here, so that the log keeps it. */
  readonly isProvable: boolean
  /**
   * Destroys the keys alone: answers that are kept last a day, and are none of a person who was not active for longer. `erasedAt`:
   * where the log says that the person is to be forgotten, by default where it said so last. Who came back since keeps what is new.
   */
  forget(customer: string, erasedAt?: bigint): Promise<void>
  /** Resolves once nobody can read what the log holds of the customer's personal data of before. */
  finish(customer: string, erasedAt?: bigint): Promise<void>
}

export const createErasures = ({
  vault,
  store,
  readModel,
}: {
  readonly vault: Pick<CustomerVault, 'destroy'> | undefined
  readonly store: Pick<EventStore, 'readStream'>
  readonly readModel: Pick<ReadModel, 'plain'>
}): Erasures => {
  const lastErasureOf = async (customer: string): Promise<bigint | undefined> => {
    for await (const { type, position } of store.readStream(customerStream(customer), { direction: 'backwards' }))
      if (type === CUSTOMER_ERASED) return position
    return undefined
  }
  const forget: Erasures['forget'] = async (customer, erasedAt) => {
    if (vault === undefined) return
    const at = erasedAt ?? (await lastErasureOf(customer))
    if (at !== undefined) await vault.destroy(customer, at)
  }
  return {
    isProvable: vault !== undefined,
    forget,
    async finish(customer, erasedAt) {
      await forget(customer, erasedAt)
      // Answers do not say whom they are about; they last a day at most.
      await dropAnswers(readModel)
      // Nor do files that were exported.
      await dropExports(readModel)
    },
  }
}
