// How users of the console show.
import * as v from 'valibot'
import type { UserState } from '../../domain/access/users.ts'
import { isoOf, isoOrNull } from '../shapes.ts'

const Time = v.nullable(v.string())

export const UserObject = v.object({
  object: v.literal('access_user'),
  id: v.string(),
  email: v.string(),
  name: v.nullable(v.string()),
  role: v.string(),
  /** `invited`: no password was set yet. */
  status: v.picklist(['invited', 'active', 'disabled']),
  /** Signs in through a provider of OpenID Connect. */
  signs_in_with_provider: v.boolean(),
  created_at: v.string(),
  updated_at: v.string(),
  password_set_at: Time,
  /** Until when the link that was made last sets a password, unless it was used. */
  link_expires_at: Time,
  /** Up to a minute old where another node was asked. */
  last_used_at: Time,
})

const statusOf = ({ isDisabled, password, identity }: UserState) => {
  if (isDisabled) return 'disabled'
  return password === undefined && identity === undefined ? 'invited' : 'active'
}

/** `lastUsed` in Unix milliseconds. */
export const showUser = (user: UserState, lastUsed?: number): v.InferOutput<typeof UserObject> => ({
  object: 'access_user',
  id: user.id,
  email: user.email,
  name: user.name ?? null,
  role: user.role,
  status: statusOf(user),
  signs_in_with_provider: user.identity !== undefined,
  created_at: isoOf(user.createdAt),
  updated_at: isoOf(user.updatedAt),
  password_set_at: isoOrNull(user.passwordAt),
  link_expires_at: isoOrNull(user.link?.until),
  last_used_at: isoOrNull(lastUsed),
})
