// What can be a code: one rule for all entrances, whose codes all have a stream that the log takes.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import {
  Code,
  CodeConfig,
  codeFault,
  codeFrom,
  codeIn,
  codeOfStream,
  codeStream,
  configFault,
  roomOf,
  wholeConfig,
} from '../../src/domain/codes.ts'
import { Campaign, campaignKind } from '../../src/domain/rulebook/campaign.ts'
import { NO_DEFINITIONS } from '../../src/domain/rulebook/decide.ts'
import { checkStream } from '../../src/eventstore/refuse.ts'
import fc from '../fc.ts'
import { isSoak, times } from '../soak.ts'

const runs = times(500, 50_000)

test('a code is known by its normal form, and what cannot be one is refused in words', () => {
  const same: readonly (readonly [string, string])[] = [
    ['VÅR20', 'VÅR20'],
    ['VA\u030aR20', 'VÅR20'],
    [' \tSPRING20\u00a0\n', 'SPRING20'],
    ['زمستان', 'زمستان'],
    ['冬20', '冬20'],
    ['🎁', '🎁'],
    ['X'.repeat(300), 'X'.repeat(300)],
    ['Å'.repeat(80), 'Å'.repeat(80)],
    ['...', '...'],
  ]
  for (const [said, kept] of same) {
    assert.is(codeIn(said), kept)
    assert.is(v.parse(Code, said), kept)
  }
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /fewer than 1/],
    [' ', /fewer than 1/],
    ['A B', /spaces/],
    ['A\u2003B', /spaces/],
    ['A\u007f', /control/],
    ['A\u0085B', /spaces|control/],
    ['A\u0000', /control/],
    ['A\u200bB', /invisible/],
    ['A\u202eB', /invisible/],
    ['\ud800', /control/],
    ['A\ufffe', /control/],
    ['A/B', /NOT contain \//],
    ['50%', /NOT contain \//],
    ['X'.repeat(301), /more than 300/],
    ['.', /NOT be \. or/],
    ['..', /NOT be \. or/],
    ['Å'.repeat(81), /more than 480/],
  ]
  for (const [said, words] of wrong) {
    assert.is(codeIn(said), undefined, JSON.stringify(said))
    const { issues } = v.safeParse(Code, said)
    assert.match(String(issues?.map(({ message }) => message)), words)
  }
})

test('the stream of a code has a name that the log takes, tells codes apart, and is as it always was for ASCII', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 320 }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.string({ maxLength: 320 }),
    fc.string({ unit: fc.constantFrom('\ud83c', '\udf81', 'A', '%', '\u0301', '\u007f'), maxLength: 12 }),
  )
  fc.assert(
    fc.property(text, (said) => {
      const code = codeIn(said)
      if (code === undefined) return
      assert.is(codeIn(code), code)
      const stream = codeStream(code)
      checkStream(stream)
      assert.is(codeOfStream(stream), code)
      if (/^[!-~]+$/.test(code)) assert.is(stream, `code-${code}`)
    }),
    { numRuns: runs },
  )
  assert.is(codeOfStream('customer-1'), undefined)
})

test('a format is refused unless every code of it can be one', () => {
  const part = fc.oneof(
    fc.constantFrom(
      '',
      'A',
      'Å',
      'VA\u030a',
      '🎁',
      'x'.repeat(200),
      '雪'.repeat(40),
      '\u0301',
      '.',
      'a.',
      'Ǻ\u0323e',
      '가\u11a8',
      'alphabetic',
      'constructor',
    ),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  )
  const config = fc.record(
    {
      prefix: part,
      postfix: part,
      charset: part,
      length: fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 100 })),
      pattern: part.map((text) => `#${text}#`),
    },
    { requiredKeys: [] },
  )
  let good = 0
  fc.assert(
    fc.property(config, fc.string(), (said, seed) => {
      const { success, output } = v.safeParse(CodeConfig, said)
      if (!success || configFault(output) !== undefined) return
      good++
      const code = codeFrom(output, seed)
      assert.is(codeFault(code), undefined, JSON.stringify([said, code]))
      assert.is(codeIn(code), code)
    }),
    { numRuns: runs },
  )
  assert.ok(good > runs / 20, `only ${good} formats are good`)
  assert.match(configFault({ prefix: 'x'.repeat(200), postfix: 'y'.repeat(200) }) ?? '', /more than 300/)
  for (const dots of [
    { charset: 'a.', length: 1 },
    { charset: 'a.', length: 2 },
    { charset: 'a.', pattern: '#', postfix: '.' },
  ])
    assert.match(configFault(dots) ?? '', /must NOT be \. or \.\./, JSON.stringify(dots))
  // Each of them made codes longer than what it was judged by: in the normal form "Ǻ" with a dot below is three characters.
  for (const joined of [
    { charset: '\u0323Ǻ', length: 56 },
    { charset: 'a\u200d' },
    { charset: '\u1161\u1112' },
    { pattern: 'A#\u0301' },
    { pattern: '#', postfix: '\u11a8' },
    { charset: '가雪', length: 52, postfix: '\u11a8' },
  ])
    assert.match(configFault(joined) ?? '', /mark or a joiner/, JSON.stringify(joined))
  for (const good of [
    { prefix: 'VÅR-', charset: 'ÅÄÖ' },
    { charset: 'a.', length: 3 },
    { charset: 'a.', length: 1, prefix: 'a' },
    { prefix: 'हिंदी\u200d', pattern: '\u0301ร้าน#ร้าน' },
  ])
    assert.is(configFault(good), undefined, JSON.stringify(good))
  assert.is(roomOf({ charset: '🎁🎈', length: 3 }), 8)
  assert.match(codeFrom({ charset: '🎁🎈', length: 3 }, 'seed'), /^[🎁🎈]{3}$/u)
})

