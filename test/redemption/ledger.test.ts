// The ledger of a limit: who is before whom, what locks and open reservations take, and gift credits to the last one.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import {
  type Bounds,
  campaignMeasures,
  codeMeasures,
  creditsLeft,
  decideLedger,
  evolveLedger,
  type Ledger,
  type LedgerCommand,
  NO_BOUNDS,
  NO_LEDGER,
  redemptionsWith,
  waitsFor,
} from '../../src/domain/redemption/ledger.ts'
import { boundsOf, decideCodeStream, foldCodeStream, noCodeStream } from '../../src/domain/redemption/ledgers.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import { DAY, T0, world } from '../given.ts'

const calendar = calendarOf('UTC')
const DAY0 = '2026-03-02'
const share = { day: DAY0, apiKey: 'shop', credits: 0, amount: 0, discounted: 0 }

const reserve = (redemption: string, more: Partial<typeof share> = {}, session?: string): LedgerCommand => ({
  type: 'Reserve',
  reservation: {
    redemption,
    request: `q-${redemption}`,
    commit: 'c',
    share: { ...share, ...more },
    ...(session === undefined ? {} : { session }),
  },
})
const confirm = (redemption: string, more: Partial<typeof share> = {}): LedgerCommand => ({
  type: 'Confirm',
  redemption,
  share: { ...share, ...more },
})
const giveBack = (redemption: string, more: Partial<typeof share> = {}): LedgerCommand => ({
  type: 'Return',
  redemption,
  share: { ...share, ...more },
})
const lock = (session: string, credits = 0, expiresAt = T0 + 1): LedgerCommand => ({
  type: 'Lock',
  session,
  expiresAt,
  credits,
})
const change = (transaction: string, amount: number, reason?: string): LedgerCommand => ({
  type: 'ChangeCredits',
  change: { code: 'GIFT', voucher: 'v_1', transaction, amount, ...(reason === undefined ? {} : { reason }) },
})

/** The ledger after commands, with the facts' types of each, or the key of its refusal. */
const under = (commands: readonly LedgerCommand[], bounds: Bounds = NO_BOUNDS, now = T0) => {
  let ledger: Ledger = NO_LEDGER
  const told = commands.map((command) => {
    const decided = decideLedger(ledger, command, bounds, { now, calendar })
    if (isRefused(decided)) return decided.refused.key
    assert.equal(decided, JSON.parse(JSON.stringify(decided)), 'no field without a value')
    ledger = decided.reduce(evolveLedger, ledger)
    return decided[0]?.type ?? ''
  })
  return { ledger, told }
}
const view = (more: object = {}) => ({ now: T0, calendar, apiKey: 'shop', ...more })

test('a redemption is reserved, confirmed and returned once each', () => {
  const { told, ledger } = under([
    reserve('a'),
    reserve('a'),
    confirm('b'),
    confirm('a', { credits: 5, amount: 100, discounted: 10 }),
    confirm('a'),
    reserve('a'),
    reserve('b'),
    { type: 'Release', redemption: 'b', reason: 'refused' },
    { type: 'Release', redemption: 'b', reason: 'refused' },
    reserve('b'),
    giveBack('a', { credits: 2, amount: 40, discounted: 4 }),
    giveBack('a'),
    { type: 'Unlock', session: 's' },
    lock('s'),
    { type: 'Unlock', session: 's' },
  ])
  assert.equal(told, [
    'RedemptionReserved',
    '',
    '',
    'RedemptionConfirmed',
    '',
    '',
    'RedemptionReserved',
    'RedemptionReleased',
    '',
    'RedemptionReserved',
    'RedemptionReleased',
    '',
    '',
    'SessionLocked',
    'SessionReleased',
  ])
  const { confirmed, byKey } = ledger
  assert.equal(confirmed, { times: 0, days: {}, credits: 3, amount: 60, discounted: 6 })
  assert.equal(byKey, { shop: 0 })
})

test('a late repeat of any of the newest 512 is not taken in twice', () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => [reserve(`r${i}`), confirm(`r${i}`)]).flat()
  assert.is(under([...many(512), reserve('r0')]).told.at(-1), '')
  const more = under([...many(513), reserve('r1'), reserve('r0')])
  assert.equal(more.told.slice(-2), ['', 'RedemptionReserved'])
})

