// All fact types of all streams, for the codec at the store's boundary.

import { accessFacts } from './access/facts.ts'
import { codeFacts } from './codes.ts'
import { customerFacts } from './customer/facts.ts'
import { orderHomeFacts } from './customer/orders/facts.ts'
import { deliveryFacts } from './distributions/delivery.ts'
import { webhookFacts } from './distributions/webhookFacts.ts'
import { stockFacts } from './loyalty/stock.ts'
import { keyFacts } from './personalFacts.ts'
import { ledgerFacts } from './redemption/ledger.ts'
import { rejectedFacts } from './rejected.ts'
import { requestFacts } from './requests.ts'
import { rulebookFacts } from './rulebook/facts.ts'
import { traceFacts } from './traces.ts'
import { codeSwitchFacts } from './vouchers/code.ts'
import { jobFacts } from './vouchers/job.ts'
import { publicationFacts } from './vouchers/publication.ts'

export const factRegistry = {
  ...customerFacts,
  ...codeFacts,
  ...codeSwitchFacts,
  ...publicationFacts,
  ...jobFacts,
  ...ledgerFacts,
  ...orderHomeFacts,
  ...stockFacts,
  ...deliveryFacts,
  ...webhookFacts,
  ...keyFacts,
  ...rejectedFacts,
  ...requestFacts,
  ...rulebookFacts,
  ...accessFacts,
  ...traceFacts,
}
