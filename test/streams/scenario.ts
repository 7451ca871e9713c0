// What brings about, in one project, the fact types that seldom happen: every verb of every kind of definition, what falls due by
// time, what one request in a thousand runs into, and people who come under two names.
import { randomUUID } from 'node:crypto'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import type { CustomerCommand } from '../../src/domain/decider/commands.ts'
import { RULEBOOK_STREAM } from '../../src/domain/ids.ts'
import type { DefinitionChange } from '../../src/domain/rulebook/facts.ts'
import { type KindName, kinds } from '../../src/domain/rulebook/kinds.ts'
import { DAY } from '../given.ts'
import { createExamples } from '../requests/examples.ts'
import type { Answer, TestNode } from '../system/node.ts'
import { until } from '../until.ts'

/** Asked elsewhere, or nothing that is recorded. */
const SKIPPED = /^\/client\/|^\/management\/|projections|preview|\/test$/
const ACTOR = { name: 'scenario', role: 'admin' } as const

/** Every route asked once. */
const askAll = async (node: TestNode): Promise<void> => {
  const examples = await createExamples(node)
  for (const [n, { method, path }] of commandRoutes(node.services).entries()) {
    if (method !== 'post' || SKIPPED.test(path)) continue
    const example = await examples.of(path)?.(`g${n}`)
    if (example)
      await node.call('POST', example.path, example.body, {
        as: 'admin',
        ...(path === '/v1/segments' ? { headers: { 'Idempotency-Key': 'named' } } : {}),
      })
  }
}

const context = (now: number) => ({ requestId: 'scenario', actor: ACTOR, now })

/** Every verb that the log knows of a kind, whether or not a route has it: the definition stays, and is another revision. */
const changeDefinitions = async ({ services: { rulebook, store } }: TestNode): Promise<void> => {
  const entriesOf = (kind: KindName) => [...rulebook.current().entries(kind).values()]
  const kindNames = Object.keys(kinds) as KindName[]
  for (const kind of kindNames) {
    const [entry] = entriesOf(kind)
    if (entry === undefined) throw new Error(`the scenario makes no ${kind}`)
    const facts = (['Updated', 'Disabled', 'Enabled'] as const).map((verb) => ({
      id: randomUUID(),
      type: `${kinds[kind].fact}${verb}`,
      data: { id: entry.id, definition: entry.definition, occurredAt: Date.now() },
      metadata: { $correlationId: 'scenario', now: Date.now() },
    }))
    const appended = await store.append(RULEBOOK_STREAM, facts, BigInt(rulebook.current().revision))
    assert.is(appended.kind, 'appended')
    await until(() => rulebook.current().revision === String((appended as { readonly revision: bigint }).revision))
  }
  // Last of all: what belongs to a definition, such as the tiers of a promotion, is deleted with it.
  for (const kind of kindNames)
    for (const { id } of entriesOf(kind).reverse()) {
      const change: DefinitionChange = { kind, verb: 'Deleted', id, occurredAt: Date.now() }
      const deleted = await rulebook.change(() => [change], { ...context(Date.now()), key: `delete ${id}` })
      if (deleted.kind === 'changed') break
    }
}

