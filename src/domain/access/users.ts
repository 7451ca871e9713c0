// People who sign in to the console: their state, and what may be done to them. Pure.
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { AccessFact, AccessUser } from './facts.ts'
import { noRole } from './permissions.ts'

/** A link that sets a password once; of its token only a hash is kept. */
export interface UserLink {
  readonly purpose: 'invitation' | 'reset'
  readonly digest: string
  /** Unix milliseconds. */
  readonly until: number
}

/** A user as it is now. Times are Unix milliseconds. */
export interface UserState extends AccessUser {
  /** What a password is held against; undefined: none was set yet. */
  readonly password?: string
  readonly passwordAt?: number
  readonly isDisabled: boolean
  readonly link?: UserLink
  /** Sessions of an earlier one have ended. */
  readonly generation: number
  /** Who the user is to a provider of OpenID Connect. */
  readonly identity?: { readonly issuer: string; readonly subject: string }
  readonly createdAt: number
  readonly updatedAt: number
}

export type Users = ReadonlyMap<string, UserState>

export const MAX_USERS = 1_000

export type UserCommand =
  | { readonly type: 'InviteUser'; readonly user: AccessUser; readonly link: Omit<UserLink, 'purpose'> }
  | { readonly type: 'MakeUserLink'; readonly id: string; readonly link: Omit<UserLink, 'purpose'> }
  | {
      readonly type: 'ChangeUser'
      readonly id: string
      readonly name?: string | null | undefined
      readonly role?: string | undefined
      readonly isDisabled?: boolean | undefined
    }
  /** `proof`: the link's digest, or the password before as it is kept. */
  | {
      readonly type: 'SetPassword'
      readonly id: string
      readonly password: string
      readonly proof: { readonly link: string } | { readonly before: string }
    }
  | { readonly type: 'SignOutUser'; readonly id: string }
  | { readonly type: 'RemoveUser'; readonly id: string }
  /**
   * Somebody whom a provider of OpenID Connect vouches for: made where there is none, if there is a role to give. `isMapped`: the
   * provider tells the role, which then holds for who is known too.
   */
  | {
      readonly type: 'AdmitUser'
      readonly user: Omit<AccessUser, 'role'>
      readonly role?: string
      readonly isMapped?: boolean
      readonly identity: NonNullable<UserState['identity']>
    }

const changed = (users: Users, id: string, change: (user: UserState) => UserState): Users => {
  const user = users.get(id)
  return user ? new Map(users).set(id, change(user)) : users
}

/** A link is used up by a password, and void once somebody may not sign in. */
const withoutLink = ({ link: _, ...user }: UserState): UserState => user

/** Users after a fact; others change nothing. */
export const foldUsers = (users: Users, fact: AccessFact): Users => {
  switch (fact.type) {
    case 'AccessUserInvited': {
      const { user, link, occurredAt } = fact.data
      const state: UserState = {
        ...user,
        isDisabled: false,
        generation: 0,
        ...(link ? { link: { ...link, purpose: 'invitation' } } : {}),
        createdAt: occurredAt,
        updatedAt: occurredAt,
      }
      return new Map(users).set(user.id, state)
    }
    case 'AccessUserLinkMade': {
      const { id, purpose, digest, until } = fact.data
      return changed(users, id, (user) => ({ ...user, link: { purpose, digest, until } }))
    }
    case 'AccessUserChanged': {
      const { id, name, role, isDisabled, occurredAt } = fact.data
      return changed(users, id, ({ name: _, ...before }) => {
        const user: UserState = {
          ...before,
          ...present({ name }),
          role,
          isDisabled,
          generation: before.generation + (isDisabled && !before.isDisabled ? 1 : 0),
          updatedAt: occurredAt,
        }
        return isDisabled ? withoutLink(user) : user
      })
    }
    case 'AccessUserPasswordSet': {
      const { id, password, occurredAt } = fact.data
      return changed(users, id, (before) => ({
        ...withoutLink(before),
        ...present({ password }),
        passwordAt: occurredAt,
        generation: before.generation + 1,
        updatedAt: occurredAt,
      }))
    }
    case 'AccessUserSignedOut':
      return changed(users, fact.data.id, (user) => ({ ...user, generation: user.generation + 1 }))
    case 'AccessUserIdentified': {
      const { id, issuer, subject } = fact.data
      return changed(users, id, (user) => ({ ...user, identity: { issuer, subject } }))
    }
    case 'AccessUserRemoved': {
      const rest = new Map(users)
      rest.delete(fact.data.id)
      return rest
    }
    default:
      return users
  }
}

/** Addresses are the same whatever their case. */
export const userByEmail = (users: Users, email: string): UserState | undefined => {
  const wanted = email.trim().toLowerCase()
  for (const user of users.values()) if (user.email === wanted) return user
  return undefined
}

