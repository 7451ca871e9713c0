// The activity log of a customer: everything that happened, custom events and internal ones, newest first.
import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import { allOf, equals } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pageAndTotal, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { spanFields, spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { ActivityEntry, showActivity } from '../src/api/presenters/activity.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { ById } from '../src/api/shapes.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

const ActivityQuery = v.object({
  ...pagedById,
  order: orderOf(['created_at'], '-created_at'),
  ...spanFields,
  category: v.optional(v.picklist(['ACTION', 'EFFECT'])),
  type: v.optional(v.string()),
  campaign_id: v.optional(v.string()),
  campaign_type: v.optional(v.string()),
})

const ActivityList = v.pipe(
  v.object({
    object: v.literal('list'),
    data_ref: v.literal('data'),
    data: v.array(ActivityEntry),
    /** Of the older list. */
    total: v.optional(v.number()),
    has_more: v.boolean(),
    more_starting_after: v.optional(v.string()),
    next_cursor: v.nullable(v.string()),
  }),
  v.title('ActivityList'),
)

/** Only the older of the two lists says how many there are in all, which costs as much as to read them. */
type Word = 'activity' | 'activities'

const log = async (
  services: Services,
  word: Word,
  name: string,
  query: v.InferOutput<typeof ActivityQuery>,
): Promise<Outcome> => {
  const entriesOf = async (id: string) => {
    const filter = allOf(
      { customer: id },
      equals('category', query.category),
      equals('type', query.type),
      equals('data.campaign.id', query.campaign_id),
      equals('data.campaign.campaign_type', query.campaign_type),
      spanFilter('created_at', query, services.rulebook.current().project.timeZone),
    )
    const source = documents(services.readModel.collection<ActivityDocument>('activity'), filter)
    return word === 'activities'
      ? pageAndTotal(source, LOG_ORDER, query)
      : ([await pageOf(source, LOG_ORDER, query), undefined] as const)
  }
  // By an id both are asked at once; a `source_id` that looks like one is asked for again.
  const byId = isCustomerId(name) ? entriesOf(name) : undefined
  byId?.catch(() => undefined)
  const customer = await readCustomer(services, name)
  if (!customer) return notFound('customer', name)
  const [page, total] = await (byId && customer._id === name ? byId : entriesOf(customer._id))
  if (isFailure(page)) return page
  const shown = page.entries.map((document) => showActivity(document, customer))
  return { body: listBody('data', page, shown, { total, id: ({ _id }) => _id }) }
}

export const activityQueries = (services: Services) =>
  (['activity', 'activities'] as const).map((word) =>
    route({
      method: 'get',
      path: `/v1/customers/{id}/${word}` as '/v1/customers/{id}/activity',
      summary: word === 'activity' ? "A customer's activity log" : "A customer's activity log (older name)",
      tag: 'Customers',
      permission: 'customers.read',
      params: ById,
      query: ActivityQuery,
      response: ActivityList,
      handler: (call) => log(services, word, call.params.id, call.query),
    }),
  )
