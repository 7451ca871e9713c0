// Project webhooks: an endpoint that is told of events of every customer, whatever distributions there are.

import * as v from 'valibot'
import { httpUrl } from '../channels/httpUrl.ts'
import { CHANNELS } from '../channels/index.ts'
import { isInternalEventType } from '../internalEvents.ts'
import { name300 } from '../name.ts'
import type { Kind } from './kind.ts'
import { schemasNamed } from './references.ts'

/** Stands for every type. */
export const ALL_EVENTS = '*'

export const ProjectWebhook = v.object({
  url: httpUrl,
  /** Internal event types, custom events by name, or `*`. */
  events: v.pipe(v.array(name300), v.minLength(1), v.maxLength(200)),
  active: v.optional(v.boolean(), true),
})
export type ProjectWebhook = v.InferOutput<typeof ProjectWebhook>

/** What delivery reports in the activity log; the HTTP contract has the types of some channels alone. */
const OF_DELIVERY: ReadonlySet<string> = new Set([
  'customer.message.requested',
  'customer.message.skipped',
  ...CHANNELS.flatMap((channel) => ['sent', 'recovered', 'failed'].map((outcome) => `customer.${channel}.${outcome}`)),
])

export const projectWebhookKind: Kind<ProjectWebhook> = {
  fact: 'ProjectWebhook',
  prefix: 'wh',
  resource: 'webhook',
  schema: ProjectWebhook,
  check: (_, { events }, all) => {
    const known = new Set(schemasNamed(events, all).map((entry) => entry.definition.name))
    return events.flatMap((event, i) =>
      event === ALL_EVENTS || known.has(event) || isInternalEventType(event) || OF_DELIVERY.has(event)
        ? []
        : [
            {
              path: `events[${i}]`,
              message: `must name an event schema, an internal event, or be *: there is no ${event}`,
            },
          ],
    )
  },
  uses: ({ events }, all) => schemasNamed(events, all).map((entry) => ({ kind: 'eventSchema', id: entry.id })),
}