export const playScenario = async (node: TestNode): Promise<void> => {
  const { customers, store, ledgers } = node.services
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer['body']> => {
    const answer = await node.call(method, path, body, { as: 'admin', headers: { Prefer: 'wait=10' } })
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const make = (path: string, body: unknown) => ask('POST', path, body)
  const decide = (id: string, command: CustomerCommand, later = 0) =>
    customers.execute(id, command, context(Date.now() + later))
  const factOf = (stream: string, type: string) =>
    until(async () => {
      for await (const fact of store.readStream(stream)) if (fact.type === type) return fact
      return undefined
    })

  await askAll(node)

  // Points that expire, tiers of a period, messages with a cap, a segment of a stretch of time.
  const expiration = { period_type: 'MONTH', period_value: 1 }
  const club = await make('/v1/loyalties', {
    name: 'yearly',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 5, expiration_rules: expiration } },
    loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period: 'MONTH' },
  })
  await make(`/v1/loyalties/${club.id}/tiers`, [
    { name: 'first', points: { to: 9 } },
    { name: 'second', points: { from: 10, to: 1_000 } },
  ])
  await make(`/v1/loyalties/${club.id}/earning-rules`, [{ event: 'bought', loyalty: { type: 'FIXED', points: 4 } }])
  await make('/v1/segments', { name: 'lately', type: 'auto-update', condition: { event: 'bought', within: 'P7D' } })
  for (const [name, channel] of [
    ['once', { type: 'webhook', url: 'https://shop.test/hook' }],
    ['mails', { type: 'email', subject: 's', text: 'b' }],
  ] as const)
    await make('/v1/distributions', {
      name,
      trigger: { type: 'event', event: 'bought' },
      channel,
      cap: { messages: 1, period: 'P30D' },
    })
  for (let n = 0; n < 4; n++)
    await make('/v1/events', { event: 'bought', customer: { source_id: 'bob' }, metadata: { n } })
  const { id } = await ask('GET', '/v1/customers/bob')
  const cards = async () => Object.values((await customers.load(id)).state.loyalty.cards)
  const card = (await cards()).find(({ campaign }) => campaign.id === club.id)!

  const levels = await make('/v1/loyalties', { name: 'levels', voucher: { type: 'LOYALTY_CARD' } })
  await make(`/v1/loyalties/${levels.id}/tiers`, [
    { name: 'low', points: { from: 1, to: 9 } },
    { name: 'high', points: { from: 10, to: 1_000 } },
  ])
  const { code: level } = await make(`/v1/loyalties/${levels.id}/members`, { customer: { source_id: 'bob' } })
  await make(`/v1/loyalties/members/${level}/balance`, { points: 20 })
  const balance = (await cards()).find(({ campaign }) => campaign.id === levels.id)!
  await make('/v1/events', { event: 'bought', customer: { source_id: 'buyer' }, metadata: { n: 1 } })
  const buyer = await ask('GET', '/v1/customers/buyer')

  await ask('PUT', `/v1/customers/${buyer.id}/consents`, {
    consents: { email: 'given', sms: 'refused' },
    source: 'a form',
  })

  // A code that a rule gave was taken, points that cannot arrive, a claim that is given up, what nobody is rewarded for.
  await decide(id, { type: 'ReplaceCardCode', card: card.id, taken: card.code, attempt: 2 })
  const nowhere = { customer: 'cust_none', card: { id: 'v_none', code: 'NONE' }, campaign: card.campaign }
  await decide(id, { type: 'TransferPoints', card: card.id, points: 1, to: nowhere })
  await decide(id, { type: 'GiveUpClaim', publication: 'pub_1', claim: 'claim_1' })
  const failed = { rollback: 'rr_1', redemption: 'r_1', request: 'req_1', channel: 'API', apiKey: 'shop' }
  const why = { voucher: { code: 'GONE' }, reason: 'not_found', details: 'There is no such redemption' }
  await decide(id, { type: 'RecordFailedRollback', failed: { ...failed, ...why } })
  const friends = await make('/v1/publications', { campaign: 'friends', customer: { source_id: 'bob' } })
  const { code } = friends.voucher
  const held = Object.values((await customers.load(id)).state.vouchers).find((one) => one.code === code)!
  await decide(id, { type: 'ReplaceVoucherCode', voucher: held.id, taken: code, attempt: 2 })
  await decide('cust_gone', {
    type: 'CreditReferrer',
    conversion: {
      conversion: 'conv_1',
      campaign: { ...held.campaign!, definition: '1' } as never,
      voucher: { id: held.id, code },
      referee: id,
      cause: { fact: 'f_1', event: 'bought' } as never,
      promise: { referrer: { type: 'LOYALTY_CARD', amount: 1, related_object_parent: { id: club.id } } } as never,
      convertedAt: Date.now(),
    },
  })
  await make('/v1/vouchers/FREED', { type: 'GIFT_VOUCHER', gift: { amount: 100 } })
  const given = { customer: id, publication: 'pub_2' }
  const assign = { type: 'AssignCode', customer: id, publication: { id: 'pub_2' }, joinOnce: false } as const
  await ledgers.codes.execute('FREED', assign, context(Date.now()))
  await ledgers.codes.execute('FREED', { type: 'ReleaseCode', ...given }, context(Date.now()))

  // Who had no source_id gets one, and who goes has a card.
  const nameless = await make('/v1/customers', { name: 'Nameless' })
  await ask('PUT', `/v1/customers/${nameless.id}`, { source_id: 'named-later', name: 'Named' })
  await make(`/v1/loyalties/${club.id}/members`, { customer: { source_id: 'leaver' } })
  await ask('DELETE', '/v1/customers/leaver')
  await make('/v1/access/roles', { name: 'passing', permissions: ['codes.read'] })
  await ask('DELETE', '/v1/access/roles/passing')
  await ask('PUT', '/v1/vouchers/FREED', { metadata: { seen: true } })
  await ask('DELETE', '/v1/vouchers/FREED')

  // A message that waits for the end of quiet hours, of a node that sends.
  const message = { message: 'msg_1', customer: id, distribution: { id: 'distr_1', name: 'late' }, channel: 'webhook' }
  const postponed = { ...message, occurredAt: Date.now(), until: Date.now() + DAY }
  const metadata = { $correlationId: 'scenario', now: Date.now() }
  const fact = { id: randomUUID(), type: 'MessagePostponed', data: postponed, metadata }
  await store.append('message-msg_1', [fact], 'no_stream')

  // More rounds than a decision may have: each step leads to the next.
  const steps = await make('/v1/loyalties', { name: 'steps', voucher: { type: 'LOYALTY_CARD' } })
  const step = (rule: object) =>
    make(`/v1/loyalties/${steps.id}/earning-rules`, [{ ...rule, loyalty: { type: 'FIXED', points: 1 } }])
  await make('/v1/event-schemas', { name: 'stepped', schema: { properties: {} } })
  await step({ event: 'stepped' })
  for (let n = 1; n <= 18; n++) {
    const condition = { points: steps.id, $more_than_equal: n }
    const segment = await make('/v1/segments', { name: `step ${n}`, type: 'auto-update', condition })
    await step({ event: 'customer.segment.entered', segment: { id: segment.id } })
  }
  await make('/v1/events', { event: 'stepped', customer: { source_id: 'climber' } })

  for (const type of ['PointsTransferReturned', 'LoyaltyCardCodeReplaced']) await factOf(`customer-${id}`, type)
  // Points taken away, a month that ends with others, and then none.
  await decide(id, { type: 'RemovePoints', card: balance.id, points: balance.balance - 1 })
  await decide(id, { type: 'AdvanceClock' }, 8 * DAY)
  const late = {
    event: 'bought',
    metadata: { n: 9 },
    profile: {},
    mayCreate: false,
    mode: 'strict',
    triggerHorizonMs: 0,
  } as const
  await decide(id, { ...late, type: 'TrackEvent', occurredAt: Date.now() + 35 * DAY }, 35 * DAY)
  await decide(id, { ...late, type: 'TrackEvent', occurredAt: Date.now() + 70 * DAY }, 70 * DAY)
  await decide(id, { type: 'AdvanceClock' }, 110 * DAY)
  // Nothing is so yet, but there is another instant to look at.
  await make('/v1/segments', {
    name: 'away',
    type: 'auto-update',
    condition: { not: { event: 'bought', within: 'PT1H' } },
  })
  await decide(buyer.id, { type: 'AdvanceClock' })
  // A project has them once: no route of `askAll` makes them.
  await make('/v1/stacking-rules', { applicable_redeemables_limit: 10 })
  await changeDefinitions(node)
}

/** What only a node of another time zone records: for the next start of the scenario's node. */
export const playRezoned = async ({ services }: TestNode): Promise<void> => {
  const { state } = await services.customers.load(await services.customers.resolve('bob'))
  await services.customers.execute(state.id, { type: 'AdvanceClock' }, context(state.now + 1))
}
