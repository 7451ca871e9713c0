// Conversions, given/when/then: what makes a referee, what each side gets, and every reason why an event does not convert.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import { cardIn } from '../../src/domain/customer/loyalty/state.ts'
import { contactsOf, offerOf } from '../../src/domain/referrals/offer.ts'
import { DAY, HOUR, MINUTE, T0, track } from '../given.ts'
import {
  balance,
  CLUB,
  CODE,
  credit,
  FRIENDS,
  friends,
  GIFTS,
  gift,
  offered,
  points,
  publish,
  refusal,
  reserved,
  shop,
  signUp,
  types,
} from './fixtures.ts'

/** A referrer with a published code, and somebody who may be referred. */
const pair = (part: Record<string, unknown> = {}, more: Record<string, unknown> = {}) => {
  const [ann, bob] = [shop('cust_ann', part, more), shop('cust_bob', part, more)]
  publish(ann)
  return { ann, bob }
}

const rewarded = (facts: readonly DecidedFact[]) =>
  facts.flatMap((fact) => (fact.type === 'ReferralRewarded' ? [fact.data] : []))

test('an event with a code refers a new customer, and both sides get points on cards that are issued for it', () => {
  const { ann, bob } = pair()
  const facts = signUp(bob, offered(ann))
  assert.equal(types(facts), [
    'CustomerCreated',
    'CustomEventTracked',
    'ReferralConverted',
    'LoyaltyCardIssued',
    'PointsAdded',
    'ReferralRewarded',
  ])
  assert.is(balance(bob), 50)
  const credited = credit(ann, bob, facts)
  assert.equal(types(credited), ['ReferralCredited', 'LoyaltyCardIssued', 'PointsAdded', 'ReferralRewarded'])
  assert.is(balance(ann), 100)
  const [[toBob], [toAnn]] = [rewarded(facts), rewarded(credited)]
  assert.equal([toBob?.role, toAnn?.role], ['REFEREE', 'REFERRER'])
  assert.equal([toAnn?.referee, toAnn?.referrer, toBob?.referrer], ['cust_bob', 'cust_ann', 'cust_ann'])
  assert.is(toAnn?.conversion, toBob?.conversion)
  assert.is(toAnn?.given.balance, 100)
})

test('points go to the card that is there', () => {
  const { ann, bob } = pair()
  bob.facts({
    type: 'IssueLoyaltyCard',
    campaign: CLUB,
    card: { id: 'v_card', code: 'CARD' },
    profile: { source_id: 'cust_bob' },
    mayCreate: true,
  })
  signUp(bob, offered(ann))
  assert.equal(Object.keys(bob.state.loyalty.cards), ['v_card'])
  assert.is(cardIn(bob.state.loyalty, CLUB)?.balance, 50)
})

test('the second conversion of a referee is none, whoever the code is of, and its reason is recorded once', () => {
  const { ann, bob } = pair()
  signUp(bob, offered(ann))
  const again = signUp(bob, offered(ann))
  assert.equal(types(again), ['CustomEventTracked', 'ReferralRefused'])
  assert.is(refusal(again), 'already_referred')
  const third = bob.when(
    track('signed_up', {
      occurredAt: bob.now,
      profile: { source_id: 'cust_bob' },
      referral: { code: CODE, offer: offered(ann) },
    }),
  )
  assert.ok(!('refused' in third))
  assert.equal(types(third.facts), ['CustomEventTracked'])
  assert.match(third.declined[0]?.reason ?? '', /referred with the code ANN-1 before/)
  const cid = shop('cust_cid')
  publish(cid, 'CID-1')
  assert.is(refusal(signUp(bob, offered(cid, 'CID-1'), { code: 'CID-1' })), 'already_referred')
  assert.is(balance(bob), 50)
})

test('who was referred, is deleted and comes back, is not referred again, however often', () => {
  const { ann, bob } = pair()
  signUp(bob, offered(ann))
  for (const _ of [1, 2]) {
    bob.facts({ type: 'DeleteCustomer', permanently: false })
    bob.wait(1_000)
    const back = signUp(bob, offered(ann))
    assert.equal(types(back), ['CustomerCreated', 'CustomEventTracked', 'ReferralRefused'])
    assert.is(refusal(back), 'already_referred')
    assert.equal(bob.state.referrals.referred, {}, 'nothing else is left of before')
    bob.reload()
  }
})

