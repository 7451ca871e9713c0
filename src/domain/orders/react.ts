// What follows from a change of an order: its new status is a fact of its own, so that rules can wait for it.
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { followingStatus } from './save.ts'

export const followOrder = (draft: Draft, fact: DecidedFact): void => {
  if (fact.type !== 'OrderCreated' && fact.type !== 'OrderUpdated') return
  const { data } = fact
  const type = followingStatus(data, draft.state.orders.kept[data.order]?.paid ?? data.was?.paid ?? false)
  if (type) draft.emit(type, data, fact.id)
}