test('no character that stands for itself becomes one with what is before it', () => {
  const joins = (c: string) => /a mark or a joiner/.test(configFault({ charset: c }) ?? '')
  for (let point = 0x300; point < (isSoak ? 0x110000 : 0x3100); point++) {
    const one = String.fromCodePoint(point)
    const parts = [...one.normalize('NFD')]
    if (point >= 0xd800 && point < 0xe000) continue
    if (one.normalize('NFC') === one)
      for (const part of parts.slice(1)) assert.ok(joins(part), `${point.toString(16)} ${part}`)
  }
})

test('short codes are taken where their format has room for ten times as many as are asked for', () => {
  const faultsOf = (vouchers_count: number | undefined, config: CodeConfig, type = 'DISCOUNT_COUPONS') => {
    const kind = type === 'DISCOUNT_COUPONS' ? 'DISCOUNT_VOUCHER' : 'LOYALTY_CARD'
    const campaign = v.parse(Campaign, {
      name: 'short',
      campaign_type: type,
      vouchers_count,
      voucher: {
        type: kind,
        code_config: config,
        ...(kind === 'DISCOUNT_VOUCHER' ? { discount: { type: 'AMOUNT', amount_off: 0 } } : {}),
      },
    })
    return campaignKind.check?.('camp_1', campaign, NO_DEFINITIONS).map(({ path }) => path)
  }
  const four = { length: 4, charset: 'numeric' }
  assert.equal(faultsOf(5_000, four), [])
  assert.equal(faultsOf(5_001, four), ['voucher.code_config'])
  assert.equal(faultsOf(undefined, { length: 2, charset: 'numeric' }), [])
  assert.equal(faultsOf(undefined, four, 'LOYALTY_PROGRAM'), [])
  assert.equal(faultsOf(undefined, { length: 2, charset: 'numeric' }, 'LOYALTY_PROGRAM'), ['voucher.code_config'])
})

test('a format is doubted that has little room beside what is asked for', () => {
  const isDoubted = (campaign_type: string, length: number, vouchers_count?: number) => {
    const voucher = { type: 'LOYALTY_CARD', code_config: { length, charset: 'numeric' } }
    const campaign = v.parse(Campaign, { name: 'c', campaign_type, vouchers_count, voucher })
    return campaignKind.doubts!(campaign, NO_DEFINITIONS).length > 0
  }
  assert.equal([isDoubted('DISCOUNT_COUPONS', 2), isDoubted('DISCOUNT_COUPONS', 3)], [true, false])
  assert.equal([isDoubted('GIFT_VOUCHERS', 4, 1_001), isDoubted('GIFT_VOUCHERS', 4, 1_000)], [true, false])
  assert.equal([isDoubted('LOYALTY_PROGRAM', 5), isDoubted('LOYALTY_PROGRAM', 6)], [true, false])
  assert.equal([isDoubted('LOYALTY_PROGRAM', 6, 100_001), isDoubted('LOYALTY_PROGRAM', 6, 100_000)], [true, false])
  assert.equal([isDoubted('LOYALTY_PROGRAM', 6, 1), isDoubted('DISCOUNT_COUPONS', 3, 1)], [false, false])
  assert.equal([isDoubted('REFERRAL_PROGRAM', 6), isDoubted('REFERRAL_PROGRAM', 5)], [false, true])
  const promotion = v.parse(Campaign, { name: 'c', campaign_type: 'PROMOTION' })
  assert.equal(campaignKind.doubts!(promotion, NO_DEFINITIONS), [])
})

test('a format has bounds, and one name of what stands after it', () => {
  const takes = (config: object) => v.safeParse(CodeConfig, config).success
  assert.equal(
    [0, 1, 100, 101].map((length) => takes({ length })),
    [false, true, true, false],
  )
  const text = (n: number) => 'x'.repeat(n)
  for (const name of ['charset', 'prefix', 'postfix', 'suffix'])
    assert.equal([takes({ [name]: text(200) }), takes({ [name]: text(201) })], [true, false], name)
  const pattern = (n: number) => takes({ pattern: `#${text(n - 1)}` })
  assert.equal([pattern(1), pattern(100), pattern(101), takes({ pattern: 'x' })], [true, true, false, false])
  assert.equal([takes({ charset: '' }), takes({ prefix: '' }), takes({ pattern: '#/' })], [false, true, false])
  const parsed = (config: object) => v.parse(CodeConfig, config)
  assert.equal(parsed({ suffix: '-A' }), { postfix: '-A' })
  assert.equal(parsed({ suffix: '-A', postfix: '-A' }), { postfix: '-A' })
  assert.equal(parsed({ suffix: '', postfix: '-A' }), { postfix: '-A' })
  assert.not(takes({ suffix: '-A', postfix: '-B' }))
})

test('the codes that follow from a seed are these for ever: what was decided is decided alike again', () => {
  assert.equal(
    [
      codeFrom({}, 'seed'),
      codeFrom({ pattern: '##-##', charset: 'numeric' }, new Uint8Array([1, 2, 3])),
      codeFrom({ length: 40, charset: 'AAB' }, 'seed'),
    ],
    ['CKF6jfY92p8P', '40-16', 'AABABBABABABBAABBBBBAAAABAAABBBABAABBBBB'],
  )
})

test('a format is shown with what it leaves to be understood', () => {
  assert.equal(wholeConfig({ prefix: 'A-', charset: 'numeric' }), { length: 12, prefix: 'A-', charset: '0123456789' })
  assert.equal(wholeConfig({ pattern: 'A-##', charset: 'AB' }), { pattern: 'A-##', charset: 'AB' })
})

test.run()
