// Keys, roles and people who sign in, as they are decided: bounds, what is over, who was faster. No node.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type AccessCommand,
  type AccessState,
  decideAccess,
  foldAccess,
  MAX_KEYS,
  MAX_ROLES,
  NO_ACCESS,
  permissionsOfRole,
} from '../../src/domain/access/access.ts'
import { accessFacts } from '../../src/domain/access/facts.ts'
import { holds, type Permission } from '../../src/domain/access/permissions.ts'
import { MAX_USERS, userByEmail, userByLink } from '../../src/domain/access/users.ts'
import { isRefused } from '../../src/domain/refusal.ts'

const NOW = 1_000

/** The state after commands, and for each its facts' types, or the key of its refusal. */
const under = (commands: readonly AccessCommand[], before: AccessState = NO_ACCESS, now = NOW) => {
  let state = before
  const told = commands.map((command) => {
    const decided = decideAccess(state, command, now)
    if (isRefused(decided)) return decided.refused.key
    state = decided.reduce(foldAccess, state)
    return decided.map(({ type }) => type.replace('Access', '')).join(' ')
  })
  return { state, told }
}
const key = (id: string, more: Record<string, unknown> = {}): AccessCommand => ({
  type: 'CreateKey',
  key: { id, name: id, role: 'reader', digest: 'd', ...more },
})
const role = (name: string, permissions: readonly string[] = ['codes.read'], more: Record<string, unknown> = {}) => ({
  name,
  permissions: permissions as Permission[],
  ...more,
})
const save = (type: 'CreateRole' | 'ChangeRole', ...given: Parameters<typeof role>): AccessCommand => ({
  type,
  role: role(...given),
})
const invite = (id: string, more: Record<string, unknown> = {}, until = 2_000): AccessCommand => ({
  type: 'InviteUser',
  user: { id, email: `${id}@shop.example`, role: 'reader', ...more },
  link: { digest: `link-${id}`, until },
})

test('a key is made once, in the future, with a role that there is, and up to so many', () => {
  const { told, state } = under([
    key('a'),
    key('a'),
    key('b', { role: 'nobody' }),
    key('c', { expiresAt: NOW }),
    key('d', { expiresAt: NOW + 1 }),
  ])
  assert.equal(told, ['KeyCreated', 'duplicate_found', 'invalid_payload', 'invalid_payload', 'KeyCreated'])
  const many = { ...state, keys: new Map(Array.from({ length: MAX_KEYS - 1 }, (_, n) => [`k${n}`, {} as never])) }
  assert.equal(under([key('x'), key('y')], many).told, ['KeyCreated', 'resource_protected'])
})

test('a rotated key keeps the one before for a while; what is not there is not found', () => {
  const rotate = (id: string): AccessCommand => ({ type: 'RotateKey', id, digest: 'new', overlapMs: 50 })
  const { told, state } = under([key('a'), rotate('a'), rotate('b'), { type: 'RevokeKey', id: 'b' }])
  assert.equal(told, ['KeyCreated', 'KeyRotated', 'not_found', 'not_found'])
  const { digest, previous, rotatedAt, createdAt } = state.keys.get('a')!
  assert.equal([digest, previous, rotatedAt, createdAt], ['new', { digest: 'd', until: NOW + 50 }, NOW, NOW])
  assert.is(under([{ type: 'RevokeKey', id: 'a' }], state).state.keys.size, 0)
  const stray = { type: 'AccessKeyRotated', data: { id: 'b', digest: 'x', overlapUntil: 1, occurredAt: 1 } }
  assert.is(foldAccess(state, stray), state)
})

