// How a profile is changed and compared, how large it may be, and what a request may say of a customer.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import {
  CustomerInput,
  canonical,
  emailKey,
  isEqual,
  mergeProfile,
  NO_PROFILE,
  type Profile,
  ProfilePatch,
  profileFault,
} from '../../src/domain/customer/profile.ts'
import { newsOf } from '../../src/domain/customer/said.ts'
import { sizeOf } from '../../src/domain/size.ts'

test('null clears a value, address and metadata are merged key by key, the rest is replaced', () => {
  const before: Profile = {
    name: 'Ann',
    phone: '1',
    address: { city: 'Oslo', state: 'x' },
    metadata: { a: 1, b: { c: 1 } },
    unsubscribed: ['email'],
  }
  const after = (patch: v.InferInput<typeof ProfilePatch>, of = before) =>
    mergeProfile(of, v.parse(ProfilePatch, patch))
  assert.equal(after({}), before)
  assert.equal(after({ name: null, phone: '2', unsubscribed: [] }), {
    address: before.address,
    metadata: before.metadata,
    phone: '2',
    unsubscribed: [],
  })
  assert.equal(after({ address: { city: null, line_1: 'y' } }).address, { state: 'x', line_1: 'y' })
  assert.not('address' in after({ address: null }))
  assert.not('address' in after({ address: { city: null, state: null } }))
  assert.not('address' in after({ address: {} }, NO_PROFILE))
  assert.equal(after({ metadata: { a: null, b: 2, d: 3 } }).metadata, { b: 2, d: 3 })
  assert.equal(after({ metadata: null }).metadata, before.metadata)
  assert.equal(before.metadata, { a: 1, b: { c: 1 } }, 'what was before is not changed in place')
})

test('values say the same whatever the order of their keys', () => {
  const same: readonly (readonly [unknown, unknown])[] = [
    [1, 1],
    [null, null],
    [
      { a: 1, b: [2, { c: 3, d: 4 }] },
      { b: [2, { d: 4, c: 3 }], a: 1 },
    ],
    [[], []],
  ]
  for (const [a, b] of same) assert.ok(isEqual(a, b), JSON.stringify([a, b]))
  const others: readonly (readonly [unknown, unknown])[] = [
    [1, '1'],
    [null, {}],
    [{}, null],
    [undefined, {}],
    ['{}', {}],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 2 }],
  ]
  for (const [a, b] of others) assert.not(isEqual(a, b), JSON.stringify([a, b]))
  assert.is(canonical({ b: 1, a: { d: null, c: [3] } }), '{"a":{"c":[3],"d":null},"b":1}')
  assert.is(emailKey(' Ann@Shop.TEST\n'), 'ann@shop.test')
})

test('a profile has 64 KB, or fewer than it had', () => {
  const of = (bytes: number): Profile => ({
    metadata: { a: 'x'.repeat(bytes - sizeOf({ metadata: { a: '' } }).bytes) },
  })
  assert.is(sizeOf(of(65_536)).bytes, 65_536)
  const isFault = (before: number, after: number) => profileFault(of(before), of(after)) !== undefined
  assert.equal(
    [
      isFault(100, 65_536),
      isFault(100, 65_537),
      isFault(65_540, 65_537),
      isFault(65_537, 65_537),
      isFault(65_536, 65_537),
    ],
    [false, true, false, false, true],
  )
})

test('what a request says of a customer is bounded; birthday is another name of birthdate', () => {
  const takes = (input: object) => v.safeParse(CustomerInput, input).success
  const lengths: readonly (readonly [string, number])[] = [
    ['source_id', 300],
    ['name', 300],
    ['description', 1_000],
    ['email', 320],
    ['phone', 100],
  ]
  for (const [name, most] of lengths)
    assert.equal([takes({ [name]: 'x'.repeat(most) }), takes({ [name]: 'x'.repeat(most + 1) })], [true, false], name)
  for (const name of ['city', 'state', 'line_1', 'line_2', 'country', 'postal_code']) {
    const address = (n: number) => takes({ address: { [name]: 'x'.repeat(n) } })
    assert.equal([address(300), address(301)], [true, false], name)
  }
  const text = (n: number) => v.safeParse(ProfilePatch, { birthdate: 'x'.repeat(n) }).success
  assert.equal([text(40), text(41), v.safeParse(ProfilePatch, { source_id: '' }).success], [true, false, false])
  assert.equal(
    [takes({ source_id: '' }), takes({ birthdate: '1990-02-30' }), takes({ unsubscribed: ['fax'] })],
    [false, false, false],
  )
  const day = '1990-01-02'
  const said = (input: object) => (v.parse(CustomerInput, input) as { birthdate?: string | null }).birthdate
  assert.equal(
    [said({ birthday: day }), said({ birthdate: day }), said({ birthday: day, birthdate: day })],
    [day, day, day],
  )
  assert.not(takes({ birthday: day, birthdate: '1990-01-03' }))
  assert.equal(v.parse(CustomerInput, { birthday: null, id: null }), { birthdate: null })
  assert.equal(v.parse(CustomerInput, { id: 'cust_1', object: 'customer' }), { id: 'cust_1' })
})

test('an address that was taken away before a part of it was told loses the other parts alone', () => {
  const newsAt = (address: ProfilePatch['address'], saidAt: Readonly<Record<string, number>>) =>
    newsOf(
      { profile: { ...NO_PROFILE, address: { city: 'Oslo', line_1: 'y' } }, saidAt },
      { address },
      { at: 10, isNow: false },
    ).changes
  assert.equal(newsAt(null, { 'address.city': 20, 'address.line_1': 5 }), { address: { line_1: null } })
  assert.equal(newsAt(null, { 'address.city': 5, 'address.line_1': 5 }), { address: null })
  assert.is(newsAt(null, { 'address.city': 20, 'address.line_1': 20 }), undefined)
  assert.equal(newsAt({ city: null, line_1: null }, {}), { address: { city: null, line_1: null } })
})

test.run()
