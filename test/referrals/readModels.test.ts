// What referrals leave to be read and audited: the read models and their laws, codes in their own streams, decisions made again.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Projection } from '../../projections/projection.ts'
import { publications } from '../../projections/publications.ts'
import { type ReferralDocument, referrals } from '../../projections/referrals.ts'
import { redecideCustomer } from '../../src/audit/redecide.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import {
  type CodeCommand,
  type CodeFact,
  decideCode,
  evolveCode,
  holderId,
  noCode,
} from '../../src/domain/vouchers/code.ts'
import { secretCode } from '../../src/domain/vouchers/secret.ts'
import { rulebookHistory } from '../audit/rulebookHistory.ts'
import { T0, track, type World } from '../given.ts'
import { assertLaws } from '../projector/laws.ts'
import { CODE, credit, FRIENDS, friends, gift, offered, points, publish, reserved, shop, signUp } from './fixtures.ts'

/** The log that the streams of several customers and of a code make, customer by customer where it does not matter. */
const logOf = (worlds: readonly World[], code: readonly CodeFact[] = []): readonly RecordedFact[] => {
  const ofCode = code.map(
    (fact, i): RecordedFact => ({
      ...fact,
      id: `code-${i}`,
      stream: `code-${CODE}`,
      revision: BigInt(i),
      position: 0n,
      created: T0,
      metadata: { $correlationId: 'test' },
    }),
  )
  // The referee's conversion stands before the referrer's credit for it: the referees' streams come first.
  return [...ofCode, ...worlds.flatMap((w) => w.recorded())].map((fact, i) => ({ ...fact, position: BigInt(i) }))
}

const held = (projection: object, facts: readonly RecordedFact[]) => assertLaws(projection as Projection, facts, 20)

test('a referral goes from assigned over converted to rewarded, and a refusal says why', () => {
  const part = { referrer_tiers: [{ from: 2, reward: gift(500) }] }
  const ann = shop('cust_ann', part)
  publish(ann)
  const assigned: CodeFact = {
    type: 'RefereesAssigned',
    data: {
      code: CODE,
      voucher: `v_${CODE}`,
      campaign: { id: FRIENDS, name: 'friends' },
      referrer: 'cust_ann',
      holders: ['cust_bob', 'cust_hal'].map((customer) => ({ id: holderId(`v_${CODE}`, customer), customer })),
      occurredAt: T0,
    },
  }
  const [bob, cid, dan] = ['cust_bob', 'cust_cid', 'cust_dan'].map((name) => shop(name, part)) as [World, World, World]
  const facts = signUp(bob, offered(ann))
  const half = held(referrals, logOf([bob], [assigned]))
  assert.equal(
    Object.values(half as Record<string, ReferralDocument>).map(({ referee, status }) => [referee, status]),
    [
      ['cust_bob', 'converted'],
      ['cust_hal', 'pending'],
    ],
  )
  credit(ann, bob, facts)
  credit(ann, cid, signUp(cid, offered(ann)))
  signUp(dan, offered(ann, CODE, { active: false }))
  const all = held(referrals, logOf([bob, cid, dan, ann], [assigned])) as Record<string, ReferralDocument>
  const of = (name: string) => all[`v_${CODE}/${name}`]
  assert.equal(
    [of('cust_bob')?.status, of('cust_bob')?.number, of('cust_bob')?.referrer_reward?.amount],
    ['rewarded', 1, 100],
  )
  assert.ok(of('cust_bob')?.holder)
  const second = of('cust_cid')?.referrer_reward
  assert.equal(
    [of('cust_cid')?.status, second?.tier, second?.type, second?.state],
    ['rewarded', 2, 'GIFT_VOUCHER', 'given'],
  )
  assert.equal([of('cust_dan')?.status, of('cust_dan')?.refused?.reason], ['refused', 'code_disabled'])
})

test('a refusal is forgotten once the customer converts, and a withheld reward leaves the referral unrewarded', () => {
  const ann = shop('cust_ann')
  publish(ann)
  const bob = shop('cust_bob')
  signUp(bob, offered(ann, CODE, { active: false }))
  const facts = signUp(bob, offered(ann))
  ann.facts({ type: 'DeleteCustomer', permanently: false })
  credit(ann, bob, facts)
  const [document] = Object.values(held(referrals, logOf([bob, ann]))) as ReferralDocument[]
  assert.equal([document?.status, document?.refused], ['converted', null])
  assert.equal([document?.referee_reward?.state, document?.referrer_reward?.state], ['given', 'withheld'])
})

