// What a distribution does when its trigger fires: asks for a message, once, or records why not.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import type { MessageRequested, MessageSkipped } from '../../src/domain/customer/messages.ts'
import { advance, DAY, HOUR, MINUTE, track, type World, world } from '../given.ts'

type Definition = Parameters<World['define']>[2] & object

const hook = { type: 'webhook' as const, url: 'https://shop.test/hook' }
const mail = {
  type: 'email' as const,
  subject: 'Thanks {{ customer.name }}',
  text: 'You bought for {{ event.metadata.amount }}',
}

const shop = (options = {}) => {
  const w = world(options)
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  return w
}

const distribution = (more: object = {}): Definition => ({
  name: 'Thanks',
  trigger: { type: 'event', event: 'bought' },
  channel: hook,
  ...more,
})

const define = (w: World, more: object = {}, id = 'distr_1') =>
  w.define('distribution', id, distribution(more) as never)

const buy = (w: World, amount = 5, profile: object = {}) =>
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount }, profile: { source_id: 's', ...profile } }))

const messages = (facts: readonly DecidedFact[]): readonly (MessageRequested | MessageSkipped)[] =>
  facts.flatMap((fact) => (fact.type === 'MessageRequested' || fact.type === 'MessageSkipped' ? [fact.data] : []))

/** `asked`, or the reason why not, for each message of the facts. */
const outcome = (facts: readonly DecidedFact[]): readonly string[] =>
  messages(facts).map((message) => ('reason' in message ? message.reason : 'asked'))

test('an event asks for a message that names its cause and copies nothing of the customer', () => {
  const w = shop()
  define(w)
  const facts = buy(w, 5, { name: 'Ann', email: 'ann@shop.test' })
  const [message] = messages(facts)
  const tracked = facts.find((fact) => fact.type === 'CustomEventTracked')!
  assert.match(message!.id, /^msg_[0-9A-Za-z]{24}$/)
  assert.is(message!.trigger.fact, tracked.id)
  assert.is(facts[facts.findIndex((f) => f.type === 'MessageRequested') - message!.trigger.distance], tracked)
  assert.is(message!.trigger.event, 'bought')
  assert.is(facts.at(-1)!.causedBy, tracked.id)
  assert.not.match(JSON.stringify(message), /Ann|ann@/)
})

test('the same command asks for the same message, another for another', () => {
  const ids = (key: string) => {
    const w = shop()
    define(w)
    return messages(w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }), { key })).map((m) => m.id)
  }
  assert.equal(ids('a'), ids('a'))
  assert.is.not(ids('a')[0], ids('b')[0])
})

test('internal events, any custom event, entering and leaving a segment set messages off', () => {
  const w = shop()
  w.define('segment', 'seg_buyers', {
    name: 'Buyers',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'P1D' },
  })
  define(w, { name: 'any', trigger: { type: 'event', event: 'customer.custom_event' } }, 'distr_any')
  define(w, { name: 'created', trigger: { type: 'event', event: 'customer.created' } }, 'distr_created')
  define(w, { name: 'in', trigger: { type: 'segment_entered', segment_id: 'seg_buyers' } }, 'distr_in')
  define(w, { name: 'out', trigger: { type: 'segment_left', segment_id: 'seg_buyers' } }, 'distr_out')
  const first = messages(buy(w))
  assert.equal(first.map((m) => m.distribution.id).sort(), ['distr_any', 'distr_created', 'distr_in'])
  assert.equal(first.find((m) => m.distribution.id === 'distr_in')?.trigger.segment, {
    id: 'seg_buyers',
    name: 'Buyers',
  })
  w.wait(DAY + MINUTE)
  const left = w.facts(advance)
  assert.equal(
    messages(left).map((m) => m.distribution.id),
    ['distr_out'],
  )
  assert.is(messages(left)[0]!.trigger.type, 'customer.segment.left')
})

test('messages react last: the rule sees the segments that the event led into', () => {
  const w = shop()
  w.define('segment', 'seg_big', {
    name: 'Big',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 2 } },
  })
  w.define('validationRule', 'val_big', {
    name: 'is big',
    rules: { '1': { name: 'customer.segment', conditions: { $is: ['seg_big'] } } },
  })
  define(w, { validation_rule_id: 'val_big' })
  assert.equal(outcome(buy(w)), [])
  assert.equal(outcome(buy(w)), ['asked'])
})

test('a rule that says no is kept with the event, briefly', () => {
  const w = shop()
  w.define('validationRule', 'val_much', {
    name: 'much',
    rules: { '1': { name: 'custom_event.metadata', property: 'amount', conditions: { $more_than: [100] } } } as never,
  })
  define(w, { validation_rule_id: 'val_much' })
  const decided = w.when(track('bought', { occurredAt: w.now, metadata: { amount: 5 } }))
  assert.ok('declined' in decided)
  assert.equal(decided.declined, [
    { kind: 'distribution', definition: 'distr_1', reason: 'validation rule val_much does not hold' },
  ])
  assert.equal(outcome(decided.facts), [])
  assert.equal(outcome(buy(w, 200)), ['asked'])
})

