// Codes given, as a capability of the customer.
import { capability } from '../capability.ts'
import { voucherFacts } from './facts.ts'
import { voucherHappening } from './happening.ts'
import { NO_VOUCHERS } from './state.ts'

export const vouchers = capability({
  title: 'Codes given',
  says: 'Codes that became a customer’s.',
  facts: voucherFacts,
  none: NO_VOUCHERS,
  happening: voucherHappening,
})
