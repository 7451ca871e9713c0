// A person is erased from a whole node: before, each of the marked texts is found where it should be; after, none is found in
// any answer, collection, stream or export; and what concerns others holds as before.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { projections } from '../../projections/index.ts'
import { areGiven } from '../skip.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { tributary } from '../tributary.ts'
import { until } from '../until.ts'

const test = suite('erasure')
let node: TestNode
let dir: string

const PROFILE = {
  source_id: 'mark-source-0001',
  name: 'mark-name-0002',
  description: 'mark-description-0003',
  email: 'mark-0004@shop.test',
  phone: 'mark-phone-0005',
  birthdate: '1971-02-03',
  address: { city: 'mark-city-0006', line_1: 'mark-street-0007', postal_code: 'mark-code-0008' },
  metadata: { nickname: 'mark-nick-0009', notes: 'mark-notes-0010' },
}
const PROPERTY = 'mark-property-0011'
const REFUSED = 'mark-refused-0012'
const ORDERED = 'mark-order-0013'
const ASKED = 'mark-asked-0014'
const CONSENTED = 'mark-consent-0015'
const MARKS = [
  ...[...JSON.stringify(PROFILE).matchAll(/mark-[^"]*/g)].map(([text]) => text),
  PROPERTY,
  REFUSED,
  ORDERED,
  CONSENTED,
]

const start = () => testNode({}, dir)

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-erasure-'))
  node = await start()
})
test.after(async () => {
  await node?.end()
  await rm(dir, { recursive: true, force: true })
})

const ok = async (answer: Promise<Answer>): Promise<Answer> => {
  const given = await answer
  assert.ok(given.status < 300, `${given.status} ${JSON.stringify(given.body)}`)
  return given
}
const admin = { as: 'admin' } as const

const exported = async (): Promise<string> =>
  (await fetch(`${node.url}/v1/audit/export`, { headers: node.headers('auditor') })).text()

/** Read models, and what is kept beside them. */
const stored = async (): Promise<string> => {
  const { readModel } = node.services
  const kept = ['snapshots', 'parked', 'failures', 'requestAnswers', 'uploads'].map((name) =>
    readModel.plain<{ _id: string }>(name),
  )
  const all = [...projections.map(({ name }) => readModel.collection<{ _id: string }>(name)), ...kept]
  return JSON.stringify(await Promise.all(all.map((collection) => collection.find({}, { limit: 1_000 }))))
}

const PAGES = [
  '/v1/customers',
  '/v1/activity',
  '/v1/redemptions',
  '/v1/orders',
  '/v1/publications',
  '/v1/vouchers',
  '/v1/events/rejected',
  '/v1/messages',
]
const shown = async (): Promise<string> =>
  JSON.stringify(await Promise.all(PAGES.map(async (path) => (await node.call('GET', path, undefined, admin)).body)))

const marksIn = (text: string): readonly string[] => MARKS.filter((mark) => text.includes(mark))

test('an erased person is nowhere any more, and comes back as somebody new', async () => {
  const schema = { properties: { note: { type: 'string', personal: true, optional: true }, stars: { type: 'number' } } }
  await ok(
    node.call('POST', '/management/v1/projects/proj_main/custom-event-schemas', { name: 'reviewed', schema }, admin),
  )
  await ok(
    node.call(
      'POST',
      '/v1/segments',
      {
        name: 'nicks',
        type: 'auto-update',
        filter: { junction: 'AND', 'metadata.nickname': { conditions: { $starts_with: ['mark-nick'] } } },
      },
      admin,
    ),
  )
  await ok(
    node.call(
      'POST',
      '/v1/vouchers/SUMMER',
      { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } },
      admin,
    ),
  )
  const { body: ann } = await ok(node.call('POST', '/v1/customers', PROFILE, { headers: { 'Idempotency-Key': 'ann' } }))
  const customer = { source_id: PROFILE.source_id }
  const { body: agreed } = await ok(
    node.call('PUT', `/v1/customers/${ann.id}/consents`, { consents: { email: 'given' }, source: CONSENTED }),
  )
  assert.equal(
    agreed.consents.map((one: { channel: string; consent: string | null }) => [one.channel, one.consent]),
    [
      ['webhook', null],
      ['email', 'given'],
      ['sms', null],
    ],
  )
  assert.is((await node.call('PUT', `/v1/customers/${ann.id}/consents`, { consents: {} })).status, 400)
  await ok(node.call('POST', '/v1/events', { event: 'reviewed', customer, metadata: { stars: 5, note: PROPERTY } }))
  assert.is(
    (await node.call('POST', '/v1/events', { event: 'reviewed', customer, metadata: { stars: REFUSED } })).status,
    400,
  )
  const redeemed = await ok(
    node.call('POST', '/v1/vouchers/SUMMER/redemption', {
      customer,
      order: { amount: 5_000, items: [{ source_id: 'x', amount: 5_000, quantity: 1, product: { name: ORDERED } }] },
    }),
  )
  await ok(node.call('GET', '/v1/customers', undefined, { ...admin, after: redeemed }))

  // Before: in the read models all of it, in the log none of it.
  assert.equal(marksIn(await stored()), MARKS)
  assert.equal(marksIn(await exported()), [])

  const held = (await ok(node.call('GET', `/v1/customers/${ann.id}/personal-data`))).body
  assert.equal(held.customer.email, PROFILE.email)
  assert.equal(
    held.data.map(({ type }: { type: string }) => type),
    [
      'CustomerCreated',
      'SegmentEntered',
      'ConsentChanged',
      'CustomEventTracked',
      'RedemptionSucceeded',
      'OrderCreated',
      'OrderPaid',
    ],
  )
  assert.equal(held.data[3].personal, { note: PROPERTY })
  assert.equal(held.consents.history[0].source, CONSENTED)
  assert.is(held.consents.history[0].by, node.key('integrator').name)

  const erased = await ok(node.call('POST', `/v1/customers/${ann.id}/permanent-deletion`))
  assert.equal(
    [erased.body.related_object_id, erased.body.status, erased.body.object, erased.body.data_json.customer_events],
    [ann.id, 'DONE', 'pernament_deletion', 1],
  )
  assert.is((await node.call('GET', `/v1/customers/${ann.id}`, undefined, { after: erased })).status, 404)
  assert.equal((await ok(node.call('POST', `/v1/customers/${ann.id}/permanent-deletion`))).body, erased.body)
  assert.equal(
    await until(
      async () => marksIn(await stored()),
      (left) => left.length === 0,
    ).catch(async () => marksIn(await stored())),
    [],
  )
  assert.equal(marksIn(await shown()), [])
  assert.equal(marksIn(await exported()), [])
  assert.is((await node.call('POST', '/v1/customers/cust_nobodynobodynobodynobo/permanent-deletion')).status, 404)

  // The audit holds: what cannot be decided again is told apart.
  const again = (await ok(node.call('GET', `/v1/audit/customers/${ann.id}/redecide`, undefined, { as: 'auditor' })))
    .body
  assert.equal([again.drift, again.undecided], [[], []])
  assert.ok(again.erased > 0)

  const { body: anew } = await ok(node.call('POST', '/v1/customers', { source_id: PROFILE.source_id, name: ASKED }))
  assert.equal([anew.name, anew.email, anew.metadata], [ASKED, undefined, {}])
})

