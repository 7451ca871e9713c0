// The size of a segment over time: who entered and left on each of the last days, and how many there were at its end.
import * as v from 'valibot'
import { membersOf, type SegmentDayDocument, segmentDay } from '../projections/segmentDays.ts'
import { ById, isoOf } from '../src/api/shapes.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const DAY_MS = 86_400_000

const DAYS = 30

const number = v.number()

const SegmentStatistics = v.pipe(
  v.object({
    object: v.literal('list'),
    data_ref: v.literal('data'),
    data: v.array(v.object({ from: v.string(), entered: number, left: number, members: number })),
    members: number,
  }),
  v.title('SegmentStatistics'),
)

const statistics = async ({ readModel, rulebook }: Services, id: string, now: number): Promise<Outcome> => {
  const entry = rulebook.current().entries('segment').get(id)
  if (!entry) return notFound('segment', id)
  const today = Math.floor(now / DAY_MS) * DAY_MS
  const first = today - (DAYS - 1) * DAY_MS
  const collection = readModel.collection<SegmentDayDocument>('segmentDays')
  const [all, days] = await Promise.all([
    collection.findOne({ _id: id }),
    collection.find(
      { _id: { $gte: segmentDay(id, first), $lte: segmentDay(id, today) } },
      { sort: { _id: 1 }, limit: DAYS },
    ),
  ])
  const members = entry.definition.customers?.length ?? membersOf(all)
  const byDay = new Map(days.map((one) => [one._id, one]))
  // Backwards from how many there are: each day began with as many as the one before ended with.
  const data = []
  let left = members
  for (let at = today; at >= first; at -= DAY_MS) {
    const day = byDay.get(segmentDay(id, at)) ?? { entered: 0, left: 0 }
    data.push({ from: isoOf(at), entered: day.entered, left: day.left, members: left })
    left = Math.max(0, left - day.entered + day.left)
  }
  return { body: { object: 'list', data_ref: 'data', data: data.reverse(), members } }
}

export const segmentStatisticsQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/segments/{id}/statistics',
    summary: 'The size of a segment on each of the last 30 days, and who entered and left',
    description: 'By days of UTC, as entries were recorded. `members` of a day is how many there were at its end.',
    tag: 'Segments',
    permission: 'definitions.read',
    params: ById,
    response: SegmentStatistics,
    handler: (call) => statistics(services, call.params.id, call.now),
  }),
]