test('a missing address, and an opt-out, are recorded reasons', () => {
  const w = shop()
  define(w, { channel: mail })
  define(w, { name: 'sms', channel: { type: 'sms', text: 'Hello' } }, 'distr_sms')
  assert.equal(outcome(buy(w)), ['no_address', 'no_address'])
  assert.equal(outcome(buy(w, 5, { email: 'ann@shop.test', phone: '+481' })), ['asked', 'asked'])
  assert.equal(outcome(buy(w, 5, { unsubscribed: ['email'] })), ['unsubscribed', 'asked'])
})

const agree = (consents: object) => ({ type: 'SaveConsents', consents, source: 'form', by: 'shop' }) as const

test('a refusal opts out, agreeing ends it, and where consent is required nothing goes out without', () => {
  const w = shop()
  define(w, { channel: mail })
  define(w, { name: 'hook' }, 'distr_hook')
  assert.equal(outcome(buy(w, 5, { email: 'ann@shop.test' })), ['asked', 'asked'])
  const types = (consents: object) => w.facts(agree(consents)).map(({ type }) => type)
  assert.equal(types({ email: 'refused', webhook: null }), ['ConsentChanged', 'CustomerUpdated'])
  assert.equal(types({ email: 'refused' }), [])
  assert.equal(outcome(buy(w)), ['unsubscribed', 'asked'])
  assert.equal(types({ email: 'given' }), ['ConsentChanged', 'CustomerUpdated'])
  assert.equal(outcome(buy(w)), ['asked', 'asked'])
  w.askConsent('required')
  assert.equal(outcome(buy(w)), ['asked', 'asked'])
  assert.equal(types({ email: null }), ['ConsentChanged'])
  assert.equal(outcome(buy(w)), ['no_consent', 'asked'], 'a webhook writes to a system')
  w.reload()
  assert.equal(
    w.state.consents.history.map(({ channel, consent, source, by }) => [channel, consent, source, by]),
    [
      ['email', 'refused', 'form', 'shop'],
      ['email', 'given', 'form', 'shop'],
      ['email', null, 'form', 'shop'],
    ],
  )
  assert.equal(outcome(buy(w)), ['no_consent', 'asked'])
})

test('a historical event sends nothing, and says so; what falls due by time meanwhile does', () => {
  const w = shop()
  w.define('segment', 'seg_recent', {
    name: 'Recent',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'P1D' },
  })
  define(w)
  define(w, { name: 'gone', trigger: { type: 'segment_left', segment_id: 'seg_recent' } }, 'distr_gone')
  assert.equal(outcome(buy(w)), ['asked'])
  w.wait(2 * DAY)
  const decided = w.when(track('bought', { occurredAt: w.now - 30 * DAY, metadata: { amount: 5 } }))
  assert.ok('facts' in decided)
  assert.equal(
    messages(decided.facts).map((m) => m.distribution.id),
    ['distr_gone'],
  )
  assert.match(decided.declined[0]?.reason ?? '', /trigger horizon/)
})

test('enabled and disabled', () => {
  const w = shop()
  define(w, { active: false })
  assert.equal(outcome(buy(w)), [])
  define(w, { active: true })
  assert.equal(outcome(buy(w)), ['asked'])
})

test('re-entry: every time, once ever, at most once in a rolling and in a calendar period', () => {
  const enterTwice = (reEntry: object | undefined, between: number) => {
    const w = shop()
    w.define('segment', 'seg_recent', {
      name: 'Recent',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'PT1H' },
    })
    define(w, {
      trigger: { type: 'segment_entered', segment_id: 'seg_recent' },
      ...(reEntry ? { re_entry: reEntry } : {}),
    })
    const entered = [...outcome(buy(w))]
    w.wait(between)
    w.facts(advance) // leaves
    w.reload()
    return [...entered, ...outcome(buy(w))]
  }
  assert.equal(enterTwice(undefined, 2 * HOUR), ['asked', 'asked'])
  assert.equal(enterTwice({ policy: 'every_time' }, 2 * HOUR), ['asked', 'asked'])
  assert.equal(enterTwice({ policy: 'once' }, 400 * DAY), ['asked', 're_entry'])
  assert.equal(enterTwice({ policy: 'once_per', period: 'P30D' }, 30 * DAY - 1), ['asked', 're_entry'])
  assert.equal(enterTwice({ policy: 'once_per', period: 'P30D' }, 30 * DAY), ['asked', 'asked'])
  // The world begins at noon UTC.
  assert.equal(enterTwice({ policy: 'once_per', period: 'day' }, 12 * HOUR - 1), ['asked', 're_entry'])
  assert.equal(enterTwice({ policy: 'once_per', period: 'day' }, 12 * HOUR), ['asked', 'asked'])
})

