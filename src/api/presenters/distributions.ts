// How distributions show.
import * as v from 'valibot'
import { Distribution } from '../../domain/rulebook/distribution.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { isoOf, isoOrNull, offOf } from '../shapes.ts'

export const DistributionObject = v.pipe(
  v.object({
    id: v.string(),
    ...Distribution.entries,
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('distribution'),
  }),
  v.title('Distribution'),
)

export const showDistribution = (entry: Entry<Distribution>) => ({
  id: entry.id,
  ...entry.definition,
  created_at: isoOf(entry.createdAt),
  updated_at: isoOrNull(entry.updatedAt),
  ...offOf(entry),
  object: 'distribution' as const,
})