test('a place counts with those before it, the open ones only where it does not hope', () => {
  const { ledger } = under([reserve('z'), confirm('z'), reserve('a'), reserve('b'), reserve('c')])
  const times = (more: object) => redemptionsWith(ledger, view(more))
  assert.equal(
    [times({ redemption: 'a' }), times({ redemption: 'b' }), times({}), times({ hopeful: true })],
    [2, 3, 5, 2],
  )
  assert.equal(
    waitsFor(ledger, view({ redemption: 'c' })).map(({ redemption }) => redemption),
    ['a', 'b'],
  )
  // Only certain refusals: as many as there may be are confirmed.
  assert.equal(
    under([reserve('a'), reserve('b'), confirm('a'), reserve('c'), confirm('b'), reserve('d')], { quantity: 2 }).told,
    [
      'RedemptionReserved',
      'RedemptionReserved',
      'RedemptionConfirmed',
      'RedemptionReserved',
      'RedemptionConfirmed',
      'quantity_exceeded',
    ],
  )
  assert.equal(under([reserve('a')], { quantity: 0 }).told, ['quantity_exceeded'])
})

test('locks of others stand in the way until they end, or a reservation takes them up', () => {
  const bounds = { quantity: 1 }
  const asked = (commands: readonly LedgerCommand[]) => under(commands, bounds).told.at(-1)
  assert.is(asked([lock('s'), reserve('a')]), 'quantity_exceeded')
  assert.is(asked([lock('s'), reserve('a', {}, 's')]), 'RedemptionReserved')
  assert.is(asked([lock('s', 0, T0), reserve('a')]), 'RedemptionReserved')
  assert.is(asked([lock('s'), lock('s')]), 'SessionLocked')
  assert.is(asked([lock('s'), lock('t')]), 'quantity_exceeded')
  // Taken up: it counts as the reservation does, and is gone with it.
  const taken = under([lock('s', 30), reserve('a', { credits: 20 }, 's')]).ledger
  assert.equal([redemptionsWith(taken, view()), creditsLeft(taken, 100, view())], [2, 80])
  const done = under([lock('s'), lock('t'), reserve('a', {}, 's'), confirm('a')]).ledger
  assert.equal(Object.keys(done.locks), ['t'])
  assert.equal(Object.keys(under([lock('s'), reserve('a'), confirm('a')]).ledger.locks), ['s'])
})

test('gift credits: what is confirmed, kept for others and changed by hand is left out, to the last one', () => {
  const bounds = { quantity: null, credits: 100 }
  const { told, ledger } = under(
    [
      reserve('a', { credits: 30 }),
      confirm('a', { credits: 30 }),
      change('t1', 10, 'sorry'),
      change('t1', 10, 'sorry'),
      change('t1', 11, 'sorry'),
      change('t1', 10, 'other'),
      lock('s', 50),
      reserve('b', { credits: 30 }),
      reserve('c', { credits: 31 }),
      change('t2', -1),
      { type: 'Release', redemption: 'b', reason: 'refused' },
      change('t2', -31),
      change('t2', -30),
    ],
    bounds,
  )
  assert.equal(told, [
    'RedemptionReserved',
    'RedemptionConfirmed',
    'GiftCreditsChanged',
    '',
    'duplicate_source_id',
    'duplicate_source_id',
    'SessionLocked',
    'RedemptionReserved',
    'gift_amount_exceeded',
    'gift_amount_exceeded',
    'RedemptionReleased',
    'gift_amount_exceeded',
    'GiftCreditsChanged',
  ])
  assert.equal([ledger.added, creditsLeft(ledger, 100, view())], [-20, 0])
  assert.is(creditsLeft(ledger, 0, view()), 0, 'never less than nothing')
  assert.equal(under([change('t', 1)]).told, ['invalid_voucher'])
  const taken = decideLedger(NO_LEDGER, change('t', -40), bounds, { now: T0, calendar })
  assert.ok(!isRefused(taken) && taken[0]?.type === 'GiftCreditsChanged')
  assert.is(taken[0].data.balance, 60)
  assert.equal(under([lock('s', 100)], bounds).told, ['SessionLocked'])
  assert.equal(under([lock('s', 101)], bounds).told, ['gift_amount_exceeded'])
})

