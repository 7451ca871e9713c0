// Names of commands: each API key has a space of its own, and what was named before there were any is still found.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { callerKey, formerKey, keyOwner, ownBeginning } from '../../src/domain/callerKeys.ts'

const server = { appId: 'shop', role: 'admin' }
const browser = { appId: 'shop', role: 'client' }
const spaceOf = (owner: typeof server): string => callerKey(owner, '')

test('a name stands in the space of its key; browsers share none with servers', () => {
  assert.match(spaceOf(server), /^[0-9A-Za-z]{8}:$/)
  assert.match(spaceOf(browser), /^[0-9A-Za-z]{8}~$/)
  assert.is(spaceOf({ appId: 'shop', role: 'merchant' }), spaceOf(server), 'a key keeps its names with another role')
  assert.is.not(spaceOf({ appId: 'app', role: 'admin' }), spaceOf(server))
  assert.is.not(spaceOf(browser).slice(0, 8), spaceOf(server).slice(0, 8))
  assert.is(callerKey(server, 'a'), `${spaceOf(server)}a`)
  assert.is(callerKey(server, 'a', 'p'), `${spaceOf(server)}a#p`)
  assert.equal(keyOwner({ key: server }), server)
  assert.equal(keyOwner({ key: browser, client: {} }), browser)
  assert.equal(keyOwner({ key: browser, client: { customer: 'c' } }), { appId: 'shop/c', role: 'client' })
})

test('what begins as our own commands do is nobody else’s to name', () => {
  assert.equal(['process:a', 'resend:', 'a process:', 'Process:'].map(ownBeginning), [
    'process:',
    'resend:',
    undefined,
    undefined,
  ])
})

test('a server’s name is found as it was before there were spaces, one by a source_id is not', () => {
  const print = 'abcdefghij_-'
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['space678:a', 'a'],
    ['space678:', ''],
    [`space678:a#${print}`, 'a'],
    [`space678:a#${print}/12`, 'a/12'],
    ['space678:a#b', 'a#b'],
    ['space678:a\nb', 'a\nb'],
    ['space678~a', undefined],
    ['space67:a', undefined],
    ['process:a', undefined],
    ['space678:balance:1', undefined],
    ['space678:AddPoints:1', undefined],
    ['space678:join:1', undefined],
    ['space678:Points:1', 'Points:1'],
    ['space678:joined:1', 'joined:1'],
  ]
  for (const [key, former] of cases) assert.is(formerKey(key), former, key)
})

test.run()
