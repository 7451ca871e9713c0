// Reading segments: definitions with the progress of their roll-out, members, history, and the segments of a customer.

import * as v from 'valibot'
import type { CustomerDocument } from '../projections/customers.ts'
import { membersOf, type SegmentDayDocument } from '../projections/segmentDays.ts'
import type { SegmentMemberDocument } from '../projections/segmentMembers.ts'
import { inBackground } from '../src/api/background.ts'
import { listDefinitions, namedListQuery } from '../src/api/lists/definitions.ts'
import { Ids, listBody, moment, orderOf, pageAndTotal, pagedById, pageOf, type Timed } from '../src/api/lists/pager.ts'
import { spanFields, spanOf } from '../src/api/lists/range.ts'
import { documents, inMemory } from '../src/api/lists/sources.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { HistoryEntry } from '../src/api/presenters/parts.ts'
import { SegmentObject, showSegment } from '../src/api/presenters/segments.ts'
import { ById, isoOf } from '../src/api/shapes.ts'
import { NO_CONTEXT } from '../src/domain/conditions/subject.ts'
import { conditionsOf, subjectOf } from '../src/domain/customer/conditions.ts'
import { newCustomer } from '../src/domain/customer/state.ts'
import { isCustomerId, RULEBOOK_STREAM } from '../src/domain/ids.ts'
import { changeOf } from '../src/domain/rulebook/facts.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Segment } from '../src/domain/rulebook/segment.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Background, Services } from '../src/services.ts'

const ListQuery = v.object({
  ...namedListQuery,
  starting_after_id: v.optional(v.string()),
  /** Paging by time: made after (or, newest first, before) this instant. */
  starting_after: v.optional(moment),
  ids: Ids,
})

/** Segments are asked for by the time they were made. */
const TIMED: Timed<Entry<Segment>> = { prefix: 'seg_', at: ({ createdAt }) => createdAt, id: ({ id }) => id }

const list = async (
  services: Services,
  background: Background,
  query: v.InferOutput<typeof ListQuery>,
  now: number,
): Promise<Outcome> => {
  const rulebook = services.rulebook.current()
  const { timeZone } = rulebook.project
  const all = [...rulebook.entries('segment').values()].filter(({ id }) => query.ids?.includes(id) ?? true)
  const listed = await listDefinitions(all, query, { texts: ['name', 'type'] }, { timeZone, now }, TIMED)
  if (isFailure(listed)) return listed
  const { total, timeOf } = listed
  const shown = listed.entries.map((entry) => ({ ...showSegment(entry, background), created_at: timeOf(entry) }))
  return { body: listBody('data', listed, shown, { total, id: ({ id }) => id }) }
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
        .segments.filter((segment) => segment.condition?.evaluate(nobody, NO_CONTEXT, services.clock.now()).holds)
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

const MembersQuery = v.object({ ...pagedById, order: orderOf(['created_at'], 'created_at') })

const members = async (services: Services, id: string, query: v.InferOutput<typeof MembersQuery>): Promise<Outcome> => {
  if (!services.rulebook.current().entries('segment').has(id)) return notFound('segment', id)
  const memberships = services.readModel.collection<SegmentMemberDocument>('segmentMembers')
  const days = services.readModel.collection<SegmentDayDocument>('segmentDays')
  const source = documents(
    memberships,
    { segment: id },
    {
      named: (customer) => ({ _id: `${id}/${customer}` }),
      total: async () => membersOf(await days.findOne({ _id: id })),
    },
  )
  const [page, total] = await pageAndTotal(source, { created_at: ['since', '_id'] }, query)
  if (isFailure(page)) return page
  const customers = await services.readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: page.entries.map((m) => m.customer) } }, { limit: query.limit })
  const byId = new Map(customers.map((c) => [c._id, c]))
  const shown = page.entries.map(({ customer, since }) => ({
    id: customer,
    source_id: byId.get(customer)?.source_id ?? null,
    name: byId.get(customer)?.profile.name ?? null,
    since: isoOf(since.getTime()),
    object: 'segment_member',
  }))
  return { body: listBody('data', page, shown, { total, id: ({ customer }) => customer }) }
}

/** What a change of a segment is called in its history. */
const changeName = (verb: string, before: Segment | undefined, after: Segment | undefined): string => {
  if (verb !== 'Updated' || !before || !after) return `segment.${verb.toLowerCase()}`
  if (before.type !== 'auto-update' && after.type === 'auto-update') return 'segment.activated'
  const formOf = ({ filter, condition }: Segment) => JSON.stringify([filter, condition])
  return formOf(before) === formOf(after) ? 'segment.updated' : 'segment.filters_updated'
}

const HistoryQuery = v.object({
  ...pagedById,
  order: orderOf(['created_at'], '-created_at'),
  starting_after: v.optional(moment),
  ...spanFields,
})

interface Change {
  readonly id: string
  readonly at: number
  readonly shown: object
}

/** What became of a definition, from the rulebook's own stream; a deleted one keeps its history. */
const history = async (
  { store, rulebook }: Services,
  id: string,
  query: v.InferOutput<typeof HistoryQuery>,
): Promise<Outcome> => {
  const entries: Change[] = []
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
  const { from, to } = spanOf(query, rulebook.current().project.timeZone)
  const within = entries.filter(({ at }) => at >= from && at < to)
  const source = inMemory(
    within,
    (one, key) => (key === 'at' ? one.at : one.id),
    ({ id }) => id,
  )
  const page = await pageOf(source, { created_at: ['at', 'id'] }, query, CHANGES)
  if (isFailure(page)) return page
  const shown = page.entries.map((one) => ({ ...one.shown, created_at: page.timeOf(one) }))
  return { body: listBody('data', page, shown, { id: (one) => one.id }) }
}

const CHANGES: Timed<Change> = { prefix: '', at: ({ at }) => at, id: ({ id }) => id }

export const segmentQueries = (services: Services) => [
  ...inBackground(services, (background) => [
    route({
      method: 'get',
      path: '/v1/segments',
      summary: 'List segments',
      tag: 'Segments',
      permission: 'definitions.read',
      query: ListQuery,
      response: listOf('data', SegmentObject),
      handler: (call) => list(services, background, call.query, call.now),
    }),
  ]),
  route({
    method: 'get',
    path: '/v1/segments/{id}/members',
    summary: 'Members of a segment, since when, longest first',
    tag: 'Segments',
    permission: 'customers.read',
    params: ById,
    query: MembersQuery,
    response: listOf('data', answerOf('segment_member', { id: v.string(), since: v.string() })),
    handler: (call) => members(services, call.params.id, call.query),
  }),
  route({
    method: 'get',
    path: '/v1/segments/{id}/activities',
    summary: "A segment's own history",
    tag: 'Segments',
    permission: 'customers.read',
    params: ById,
    query: HistoryQuery,
    response: listOf('data', HistoryEntry),
    handler: (call) => history(services, call.params.id, call.query),
  }),
  route({
    method: 'get',
    path: '/v1/customers/{id}/segments',
    summary: 'Segments that a customer is in, and since when',
    tag: 'Segments',
    permission: 'customers.read',
    params: ById,
    response: listOf('data', answerOf('segment', { id: v.string(), name: v.nullable(v.string()) })),
    handler: (call) => segmentsOf(services, call.params.id),
  }),
]
