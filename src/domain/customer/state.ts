// One customer as decisions see it: what the facts say, and beside it what is derived for the rulebook of the day.

import type { AccumulatorState, OccurrenceStats } from '../conditions/subject.ts'
import { capabilities, type Parts } from './capabilities.ts'
import { type Erasure, NO_PROFILE, type Profile } from './profile.ts'
import type { SaidAt } from './said.ts'

/** Follows from the facts and a rulebook; not recorded, thrown away and made again at will. */
export interface Derived {
  /** The rulebook revision that it was made for. */
  readonly rulebook: string
  readonly accumulators: Readonly<Record<string, AccumulatorState>>
  /** Segment id → the instant at which its truth may change with nothing new happening, ms. */
  readonly watches: Readonly<Record<string, number>>
}

export interface CustomerState extends Parts {
  readonly status: 'none' | 'active' | 'deleted' | 'erased' | 'linked'
  readonly id: string
  /** Of one who was erased: when, ms, and what there had been. */
  readonly erasure?: undefined | (Erasure & { readonly occurredAt: number })
  /** Where a `source_id` that was given later leads to. */
  readonly linkedTo?: string
  readonly profile: Profile
  readonly saidAt: SaidAt
  readonly createdAt: number
  readonly updatedAt: number
  /** The instant of the last decision, ms: time never runs backwards for a customer. */
  readonly now: number
  /** The rulebook revision of the last decision, as decimal text; `-1` before the first. */
  readonly rulebook: string
  /** The deadline recorded last, ms. */
  readonly nextDueAt: number | null
  readonly occurrences: Readonly<Record<string, OccurrenceStats>>
  readonly derived: Derived
}

/** Goes up whenever stored snapshots of the state no longer fit the code that reads them. */
export const STATE_VERSION = 13

export const NO_DERIVED: Derived = { rulebook: '-1', accumulators: {}, watches: {} }

const NO_PARTS = Object.fromEntries(Object.entries(capabilities).map(([name, { none }]) => [name, none])) as Parts

export const newCustomer = (id: string): CustomerState => ({
  status: 'none',
  id,
  profile: NO_PROFILE,
  saidAt: {},
  createdAt: 0,
  updatedAt: 0,
  now: 0,
  rulebook: '-1',
  nextDueAt: null,
  occurrences: {},
  ...NO_PARTS,
  derived: NO_DERIVED,
})

/** A state as it is written down: without what is as it is of nobody, which is most of it for most customers. */
export type SavedState = Pick<CustomerState, 'id'> & Partial<CustomerState>

const NOBODY: Readonly<Record<string, unknown>> = { ...newCustomer('') }

export const savedState = (state: CustomerState): SavedState => {
  const saved: Record<string, unknown> = { id: state.id }
  for (const [name, value] of Object.entries(state)) if (value !== NOBODY[name]) saved[name] = value
  return saved as SavedState
}

/** The state that was written down. What was left out is the same object for all, so that it takes no memory. */
export const stateOf = (saved: SavedState): CustomerState => ({ ...newCustomer(saved.id), ...saved })
