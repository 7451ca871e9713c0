// Managed keys, roles of one's own and users: their state, and what may be done to them. Pure.
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { AccessFact, AccessKey, AccessRole } from './facts.ts'
import { isPermission, noRole, type Permission, ROLE_PERMISSIONS, ROLES } from './permissions.ts'
import { decideUsers, foldUsers, type UserCommand, type Users } from './users.ts'

/** A key as it is now. Times are Unix milliseconds. */
export interface KeyState extends AccessKey {
  readonly createdAt: number
  readonly rotatedAt?: number
  /** The token before, as long as it is still good. */
  readonly previous?: { readonly digest: string; readonly until: number }
}

export interface RoleState extends AccessRole {
  readonly createdAt: number
  readonly updatedAt: number
}

export interface AccessState {
  readonly keys: ReadonlyMap<string, KeyState>
  readonly roles: ReadonlyMap<string, RoleState>
  readonly users: Users
}

export const NO_ACCESS: AccessState = { keys: new Map(), roles: new Map(), users: new Map() }

export const MAX_KEYS = 1_000
export const MAX_ROLES = 100

export type AccessCommand =
  | { readonly type: 'CreateKey'; readonly key: AccessKey }
  | { readonly type: 'RotateKey'; readonly id: string; readonly digest: string; readonly overlapMs: number }
  | { readonly type: 'RevokeKey'; readonly id: string }
  | { readonly type: 'CreateRole' | 'ChangeRole'; readonly role: AccessRole }
  | { readonly type: 'DeleteRole'; readonly name: string }
  | UserCommand

const withEntry = <V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> =>
  new Map(map).set(key, value)
const without = <V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

/** The state after a fact; facts of newer programs change nothing. */
export const foldAccess = (
  state: AccessState,
  recorded: { readonly type: string; readonly data: unknown },
): AccessState => {
  const fact = recorded as AccessFact
  switch (fact.type) {
    case 'AccessKeyCreated': {
      const { key, occurredAt } = fact.data
      return { ...state, keys: withEntry(state.keys, key.id, { ...key, createdAt: occurredAt }) }
    }
    case 'AccessKeyRotated': {
      const { id, digest, overlapUntil, occurredAt } = fact.data
      const key = state.keys.get(id)
      if (!key) return state
      const previous = { digest: key.digest, until: overlapUntil }
      return { ...state, keys: withEntry(state.keys, id, { ...key, digest, previous, rotatedAt: occurredAt }) }
    }
    case 'AccessKeyRevoked':
      return { ...state, keys: without(state.keys, fact.data.id) }
    case 'AccessRoleSaved': {
      const { role, occurredAt } = fact.data
      const createdAt = state.roles.get(role.name)?.createdAt ?? occurredAt
      return { ...state, roles: withEntry(state.roles, role.name, { ...role, createdAt, updatedAt: occurredAt }) }
    }
    case 'AccessRoleDeleted':
      return { ...state, roles: without(state.roles, fact.data.name) }
    default: {
      const users = foldUsers(state.users, fact)
      return users === state.users ? state : { ...state, users }
    }
  }
}

const isDelivered = (name: string): name is (typeof ROLES)[number] => (ROLES as readonly string[]).includes(name)

/** What a role holds: a delivered one, or one of one's own; undefined for one that there is not. */
export const permissionsOfRole = (state: AccessState, name: string): ReadonlySet<Permission> | undefined => {
  if (isDelivered(name)) return ROLE_PERMISSIONS[name]
  const role = state.roles.get(name)
  // A permission that an older program does not know yet is held by nobody there.
  return role && new Set(role.permissions.filter(isPermission))
}

const createKey = (state: AccessState, key: AccessKey, now: number): readonly AccessFact[] | Refused => {
  if (state.keys.has(key.id))
    return refuse('duplicate_found', `There is a key ${key.id} already`, {
      resource: { type: 'access_key', id: key.id },
    })
  if (state.keys.size >= MAX_KEYS) return refuse('resource_protected', `There are ${MAX_KEYS} keys: revoke some first`)
  if (!permissionsOfRole(state, key.role)) return noRole(key.role)
  if (key.expiresAt !== undefined && key.expiresAt <= now)
    return refuse('invalid_payload', 'expires_at: must be in the future')
  return [{ type: 'AccessKeyCreated', data: { key, occurredAt: now } }]
}

const sameRole = (a: AccessRole, b: AccessRole): boolean =>
  a.description === b.description &&
  a.permissions.length === b.permissions.length &&
  a.permissions.every((one) => b.permissions.includes(one))

const saveRole = (
  state: AccessState,
  type: 'CreateRole' | 'ChangeRole',
  role: AccessRole,
  now: number,
): readonly AccessFact[] | Refused => {
  const { name } = role
  if (isDelivered(name) || name === 'system')
    return refuse('resource_protected', `The role ${name} is delivered as it is`)
  const known = state.roles.get(name)
  if (type === 'ChangeRole' && !known) return refuseNotFound('role', name)
  if (type === 'CreateRole' && !known && state.roles.size >= MAX_ROLES)
    return refuse('resource_protected', `There are ${MAX_ROLES} roles: delete some first`)
  if (known && sameRole(known, role)) return []
  if (type === 'CreateRole' && known)
    return refuse('duplicate_found', `There is a role ${name} already`, { resource: { type: 'role', id: name } })
  return [{ type: 'AccessRoleSaved', data: { role, occurredAt: now } }]
}

/** Facts, none because it holds already, or a refusal. */
export const decideAccess = (
  state: AccessState,
  command: AccessCommand,
  now: number,
): readonly AccessFact[] | Refused => {
  switch (command.type) {
    case 'CreateKey':
      return createKey(state, command.key, now)
    case 'RotateKey': {
      const { id, digest, overlapMs } = command
      if (!state.keys.has(id)) return refuseNotFound('access_key', id)
      return [{ type: 'AccessKeyRotated', data: { id, digest, overlapUntil: now + overlapMs, occurredAt: now } }]
    }
    case 'RevokeKey':
      return state.keys.has(command.id)
        ? [{ type: 'AccessKeyRevoked', data: { id: command.id, occurredAt: now } }]
        : refuseNotFound('access_key', command.id)
    case 'CreateRole':
    case 'ChangeRole':
      return saveRole(state, command.type, command.role, now)
    case 'DeleteRole': {
      const { name } = command
      if (isDelivered(name)) return refuse('resource_protected', `The role ${name} is delivered as it is`)
      if (!state.roles.has(name)) return refuseNotFound('role', name)
      const holder = [...state.keys.values(), ...state.users.values()].find(({ role }) => role === name)
      return holder
        ? refuse('resource_in_use', `${holder.id} has the role ${name}`, { resource: { type: 'role', id: name } })
        : [{ type: 'AccessRoleDeleted', data: { name, occurredAt: now } }]
    }
    default:
      return decideUsers(state.users, command, (role) => permissionsOfRole(state, role) !== undefined, now)
  }
}
