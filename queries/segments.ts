// Reading segments: definitions with the progress of their roll-out, members, history, and the segments of a customer.
import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import type { SegmentMemberDocument } from '../projections/segmentMembers.ts'
import { NO_CONTEXT } from '../src/domain/conditions/subject.ts'
import { newCustomer } from '../src/domain/customer/state.ts'
import { isCustomerId, RULEBOOK_STREAM } from '../src/domain/ids.ts'
import { changeOf } from '../src/domain/rulebook/facts.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Segment } from '../src/domain/rulebook/segment.ts'
import { conditionsOf, subjectOf } from '../src/domain/segments/conditions.ts'
import { isFailure, notFound, refuse } from '../src/http/errors.ts'
import { instant, pageLimit } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { readCustomer } from './customers.ts'
import { definitionListQuery, listDefinitions } from './definitionList.ts'
import { fresh } from './fresh.ts'
import { ById, isoOf, isoOrNull, offOf } from './shapes.ts'

export const SegmentObject = v.pipe(
  v.looseObject({
    id: v.string(),
    name: v.string(),
    type: v.string(),
    filter: v.nullable(v.unknown()),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    initial_sync_status: v.picklist(['IN_PROGRESS', 'DONE']),
    object: v.literal('segment'),
  }),
  v.title('Segment'),
)

/** A segment as the HTTP contract shows it, with how far its roll-out is. */
export const showSegment = (entry: Entry<Segment>, { rollout }: Services) => {
  const { name, type, filter, condition, customers, trigger_on_rollout } = entry.definition
  const { status, done, total } = rollout.progress(entry.revision)
  return {
    id: entry.id,
    name,
    type,
    filter: filter ?? null,
    ...(condition ? { condition } : {}),
    ...(customers ? { customers_count: customers.length } : {}),
    trigger_on_rollout,
    created_at: isoOf(entry.createdAt),
    updated_at: isoOrNull(entry.updatedAt),
    ...offOf(entry),
    initial_sync_status: status,
    rollout: { status, done, total },
    object: 'segment' as const,
  }
}

const READERS = ['admin', 'integrator', 'reader', 'auditor'] as const

const ListQuery = v.object({
  ...definitionListQuery,
  starting_after_id: v.optional(v.string()),
  /** Paging by time: made after (or, newest first, before) this instant. */
  starting_after: v.optional(instant),
  ids: v.optional(
    v.union([
      v.array(v.string()),
      v.pipe(
        v.string(),
        v.transform((id) => [id]),
      ),
    ]),
  ),
})

const list = (services: Services, query: v.InferOutput<typeof ListQuery>, now: number): Outcome => {
  const { ids, starting_after: after, starting_after_id: last, order, limit } = query
  const rulebook = services.rulebook.current()
  const listed = listDefinitions(rulebook.entries('segment').values(), query, ['name', 'type'], {
    timeZone: rulebook.project.timeZone,
    now,
  })
  if (isFailure(listed)) return listed
  const entries = listed.all
    .filter(({ id }) => ids === undefined || ids.includes(id))
    .filter(({ createdAt }) => after === undefined || (order.startsWith('-') ? createdAt < after : createdAt > after))
  const place = last === undefined ? 0 : entries.findIndex(({ id }) => id === last) + 1
  if (last !== undefined && place === 0) return refuse('invalid_or_expired_cursor', `No segment has the id ${last}`)
  const from = last === undefined && after === undefined ? (query.page - 1) * limit : place
  const page = entries.slice(from, from + limit)
  const more = entries.length > from + page.length
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map((entry) => showSegment(entry, services)),
      total: entries.length,
      has_more: more,
      more_starting_after: more ? (page.at(-1)?.id ?? null) : null,
    },
  }
}

const membershipsOf = ({ readModel }: Services, customer: string) =>
  readModel
    .collection<SegmentMemberDocument>('segmentMembers')
    .find({ customer }, { sort: { since: 1 }, limit: MAX_SEGMENTS })

const segmentsOf = async (services: Services, name: string): Promise<Outcome> => {
  const rulebook = services.rulebook.current()
  // Whoever is in a segment is there: only of the others it has to be asked whether there is such a customer.
  const direct = isCustomerId(name) ? await membershipsOf(services, name) : []
  const customer = direct.length > 0 ? name : (await readCustomer(services, name))?._id
  const answer = (data: readonly object[]): Outcome => ({
    body: { object: 'list', data_ref: 'data', data, total: data.length },
  })
  if (!customer) {
    // As the contract has it: what a customer of whom nothing is known would be in.
    const nobody = subjectOf(newCustomer(name))
    return answer(
      conditionsOf(rulebook)
        .segments.filter((segment) => segment.condition?.evaluate(nobody, NO_CONTEXT, Date.now()).holds)
        .map(({ id, name }) => ({ id, name, object: 'segment' })),
    )
  }
  const memberships = customer === name ? direct : await membershipsOf(services, customer)
  return answer(
    memberships.map(({ segment, since }) => ({
      id: segment,
      name: rulebook.entries('segment').get(segment)?.definition.name ?? null,
      since: isoOf(since.getTime()),
      object: 'segment',
    })),
  )
}

const MAX_SEGMENTS = 1_000

const MembersQuery = v.object({ limit: pageLimit, starting_after_id: v.optional(v.string()) })

