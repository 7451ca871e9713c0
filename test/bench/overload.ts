// Overload: batches of customers nobody knows, from many clients at once, and ten times the load that can be carried. What is not
// done must be refused with a time to come back, what is done must stay near the best, and all must be well soon after.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, quantile, type Row, type Server, startServer } from './harness.ts'

const schema = {
  name: 'bought',
  schema: { properties: { amount: { type: 'number' }, product: { type: 'string' }, channel: { type: 'string' } } },
}

let named = 0
/** An event of a customer that was never there before. */
const newcomer = () => {
  const n = named++
  return {
    event: 'bought',
    id: `overload-${n}-${process.pid}`,
    customer: { source_id: `overload-${n}` },
    metadata: { amount: n % 500, product: `product ${n % 97}`, channel: 'web' },
  }
}

interface Told {
  /** 0: no answer at all. */
  readonly status: number
  readonly retryAfter: number | undefined
  readonly ms: number
  /** Events of a batch that were recorded, and that were refused for what they say. */
  readonly recorded: number
  readonly refused: number
  /** Events of a batch that there was no time for. */
  readonly notTried: number
}

const countsOf = (text: string) => {
  const { recorded = 0, data = [] } = JSON.parse(text) as {
    recorded?: number
    data?: { status: string; error?: { key?: string } }[]
  }
  const notTried = data.filter(({ error }) => error?.key === 'not_tried').length
  return { recorded, notTried, refused: data.filter(({ status }) => status === 'refused').length - notTried }
}

const NOTHING = { recorded: 0, refused: 0, notTried: 0 }

/** Posts and gives what came of it, whatever that is. */
const post = (server: Server, agent: Agent, path: string, body: string): Promise<Told> =>
  new Promise((resolve) => {
    const began = performance.now()
    const ms = () => performance.now() - began
    const headers = { ...server.headers, 'Content-Length': Buffer.byteLength(body) }
    const sent = request(server.url + path, { agent, method: 'POST', headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', () => resolve({ status: 0, retryAfter: undefined, ms: ms(), ...NOTHING }))
      answer.on('end', () => {
        const status = answer.statusCode ?? 0
        const after = answer.headers['retry-after']
        const counts = status === 200 && path.endsWith('/batch') ? countsOf(Buffer.concat(chunks).toString()) : NOTHING
        resolve({ status, retryAfter: after === undefined ? undefined : Number(after), ms: ms(), ...counts })
      })
    })
    sent.on('error', () => resolve({ status: 0, retryAfter: undefined, ms: ms(), ...NOTHING }))
    sent.end(body)
  })

/** Processor time that a process has had, s. */
const processorOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
/** Of Linux, a second. */
const TICKS = 100

const bodyOf = (size: number): string => JSON.stringify({ events: Array.from({ length: size }, newcomer) })

/**
 * So many clients that send batch after batch of so many events, and come again when they are told to. Gives all that they were
 * told; how much was done a second, and a second of the server's processors.
 */
const batches = async (server: Server, clients: number, count: number, size: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const told: Told[] = []
  let left = count
  const used = processorOf(server.pid)
  const began = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) {
        const body = bodyOf(size)
        for (;;) {
          const one = await post(server, agent, '/v1/events/batch', body)
          told.push(one)
          if (one.retryAfter === undefined) break
          await sleep(one.retryAfter * 1_000)
        }
      }
    }),
  )
  agent.destroy()
  const done = told.reduce((sum, { recorded, refused }) => sum + recorded + refused, 0)
  return {
    told,
    done,
    perSecond: (done / (performance.now() - began)) * 1_000,
    perProcessor: done / (processorOf(server.pid) - used),
  }
}

const isTold = ({ status, retryAfter }: Told): boolean => status === 503 && retryAfter !== undefined

