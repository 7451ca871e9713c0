// Redemption: how long a validation and a redemption take at a steady rate, and what contention for one code costs.
import { costing } from './costing.ts'
import { call, type Row, type Server, startServer, steadily } from './harness.ts'
import { delayRows } from './seen.ts'

const RATE = 200
const SECONDS = 10
/** Before it is measured: so long V8 is busy compiling what a server runs all day. */
const WARM_SECONDS = 10
const CODES = 500
const HOT_CLIENTS = 32
const HOT_MS = 8_000

interface Timed {
  readonly ms: number
  readonly ok: boolean
}

const timed = async (server: Server, path: string, body: unknown): Promise<Timed> => {
  const started = performance.now()
  const ok = await call(server, 'POST', path, server.headers, body).then(
    () => true,
    () => false,
  )
  return { ms: performance.now() - started, ok }
}

const order = { amount: 10_000 }
const redeemables = (code: string) => [{ object: 'voucher', id: code }]
const customer = (n: number) => ({ source_id: `bench-${n % 1_000}` })

const prepare = async (server: Server): Promise<void> => {
  const voucher = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
  const made = Array.from({ length: CODES }, (_, n) => `BENCH-${n}`)
  for (let n = 0; n < made.length; n += 50)
    await Promise.all(
      made.slice(n, n + 50).map((code) => call(server, 'POST', `/v1/vouchers/${code}`, server.headers, voucher)),
    )
}

/** Redemptions a second by clients who ask one after the other; fails when one is refused. */
const throughput = async (
  server: Server,
  codeOf: (n: number) => string,
): Promise<{ perSecond: number; worst: number }> => {
  const until = performance.now() + HOT_MS
  let count = 0
  let worst = 0
  await Promise.all(
    Array.from({ length: HOT_CLIENTS }, async (_, client) => {
      for (let n = 0; performance.now() < until; n++) {
        const asked = {
          redeemables: redeemables(codeOf(client * 1_000 + n)),
          order,
          customer: customer(client * 31 + n),
        }
        const { ms, ok } = await timed(server, '/v1/redemptions', asked)
        if (!ok) throw new Error('a redemption within its limit was refused')
        count++
        worst = Math.max(worst, ms)
      }
    }),
  )
  return { perSecond: count / (HOT_MS / 1_000), worst }
}

/** @returns the rows one part after the other. */
export async function* benchRedemption(): AsyncIterable<readonly Row[]> {
  const server = await startServer()
  try {
    await prepare(server)
    for (const [name, path] of [
      ['validation', '/v1/validations'],
      ['redemption', '/v1/redemptions'],
    ] as const) {
      const ask = (seconds: number) =>
        steadily(RATE, RATE * seconds, (n) =>
          timed(server, path, { redeemables: redeemables(`BENCH-${n % CODES}`), order, customer: customer(n) }),
        )
      await ask(WARM_SECONDS)
      const { result, rows } = await costing(
        server,
        () => ask(SECONDS),
        ({ results }) => results.length,
      )
      const answers = result.results
      const bad = answers.filter(({ ok }) => !ok).length
      const ms = answers.map((answer) => answer.ms)
      yield [
        ...delayRows(`${name} at ${RATE}/s`, ms, { p99: 40 }),
        { name: `${name} at ${RATE}/s: not answered with 200`, value: bad, unit: '', target: '0' },
        ...rows,
      ]
    }
    const many = await throughput(server, (n) => `BENCH-${n % CODES}`)
    const one = await throughput(server, () => 'BENCH-0')
    yield [
      { name: 'redemptions over many codes', value: many.perSecond, unit: '/s' },
      { name: 'redemptions of one hot code', value: one.perSecond, unit: '/s' },
      { name: 'one hot code / many codes', value: one.perSecond / many.perSecond, unit: '' },
      { name: 'longest redemption of the hot code', value: one.worst, unit: 'ms', target: '< 2000' },
    ]
  } finally {
    await server.stop()
  }
}
