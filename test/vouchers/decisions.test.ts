// Decisions about vouchers and what they leave to be read: assigning, releasing, changing, deleting; the laws of the read models.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { activity } from '../../projections/activity.ts'
import { creditTransactions } from '../../projections/creditTransactions.ts'
import type { Projection } from '../../projections/projection.ts'
import { vouchers } from '../../projections/vouchers.ts'
import { voucherTotals } from '../../projections/voucherTotals.ts'
import { calendarOf } from '../../src/domain/calendar.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { type CodeCommand, type CodeFact, decideCode, evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import {
  changedSpec,
  completeMember,
  completeSingle,
  memberFaults,
  memberType,
  misfitOf,
  refusalOf,
  singleFaults,
} from '../../src/domain/vouchers/make.ts'
import { resolveVoucher } from '../../src/domain/vouchers/resolve.ts'
import { T0, world } from '../given.ts'
import { assertLaws } from '../projector/laws.ts'

const GIFTS = 'camp_gifts'
const w = world()
w.define('campaign', GIFTS, {
  name: 'gifts',
  campaign_type: 'GIFT_VOUCHERS',
  voucher: { type: 'GIFT_VOUCHER', gift: { amount: 500 } },
})
const utc = calendarOf('UTC')

/** A code of the campaign under commands, one after the other: its facts, and the key of each refusal. */
const under = (...commands: readonly CodeCommand[]) => ofType('voucher', commands)

/** The same of a code that stands for a voucher, or for a card. */
const ofType = (type: string, commands: readonly CodeCommand[]) => {
  const facts: CodeFact[] = [
    {
      type: 'CodeReserved',
      data: { code: 'A', owner: { type, id: 'v_a', campaign: GIFTS }, occurredAt: T0 },
    },
  ]
  let state = evolveCode(noCode('A'), facts[0]!)
  const told = commands.map((command) => {
    const decided = decideCode(state, command, T0)
    if (isRefused(decided)) return decided.refused.key
    assert.equal(decided, JSON.parse(JSON.stringify(decided)), 'no field without a value')
    for (const fact of decided) state = evolveCode(state, fact)
    facts.push(...decided)
    return decided[0]?.type ?? 'nothing'
  })
  return { facts, told, state }
}

const assign = (customer: string, publication = 'pub_1'): CodeCommand => ({
  type: 'AssignCode',
  customer,
  publication: { id: publication },
  joinOnce: true,
})
const release = (publication: string): CodeCommand => ({ type: 'ReleaseCode', customer: 'cust_pat', publication })

const logOf = (facts: readonly { readonly type: string; readonly data: unknown }[], stream: string): RecordedFact[] =>
  facts.map((fact, i) => ({
    ...fact,
    id: `00000000-0000-5000-8000-${String(i).padStart(12, '0')}`,
    stream,
    revision: BigInt(i),
    position: BigInt(i),
    created: T0,
    metadata: { $correlationId: 'test' },
  }))

const laws = (projection: object, facts: readonly RecordedFact[]) => assertLaws(projection as Projection, facts, 20)

test('the code of a card is changed, switched and deleted only while nobody has the card, whoever was faster', () => {
  const changes: readonly CodeCommand[] = [
    { type: 'SwitchCode', active: false },
    { type: 'ChangeVoucher', spec: { metadata: { a: 1 } } },
    { type: 'DeleteVoucher' },
  ]
  for (const change of changes) {
    assert.not.equal(ofType('loyalty_card', [change]).told, ['resource_protected'])
    const given = ofType('loyalty_card', [assign('cust_a'), change])
    assert.equal(given.told, ['CodeAssigned', 'resource_protected'], change.type)
    assert.not.ok(given.state.deleted)
    assert.is(given.state.active, true)
    const back = ofType('loyalty_card', [
      assign('cust_a'),
      { type: 'ReleaseCode', customer: 'cust_a', publication: 'pub_1' },
      change,
    ])
    assert.is(back.told[2], ofType('loyalty_card', [change]).told[0])
    assert.not.equal(ofType('voucher', [assign('cust_a'), change]).told[1], 'resource_protected')
  }
})

test('a code is given to one customer, and is free again only when its own publication came to nothing', () => {
  const { told, state } = under(
    { type: 'SwitchCode', active: false },
    assign('cust_pat'),
    { type: 'SwitchCode', active: true },
    assign('cust_pat'),
    assign('cust_pat'),
    assign('cust_eve'),
    release('pub_other'),
    release('pub_1'),
    assign('cust_eve', 'pub_2'),
    { type: 'DeleteVoucher' },
    { type: 'DeleteVoucher' },
  )
  assert.equal(told, [
    'CodeDisabled',
    'voucher_disabled',
    'CodeEnabled',
    'CodeAssigned',
    'nothing',
    'voucher_already_published',
    'nothing',
    'CodeReleased',
    'CodeAssigned',
    'VoucherDeleted',
    'not_found',
  ])
  assert.is(resolveVoucher(state, w.rulebook), undefined)
})

