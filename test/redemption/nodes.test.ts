// Several nodes: what one has in memory of a customer may be behind what another recorded.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { codeStream } from '../../src/domain/codes.ts'
import { redemptionStream } from '../../src/domain/customer/redemptions/facts.ts'
import { customerIdFrom, customerStream, firstFactId, firstFactIds, uuidFrom } from '../../src/domain/ids.ts'
import { openOrder } from '../../src/domain/order.ts'
import type { CodeStreamCommand } from '../../src/domain/redemption/ledgers.ts'
import { redemptionId, requestId } from '../../src/domain/redemption/sight.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import { TooBusy } from '../../src/trouble.ts'
import fc from '../fc.ts'
import { track, world } from '../given.ts'
import { randomOf } from '../random.ts'
import { newLog, startNode, virtualTime } from './cluster.ts'

/** Nodes over one log that nothing goes wrong with. */
const calmNodes = (count: number, rulebook: ReturnType<typeof world>['rulebook']) => {
  const time = virtualTime()
  const log = newLog()
  const calm = { lostAnswer: 0, lost: 0, conflict: 0, death: 0 }
  const nodes = Array.from({ length: count }, (_, n) => startNode(log, () => rulebook, time, randomOf(n + 1), calm))
  return { time, log, nodes }
}

test('a node that remembers a customer from before says no only after it has asked the stream', async () => {
  const { rulebook } = world()
  const { time, nodes } = calmNodes(2, rulebook)
  const [one, other] = nodes
  const customer = customerIdFrom('ann', rulebook.project.customerKey)
  const asked = { channel: 'API', apiKey: 'test' }
  const context = () => ({ requestId: 'req', actor: { name: 'test', role: 'integrator' }, now: time.now() })
  const profile = { source_id: 'ann' }
  await time.run(one!.codes.reserve('CODE', { type: 'voucher', id: 'v_code' }, context()))
  await time.run(one!.customers.execute(customer, { type: 'SaveCustomer', profile, mayCreate: true }, context()))
  const redeemed = await time.run(
    other!.redemptions.redeem(
      { name: 'ask', redeemables: [{ code: 'CODE' }], asked, customer: { id: customer, profile, mayCreate: true } },
      context(),
    ),
  )
  assert.is(redeemed.kind, 'redeemed')
  const redemptions = redeemed.kind === 'redeemed' ? redeemed.redemptions.map((r) => r.redemption) : []
  const undone = await time.run(
    one!.redemptions.rollBack({ stream: customerStream(customer), redemptions, asked }, context()),
  )
  assert.is(undone.kind, 'rolled_back')
})

test('nor does it say no to a redemption for what the customer was before', async () => {
  const w = world()
  w.define('validationRule', 'val_vip', {
    name: 'vip',
    rules: { '1': { name: 'customer.metadata', property: 'vip', conditions: { $is: [true] } }, logic: '1' },
  } as never)
  const assignment = { rule_id: 'val_vip', related_object_type: 'voucher', related_object_id: 'v_code' }
  w.define('assignment', 'asgm_1', assignment as never)
  const { rulebook } = w
  const { time, nodes } = calmNodes(2, rulebook)
  const [one, other] = nodes
  const customer = customerIdFrom('ann', rulebook.project.customerKey)
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  const save = (node: typeof one, vip: boolean) =>
    time.run(
      node!.customers.execute(
        customer,
        { type: 'SaveCustomer', profile: { source_id: 'ann', metadata: { vip } }, mayCreate: true },
        context(),
      ),
    )
  const redeem = async (name: string) =>
    time.run(
      one!.redemptions.redeem(
        {
          name,
          redeemables: [{ code: 'CODE' }],
          asked: { channel: 'API', apiKey: 'test' },
          customer: { id: customer, profile: {}, mayCreate: false },
        },
        context(),
      ),
    )
  await time.run(one!.codes.reserve('CODE', { type: 'voucher', id: 'v_code' }, context()))
  await save(one, false)
  const refused = await redeem('first')
  assert.is(refused.kind === 'failed' && refused.refusal.key, 'customer_rules_violated')
  await save(other, true)
  assert.is((await redeem('second')).kind, 'redeemed')
  await save(other, false)
  const again = await redeem('third')
  assert.is(again.kind === 'failed' && again.refusal.key, 'customer_rules_violated', 'decided on the stream as it is')
})

