// Positions and revisions as text that sorts as they do, for documents and headers.

/** 20 digits hold every unsigned 64-bit number. */
export const sortable = (position: bigint): string => String(position).padStart(20, '0')

/** Places in the log up to here can be said as an instant; a log is then a petabyte long. */
const MOST = 1_000_000_000_000_000n

/**
 * A place in the log (sortable text) as a date-time long before there was one, for answers where the contract has a date-time and
 * several records may have the same: microseconds since 1970 count bytes of the log.
 */
export const asMoment = (position: string): string => {
  const place = BigInt(position) % MOST
  return `${new Date(Number(place / 1_000n)).toISOString().slice(0, -1)}${String(place % 1_000n).padStart(3, '0')}Z`
}

/** The place that a date-time stands for; undefined for one that is a time. */
export const ofMoment = (text: string): string | undefined => {
  const at = Date.parse(text)
  if (Number.isNaN(at) || at < 0 || BigInt(at) * 1_000n >= MOST) return undefined
  const micros = /\.\d{3}(\d{3})/.exec(text)?.[1] ?? '000'
  return sortable(BigInt(at) * 1_000n + BigInt(micros))
}