test('roles are made once, changed where they differ, and deleted when nobody has them', () => {
  const drop = (name: string): AccessCommand => ({ type: 'DeleteRole', name })
  const { told, state } = under([
    save('CreateRole', 'support'),
    save('CreateRole', 'support'),
    save('CreateRole', 'support', ['codes.write']),
    save('ChangeRole', 'support', ['codes.read', 'codes.write']),
    save('ChangeRole', 'support', ['codes.write', 'codes.read']),
    save('ChangeRole', 'support', ['codes.write', 'codes.read'], { description: 'x' }),
    save('ChangeRole', 'support', ['codes.write', 'events.read'], { description: 'x' }),
    save('ChangeRole', 'other'),
    save('CreateRole', 'reader'),
    save('CreateRole', 'system'),
    drop('reader'),
    drop('other'),
    key('a', { role: 'support' }),
    drop('support'),
    { type: 'RevokeKey', id: 'a' },
    invite('ann', { role: 'support' }),
    drop('support'),
    { type: 'RemoveUser', id: 'ann' },
    drop('support'),
  ])
  assert.equal(told, [
    'RoleSaved',
    '',
    'duplicate_found',
    'RoleSaved',
    '',
    'RoleSaved',
    'RoleSaved',
    'not_found',
    'resource_protected',
    'resource_protected',
    'resource_protected',
    'not_found',
    'KeyCreated',
    'resource_in_use',
    'KeyRevoked',
    'UserInvited',
    'resource_in_use',
    'UserRemoved',
    'RoleDeleted',
  ])
  assert.is(state.roles.size, 0)
  const roles = new Map(Array.from({ length: MAX_ROLES - 1 }, (_, n) => [`r${n}`, role(`r${n}`) as never]))
  const full = under([save('CreateRole', 'x'), save('CreateRole', 'y'), save('CreateRole', 'x')], { ...state, roles })
  assert.equal(full.told, ['RoleSaved', 'resource_protected', ''])
  assert.is(permissionsOfRole(state, 'nobody'), undefined)
  assert.equal(
    [...permissionsOfRole(under([save('CreateRole', 'x', ['codes.read', 'of.later'])]).state, 'x')!],
    ['codes.read'],
  )
})

test('a person is invited once by address, up to so many, to a role for people', () => {
  const { told, state } = under([
    invite('ann'),
    invite('ann', { email: 'other@shop.example' }),
    invite('bob', { email: 'ann@shop.example' }),
    invite('cat', { role: 'client' }),
    invite('cat', { role: 'nobody' }),
  ])
  assert.equal(told, ['UserInvited', 'duplicate_found', 'duplicate_found', 'invalid_payload', 'invalid_payload'])
  assert.is(userByEmail(state.users, ' Ann@Shop.example ')?.id, 'ann')
  assert.is(userByEmail(state.users, 'cat@shop.example'), undefined)
  const { isDisabled, generation, link } = state.users.get('ann')!
  assert.equal([isDisabled, generation, link?.purpose], [false, 0, 'invitation'])
  const users = new Map(Array.from({ length: MAX_USERS - 1 }, (_, n) => [`u${n}`, {} as never]))
  assert.equal(under([invite('ann'), invite('bob')], { ...NO_ACCESS, users }).told, [
    'UserInvited',
    'resource_protected',
  ])
})

test('a link sets one password, until its end; a password is changed by whoever knows the one before', () => {
  const set = (password: string, proof: { link: string } | { before: string }): AccessCommand => ({
    type: 'SetPassword',
    id: 'ann',
    password,
    proof,
  })
  const { state } = under([invite('ann'), invite('bob')])
  const found = (now: number) => userByLink(state.users, 'link-ann', now)?.id
  assert.equal([found(1_999), found(2_000), userByLink(state.users, 'link-x', 0)], ['ann', undefined, undefined])
  const first = [set('p1', { link: 'link-ann' })]
  assert.equal(
    [under(first, state, 1_999).told, under(first, state, 2_000).told],
    [['UserPasswordSet'], ['invalid_payload']],
  )
  const { told, state: later } = under(
    [...first, ...first, set('p2', { link: 'link-bob' }), set('p2', { before: 'p0' }), set('p2', { before: 'p1' })],
    state,
  )
  assert.equal(told, ['UserPasswordSet', 'invalid_payload', 'invalid_payload', 'invalid_payload', 'UserPasswordSet'])
  const { password, generation, link, passwordAt } = later.users.get('ann')!
  assert.equal([password, generation, link, passwordAt], ['p2', 2, undefined, NOW])
  const disable: AccessCommand = { type: 'ChangeUser', id: 'ann', isDisabled: true }
  const make: AccessCommand = { type: 'MakeUserLink', id: 'ann', link: { digest: 'again', until: 9_000 } }
  assert.is(under([make], later).state.users.get('ann')!.link?.purpose, 'reset')
  assert.is(under([make], state).state.users.get('ann')!.link?.purpose, 'invitation')
  const off = under([make, disable, make, set('p3', { before: 'p2' }), set('p3', { link: 'again' })], later)
  assert.equal(off.told, ['UserLinkMade', 'UserChanged', 'resource_protected', 'invalid_payload', 'invalid_payload'])
  assert.is(off.state.users.get('ann')!.link, undefined)
})