test('what a node remembers of a code is enough to redeem it, and is no answer where another node has changed it', async () => {
  const { time, log, nodes } = calmNodes(2, world().rulebook)
  const [one, other] = nodes
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  let asked = 0
  const redeem = async () => {
    const done = await time.run(
      one!.redemptions.redeem(
        { name: `ask-${asked++}`, redeemables: [{ code: 'CODE' }], asked: { channel: 'API', apiKey: 'test' } },
        context(),
      ),
    )
    await time.run(one!.redemptions.idle())
    return done.kind === 'redeemed' ? 'redeemed' : done.refusal.key
  }
  const change = (command: CodeStreamCommand) => time.run(other!.ledgers.codes.execute('CODE', command, context()))
  const spec = { type: 'DISCOUNT_VOUCHER', redemption: { quantity: 3 } } as const
  await time.run(one!.codes.reserve('CODE', { type: 'voucher', id: 'v_code' }, context(), spec))
  assert.is(await redeem(), 'redeemed')
  const before = log.reads
  assert.is(await redeem(), 'redeemed')
  assert.is(log.reads - before, 1, 'but for the stream of the request, nothing was read')
  await change({ type: 'SwitchCode', active: false })
  assert.is(await redeem(), 'voucher_disabled')
  assert.is(await redeem(), 'voucher_disabled')
  await change({ type: 'SwitchCode', active: true })
  assert.is(await redeem(), 'redeemed', 'a no is not said from memory')
  assert.is(await redeem(), 'quantity_exceeded')
  await change({ type: 'ChangeVoucher', spec: { ...spec, redemption: { quantity: 4 } } })
  assert.is(await redeem(), 'redeemed')
  await change({ type: 'ChangeVoucher', spec: { ...spec, redemption: { quantity: 9 } } })
  assert.is(await redeem(), 'redeemed')
  await change({ type: 'ChangeVoucher', spec: { ...spec, redemption: { quantity: 5 } } })
  assert.is(await redeem(), 'quantity_exceeded', 'a limit that another node has lowered holds')
  const { state } = await time.run(other!.ledgers.codes.load('CODE'))
  assert.equal([state.ledger.open.size, state.ledger.confirmed.times], [0, 5])
})

test('a place is taken for what a code is now, though the node remembers a smaller discount', async () => {
  const { time, log, nodes } = calmNodes(2, world().rulebook)
  const [one, other] = nodes
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  const spec = (amount_off: number) =>
    ({ type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off, effect: 'APPLY_TO_ORDER' } }) as const
  const redeem = async (name: string) => {
    const ask = {
      name,
      redeemables: [{ code: 'CODE' }],
      asked: { channel: 'API', apiKey: 'test' },
      order: openOrder({ amount: 1_000 }),
    }
    const done = await time.run(one!.redemptions.redeem(ask, context()))
    await time.run(one!.redemptions.idle())
    return done.kind === 'redeemed' ? done.redemptions.map(({ share }) => share.discounted) : done.refusal.key
  }
  await time.run(one!.codes.reserve('CODE', { type: 'voucher', id: 'v_code' }, context(), spec(100)))
  assert.equal(await redeem('first'), [100])
  await time.run(other!.ledgers.codes.execute('CODE', { type: 'ChangeVoucher', spec: spec(300) }, context()))
  assert.equal(await redeem('second'), [300])
  const reserved = log.facts.flatMap(({ type, data }) =>
    type === 'RedemptionReserved' ? [(data as { share: { discounted: number } }).share.discounted] : [],
  )
  assert.equal(reserved, [100, 100, 300])
  const { state } = await time.run(other!.ledgers.codes.load('CODE'))
  assert.equal([state.ledger.open.size, state.ledger.confirmed.times], [0, 2])
})