test('referees are assigned once for each request, all of them, and nobody twice', () => {
  const referral = { campaign: { id: GIFTS, name: 'gifts' }, referrer: 'cust_ann' }
  const add = (request: string | undefined, ...customers: string[]): CodeCommand => ({
    type: 'AssignReferees',
    referral,
    holders: customers.map((customer) => ({ id: `rh_${customer}`, customer })),
    ...(request === undefined ? {} : { request }),
  })
  const [done, twice] = ['RefereesAssigned', 'holder_assignement_duplication']
  assert.equal(under(add('q', 'bob', 'cid'), add('q', 'bob', 'cid'), add('q', 'bob')).told, [
    done,
    'nothing',
    'nothing',
  ])
  for (const again of [add('r', 'bob'), add('q', 'bob', 'dan'), add(undefined, 'bob'), add('r', 'dan', 'dan')])
    assert.equal(under(add('q', 'bob'), again).told, [done, twice], JSON.stringify(again))
  assert.equal(under(add('q', 'cust_ann')).told, [twice])
  assert.equal(under(add(undefined, 'bob'), add(undefined, 'bob'), add('q', 'dan')).told, [done, twice, done])
})

test('a code of no campaign is given by what it is, once; who is not there gives no claim up', () => {
  const shop = world()
  const give = (id: string, publication: string, more: object = {}) =>
    shop.facts({
      type: 'PublishVoucher',
      voucher: { id, code: id },
      publication: { id: publication },
      joinOnce: true,
      profile: { source_id: 's' },
      mayCreate: true,
      ...more,
    })
  const giveUp = { type: 'GiveUpClaim', publication: 'pub_1', claim: 'c' } as const
  assert.is(shop.refused(giveUp).key, 'not_found')
  const types = (facts: ReturnType<typeof give>) =>
    facts.flatMap((fact) => (fact.type === 'VoucherPublished' ? [fact.data.type] : []))
  assert.equal(types(give('v_1', 'pub_1', { voucherType: 'GIFT_VOUCHER' })), ['GIFT_VOUCHER'])
  assert.equal([give('v_1', 'pub_2'), give('v_2', 'pub_1')], [[], []])
  assert.equal(types(give('v_2', 'pub_2')), [undefined])
  assert.equal(
    shop.facts(giveUp).map(({ type }) => type),
    ['ClaimGivenUp'],
  )
})

test('a voucher keeps its type and what it began with; metadata is changed key by key', () => {
  const spec = completeMember({ metadata: { a: 1 } }, w.rulebook.entries('campaign').get(GIFTS)!.definition)
  assert.is(spec.gift?.amount, 500)
  const voucher = resolveVoucher({ ...under().state, spec }, w.rulebook)!
  const changed = changedSpec(spec, voucher, { metadata: { b: 2 }, category: 'vip' }, utc)
  assert.equal(changed, { ...spec, metadata: { a: 1, b: 2 }, category: 'vip' })
  for (const patch of [
    { type: 'DISCOUNT_VOUCHER' as const },
    { gift: { amount: 501, effect: 'APPLY_TO_ORDER' as const } },
    { discount: { type: 'PERCENT' as const, percent_off: 1, effect: 'APPLY_TO_ORDER' as const } },
    { start_date: '2026-02-30' },
  ])
    assert.ok(isRefused(changedSpec(spec, voucher, patch, utc)), JSON.stringify(patch))
  assert.equal(
    singleFaults({}, utc).map(({ path }) => path),
    ['discount'],
  )
})

test('a code of a campaign that was deleted is good for nothing', () => {
  const gone = world()
  assert.ok(resolveVoucher(under().state, w.rulebook))
  assert.is(resolveVoucher(under().state, gone.rulebook), undefined)
})

test('the read models of codes obey the laws; a deleted voucher shows to its holder', () => {
  const kept = under(assign('cust_pat'), release('pub_1'), assign('cust_eve', 'pub_2'))
  const [document] = Object.values(laws(vouchers, logOf(kept.facts, 'code-A')))
  assert.equal([document && 'customer' in document && document.customer], ['cust_eve'])
  const deleted = logOf(under(assign('cust_eve'), { type: 'DeleteVoucher' }).facts, 'code-A')
  assert.equal(laws(vouchers, deleted), {})
  assert.equal(laws(voucherTotals, deleted)[GIFTS], {
    _id: GIFTS,
    codes: 0,
    deleted: 1,
    published: 0,
    open: 0,
    failed: 0,
  })
  const entries = Object.values(laws(activity, deleted)) as { type: string; customer: string }[]
  assert.equal(
    entries.map(({ type, customer }) => [type, customer]),
    [['customer.voucher.deleted', 'cust_eve']],
  )
})