test('what an erased person bought adds up the same when the read models are built anew', async () => {
  await ok(
    node.call('POST', '/v1/redemptions', {
      redeemables: [{ object: 'voucher', id: 'SUMMER' }],
      customer: { source_id: 'buyer' },
      order: { items: [{ source_id: 'x', price: 2_500, quantity: 2 }], metadata: { gift_amount: 7 } },
    }),
  )
  await ok(node.call('POST', '/v1/customers/buyer/permanent-deletion'))
  const verified = async () => {
    const run = await fetch(`${node.url}/v1/audit/verify`, { headers: node.headers('auditor') })
    const lines = (await run.text()).trim().split('\n')
    return lines.map((line) => JSON.parse(line)).find((line) => 'end' in line)
  }
  await until(verified, (line) => line?.end.holds === true, 20_000)
  assert.not.match(await exported(), 'gift_amount')
})

test('after compacting no file of the data folder has a word of the person, nor has a backup', async () => {
  // The files of given servers are theirs: a scavenge there does the same.
  if (areGiven) return
  await node.stop()
  const files = async (folder: string): Promise<string> => {
    const paths = await readdir(folder, { recursive: true, withFileTypes: true })
    const texts = await Promise.all(
      paths.filter((e) => e.isFile()).map((e) => readFile(join(e.parentPath, e.name), 'latin1')),
    )
    return texts.join('\n')
  }
  assert.ok(marksIn(await files(dir)).length > 0, 'overwritten bytes are there until then')
  const { code, out, err } = await tributary(['compact', '--data', dir])
  assert.is(code, 0, err)
  assert.match(out, /^[1-9]\d* events/)
  // The source id is that of the newcomer now.
  const left = MARKS.filter((mark) => mark !== PROFILE.source_id)
  const found = async (folder: string) => {
    const text = await files(folder)
    return left.filter((mark) => text.includes(mark))
  }
  assert.equal(await found(dir), [])
  node = await start()
  assert.is((await node.call('GET', `/v1/customers/${PROFILE.source_id}`)).body.name, ASKED)
  const backup = join(dir, '..', `${basename(dir)}-backup`)
  assert.is((await tributary(['backup', backup, '--data', dir])).code, 0)
  assert.equal(await found(backup), [])
  await rm(backup, { recursive: true })
})

test('who comes back at once, or while the erasure is under way, is known for good', async () => {
  const names = ['at once', 'with the erasure'].map((how) => ({ how, source_id: `back ${how}`, name: `Back ${how}` }))
  for (const { how, source_id, name } of names) {
    const { body: before } = await ok(node.call('POST', '/v1/customers', { source_id, name: 'Before' }))
    const back = () => ok(node.call('POST', '/v1/customers', { source_id, name }))
    const erased = ok(node.call('POST', `/v1/customers/${before.id}/permanent-deletion`))
    if (how === 'at once') await erased
    await back()
    await erased
    await back()
  }
  const held = () =>
    Promise.all(
      names.map(async ({ source_id }) => {
        const path = `/v1/audit/customers/${encodeURIComponent(source_id)}?time=${new Date().toISOString()}`
        const { body } = await ok(node.call('GET', path, undefined, { as: 'auditor' }))
        return [body.source_id, body.name]
      }),
    )
  const expected = names.map(({ source_id, name }) => [source_id, name])
  assert.equal(await held(), expected)
  if (areGiven) return
  // Without its documents a node goes through the log from the beginning, with all erasures in it.
  await node.stop()
  await rm(join(dir, 'documents'), { recursive: true })
  node = await start()
  await until(
    async () => (await ok(node.call('GET', '/v1/processes', undefined, admin))).body.data,
    (all: readonly { name: string; done: number }[]) => all.some(({ name, done }) => name === 'erasures' && done >= 3),
  )
  assert.equal(await held(), expected)
})

test.run()