test('one program does not keep a customer out of another', () => {
  const { ann, bob } = pair()
  for (const w of [ann, bob]) w.define('campaign', 'camp_other', { ...friends(), name: 'other' })
  publish(ann, 'OTHER-1', { campaign: 'camp_other' })
  signUp(bob, offered(ann))
  const offer = { ...offered(ann, 'OTHER-1'), campaign: 'camp_other' }
  assert.is(refusal(signUp(bob, offer, { code: 'OTHER-1' })), undefined)
  assert.is(balance(bob), 100)
  assert.equal(Object.keys(bob.state.referrals.referred), [FRIENDS, 'camp_other'])
})

test('nobody refers herself: not the same customer, nor one with the same e-mail address or phone number', () => {
  const { ann } = pair()
  assert.is(refusal(signUp(ann, offered(ann))), 'self_referral')
  ann.facts({
    type: 'SaveCustomer',
    profile: { email: 'Ann@Shop.test', phone: '+48 (500) 600-700' },
    mayCreate: false,
  })
  for (const [profile, reason] of [
    [{ email: ' ann@shop.TEST ' }, 'self_referral'],
    [{ phone: '0048500600700' }, 'self_referral'],
    [{ email: 'bea@shop.test', phone: '500600701' }, undefined],
    [{ email: '', phone: '' }, undefined],
  ] as const)
    assert.is(refusal(signUp(shop('cust_bea'), offered(ann), { profile })), reason, JSON.stringify(profile))
})

test('contacts are told apart without telling what they are', () => {
  const [digest = ''] = contactsOf({ metadata: {}, email: 'ann@shop.test' }, 'key')
  assert.not.match(digest, /ann|shop/)
  assert.is.not(contactsOf({ metadata: {}, email: 'ann@shop.test' }, 'other')[0], digest)
  assert.is.not(
    contactsOf({ metadata: {}, email: '500600700' }, 'key')[0],
    contactsOf({ metadata: {}, phone: '500600700' }, 'key')[0],
  )
})

test('codes that are not good do not convert, and say why', () => {
  const { ann, bob } = pair()
  const { publishedAt: _, ...offer } = offered(ann)
  assert.is(refusal(signUp(bob, { ...offer, published: false })), 'not_published')
  assert.is(refusal(signUp(bob, offered(ann, CODE, { active: false }))), 'code_disabled')
  assert.is(refusal(signUp(bob, offered(ann, CODE, {}, 'cust_cid'))), 'wrong_referrer')
  assert.is(refusal(signUp(bob, offered(ann, CODE, {}, 'cust_ann'))), undefined)
  assert.is(balance(bob), 50)
})

test('a conversion says what it promises, and leaves out what it has none of', () => {
  const told = (part: Record<string, unknown>, named?: string) => {
    const { ann, bob } = pair(part)
    const facts = bob.facts(
      track('signed_up', {
        occurredAt: bob.now,
        profile: { source_id: 'cust_bob' },
        referral: {
          code: CODE,
          offer: offered(ann, CODE, {}, named),
          ...(named === undefined ? {} : { referrer_id: named }),
        },
      }),
    )
    const [fact] = facts.filter(({ type }) => type === 'ReferralConverted' || type === 'ReferralRefused')
    return fact?.data as { [name: string]: unknown }
  }
  const none = { referee_reward: null, referrer_reward: null }
  const plain = told(none)
  assert.equal(
    [plain.promise, plain.cause, 'because' in plain],
    [{}, { ...(plain.cause as object), event: 'signed_up', schema: 'ms_signed_up' }, false],
  )
  const tiers = [{ from: 2, reward: points(5) }]
  assert.equal(told({ ...none, referrer_tiers: tiers, referee_reward: points(1) }).promise, {
    referee: points(1),
    tiers,
  })
  assert.is(told({}, 'cust_cid').details, 'the code is not that of cust_cid')
})

test('a code is named by its referrer id or source id', () => {
  const { ann } = pair()
  assert.equal([offered(ann, CODE, {}, 'cust_ann').named, offered(ann, CODE, {}, 'nobody').named], [true, false])
  ann.facts({ type: 'SaveCustomer', profile: { name: 'Ann' }, mayCreate: false })
  assert.is(offered(ann, CODE, {}, ann.state.profile.source_id).named, true)
})

test('an unknown code, a code of something else and another event convert nothing and leave no fact but the event', () => {
  const { ann, bob } = pair()
  for (const [offer, event] of [
    [{ published: false }, 'signed_up'],
    [{ ...offered(ann), campaign: CLUB }, 'signed_up'],
    [offered(ann), 'visited'],
  ] as const) {
    const decided = bob.when(
      track(event, {
        occurredAt: bob.now,
        profile: { source_id: 'cust_bob', name: event },
        referral: { code: CODE, offer },
      }),
    )
    assert.ok(!('refused' in decided))
    assert.not.ok(decided.facts.some(({ type }) => type.startsWith('Referral')))
    assert.is(decided.declined[0]?.kind, 'referral')
  }
})