test('gift credits that another node has spent are not counted on', async () => {
  const { time, nodes } = calmNodes(2, world().rulebook)
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  const spec = { type: 'GIFT_VOUCHER', gift: { amount: 100, effect: 'APPLY_TO_ORDER' } } as const
  let asked = 0
  const pay = async (node: number, credits?: number) => {
    const ask = {
      name: `ask-${asked++}`,
      redeemables: [{ code: 'GIFT', credits }],
      asked: { channel: 'API', apiKey: 'test' },
      order: openOrder({ amount: 1_000 }),
    }
    const done = await time.run(nodes[node]!.redemptions.redeem(ask, context()))
    await time.run(nodes[node]!.redemptions.idle())
    return done.kind === 'redeemed' ? done.redemptions.map(({ share }) => share.credits) : done.refusal.key
  }
  await time.run(nodes[0]!.codes.reserve('GIFT', { type: 'voucher', id: 'v_gift' }, context(), spec))
  assert.equal(await pay(0, 10), [10])
  assert.equal(await pay(1, 60), [60])
  assert.equal(await pay(0), [30], 'as much as there is')
  assert.is(await pay(1, 1), 'gift_amount_exceeded')
  const { state } = await time.run(nodes[1]!.ledgers.codes.load('GIFT'))
  assert.equal([state.ledger.open.size, state.ledger.confirmed.credits], [0, 100])
})

test('who waits in vain for those before it is told to ask again, and keeps no place', async () => {
  const { time, log, nodes } = calmNodes(1, world().rulebook)
  const { codes, ledgers, redemptions } = nodes[0]!
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  const redeem = () =>
    time.run(
      redemptions
        .redeem({ name: 'ask', redeemables: [{ code: 'ONE' }], asked: { channel: 'API', apiKey: 'test' } }, context())
        .catch((error: unknown) => error as Error),
    )
  await time.run(codes.reserve('ONE', { type: 'voucher', id: 'v_one' }, context(), { redemption: { quantity: 1 } }))
  const share = { day: '2026-03-02', apiKey: 'test', credits: 0, amount: 0, discounted: 0 }
  const reservation = { redemption: 'r_slow', request: 'q_slow', commit: redemptionStream('q_slow'), share }
  // Too young to be taken for one of whom nothing is heard any more.
  const late = { ...context(), now: time.now() + 60_000 }
  await time.run(ledgers.codes.execute('ONE', { type: 'Reserve', reservation }, late))
  assert.instance(await redeem(), TooBusy)
  const { state } = await time.run(ledgers.codes.load('ONE'))
  assert.equal([...state.ledger.open.keys()], ['r_slow'])
  assert.not(log.facts.some(({ type }) => type === 'RedemptionFailed'))
  await time.run(ledgers.codes.execute('ONE', { type: 'Release', redemption: 'r_slow', reason: 'refused' }, context()))
  const redeemed = await redeem()
  assert.is('kind' in redeemed && redeemed.kind, 'redeemed')
})

test('a place of what a request did not redeem in the end is free again, not counted as redeemed', async () => {
  const { time, nodes } = calmNodes(1, world().rulebook)
  const { codes, ledgers, redemptions } = nodes[0]!
  const context = () => ({ requestId: `req-${time.now()}`, actor: { name: 'test', role: 'admin' }, now: time.now() })
  for (const code of ['LEFT', 'TAKEN'])
    await time.run(
      codes.reserve(code, { type: 'voucher', id: `v_${code}` }, context(), { redemption: { quantity: 1 } }),
    )
  const request = requestId('ask', undefined, 0)
  const commit = redemptionStream(request)
  const share = { day: '2026-03-02', apiKey: 'test', credits: 0, amount: 0, discounted: 0 }
  const reservation = { redemption: redemptionId(request, 0), request, commit, share }
  await time.run(ledgers.codes.execute('LEFT', { type: 'Reserve', reservation }, context()))
  const asked = { channel: 'API', apiKey: 'test' }
  const named = { ...context(), key: 'ask' }
  const redeemed = await time.run(redemptions.redeem({ name: 'ask', redeemables: [{ code: 'TAKEN' }], asked }, named))
  assert.is(redeemed.kind === 'redeemed' && redeemed.request, request)
  await time.run(redemptions.settle(codeStream('LEFT'), reservation))
  const { state } = await time.run(ledgers.codes.load('LEFT'))
  assert.is(state.ledger.open.size, 0)
  assert.is(state.ledger.confirmed.times, 0)
})

