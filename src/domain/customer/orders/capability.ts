// Orders, as a capability of the customer.
import { capability } from '../capability.ts'
import { orderFacts } from './facts.ts'
import { orderHappening } from './happening.ts'
import { NO_ORDERS, noteEarned } from './state.ts'

export const orders = capability({
  title: 'Orders',
  stream: 'customer-<id>, or order-<id> for one of nobody’s',
  says: 'What was ordered, each time whole, and what became of it.',
  facts: orderFacts,
  none: NO_ORDERS,
  notes: { PointsEarned: noteEarned, PendingPointsActivated: noteEarned, PointsTakenBack: noteEarned },
  happening: orderHappening,
})