test('a referee taken from a code leaves nothing behind, unless there was an event', () => {
  const about = { code: CODE, voucher: `v_${CODE}`, campaign: { id: FRIENDS, name: 'friends' }, referrer: 'cust_ann' }
  const holders = ['cust_bob', 'cust_cid'].map((customer) => ({ id: `rh_${customer}`, customer }))
  const assigned: CodeFact = { type: 'RefereesAssigned', data: { ...about, holders, occurredAt: T0 } }
  const removed = holders.map(
    ({ id, customer }): CodeFact => ({
      type: 'RefereeRemoved',
      data: { ...about, holder: id, customer, occurredAt: T0 },
    }),
  )
  assert.equal(Object.keys(held(referrals, logOf([], [assigned, removed[0]!]))), [`v_${CODE}/cust_cid`])
  const ann = shop('cust_ann')
  publish(ann)
  const bob = shop('cust_bob')
  signUp(bob, offered(ann))
  const log = [...logOf([bob], [assigned]), ...logOf([], [removed[0]!])].map((fact, i) => ({
    ...fact,
    position: BigInt(i),
  }))
  const found = held(referrals, log) as Record<string, ReferralDocument>
  assert.equal([found[`v_${CODE}/cust_bob`]?.status, found[`v_${CODE}/cust_bob`]?.holder], ['converted', null])
})

test('publications follow the codes that customers got, also when a code that a rule gave is replaced', () => {
  const part = { referee_reward: gift(5) }
  const ann = shop('cust_ann', part)
  publish(ann)
  const bob = shop('cust_bob', part)
  signUp(bob, offered(ann))
  const [first] = Object.values(bob.state.vouchers)
  bob.facts({ type: 'ReplaceVoucherCode', voucher: first!.id, taken: first!.code, attempt: 1 })
  const documents = Object.values(held(publications, logOf([ann, bob]))) as { voucher: { code: string } }[]
  assert.equal(documents.map(({ voucher }) => voucher.code).sort(), [CODE, bob.state.vouchers[first!.id]!.code].sort())
  assert.is.not(bob.state.vouchers[first!.id]!.code, first!.code)
})

test('what was decided with a code is decided the same again from what is recorded', async () => {
  const [ann, bob] = [shop('cust_ann'), shop('cust_bob')]
  publish(ann)
  signUp(bob, offered(ann, CODE, { active: false }))
  signUp(bob, offered(ann), { profile: { email: 'bob@shop.test' } })
  signUp(bob, offered(ann))
  bob.define('campaign', FRIENDS, friends({ referee_reward: points(1) }))
  bob.facts(track('visited', { occurredAt: bob.now, profile: { source_id: 'cust_bob' } }))
  for (const w of [ann, bob]) {
    const store = {
      async *readStream() {
        yield* w.recorded()
      },
    }
    const again = await redecideCustomer(store, rulebookHistory(w), w.state.id)
    assert.equal(again.drift, [])
  }
})

test('a code is switched and takes referees: all or none, nobody twice, and never its referrer', () => {
  const ann = shop('cust_ann')
  publish(ann)
  const referral = { campaign: { id: FRIENDS, name: 'friends' }, referrer: 'cust_ann' }
  let state = reserved(ann)
  const ask = (command: CodeCommand): string => {
    const decided = decideCode(state, command, T0)
    if (isRefused(decided)) return decided.refused.key
    for (const fact of decided) state = evolveCode(state, fact)
    return decided[0]?.type ?? 'nothing'
  }
  const assign = (...names: string[]) =>
    ask({
      type: 'AssignReferees',
      referral,
      holders: names.map((customer) => ({ id: holderId(`v_${CODE}`, customer), customer })),
    })
  assert.is(assign('cust_bob', 'cust_cid'), 'RefereesAssigned')
  assert.is(assign('cust_dan', 'cust_bob'), 'holder_assignement_duplication')
  assert.is(assign('cust_dan', 'cust_dan'), 'holder_assignement_duplication')
  assert.is(assign('cust_ann'), 'holder_assignement_duplication')
  assert.equal(Object.keys(state.holders), ['cust_bob', 'cust_cid'])
  const remove = (customer: string) => ask({ type: 'RemoveReferee', referral, holder: holderId(`v_${CODE}`, customer) })
  assert.equal(
    [remove('cust_ann'), remove('cust_bob'), remove('cust_bob')],
    ['forbidden', 'RefereeRemoved', 'not_found'],
  )
  const switched = (active: boolean) => ask({ type: 'SwitchCode', active })
  assert.equal(
    [switched(true), switched(false), switched(false), switched(true)],
    ['nothing', 'CodeDisabled', 'nothing', 'CodeEnabled'],
  )
  state = noCode('NOBODYS')
  assert.is(switched(false), 'not_found')
})

test('a code follows from its voucher and the key of the project, so that it is made again but not guessed', () => {
  const config = { length: 16 }
  const code = secretCode(config, 'key', 'v_1', 0)
  assert.is(secretCode(config, 'key', 'v_1', 0), code)
  const others = [
    secretCode(config, 'other', 'v_1', 0),
    secretCode(config, 'key', 'v_2', 0),
    secretCode(config, 'key', 'v_1', 1),
  ]
  assert.is(new Set([code, ...others]).size, 4)
})

test.run()