test('of two who redeem under one name at once neither takes what the other recorded for its own decision', async () => {
  const { rulebook } = world()
  const { time, log, nodes } = calmNodes(2, rulebook)
  const customer = customerIdFrom('ann', rulebook.project.customerKey)
  const profile = { source_id: 'ann' }
  const context = (n: number) => ({
    requestId: `req-${n}`,
    actor: { name: 'test', role: 'admin' },
    now: time.now(),
    key: `key-${n}`,
  })
  await time.run(nodes[0]!.customers.execute(customer, { type: 'SaveCustomer', profile, mayCreate: true }, context(0)))
  for (const { customers } of nodes) await time.run(customers.load(customer))
  const placed = (code: string) => ({
    asked: code,
    code: { ...noCode(code), owner: { type: 'voucher' as const, id: `v_${code}` } },
    redemption: 'r_0',
    ledgers: [codeStream(code)],
    measures: {},
    times: 1,
  })
  const decided = await time.run(
    Promise.all(
      nodes.map((node, n) =>
        node.customers.execute(
          customer,
          {
            type: 'RedeemVouchers',
            request: 'r_request',
            redeemables: [placed(`CODE${n}`)],
            asked: { channel: 'API', apiKey: 'test' },
            session: undefined,
            profile,
            mayCreate: true,
          },
          { ...context(n + 1), key: 'r_request' },
        ),
      ),
    ),
  )
  const made = log.facts.find(({ type }) => type === 'RedemptionSucceeded')!.data
  for (const { state } of decided) assert.equal(state.redemptions.made.r_0, made)
})

test('of two contents under one key that meet on two nodes one is refused, also where there is one fact to record', async () => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { n: { type: 'number' } } } })
  const { time, log, nodes } = calmNodes(2, w.rulebook)
  const customer = customerIdFrom('ann', w.rulebook.project.customerKey)
  const profile = { source_id: 'ann' }
  const ask = (node: number, pair: number) =>
    nodes[node]!.customers.execute(
      customer,
      track('bought', { occurredAt: time.now(), profile, metadata: { n: node } }),
      {
        requestId: `req-${pair}-${node}`,
        actor: { name: 'test', role: 'admin' },
        now: time.now(),
        key: `key-${pair}`,
        print: `content-${node}`,
      },
    )
  await time.run(ask(0, 0))
  for (let pair = 1; pair <= 30; pair++) {
    const before = log.facts.length
    const asked = await time.run(Promise.all([ask(0, pair), ask(1, pair)]))
    assert.is(log.facts.length, before + 1)
    const taken = (log.facts.at(-1)!.data as { readonly metadata: { readonly n: number } }).metadata.n
    assert.is(asked[taken]!.kind, 'done')
    const other = asked[1 - taken]!
    assert.is(other.kind === 'refused' && other.refusal.key, 'idempotency_key_reused', `pair ${pair}`)
  }
})

test('the first fact of a command is found by its key, whoever asked, and is another for each who asks', () => {
  const text = fc.string({ maxLength: 40 })
  fc.assert(
    fc.property(text, text, text, text, text, (customer, key, otherKey, asking, otherAsking) => {
      fc.pre(key !== otherKey && asking !== otherAsking)
      const { least, greatest } = firstFactIds(customer, key)
      const isFound = (id: string) => id >= least && id <= greatest
      const id = firstFactId(customer, key, asking)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.ok(isFound(id))
      // As earlier versions recorded it.
      assert.ok(isFound(uuidFrom('customer', customer, key, 'command', '0')))
      assert.not(isFound(firstFactId(customer, otherKey, asking)))
      assert.is.not(firstFactId(customer, key, otherAsking), id)
    }),
  )
})

test.run()
