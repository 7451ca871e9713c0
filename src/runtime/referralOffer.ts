// Finds out, before an event with a code is decided, what the code says: its own stream, and the stream of its holder.

import type { CustomerState } from '../domain/customer/state.ts'
import type { TrackEvent } from '../domain/decider/commands.ts'
import { offerOf } from '../domain/referrals/offer.ts'
import type { Services } from '../services.ts'
import { loadCode } from './codeStreams.ts'

/** The event with what was found under its code; as it is when it brings none along. Rejects when the store is unavailable. */
export const withOffer = async (
  { ledgers, customers, rulebook }: Pick<Services, 'ledgers' | 'customers' | 'rulebook'>,
  command: TrackEvent,
): Promise<TrackEvent> => {
  const { referral } = command
  if (!referral) return command
  const { state: code } = await loadCode(ledgers, referral.code)
  const holder: CustomerState | undefined = code.owner?.customer
    ? (await customers.load(code.owner.customer)).state
    : undefined
  const { customerKey } = rulebook.current().project
  return { ...command, referral: { ...referral, offer: offerOf(code, holder, referral.referrer_id, customerKey) } }
}
