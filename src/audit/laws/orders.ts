// Law: an order is of one customer, goes on from what it was, and is paid once until it is cancelled.
import { type Law, law } from './law.ts'
import { numberAt, textAt } from './read.ts'

interface Known {
  readonly stream: string
  readonly status: string | undefined
  readonly amount: number | undefined
  readonly isPaid: boolean
  /** Points that it gave and that were not taken back, by transaction. */
  readonly given: ReadonlyMap<string, number>
}

const isOrder = (type: string): boolean => /^Order(?:Created|Updated|Paid|Canceled|Fulfilled|Processing)$/.test(type)

const orderOf = (type: string, data: Readonly<Record<string, unknown>>): string | undefined => {
  if (isOrder(type) || type === 'PointsTakenBack' || type === 'PendingPointsActivated') return textAt(data, 'order')
  return type === 'PointsEarned' ? textAt(data, 'cause', 'order') : undefined
}

const one: Law<Known> = {
  name: 'orders-go-on',
  says: 'An order is of one customer, each change starts from what it was, it is paid once until it is cancelled, and no more points are taken back than it gave.',
  subjects: ({ type, data }) => {
    const order = orderOf(type, data)
    return order === undefined ? [] : [`order ${order}`]
  },
  evolve: (before, { type, data, stream }, subject, report) => {
    if (type === 'OrderCreated') {
      // One of nobody's becomes a customer's, and begins there; who was deleted and comes back begins anew.
      if (before?.stream.startsWith('customer-') && before.stream !== stream)
        report({ details: `${subject} is made twice`, streams: [before.stream] })
      const [status, amount] = [textAt(data, 'status'), numberAt(data, 'amount')]
      return { stream, status, amount, isPaid: false, given: new Map() }
    }
    if (!before) {
      report({ details: `${subject}: ${type} before it was made` })
      return undefined
    }
    if (before.stream !== stream) report({ details: `${subject} is in two streams`, streams: [before.stream] })
    switch (type) {
      case 'OrderUpdated': {
        const was = [textAt(data, 'was', 'status'), numberAt(data, 'was', 'amount')]
        if (was[0] !== before.status || was[1] !== before.amount)
          report({ details: `${subject}: it is said to have been ${was}, and was ${before.status},${before.amount}` })
        return { ...before, status: textAt(data, 'status'), amount: numberAt(data, 'amount') }
      }
      case 'OrderPaid':
        if (before.isPaid) report({ details: `${subject} is paid twice` })
        return { ...before, isPaid: true }
      case 'OrderCanceled':
        return { ...before, isPaid: false }
      case 'PointsEarned':
      case 'PendingPointsActivated':
        return {
          ...before,
          given: new Map(before.given).set(textAt(data, 'transaction') ?? '', numberAt(data, 'points') ?? 0),
        }
      case 'PointsTakenBack': {
        const related = textAt(data, 'related') ?? ''
        const points = numberAt(data, 'points') ?? 0
        const most = before.given.get(related) ?? 0
        if (points > most) report({ details: `${subject}: ${points} points are taken back of ${most}` })
        const given = new Map(before.given)
        given.delete(related)
        return { ...before, given }
      }
      default:
        return before
    }
  },
}

export const orders = law(one)
