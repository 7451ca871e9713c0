// Reading a project webhook with how far it has got, whom it holds back, and what it gave up.

import * as v from 'valibot'
import { webhooks } from '../src/api/definitions/projectWebhook.ts'
import { onePath } from '../src/api/definitions/resource.ts'
import { showWebhookTo, WebhookObject } from '../src/api/presenters/webhooks.ts'
import { isoOf } from '../src/api/shapes.ts'
import { FEEDS, type FeedDocument, HELD, type HeldDocument } from '../src/delivery/feed.ts'
import { webhookStream } from '../src/domain/distributions/webhookFacts.ts'
import { answerOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { ApiKey } from '../src/keys.ts'
import type { Services } from '../src/services.ts'

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
      ...showWebhookTo(key, entry),
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
  route({
    method: 'get',
    ...onePath(webhooks),
    path: `${webhooks.path}/{id}`,
    summary: 'Get a project webhook with its progress',
    tag: 'Webhooks',
    permission: 'webhooks.read',
    response: WebhookObject,
    handler: (call) => one(services, call.key, call.params.id),
  }),
  route({
    method: 'get',
    path: `${webhooks.path}/signing-secret`,
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
