// Reading project webhooks: the definition, how far each has got, whom it holds back, and what it gave up.

import * as v from 'valibot'
import { showWebhook, WebhookObject } from '../src/api/presenters/webhooks.ts'
import { onePath, WEBHOOKS } from '../src/api/resources.ts'
import { isoOf } from '../src/api/shapes.ts'
import { FEEDS, type FeedDocument, HELD, type HeldDocument } from '../src/delivery/feed.ts'
import { type Holder, holds } from '../src/domain/access/permissions.ts'
import { webhookStream } from '../src/domain/distributions/webhookFacts.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { ProjectWebhook } from '../src/domain/rulebook/projectWebhook.ts'
import { answerOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { ApiKey } from '../src/keys.ts'
import type { Services } from '../src/services.ts'
import { definitionReads } from './definitionReads.ts'

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
const shownTo = (key: ApiKey, entry: Entry<ProjectWebhook>) => {
  const shown = showWebhook(entry)
  if (seesUrls(key)) return shown
  const url = withoutSecrets(shown.url)
  return { ...shown, url, target_url: url }
}

/** How many given-up events and held customers are shown. */
const SHOWN = 20

const one = async ({ rulebook, readModel, store }: Services, key: ApiKey, id: string): Promise<Outcome> => {
  const entry = rulebook.current().entries('projectWebhook').get(id)
  if (!entry) return notFound('webhook', id)
  const [feed, held, waiting] = await Promise.all([
    readModel.plain<FeedDocument>(FEEDS).findOne({ _id: id }),
    readModel.plain<HeldDocument>(HELD).find({ webhook: id }, { limit: SHOWN, sort: { retry_at: 1 } }),
    readModel.plain<HeldDocument>(HELD).count({ webhook: id }, { limit: 10_000 }),
  ])
  const parked: unknown[] = []
  for await (const fact of store.readStream(webhookStream(id), { direction: 'backwards', maxCount: SHOWN }))
    if (fact.type === 'WebhookEventParked') parked.push(fact.data)
  return {
    revision: entry.revision,
    body: {
      ...shownTo(key, entry),
      position: feed === null || feed.position === '' ? null : feed.position,
      held_customers: waiting,
      held: held.map(({ customer, tries, retry_at, reason }) => ({
        customer_id: customer,
        tries,
        retry_at: isoOf(retry_at.getTime()),
        reason,
      })),
      parked,
    },
  }
}

export const webhookQueries = (services: Services) => [
  definitionReads(services, WEBHOOKS, { response: WebhookObject, show: (entry, key) => shownTo(key, entry) }).list,
  route({
    method: 'get',
    ...onePath(WEBHOOKS),
    path: `${WEBHOOKS.path}/{id}`,
    summary: 'Get a project webhook with its progress',
    tag: 'Webhooks',
    permission: 'webhooks.read',
    response: WebhookObject,
    handler: (call) => one(services, call.key, call.params.id),
  }),
  route({
    method: 'get',
    path: `${WEBHOOKS.path}/signing-secret`,
    summary: 'The secret that all webhooks are signed with',
    description:
      '`x-voucherify-signature` is the HMAC-SHA256 of the body in hex, keyed with this whole text; `webhook-signature` ' +
      'follows the Standard Webhooks specification.',
    tag: 'Webhooks',
    permission: 'webhooks.secret',
    response: answerOf('signing_secret', { secret: v.string() }),
    handler: (): Outcome => ({ body: { object: 'signing_secret', secret: services.settings.signingSecret() } }),
  }),
]