/** Whom a link of this digest belongs to, if it is still good. */
export const userByLink = (users: Users, digest: string, now: number): UserState | undefined => {
  for (const user of users.values()) if (user.link?.digest === digest) return now < user.link.until ? user : undefined
  return undefined
}

type Decided = readonly AccessFact[] | Refused

const roleFault = (hasRole: (name: string) => boolean, role: string): Refused | undefined => {
  if (role === 'client') return refuse('invalid_payload', 'role: client is for browsers of customers, not for people')
  return hasRole(role) ? undefined : noRole(role)
}

const newUserFault = (users: Users, user: AccessUser, hasRole: (name: string) => boolean): Refused | undefined => {
  const same = users.get(user.id) ?? userByEmail(users, user.email)
  if (same)
    return refuse('duplicate_found', 'There is a user with this e-mail address', {
      resource: { type: 'access_user', id: same.id },
    })
  if (users.size >= MAX_USERS) return refuse('resource_protected', `There are ${MAX_USERS} users: remove some first`)
  return roleFault(hasRole, user.role)
}

const change = (
  user: UserState,
  command: UserCommand & { readonly type: 'ChangeUser' },
  hasRole: (name: string) => boolean,
  now: number,
): Decided => {
  const name = command.name === undefined ? user.name : (command.name ?? undefined)
  const { role = user.role, isDisabled = user.isDisabled } = command
  if (name === user.name && role === user.role && isDisabled === user.isDisabled) return []
  const fault = role === user.role ? undefined : roleFault(hasRole, role)
  if (fault) return fault
  const data = { id: user.id, ...present({ name }), role, isDisabled, occurredAt: now }
  return [{ type: 'AccessUserChanged', data }]
}

const setPassword = (
  user: UserState,
  { password, proof }: UserCommand & { readonly type: 'SetPassword' },
  now: number,
): Decided => {
  const isProven =
    'link' in proof ? user.link?.digest === proof.link && now < user.link.until : user.password === proof.before
  // Somebody else was faster: a link sets one password.
  if (!isProven || user.isDisabled)
    return refuse(
      'invalid_payload',
      'link' in proof ? 'This link was used already, or is too old' : 'The password was changed meanwhile',
    )
  const how = 'link' in proof ? 'link' : 'changed'
  return [{ type: 'AccessUserPasswordSet', data: { id: user.id, password, how, occurredAt: now } }]
}

const admit = (
  users: Users,
  { user, role, isMapped, identity }: UserCommand & { readonly type: 'AdmitUser' },
  hasRole: (name: string) => boolean,
  now: number,
): Decided => {
  const { issuer, subject } = identity
  const isSame = (one: UserState) => one.identity?.issuer === issuer && one.identity.subject === subject
  const known = [...users.values()].find(isSame) ?? userByEmail(users, user.email)
  const identified = (id: string): AccessFact => ({
    type: 'AccessUserIdentified',
    data: { id, issuer, subject, occurredAt: now },
  })
  if (!known) {
    if (role === undefined) return refuse('resource_protected', 'Nothing gives this person a role')
    const made = { ...user, role }
    const fault = newUserFault(users, made, hasRole)
    return fault ?? [{ type: 'AccessUserInvited', data: { user: made, occurredAt: now } }, identified(user.id)]
  }
  // An address that is given to somebody else does not open the account of who had it before.
  if (known.identity && !isSame(known))
    return refuse('resource_protected', 'This user is known to the provider as somebody else')
  const facts = isMapped ? change(known, { type: 'ChangeUser', id: known.id, role }, hasRole, now) : []
  if ('refused' in facts) return facts
  return known.identity ? facts : [...facts, identified(known.id)]
}

/** Facts, none because it holds already, or a refusal. */
export const decideUsers = (
  users: Users,
  command: UserCommand,
  hasRole: (name: string) => boolean,
  now: number,
): Decided => {
  if (command.type === 'InviteUser') {
    const { user, link } = command
    return newUserFault(users, user, hasRole) ?? [{ type: 'AccessUserInvited', data: { user, link, occurredAt: now } }]
  }
  if (command.type === 'AdmitUser') return admit(users, command, hasRole, now)
  const user = users.get(command.id)
  if (!user) return refuseNotFound('access_user', command.id)
  const { id } = user
  switch (command.type) {
    case 'MakeUserLink': {
      if (user.isDisabled) return refuse('resource_protected', 'The user is disabled: enable it first')
      const purpose = user.password === undefined ? 'invitation' : 'reset'
      return [{ type: 'AccessUserLinkMade', data: { id, purpose, ...command.link, occurredAt: now } }]
    }
    case 'ChangeUser':
      return change(user, command, hasRole, now)
    case 'SetPassword':
      return setPassword(user, command, now)
    case 'SignOutUser':
      return [{ type: 'AccessUserSignedOut', data: { id, occurredAt: now } }]
    case 'RemoveUser':
      return [{ type: 'AccessUserRemoved', data: { id, occurredAt: now } }]
    default: {
      const never: never = command
      return never
    }
  }
}