test('a message that was skipped does not use up the once', () => {
  const w = shop()
  define(w, { channel: mail, re_entry: { policy: 'once' } })
  assert.equal(outcome(buy(w)), ['no_address'])
  assert.equal(outcome(buy(w, 5, { email: 'ann@shop.test' })), ['asked'])
  assert.equal(outcome(buy(w)), ['re_entry'])
})

test('the cap counts the messages of all distributions', () => {
  const w = shop()
  define(w)
  define(w, { name: 'capped', cap: { messages: 3, period: 'P7D' } }, 'distr_2')
  assert.equal(outcome(buy(w)), ['asked', 'asked'])
  assert.equal(outcome(buy(w)), ['asked', 'cap'])
  w.wait(7 * DAY)
  assert.equal(outcome(buy(w)), ['asked', 'asked'])
})

test('a delay and quiet hours make a message wait, in the zone of the customer or of the project', () => {
  const waits = (definition: object, metadata: object, options: object = {}) => {
    const w = shop(options)
    define(w, definition)
    const [message] = messages(buy(w, 5, { metadata }))
    assert.ok(message && !('reason' in message))
    return [message.notBefore && new Date(message.notBefore).toISOString(), message.delayedBy]
  }
  const night = { from: '22:00', to: '08:00' }
  // The world begins on 2 March 2026 at noon UTC, which is 21:00 in Tokyo and 01:00 of the next day in Auckland.
  assert.equal(waits({}, {}), [undefined, undefined])
  assert.equal(waits({ delay: 'PT2H' }, {}), ['2026-03-02T14:00:00.000Z', 'delay'])
  assert.equal(waits({ quiet_hours: night }, {}), [undefined, undefined])
  assert.equal(waits({ quiet_hours: night }, { time_zone: 'Asia/Tokyo' }), [undefined, undefined])
  assert.equal(waits({ quiet_hours: night, delay: 'PT2H' }, { time_zone: 'Asia/Tokyo' }), [
    '2026-03-02T23:00:00.000Z',
    'quiet_hours',
  ])
  assert.equal(waits({ quiet_hours: night }, { time_zone: 'Pacific/Auckland' }), [
    '2026-03-02T19:00:00.000Z',
    'quiet_hours',
  ])
  assert.equal(waits({ quiet_hours: { ...night, zone: 'project' } }, { time_zone: 'Pacific/Auckland' }), [
    undefined,
    undefined,
  ])
  assert.equal(waits({ quiet_hours: night }, { time_zone: 'Mars/Base' }, { timeZone: 'Pacific/Auckland' }), [
    '2026-03-02T19:00:00.000Z',
    'quiet_hours',
  ])
  assert.equal(waits({ quiet_hours: { from: '12:00', to: '13:30', zone: 'project' } }, {}), [
    '2026-03-02T13:30:00.000Z',
    'quiet_hours',
  ])
})

test('what a definition must not say is refused with its path', () => {
  const w = shop()
  const refused = (more: object) => w.refusalOf('distribution', 'distr_x', distribution(more))?.details
  assert.is(refused({}), undefined)
  assert.match(refused({ trigger: { type: 'event', event: 'sold' } }) ?? '', /trigger\.event must name an event schema/)
  assert.match(
    refused({ trigger: { type: 'event', event: 'customer.deleted' } }) ?? '',
    /must NOT be customer\.deleted/,
  )
  assert.match(refused({ trigger: { type: 'event', event: 'customer.sms.sent' } }) ?? '', /must NOT be/)
  assert.match(refused({ trigger: { type: 'segment_left', segment_id: 'seg_x' } }) ?? '', /must name a segment/)
  assert.match(refused({ validation_rule_id: 'val_x' }) ?? '', /must name a validation rule/)
  assert.match(refused({ campaign_id: 'camp_x' }) ?? '', /must name a campaign/)
  const template = (text: string) => refused({ channel: { ...hook, template: text } }) ?? 'fine'
  assert.match(template('{{ customer.name | nope }}'), /channel\.template must be a Liquid template: undefined filter/)
  assert.match(template('{{ customer.name'), /not closed/)
  assert.match(template('{{ costumer.name }}'), /must NOT refer to costumer/)
  assert.match(template('{% include "/etc/passwd" %}'), /tag "include" not found/)
  assert.is(template('{% for t in event.metadata.tags %}{{ t | json }}{% endfor %}'), 'fine')
})

test('what a distribution leans on cannot be deleted from under it', () => {
  const w = shop()
  w.define('segment', 'seg_1', {
    name: 'S',
    type: 'auto-update',
    filter: { junction: 'and', name: { conditions: { $is: 'Ann' } } },
  })
  define(w)
  define(w, { name: 'two', trigger: { type: 'segment_left', segment_id: 'seg_1' } }, 'distr_2')
  assert.match(w.remove('eventSchema', 'ms_bought')?.details ?? '', /distribution distr_1/)
  assert.match(w.remove('segment', 'seg_1')?.details ?? '', /distribution distr_2/)
})

test.run()
