// What a customer's referrals come to, on both sides: by whom referred, and how many referred in turn.
import type { RefusalReason } from './facts.ts'

export interface Referred {
  readonly campaign: { readonly id: string; readonly name: string }
  readonly referrer: string
  readonly code: string
  /** The event that converted: its fact and its name. */
  readonly cause: { readonly fact: string; readonly event: string }
  /** ms. */
  readonly at: number
}

export interface ReferralsState {
  /** As a referee, by program: the conversion there is. */
  readonly referred: Readonly<Record<string, Referred>>
  /** By program, the code with which the customer was referred before a deletion: nobody is referred twice. */
  readonly former: Readonly<Record<string, string>>
  /** As a referee, by program: the last refusal, so that the same one is not recorded again with every event. */
  readonly refused: Readonly<Record<string, { readonly code: string; readonly reason: RefusalReason }>>
  /** As a referrer, by program: how many conversions. */
  readonly credited: Readonly<Record<string, number>>
}

export const NO_REFERRALS: ReferralsState = { referred: {}, former: {}, refused: {}, credited: {} }

/** What is kept of a customer who is deleted and may come back. */
export const afterDeletion = ({ former, referred }: ReferralsState): ReferralsState => ({
  ...NO_REFERRALS,
  former: { ...former, ...Object.fromEntries(Object.entries(referred).map(([program, { code }]) => [program, code])) },
})
