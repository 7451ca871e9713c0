// Facts that make, change and end a customer.
import * as v from 'valibot'
import { wholeFields } from '../personal.ts'
import { rowsOf } from './factRow.ts'
import { Erasure, mergeProfile, ProfilePatch, Said } from './profile.ts'
import { afterDeletion } from './referrals/state.ts'
import { noteSaid } from './said.ts'
import { type CustomerState, newCustomer } from './state.ts'

const At = v.pipe(v.number(), v.integer())

const fact = rowsOf<CustomerState>()

/** What conditions may ask for, with nothing beside it. */
const plain = (type: string) => ({ happening: () => ({ type, metadata: {} }) })

/** `changes` holds only what differs from before. */
export const profileFacts = {
  CustomerCreated: fact(v.object({ id: v.string(), profile: ProfilePatch, occurredAt: At, said: v.optional(Said) }), {
    personal: wholeFields({ profile: {} }),
    evolve: (state, { id, profile, said, occurredAt }) => ({
      ...state,
      status: 'active',
      erasure: undefined,
      id,
      profile: mergeProfile(state.profile, profile),
      saidAt: noteSaid(state.saidAt, profile, said, occurredAt),
      createdAt: occurredAt,
      updatedAt: occurredAt,
    }),
    ...plain('customer.created'),
  }),
  CustomerUpdated: fact(v.object({ changes: ProfilePatch, occurredAt: At, said: v.optional(Said) }), {
    personal: wholeFields({ changes: {} }),
    evolve: (state, { changes, said, occurredAt }) => ({
      ...state,
      profile: mergeProfile(state.profile, changes),
      saidAt: noteSaid(state.saidAt, changes, said, occurredAt),
      updatedAt: occurredAt,
    }),
    ...plain('customer.updated'),
  }),
  CustomerDeleted: fact(v.object({ occurredAt: At, permanently: v.optional(v.boolean()) }), {
    // The stream keeps what was; whoever comes back under the same source id begins anew.
    evolve: ({ id, now, rulebook, referrals }) => ({
      ...newCustomer(id),
      status: 'deleted',
      now,
      rulebook,
      referrals: afterDeletion(referrals),
    }),
    ...plain('customer.deleted'),
  }),
  /** The person is to be forgotten: the keys of what is personal are destroyed. With counts of what there was. */
  CustomerErased: fact(v.object({ ...Erasure.entries, occurredAt: At }), {
    evolve: (state, erasure) => ({ ...state, status: 'erased', erasure }),
  }),
  /** This stream's `source_id` was given to a customer that already had a stream of its own. */
  CustomerLinked: fact(v.object({ to: v.string(), occurredAt: At }), {
    evolve: (state, { to }) => ({ ...state, status: 'linked', linkedTo: to }),
  }),
} as const
