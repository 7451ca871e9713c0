// How project webhooks show.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { ProjectWebhook } from '../../domain/rulebook/projectWebhook.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const WebhookObject = v.pipe(
  v.looseObject({ id: v.string(), ...ProjectWebhook.entries, object: v.literal('webhook') }),
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
