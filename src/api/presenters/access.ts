// How managed keys and roles show.
import * as v from 'valibot'
import type { KeyState, RoleState } from '../../domain/access/access.ts'
import { isoOf, isoOrNull } from '../shapes.ts'

const Time = v.nullable(v.string())

export const KeyObject = v.object({
  object: v.literal('access_key'),
  id: v.string(),
  name: v.string(),
  role: v.string(),
  origins: v.nullable(v.array(v.string())),
  allow: v.nullable(v.array(v.string())),
  networks: v.nullable(v.array(v.string())),
  created_at: v.string(),
  rotated_at: Time,
  /** Until when the token before the last rotation is good. */
  previous_token_until: Time,
  expires_at: Time,
  /** Up to a minute old where another node was asked. */
  last_used_at: Time,
})

export const RoleObject = v.pipe(
  v.object({
    object: v.literal('role'),
    name: v.string(),
    description: v.nullable(v.string()),
    permissions: v.array(v.string()),
    /** Delivered as it is: it can be neither changed nor deleted. */
    is_delivered: v.boolean(),
    created_at: Time,
    updated_at: Time,
  }),
  v.title('Role'),
)

/** A key without its secrets; `lastUsed` in Unix milliseconds. */
export const showKey = (key: KeyState, lastUsed?: number): v.InferOutput<typeof KeyObject> => ({
  object: 'access_key',
  id: key.id,
  name: key.name,
  role: key.role,
  origins: key.origins ?? null,
  allow: key.allow ?? null,
  networks: key.networks ?? null,
  created_at: isoOf(key.createdAt),
  rotated_at: isoOrNull(key.rotatedAt),
  previous_token_until: isoOrNull(key.previous?.until),
  expires_at: isoOrNull(key.expiresAt),
  last_used_at: isoOrNull(lastUsed),
})

export const showRole = (role: RoleState): v.InferOutput<typeof RoleObject> => ({
  object: 'role',
  name: role.name,
  description: role.description ?? null,
  permissions: [...role.permissions],
  is_delivered: false,
  created_at: isoOf(role.createdAt),
  updated_at: isoOf(role.updatedAt),
})