const members = async (services: Services, id: string, query: v.InferOutput<typeof MembersQuery>): Promise<Outcome> => {
  if (!services.rulebook.current().entries('segment').has(id)) return notFound('segment', id)
  const memberships = services.readModel.collection<SegmentMemberDocument>('segmentMembers')
  const last =
    query.starting_after_id === undefined
      ? undefined
      : await memberships.findOne({ _id: `${id}/${query.starting_after_id}` })
  if (last === null) return refuse('invalid_or_expired_cursor', `Customer ${query.starting_after_id} is no member`)
  const after = last ? { $or: [{ since: { $gt: last.since } }, { since: last.since, _id: { $gt: last._id } }] } : {}
  const [found, total] = await Promise.all([
    memberships.find({ segment: id, ...after }, { sort: { since: 1, _id: 1 }, limit: query.limit + 1 }),
    memberships.count({ segment: id }),
  ])
  const page = found.slice(0, query.limit)
  const more = found.length > query.limit
  const customers = await services.readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: page.map((m) => m.customer) } }, { limit: query.limit })
  const byId = new Map(customers.map((c) => [c._id, c]))
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map(({ customer, since }) => ({
        id: customer,
        source_id: byId.get(customer)?.source_id ?? null,
        name: byId.get(customer)?.profile.name ?? null,
        since: isoOf(since.getTime()),
        object: 'segment_member',
      })),
      total,
      has_more: more,
      more_starting_after: more ? page.at(-1)!.customer : null,
    },
  }
}

/** What a change of a segment is called in its history. */
const changeName = (verb: string, before: Segment | undefined, after: Segment | undefined): string => {
  if (verb !== 'Updated' || !before || !after) return `segment.${verb.toLowerCase()}`
  if (before.type !== 'auto-update' && after.type === 'auto-update') return 'segment.activated'
  const formOf = ({ filter, condition }: Segment) => JSON.stringify([filter, condition])
  return formOf(before) === formOf(after) ? 'segment.updated' : 'segment.filters_updated'
}

const HistoryQuery = v.object({
  limit: pageLimit,
  order: v.optional(v.picklist(['created_at', '-created_at']), '-created_at'),
  starting_after: v.optional(instant),
  starting_after_id: v.optional(v.string()),
  start_date: v.optional(instant),
  end_date: v.optional(instant),
})

/** What became of a definition, from the rulebook's own stream; a deleted one keeps its history. */
const history = async (
  { store }: Services,
  id: string,
  query: v.InferOutput<typeof HistoryQuery>,
): Promise<Outcome> => {
  const entries: { readonly id: string; readonly at: number; readonly shown: object }[] = []
  let before: Segment | undefined
  for await (const fact of store.readStream(RULEBOOK_STREAM)) {
    const change = changeOf(fact)
    if (change?.kind !== 'segment' || change.id !== id) continue
    const after = change.definition as Segment | undefined
    const shown = {
      id: fact.id,
      type: changeName(change.verb, before, after),
      data: { segment: { id, ...after }, actor: fact.metadata.actor ?? null },
      created_at: isoOf(change.occurredAt),
      group_id: fact.metadata.$correlationId,
    }
    entries.push({ id: fact.id, at: change.occurredAt, shown })
    before = after
  }
  if (entries.length === 0) return notFound('segment', id)
  const { start_date: start = Number.NEGATIVE_INFINITY, end_date: end = Number.POSITIVE_INFINITY } = query
  const isDescending = query.order === '-created_at'
  if (isDescending) entries.reverse()
  const from = query.starting_after_id
  const place = from === undefined ? 0 : entries.findIndex((entry) => entry.id === from) + 1
  if (from !== undefined && place === 0)
    return refuse('invalid_or_expired_cursor', `The segment has no activity with the id ${from}`)
  const after = query.starting_after
  const rest = entries
    .slice(place)
    .filter(({ at }) => at >= start && at < end)
    .filter(({ at }) => after === undefined || (isDescending ? at < after : at > after))
  const page = rest.slice(0, query.limit)
  const more = rest.length > page.length
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data: page.map(({ shown }) => shown),
      has_more: more,
      more_starting_after: more ? page.at(-1)!.id : null,
    },
  }
}

export const segmentQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/segments',
    summary: 'List segments',
    tag: 'Segments',
    roles: READERS,
    query: ListQuery,
    handler: (call) => list(services, call.query, call.now),
  }),
  route({
    method: 'get',
    path: '/v1/segments/{id}',
    summary: 'Get a segment with the progress of its roll-out',
    tag: 'Segments',
    roles: READERS,
    params: ById,
    response: SegmentObject,
    handler: (call): Outcome => {
      const entry = services.rulebook.current().entries('segment').get(call.params.id)
      return entry
        ? { revision: entry.revision, body: showSegment(entry, services) }
        : notFound('segment', call.params.id)
    },
  }),
  route({
    method: 'get',
    path: '/v1/segments/{id}/members',
    summary: 'Members of a segment, since when, longest first',
    tag: 'Segments',
    roles: READERS,
    params: ById,
    query: MembersQuery,
    handler: fresh(services, (call) => members(services, call.params.id, call.query)),
  }),
  route({
    method: 'get',
    path: '/v1/segments/{id}/activities',
    summary: "A segment's own history",
    tag: 'Segments',
    roles: READERS,
    params: ById,
    query: HistoryQuery,
    handler: (call) => history(services, call.params.id, call.query),
  }),
  route({
    method: 'get',
    path: '/v1/customers/{id}/segments',
    summary: 'Segments that a customer is in, and since when',
    tag: 'Segments',
    roles: READERS,
    params: ById,
    handler: fresh(services, (call) => segmentsOf(services, call.params.id)),
  }),
]
