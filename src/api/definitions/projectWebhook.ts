// Project webhooks: endpoints that are told of events of every customer.
import * as v from 'valibot'
import { ProjectWebhook } from '../../domain/rulebook/projectWebhook.ts'
import { showWebhookTo, WebhookObject } from '../presenters/webhooks.ts'
import { definitionResource, recorded } from './resource.ts'

const { url, ...rest } = ProjectWebhook.entries
/** What one webhook's answer says of its feed. */
const SHOWN = ['position', 'held_customers', 'held', 'parked']
const TWO_NAMES = 'target_url must be equal to url: both say the same'

interface Urls {
  readonly url?: string | undefined
  readonly target_url?: string | undefined
}
/** The contract says `target_url`, older clients `url`. */
const oneUrl = ({ url, target_url: target }: Urls): boolean =>
  url === undefined || target === undefined || url === target

const WebhookBody = v.pipe(
  v.object({ ...rest, url: v.optional(url), target_url: v.optional(url) }),
  recorded(...SHOWN),
  v.check((body) => oneUrl(body), TWO_NAMES),
  v.check((body) => (body.url ?? body.target_url) !== undefined, "should have required property 'target_url'"),
  v.transform(({ url, target_url: target, ...body }): ProjectWebhook => ({ ...body, url: url ?? target ?? '' })),
)
const WebhookPatch = v.pipe(
  v.object({ ...v.partial(v.object(rest)).entries, url: v.optional(url), target_url: v.optional(url) }),
  recorded(...SHOWN),
  v.check((body) => oneUrl(body), TWO_NAMES),
  v.transform(({ url, target_url: target, ...body }) => ({ ...body, url: url ?? target })),
)

export const webhooks = definitionResource('projectWebhook', {
  path: '/v1/webhooks',
  also: ['/management/v1/projects/{projectId}/webhooks'],
  tag: 'Webhooks',
  one: 'a project webhook',
  many: 'project webhooks',
  reads: 'webhooks.read',
  writes: 'webhooks.write',
  body: WebhookBody,
  patch: WebhookPatch,
  response: WebhookObject,
  show: (entry, { key }) => showWebhookTo(key, entry),
  describe: {
    create:
      'Tells an endpoint of events of every customer, from now on: internal event types, custom events by name, or `*`. ' +
      "Each customer's events come in their order, at least once, under an id that stays.",
    change: 'An inactive one stays where it is, and goes on from there.',
  },
  // With how far it has got.
  own: ['one'],
})