const crowdOf = async (server: Server, name: string, clients: number, count: number, size: number): Promise<Row[]> => {
  const few = await batches(server, 2, 4, size)
  const many = await batches(server, clients, count, size)
  const answered = many.told.filter(({ status }) => status === 200)
  const later = many.told.filter(isTold)
  const neither = many.told.length - answered.length - later.length
  return [
    { name: `${name}: pace of two clients`, value: few.perSecond, unit: 'events/s' },
    { name: `${name}: ${clients} clients, batches of ${size} answered`, value: answered.length, unit: `of ${count}` },
    { name: `${name}: told when to come again`, value: later.length, unit: 'times' },
    { name: `${name}: neither`, value: neither, unit: 'times', target: '0' },
    { name: `${name}: slowest answer`, value: Math.max(...many.told.map(({ ms }) => ms)) / 1_000, unit: 's' },
    { name: `${name}: done a second / of two clients`, value: many.perSecond / few.perSecond, unit: '' },
    {
      name: `${name}: done a processor second / of two clients`,
      value: many.perProcessor / few.perProcessor,
      unit: '',
      target: '≥ 0.8',
    },
  ]
}

/** Single events, one after the other with pauses, for so long: the time that each takes, ms. */
const usual = async (server: Server, ms: number): Promise<readonly number[]> => {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  for (const end = performance.now() + ms; performance.now() < end; await sleep(10)) {
    const { status, ms } = await post(server, agent, '/v1/events', JSON.stringify(newcomer()))
    times.push(status === 200 ? ms : Number.POSITIVE_INFINITY)
  }
  agent.destroy()
  return times
}

/** Sends batches at a pace, answered or not, for so long, to nobody's good but that of those that are let in. */
const flood = async (server: Server, eventsPerSecond: number, ms: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2_000 })
  const told: Told[] = []
  const running: Promise<void>[] = []
  const used = processorOf(server.pid)
  const began = performance.now()
  for (let n = 0; performance.now() < began + ms; n++) {
    const wait = began + (n * SIZE * 1_000) / eventsPerSecond - performance.now()
    if (wait > 1) await sleep(wait)
    running.push(post(server, agent, '/v1/events/batch', bodyOf(SIZE)).then((one) => void told.push(one)))
  }
  const seconds = (performance.now() - began) / 1_000
  const done = told.reduce((sum, { recorded }) => sum + recorded, 0)
  return {
    told,
    offered: (running.length * SIZE) / seconds,
    perSecond: done / seconds,
    perProcessor: done / (processorOf(server.pid) - used),
    async ended() {
      await Promise.all(running)
      agent.destroy()
    },
  }
}

const SIZE = 200
const FLOOD_MS = 20_000
const TIMES = 10

const tenfold = async (server: Server): Promise<Row[]> => {
  const calm = await usual(server, 3_000)
  const paces = [await batches(server, 2, 40, SIZE), await batches(server, 8, 80, SIZE)]
  const best = Math.max(...paces.map(({ perSecond }) => perSecond))
  const { told, offered, perSecond, perProcessor, ended } = await flood(server, TIMES * best, FLOOD_MS)
  await sleep(2_000)
  const after = await usual(server, 3_000)
  await ended()
  const later = told.filter(isTold)
  const answered = told.filter(({ status }) => status === 200)
  const p50 = (values: readonly number[]) => quantile(values, 0.5)
  return [
    { name: 'the best pace', value: best, unit: 'events/s' },
    { name: 'asked under overload / the best', value: offered / best, unit: '', target: `${TIMES}` },
    { name: 'done under overload / the best', value: perSecond / best, unit: '', target: '≥ 0.8' },
    {
      name: 'done a processor second under overload / the best',
      value: perProcessor / Math.max(...paces.map((pace) => pace.perProcessor)),
      unit: '',
    },
    { name: 'batches under overload: answered', value: answered.length, unit: `of ${told.length}` },
    {
      name: 'batches under overload: neither answered nor told when to come again',
      value: told.length - answered.length - later.length,
      unit: `of ${told.length}`,
      target: '0',
    },
    { name: 'refusal under overload, p50', value: p50(later.map(({ ms }) => ms)), unit: 'ms' },
    { name: 'asked to come again after, p50', value: p50(later.map((one) => one.retryAfter!)), unit: 's' },
    { name: 'single event in the calm, p50', value: p50(calm), unit: 'ms' },
    {
      name: 'single event 2 s after the overload / in the calm, p50',
      value: p50(after) / p50(calm),
      unit: '',
      target: 'about 1',
    },
  ]
}

export async function* benchOverload(): AsyncIterable<readonly Row[]> {
  const server = await startServer()
  try {
    yield await crowdOf(server, 'strangers without a schema', 16, 48, 500)
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    yield await crowdOf(server, 'strangers', 32, 64, 1_000)
    yield await tenfold(server)
  } finally {
    await server.stop()
  }
}