test('an inactive program converts nothing: disabled, or at a time when it is not in force', () => {
  const { ann, bob } = pair()
  bob.define('campaign', FRIENDS, friends({}, { active: false }))
  assert.is(refusal(signUp(bob, offered(ann))), 'campaign_not_active')
  bob.define('campaign', FRIENDS, friends({}, { start_date: new Date(T0).toISOString() }))
  const before = signUp(bob, offered(ann), { ago: MINUTE })
  assert.equal(types(before), ['CustomEventTracked'], 'the same reason is not recorded twice')
  assert.is(refusal(signUp(bob, offered(ann))), undefined)
  assert.ok(bob.state.referrals.referred[FRIENDS])
})

test('a code is good for as long as its program says from its publication on', () => {
  const { ann, bob } = pair({}, { activity_duration_after_publishing: 'P7D' })
  ann.wait(7 * DAY)
  bob.wait(7 * DAY)
  assert.is(refusal(signUp(bob, offered(ann))), 'code_expired')
  assert.is(refusal(signUp(bob, offered(ann), { ago: MINUTE })), undefined)
  assert.ok(bob.state.referrals.referred[FRIENDS])
})

test('a referrer who is gone refers nobody', () => {
  const { ann, bob } = pair()
  const offer = offered(ann)
  ann.facts({ type: 'DeleteCustomer', permanently: false })
  assert.is(refusal(signUp(bob, { ...offer, ...offered(ann), publishedAt: T0 })), 'referrer_gone')
})

test('a place among the referees is noted of who is there, and a referrer who is gone is owed nothing', () => {
  const bob = shop('cust_bob')
  const holder = {
    id: 'rh_1',
    campaign: { id: FRIENDS, name: 'friends' },
    voucher: { id: 'v', code: CODE },
    referrer: 'cust_ann',
  }
  const note = (assigned: boolean) => types(bob.facts({ type: 'NoteReferralHolder', assigned, holder } as never))
  assert.equal(note(true), [])
  bob.facts(track('visited', { occurredAt: bob.now, profile: { source_id: 'cust_bob' } }))
  assert.equal([note(true), note(false)], [['ReferralHolderAssigned'], ['ReferralHolderRemoved']])
  const { ann, bob: cid } = pair()
  const offer = offered(ann)
  ann.facts({ type: 'DeleteCustomer', permanently: false })
  assert.equal(types(credit(ann, cid, signUp(cid, offer))), ['ReferralRewardWithheld'])
})

test('new is who was created within a time before the event', () => {
  const part = { new_customers: { created_within: 'P1D' } }
  const { ann, bob } = pair(part)
  bob.facts(track('visited', { occurredAt: bob.now, profile: { source_id: 'cust_bob' } }))
  bob.wait(DAY + 1)
  assert.is(refusal(signUp(bob, offered(ann))), 'not_new')
  assert.is(refusal(signUp(bob, offered(ann), { ago: 1 })), undefined)
  assert.ok(bob.state.referrals.referred[FRIENDS])
  assert.is(refusal(signUp(shop('cust_cid', part), offered(ann), { ago: HOUR })), undefined)
})

test('new is who is in a segment just before the event: the event itself makes nobody old', () => {
  const part = { new_customers: { segment_id: 'seg_fresh' } }
  const fresh = (name: string) => {
    const w = shop(name)
    w.define('segment', 'seg_fresh', {
      name: 'never signed up',
      type: 'passive',
      condition: { not: { event: 'signed_up', count: { $more_than_equal: 1 } } },
    })
    w.define('campaign', FRIENDS, friends(part))
    return w
  }
  const [ann, bob, cid] = [fresh('cust_ann'), fresh('cust_bob'), fresh('cust_cid')]
  publish(ann)
  assert.is(refusal(signUp(bob, offered(ann))), undefined, 'created by the event')
  assert.ok(bob.state.referrals.referred[FRIENDS])
  cid.facts(track('visited', { occurredAt: cid.now, profile: { source_id: 'cust_cid' } }))
  assert.is(refusal(signUp(cid, offered(ann))), undefined, 'there before the event')
  const dan = fresh('cust_dan')
  dan.facts(track('signed_up', { occurredAt: dan.now, profile: { source_id: 'cust_dan' } }))
  assert.is(refusal(signUp(dan, offered(ann))), 'not_new')
})

