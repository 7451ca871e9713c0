// What a code says when an event brings it along: read from the code's and the referrer's streams before the decision, and
// recorded with the event, so that the decision can be made again.
import { createHmac } from 'node:crypto'
import { emailKey } from '../customer/profile.ts'
import type { ReferralOffer } from '../customer/referrals/offer.ts'
import type { CustomerState } from '../customer/state.ts'
import type { CodeState } from '../vouchers/code.ts'

const NO_OFFER: ReferralOffer = { published: false }

const digest = (kind: string, text: string, key: string): string =>
  createHmac('sha256', key).update(`${kind}\u001f${text}`).digest('base64url')

/** Digests by which two customers can be told to share an e-mail address or a phone number. */
export const contactsOf = ({ email, phone }: CustomerState['profile'], key: string): readonly string[] => {
  const address = emailKey(email ?? '')
  // Written with or without spaces, brackets and the leading `+` or `00`, it is the same number.
  const number = (phone ?? '').replace(/\D/g, '').replace(/^00/, '')
  return [
    ...(address === '' ? [] : [digest('email', address, key)]),
    ...(number === '' ? [] : [digest('phone', number, key)]),
  ]
}

/** What a code's stream and its holder's state say; `named` is the `referrer_id` that the caller sent. */
export const offerOf = (
  code: CodeState,
  referrer: CustomerState | undefined,
  named: string | undefined,
  key: string,
): ReferralOffer => {
  const { owner } = code
  if (owner?.type !== 'referral_code' || !referrer) return NO_OFFER
  const held = Object.hasOwn(referrer.vouchers, owner.id) ? referrer.vouchers[owner.id] : undefined
  return {
    voucher: owner.id,
    ...(owner.campaign === undefined ? {} : { campaign: owner.campaign }),
    referrer: referrer.id,
    published: held !== undefined && referrer.status === 'active',
    ...(held ? { publishedAt: held.publishedAt } : {}),
    active: code.active,
    contacts: [...contactsOf(referrer.profile, key)],
    ...(named === undefined ? {} : { named: named === referrer.id || named === referrer.profile.source_id }),
  }
}
