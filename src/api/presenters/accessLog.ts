// How entries of the access log show.
import * as v from 'valibot'
import type { AccessLogDocument } from '../../../projections/accessLog.ts'
import type { Services } from '../../services.ts'
import { isoOf } from '../shapes.ts'

export const AccessLogEntry = v.object({
  object: v.literal('access_log_entry'),
  id: v.string(),
  created_at: v.string(),
  /** A user is named by the address; one who was removed by the id. */
  actor: v.object({ name: v.string(), role: v.string(), user_id: v.nullable(v.string()) }),
  action: v.string(),
  resource: v.object({ type: v.string(), id: v.string() }),
  /** The `X-Request-Id` of the answer to the request that did it. */
  request_id: v.string(),
})

const isUser = (actor: string): boolean => actor.startsWith('usr_')

export const showAccess = (services: Services, entry: AccessLogDocument): v.InferOutput<typeof AccessLogEntry> => ({
  object: 'access_log_entry',
  id: entry._id,
  created_at: isoOf(entry.at.getTime()),
  actor: {
    name: services.access.current().users.get(entry.actor)?.email ?? entry.actor,
    role: entry.role,
    user_id: isUser(entry.actor) ? entry.actor : null,
  },
  action: entry.action,
  resource: { type: entry.resource_type, id: entry.resource },
  request_id: entry.request_id,
})
