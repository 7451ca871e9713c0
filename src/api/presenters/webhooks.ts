// How project webhooks show.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { ProjectWebhook } from '../../domain/rulebook/projectWebhook.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const WebhookObject = v.pipe(
  v.object({
    id: v.string(),
    ...ProjectWebhook.entries,
    target_url: v.string(),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    switched_off: v.optional(v.string()),
    /** How far it is, where one is asked for by itself. */
    position: v.optional(v.nullable(v.string())),
    held_customers: v.optional(v.number()),
    held: v.optional(v.array(v.record(v.string(), v.unknown()))),
    parked: v.optional(v.array(v.record(v.string(), v.unknown()))),
    object: v.literal('webhook'),
  }),
  v.title('ProjectWebhook'),
)

export const showWebhook = (entry: Entry<ProjectWebhook>) => ({
  id: entry.id,
  ...entry.definition,
  target_url: entry.definition.url,
  created_at: isoOf(entry.createdAt),
  updated_at: isoOrNull(entry.updatedAt),
  ...offOf(entry),
  object: 'webhook' as const,
})
