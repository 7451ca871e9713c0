// All fact types of all streams, for the codec at the store's boundary.
import { codeFacts } from './codes.ts'
import { customerFacts } from './customer/facts.ts'
import { deliveryFacts } from './distributions/delivery.ts'
import { webhookFacts } from './distributions/webhookFacts.ts'
import { rejectedFacts } from './rejected.ts'
import { rulebookFacts } from './rulebook/facts.ts'

export const factRegistry = {
  ...customerFacts,
  ...codeFacts,
  ...deliveryFacts,
  ...webhookFacts,
  ...rejectedFacts,
  ...rulebookFacts,
}
