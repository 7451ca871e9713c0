// Which lists may cost much: the store would have to look through many documents for few.

/** What holds a filter to one thing: few documents are of it, whatever else they are asked. */
const ONE: ReadonlySet<string> = new Set(
  '_id voucher voucher.code vouchers.code customer referrer referee card code email source_id tracking_id parent'.split(
    ' ',
  ),
)

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null || value instanceof Date

/** One thing, or documents by their ids: as few as a query can name. */
const namesFew = ([name, value]: readonly [string, unknown]): boolean =>
  isPlain(value)
    ? ONE.has(name) && value !== null
    : name === '_id' && Array.isArray((value as { readonly $in?: unknown }).$in)

/**
 * Whether many documents may be looked through for few that fulfil a filter: unless it names one thing or some ids, or asks for one
 * value, which has an index.
 */
export const isBroad = (filter: Record<string, unknown>): boolean => {
  const parts = Array.isArray(filter.$and) ? (filter.$and as Record<string, unknown>[]) : [filter]
  const asked = parts.flatMap((part) => Object.entries(part))
  const [first] = asked
  if (first === undefined || asked.some(namesFew)) return false
  return asked.length > 1 || first[0].startsWith('$') || !isPlain(first[1])
}