test('whom a list names is in its segment from birth', () => {
  const listed = (name: string) => {
    const w = shop(name)
    w.define('segment', 'seg_list', { name: 'list', type: 'static', customers: ['cust_bob'] })
    w.define('campaign', FRIENDS, friends({ new_customers: { segment_id: 'seg_list' } }))
    return w
  }
  const [ann, bob, cid] = [listed('cust_ann'), listed('cust_bob'), listed('cust_cid')]
  publish(ann)
  assert.equal([refusal(signUp(bob, offered(ann))), refusal(signUp(cid, offered(ann)))], [undefined, 'not_new'])
})

test('segments that are made of other segments count at birth too', () => {
  const make = (name: string) => {
    const w = shop(name)
    w.define('segment', 'seg_a', { name: 'a', type: 'passive', condition: { attribute: 'name', $is: 'Bob' } })
    w.define('segment', 'seg_b', { name: 'b', type: 'passive', condition: { segment: 'seg_a' } })
    w.define('campaign', FRIENDS, friends({ new_customers: { segment_id: 'seg_b' } }))
    return w
  }
  const [ann, bob, cid] = [make('cust_ann'), make('cust_bob'), make('cust_cid')]
  publish(ann)
  assert.is(refusal(signUp(bob, offered(ann), { profile: { name: 'Bob' } })), undefined)
  assert.is(refusal(signUp(cid, offered(ann), { profile: { name: 'Cid' } })), 'not_new')
})

test("the program's rule is asked about the event's metadata, and so are rules assigned to the campaign", () => {
  const rule = (plan: string) => ({
    name: plan,
    rules: { '1': { name: 'custom_event.metadata', property: 'plan', conditions: { $is: [plan] } }, logic: '1' },
  })
  const { ann, bob } = pair()
  bob.define('validationRule', 'val_gold', rule('gold'))
  bob.define('campaign', FRIENDS, friends({ validation_rule_id: 'val_gold' }))
  assert.is(refusal(signUp(bob, offered(ann), { plan: 'free' })), 'rule_failed')
  assert.is(refusal(signUp(bob, offered(ann), { plan: 'gold' })), undefined)
  const cid = shop('cust_cid')
  cid.define('validationRule', 'val_gold', rule('gold'))
  cid.define('assignment', 'asgm_1', {
    rule_id: 'val_gold',
    related_object_type: 'campaign',
    related_object_id: FRIENDS,
  })
  assert.is(refusal(signUp(cid, offered(ann), { plan: 'free' })), 'rule_failed')
  assert.is(refusal(signUp(cid, offered(ann), { plan: 'gold' })), undefined)
  // Also those of the code that the event brings along.
  const dan = shop('cust_dan')
  dan.define('validationRule', 'val_gold', rule('gold'))
  dan.define('assignment', 'asgm_1', { rule_id: 'val_gold', related_object_type: 'voucher', related_object_id: CODE })
  assert.is(refusal(signUp(dan, offered(ann), { plan: 'free' })), 'rule_failed')
  assert.is(refusal(signUp(dan, offered(ann), { plan: 'gold' })), undefined)
})

test('from the nth conversion on a referrer gets the reward of the tier', () => {
  const part = {
    referrer_tiers: [
      { from: 2, reward: points(200) },
      { from: 4, reward: gift(500) },
    ],
  }
  const ann = shop('cust_ann', part)
  publish(ann)
  const got = [1, 2, 3, 4].map((n) => {
    const friend = shop(`cust_${n}`, part)
    const [data] = rewarded(credit(ann, friend, signUp(friend, offered(ann))))
    return [data?.tier, data?.reward.amount, data?.given.campaign.id]
  })
  assert.equal(got, [
    [undefined, 100, CLUB],
    [2, 200, CLUB],
    [2, 200, CLUB],
    [4, 500, GIFTS],
  ])
  assert.is(ann.state.referrals.credited[FRIENDS], 4)
})

test('a code of another campaign as a reward is published in its format', () => {
  const { ann, bob } = pair({ referee_reward: gift(700), referrer_reward: null })
  const facts = signUp(bob, offered(ann))
  const published = facts.find((fact) => fact.type === 'VoucherPublished')
  assert.ok(published?.type === 'VoucherPublished')
  assert.match(published.data.voucher.code, /^G-[0-9A-Za-z]{10}$/)
  assert.equal([published.data.by, published.data.credits], ['rule', 700])
  assert.equal(rewarded(facts)[0]?.given.code, published.data.voucher.code)
  assert.equal(types(credit(ann, bob, facts)), ['ReferralCredited'], 'nothing is promised to the referrer')
  const before = published.data.voucher
  const replaced = bob.facts({ type: 'ReplaceVoucherCode', voucher: before.id, taken: before.code, attempt: 1 })
  assert.equal(types(replaced), ['VoucherCodeReplaced'])
  assert.is.not(bob.state.vouchers[before.id]?.code, before.code)
  assert.equal(
    types(bob.facts({ type: 'ReplaceVoucherCode', voucher: before.id, taken: before.code, attempt: 1 })),
    [],
    'the code that was taken is not there any more',
  )
})