test('a change that changes nothing is none; sessions end when somebody is disabled or signed out', () => {
  const change = (more: Record<string, unknown>): AccessCommand => ({ type: 'ChangeUser', id: 'ann', ...more })
  const { told, state } = under([
    invite('ann', { name: 'Ann' }),
    change({ name: 'Ann', role: 'reader', isDisabled: false }),
    change({}),
    change({ role: 'nobody' }),
    change({ role: 'client' }),
    change({ role: 'admin' }),
    change({ name: null }),
    change({ isDisabled: true }),
    change({ isDisabled: true, name: 'A' }),
    change({ isDisabled: false }),
    { type: 'SignOutUser', id: 'ann' },
    { type: 'SignOutUser', id: 'bob' },
  ])
  assert.equal(told, [
    'UserInvited',
    '',
    '',
    'invalid_payload',
    'invalid_payload',
    'UserChanged',
    'UserChanged',
    'UserChanged',
    'UserChanged',
    'UserChanged',
    'UserSignedOut',
    'not_found',
  ])
  const { name, role, isDisabled, generation } = state.users.get('ann')!
  assert.equal([name, role, isDisabled, generation], ['A', 'admin', false, 2])
  assert.equal(foldAccess(state, { type: 'AccessUserSignedOut', data: { id: 'bob' } }).users, state.users)
})

test('whom a provider vouches for is made, found by address once, and nobody else’s account afterwards', () => {
  const admit = (id: string, subject: string, more: Record<string, unknown> = {}): AccessCommand => ({
    type: 'AdmitUser',
    user: { id, email: `${id}@shop.example` },
    identity: { issuer: 'https://id.example', subject },
    ...more,
  })
  const { told, state } = under([
    admit('ann', 's1'),
    admit('ann', 's1', { role: 'nobody' }),
    admit('ann', 's1', { role: 'reader' }),
    admit('ann', 's1'),
    admit('ann', 's2', { role: 'reader' }),
    admit('ann', 's1', { role: 'admin' }),
    admit('ann', 's1', { role: 'admin', isMapped: true }),
    admit('ann', 's1', { role: 'nobody', isMapped: true }),
    invite('bob'),
    admit('bob', 's3'),
    admit('bob', 's3'),
    { ...admit('bob', 's3'), identity: { issuer: 'https://other.example', subject: 's3' } } as AccessCommand,
    // By who it is to the provider, whatever the address has become.
    admit('cat', 's1', { role: 'reader' }),
  ])
  assert.equal(told, [
    'resource_protected',
    'invalid_payload',
    'UserInvited UserIdentified',
    '',
    'resource_protected',
    '',
    'UserChanged',
    'invalid_payload',
    'UserInvited',
    'UserIdentified',
    '',
    'resource_protected',
    '',
  ])
  assert.equal(
    [state.users.size, state.users.get('ann')!.role, state.users.get('bob')!.identity?.subject],
    [2, 'admin', 's3'],
  )
})

test('what is personal of somebody who signs in is of that user, whether the fact names or describes one', () => {
  const { personal: described } = accessFacts.AccessUserInvited
  const { personal: named } = accessFacts.AccessUserChanged
  const user = { id: 'u_1', email: 'ann@shop.test', role: 'admin' }
  assert.equal([described.of?.({ user }), named.of?.({ id: 'u_1', name: 'Ann' })], ['u_1', 'u_1'])
  assert.equal([described.of?.({ user: {} }), named.of?.({ id: 1 })], [undefined, undefined])
  assert.equal(described.take({ user })?.taken, { 'user.email': 'ann@shop.test' })
})

test('a role that is delivered holds what it does, one of one’s own what it says, any other nothing', () => {
  const mayManage = (role: string, permissions?: readonly Permission[]) =>
    holds({ role, ...(permissions ? { permissions: new Set(permissions) } : {}) }, 'management.use')
  assert.equal([mayManage('admin'), mayManage('reader'), mayManage('nobody')], [true, false, false])
  assert.equal(
    [mayManage('clerk', ['management.use']), mayManage('clerk', []), mayManage('admin', [])],
    [true, false, false],
  )
})

test.run()
