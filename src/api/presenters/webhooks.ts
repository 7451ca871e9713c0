// How project webhooks show, and to whom where they go.
import * as v from 'valibot'
import { type Holder, holds } from '../../domain/access/permissions.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { ProjectWebhook } from '../../domain/rulebook/projectWebhook.ts'
import { recordOrNullOf } from './parts.ts'

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

const showWebhook = (entry: Entry<ProjectWebhook>) => ({
  id: entry.id,
  ...entry.definition,
  target_url: entry.definition.url,
  ...recordOrNullOf(entry),
  object: 'webhook' as const,
})

/** The host is enough to know a webhook by; its path and query often are what lets anybody send there. */
export const withoutSecrets = (url: string): string => `${new URL(url).origin}/…`

/** Whether a key may see where webhooks go to, whole: those who could change where something goes. */
export const seesUrls = (key: Holder): boolean => holds(key, 'webhooks.write') || holds(key, 'definitions.write')

type Fields = Readonly<Record<string, unknown>>

const hasUrl = (value: unknown): value is Fields & { readonly url: string } =>
  typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string'

/** A definition of whatever kind as those see it who may ask: for others its webhooks go to a host, not to an address. */
export const definitionFor = (key: Holder, kind: string, definition: unknown): unknown => {
  if (seesUrls(key) || typeof definition !== 'object' || definition === null) return definition
  if (kind === 'projectWebhook' && hasUrl(definition)) return { ...definition, url: withoutSecrets(definition.url) }
  if (kind === 'distribution' && 'channel' in definition && hasUrl(definition.channel)) {
    const { channel } = definition
    return { ...definition, channel: { ...channel, url: withoutSecrets(channel.url) } }
  }
  return definition
}

/** A webhook as those see it who may ask. */
export const showWebhookTo = (key: Holder, entry: Entry<ProjectWebhook>) => {
  const shown = showWebhook(entry)
  if (seesUrls(key)) return shown
  const url = withoutSecrets(shown.url)
  return { ...shown, url, target_url: url }
}