test('a reward that cannot be given is withheld with its reason; the conversion stands', () => {
  const { ann, bob } = pair()
  for (const w of [ann, bob])
    w.define('campaign', CLUB, {
      name: 'club',
      campaign_type: 'LOYALTY_PROGRAM',
      voucher: { type: 'LOYALTY_CARD' },
      active: false,
    })
  const facts = signUp(bob, offered(ann))
  assert.equal(types(facts).slice(2), ['ReferralConverted', 'ReferralRewardWithheld'])
  const credited = credit(ann, bob, facts)
  assert.equal(types(credited), ['ReferralCredited', 'ReferralRewardWithheld'])
  const last = credited[1]
  assert.match(last?.type === 'ReferralRewardWithheld' ? last.data.reason : '', /club is disabled/)
})

test('a referrer who went between conversion and credit leaves a trace of the reward that nobody got', () => {
  const { ann, bob } = pair()
  const facts = signUp(bob, offered(ann))
  ann.facts({ type: 'DeleteCustomer', permanently: false })
  assert.equal(types(credit(ann, bob, facts)), ['ReferralRewardWithheld'])
  assert.is(ann.state.status, 'deleted')
})

test('what was promised at the conversion is paid although the program changed meanwhile', () => {
  const { ann, bob } = pair()
  const facts = signUp(bob, offered(ann))
  ann.define('campaign', FRIENDS, friends({ referrer_reward: points(1) }, { active: false }))
  credit(ann, bob, facts)
  assert.is(balance(ann), 100)
})

test('a chain: A refers B, B refers C, each is rewarded for the own referral only', () => {
  const { ann, bob } = pair()
  const cid = shop('cust_cid')
  credit(ann, bob, signUp(bob, offered(ann)))
  publish(bob, 'BOB-1')
  credit(bob, cid, signUp(cid, offered(bob, 'BOB-1'), { code: 'BOB-1' }))
  assert.equal([balance(ann), balance(bob), balance(cid)], [100, 150, 50])
  assert.equal(
    [ann, bob, cid].map((w) => w.state.referrals.credited[FRIENDS] ?? 0),
    [1, 1, 0],
  )
})

test('a reload folds to the same referrals', () => {
  const { ann, bob } = pair()
  credit(ann, bob, signUp(bob, offered(ann)))
  for (const w of [ann, bob]) {
    const { referrals, vouchers, loyalty } = w.state
    w.reload()
    assert.equal(
      { referrals: w.state.referrals, vouchers: w.state.vouchers, loyalty: w.state.loyalty },
      { referrals, vouchers, loyalty },
    )
  }
})

test('events of the referral can be asked for by segments, on both sides', () => {
  const segments = (w: ReturnType<typeof shop>) => {
    w.define('segment', 'seg_referrers', {
      name: 'referrers',
      type: 'auto-update',
      condition: {
        event: 'customer.referred',
        count: { $more_than_equal: 1 },
        where: [{ property: 'role', $is: 'REFERRER' }],
      },
    })
    return w
  }
  const [ann, bob] = [segments(shop('cust_ann')), segments(shop('cust_bob'))]
  publish(ann)
  const facts = signUp(bob, offered(ann))
  credit(ann, bob, facts)
  assert.equal([Object.keys(ann.state.segments), Object.keys(bob.state.segments)], [['seg_referrers'], []])
})

test('a code is offered only where it is one of a referral, and its holder is known', () => {
  const { ann } = pair()
  const of = (type: 'referral_code' | 'campaign_code' | undefined, isKnown: boolean) => {
    const code = reserved(ann)
    const owner = type === undefined ? undefined : { ...code.owner!, type }
    return offerOf({ ...code, owner }, isKnown ? ann.state : undefined, undefined, 'key').published
  }
  assert.equal(
    [
      of('referral_code', true),
      of('referral_code', false),
      of('campaign_code', true),
      of('campaign_code', false),
      of(undefined, true),
    ],
    [true, false, false, false, false],
  )
})

test.run()