test('measures count the redemption that asks, by period and by key', () => {
  const { ledger } = under([
    reserve('a', { day: '2026-03-01' }),
    confirm('a', { day: '2026-03-01', amount: 500, discounted: 50 }),
    reserve('b', { apiKey: 'app' }),
    confirm('b', { apiKey: 'app', amount: 200, discounted: 20 }),
    reserve('c', { amount: 70, discounted: 7 }),
    reserve('d', { apiKey: 'app', day: '2026-02-28', amount: 1 }),
  ])
  assert.equal(codeMeasures(ledger, view()), {
    'redemption.count': 5,
    'redemption.count.daily': 3,
    'redemption.count.weekly': 3,
    'redemption.count.monthly': 4,
    'redemption.count.per_api_key': 3,
  })
  assert.is(codeMeasures(ledger, view({ apiKey: 'new' }))['redemption.count.per_api_key'], 1)
  const of = campaignMeasures(ledger, view({ redemption: 'd', share: { ...share, amount: 1_000, discounted: 100 } }))
  assert.equal(
    [of['campaign.redemptions.count'], of['campaign.orders.amount'], of['campaign.orders.amount_discounted']],
    [4, 1_770, 177],
  )
  assert.is(campaignMeasures(ledger, view())['campaign.orders.amount'], 771)
})

test('a code’s own stream refuses what the code is no good for; credits may still be changed', () => {
  const w = world()
  const made = foldCodeStream(noCodeStream('GIFT'), {
    type: 'CodeReserved',
    data: {
      code: 'GIFT',
      owner: { type: 'voucher', id: 'v_1' },
      spec: { type: 'GIFT_VOUCHER', gift: { amount: 10, effect: 'APPLY_TO_ORDER' }, redemption: { quantity: 3 } },
      occurredAt: T0,
    },
  })
  assert.equal(boundsOf(made.code, w.rulebook), { quantity: 3, credits: 10 })
  assert.equal(boundsOf(noCode('X'), w.rulebook), { quantity: 0 })
  const bare = { ...made.code, spec: { type: 'GIFT_VOUCHER' as const } }
  assert.equal(boundsOf(bare, w.rulebook), { quantity: null, credits: 0 }, 'a gift of nothing')
  const told = (stream: typeof made, command: LedgerCommand) => {
    const decided = decideCodeStream(stream, command, w.rulebook, T0)
    return isRefused(decided) ? decided.refused.key : (decided[0]?.type ?? '')
  }
  const all = [reserve('a'), lock('s'), change('t', 1)]
  const off = { ...made, code: { ...made.code, active: false } }
  const gone = { ...made, code: { ...made.code, deleted: true } }
  assert.equal(
    all.map((one) => told(made, one)),
    ['RedemptionReserved', 'SessionLocked', 'GiftCreditsChanged'],
  )
  assert.equal(
    all.map((one) => told(off, one)),
    ['voucher_disabled', 'voucher_disabled', 'GiftCreditsChanged'],
  )
  assert.equal(
    all.map((one) => told(gone, one)),
    ['not_found', 'not_found', 'not_found'],
  )
  assert.equal(
    all.map((one) => told(noCodeStream('X'), one)),
    ['not_found', 'not_found', 'not_found'],
  )
  assert.is(told(gone, giveBack('a')), 'RedemptionReleased', 'what was redeemed is given back all the same')
})

test('a period lets the days before it go', () => {
  const { ledger } = under([reserve('a'), confirm('a')])
  const daily = (now: number) => redemptionsWith(ledger, view({ now }), '.daily')
  const midnight = Date.parse(`${DAY0}T00:00:00Z`)
  assert.equal([daily(midnight - 1), daily(midnight), daily(midnight + DAY - 1), daily(midnight + DAY)], [1, 2, 2, 1])
})

test.run()