test('credits that were added, redeemed and given back are transactions, each once', () => {
  const voucher = { id: 'v_a', code: 'A' }
  const share = { credits: 200 }
  const facts = logOf(
    [
      {
        type: 'GiftCreditsChanged',
        data: { transaction: 'vtx_1', code: 'A', voucher: 'v_a', amount: 300, occurredAt: T0 },
      },
      { type: 'RedemptionSucceeded', data: { redemption: 'r_1', voucher, share, occurredAt: T0 } },
      { type: 'RedemptionSucceeded', data: { redemption: 'r_2', voucher, share: { credits: 0 }, occurredAt: T0 } },
      { type: 'RedemptionRolledBack', data: { redemption: 'r_1', rollback: 'rr_1', voucher, share, occurredAt: T0 } },
    ],
    'customer-cust_eve',
  )
  const documents = Object.values(laws(creditTransactions, facts)) as { type: string; amount: number }[]
  assert.equal(documents.map(({ type, amount }) => `${type} ${amount}`).sort(), [
    'CREDITS_ADDITION 300',
    'CREDITS_REDEMPTION -200',
    'CREDITS_REFUND 200',
  ])
})

test('what a voucher must say in its metadata is asked when it is new, of one in a campaign by the schema of campaigns', () => {
  const shops = world()
  const number = (name: string) => ({ [name]: { type: 'number' as const, optional: false } })
  shops.define('metadataSchema', 'mds_v', { related_object: 'voucher', properties: number('v') })
  shops.define('metadataSchema', 'mds_c', { related_object: 'campaign', properties: number('c') })
  const campaign = w.rulebook.entries('campaign').get(GIFTS)!.definition
  const own = { ...campaign, use_voucher_metadata_schema: true }
  const of = (metadata: Record<string, unknown> | undefined, within: typeof campaign | undefined, isNew: boolean) =>
    misfitOf(shops.rulebook.definitions, { metadata, category_id: undefined }, within, { isNew })?.refused.key
  const unfit = 'metadata_validation_failed'
  assert.equal(
    [of({}, undefined, true), of({}, undefined, false), of(undefined, undefined, true)],
    [unfit, undefined, unfit],
  )
  assert.equal([of({}, campaign, true), of({}, own, true), of(undefined, own, true)], [undefined, undefined, undefined])
  const wrong = { v: 'x', c: 1 }
  assert.equal(
    [of(wrong, undefined, false), of(wrong, own, false), of(wrong, campaign, false)],
    [unfit, unfit, undefined],
  )
  assert.is(of({ v: 1, c: 'x' }, campaign, true), unfit)
  assert.is(misfitOf(shops.rulebook.definitions, { category_id: 'cat_9' }, undefined)?.refused.key, 'invalid_payload')
})

test('what a voucher does not say of its type follows from its worth, or from its campaign', () => {
  const off = { type: 'AMOUNT', amount_off: 1, effect: 'APPLY_TO_ORDER' } as const
  const gift = { amount: 5, effect: 'APPLY_TO_ORDER' } as const
  const typeOf = (spec: object) => completeSingle(spec).type
  assert.equal(
    [typeOf({ discount: off, gift }), typeOf({ gift }), typeOf({ loyalty_card: { points: 1 } }), typeOf({})],
    ['DISCOUNT_VOUCHER', 'GIFT_VOUCHER', 'LOYALTY_CARD', 'DISCOUNT_VOUCHER'],
  )
  const club = { name: 'c', campaign_type: 'LOYALTY_PROGRAM', metadata: {} } as never
  const coupons = { name: 'd', campaign_type: 'DISCOUNT_COUPONS', metadata: {} } as never
  assert.equal([memberType(club), memberType(coupons)], ['LOYALTY_CARD', 'DISCOUNT_VOUCHER'])
  const paths = (faults: readonly { readonly path: string }[]) => faults.map(({ path }) => path)
  assert.equal(paths(singleFaults({ discount: off, gift }, utc)), ['gift'])
  assert.equal(paths(singleFaults({ type: 'GIFT_VOUCHER', discount: off }, utc)), ['discount', 'gift'])
  assert.equal(paths(singleFaults({ loyalty_card: { points: 1 } }, utc)), ['campaign'])
  assert.equal(paths(memberFaults({ type: 'GIFT_VOUCHER', gift }, club, utc)), ['type'])
  assert.equal(paths(memberFaults({ gift }, club, utc)), ['gift'])
  assert.equal(paths(memberFaults({ type: 'LOYALTY_CARD', loyalty_card: { points: 1 } }, club, utc)), [])
  assert.equal(completeMember({}, club), { loyalty_card: { points: 0 } })
  const card = (spec: object) =>
    resolveVoucher({ ...noCode('C'), owner: { type: 'loyalty_card', id: 'v' }, spec }, w.rulebook)
  assert.equal([card({})?.points, card({ loyalty_card: { points: 3 } })?.points], [0, 3])
  assert.is(resolveVoucher({ ...noCode('C'), owner: { type: 'voucher', id: 'v' } }, w.rulebook)?.points, undefined)
  assert.equal(completeMember({ loyalty_card: { points: 3 } }, club), { loyalty_card: { points: 3 } })
  const of = (...at: readonly string[]) =>
    refusalOf(
      at.map((path) => ({ path, message: 'is wrong' })),
      'voucher',
    )
  assert.equal(
    [of('type', 'gift')?.refused.key, of('type', 'start_date')?.refused.key, of()],
    ['invalid_voucher', 'invalid_payload', undefined],
  )
  assert.is(of('gift')?.refused.details, 'Property voucher.gift is wrong')
})

test.run()
