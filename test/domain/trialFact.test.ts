// A fact of a customer is one row: a trial of one, put into its family's table before anything looks at it, is read and written with its
// personal parts, folded, counted as an event and shown in the activity log.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecordedFact } from '../../src/domain/recorded.ts'

test('a trial fact is known everywhere', async () => {
  // The table first: what follows from it is made when a module is first asked for.
  const { orderFacts } = await import('../../src/domain/customer/orders/facts.ts')
  const { OrderCreated, OrderFulfilled } = orderFacts
  Object.assign(orderFacts, {
    OrderTried: { ...OrderFulfilled, event: 'customer.order.tried', evolve: OrderCreated.evolve },
  })

  const { factRegistry } = await import('../../src/domain/registry.ts')
  const { isCustomerFact } = await import('../../src/domain/customer/facts.ts')
  const { fold } = await import('../../src/domain/customer/fold.ts')
  const { newCustomer } = await import('../../src/domain/customer/state.ts')
  const { activityId } = await import('../../src/domain/customer/activity.ts')
  const { customerStream } = await import('../../src/domain/ids.ts')
  const { eventsPage } = await import('./eventsPage.ts')
  const { activity } = await import('../../projections/activity.ts')
  const { T0, world } = await import('../given.ts')

  assert.is(factRegistry.OrderTried?.version, 1)
  assert.is(factRegistry.OrderTried?.personal, OrderFulfilled.personal)
  assert.match(eventsPage(), '`OrderTried`')

  const fact: RecordedFact = {
    id: '00000000-0000-4000-8000-000000000001',
    type: 'OrderTried',
    stream: customerStream('cust_1'),
    revision: 0n,
    position: 1n,
    created: T0,
    data: {
      order: 'ord_1',
      status: 'CREATED',
      content: { id: 'ord_1', amount: 500, status: 'CREATED', items: [] },
      amount: 500,
      by: 'request',
      createdAt: T0,
      occurredAt: T0,
    },
    metadata: { $correlationId: 'req_1', now: T0 },
  }
  assert.ok(isCustomerFact(fact))
  const state = fold(newCustomer('cust_1'), fact, world().rulebook)
  assert.not.equal(state.orders, newCustomer('cust_1').orders)
  assert.is(state.occurrences['customer.order.tried']?.count, 1)

  const key = activityId(fact.id)
  assert.equal(activity.keys(fact), [key])
  const shown = activity.evolve(null, fact, key)
  assert.is(shown?.type, 'customer.order.tried')
  assert.is(shown?.customer, 'cust_1')
})

test.run()
