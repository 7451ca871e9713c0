// How soon what is sent can be seen, and how busy the machine is meanwhile.
import { costing } from './costing.ts'
import { quantile, type Row, type Server, steadily } from './harness.ts'

/** Events are sent for so many seconds; so many of them a second are looked at, since looks are work too. */
const SEEN_SECONDS = 20
const LOOKS_A_SECOND = 50

interface SeenOptions {
  /** Events a second. */
  readonly rate?: number
  /** What the delays should be below, ms. */
  readonly p50?: number
  readonly p99?: number
}

/** The median and the 99th percentile of delays, ms. */
export const delayRows = (name: string, delays: readonly number[], { p50, p99 }: SeenOptions = {}): Row[] =>
  [['p50', 0.5, p50] as const, ['p99', 0.99, p99] as const].map(([part, q, below]) => ({
    name: `${name}, ${part}`,
    value: quantile(delays, q),
    unit: 'ms',
    target: below === undefined ? undefined : `< ${below}`,
  }))

/**
 * How soon events can be seen while many are sent: `send` sends one, `look` sends one and gives how long, ms, until it was seen.
 * `name` says from when to when.
 */
export const seen = async (
  server: Server,
  name: string,
  send: (n: number) => Promise<unknown>,
  look: (n: number) => Promise<number>,
  { rate = 500, ...below }: SeenOptions = {},
): Promise<Row[]> => {
  const delays: number[] = []
  const every = Math.ceil(rate / LOOKS_A_SECOND)
  const count = Math.round(rate * SEEN_SECONDS)
  const { result, rows } = await costing(
    server,
    () =>
      steadily(rate, count, async (n) => {
        if (n % every === 0) delays.push(await look(n))
        else await send(n)
      }),
    () => count,
  )
  return [
    {
      name: `events sent and answered while it is looked at (asked: ${Math.round(rate)})`,
      value: result.perSecond,
      unit: 'events/s',
    },
    ...delayRows(name, delays, below),
    ...rows,
  ]
}
