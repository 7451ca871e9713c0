// Appends over a line to a server that is slow, stalls, dies, and leaves lines half-open, in a process that is starved and whose
// clock jumps: nothing is lost or doubled, only dead lines are replaced, and work goes on soon after the server does.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { seededRandom } from '../../src/engines/eventlog/index.ts'
import { createAppender } from '../../src/eventstore/append.ts'
import { StoreUnavailable } from '../../src/eventstore/errors.ts'
import { openLine } from '../../src/line/line.ts'
import { silentLog } from '../../src/line/log.ts'
import { times } from '../soak.ts'
import { Conflict, createDouble, type DoubleClient } from './double.ts'
import { createVirtual } from './virtual.ts'

/** `SEED=7` is that one alone, `SEED=1001 SEEDS=500` a part of a long run. */
const FIRST = Number(process.env.SEED ?? 1)
const SEEDS = Number(process.env.SEEDS ?? (process.env.SEED !== undefined ? 1 : times(100, 10_000)))
/** How far a long run has come is said after so many. */
const PORTION = 250
const CLIENTS = 8
/** For how long there is trouble, and for how long after it events still come, ms. */
const TROUBLE_MS = 30_000
const CALM_MS = 6_000

const oneOf = <T>(random: () => number, values: readonly T[]): T => values[Math.floor(random() * values.length)]!

/** What the server and the process go through: one kind of trouble after the other, with calm between. */
const TROUBLES = ['stall', 'death', 'halfOpen', 'slow', 'starved', 'clock', 'disorder'] as const

interface Outage {
  /** When the server, or a new line to it, was there again. */
  readonly over: number
  readonly kind: (typeof TROUBLES)[number]
  readonly queued: number
}

const simulate = async (seed: number) => {
  const random = seededRandom(seed)
  const virtual = createVirtual()
  const { time } = virtual
  const server = createDouble(virtual, random)
  server.rate = oneOf(random, [5, 50, 500, 5_000, 20_000])
  let replaced = 0
  const line = openLine<DoubleClient>({
    address: 'here',
    open: server.connect,
    end: server.end,
    oneAtATime: true,
    renews: true,
    lostAfterMs: 3_000,
    ask: server.ask,
    async askWitness(signal) {
      const client = server.connect()
      signal.addEventListener('abort', () => {
        client.ended = true
      })
      await server.ask(client)
    },
    isAnswer: (error) => error instanceof Conflict,
    time,
    onTurn: () => undefined,
    onReplaced() {
      replaced++
      if (!line.current.client.halfOpen) wrong.push(`a working line was replaced after ${virtual.elapsed()} ms`)
    },
  })
  const wrong: string[] = []
  const append = createAppender<DoubleClient>({
    line,
    log: silentLog,
    time,
    async send(client, stream, facts, expected) {
      const ids = facts.map(({ id }) => id)
      const { revision, position } = await server.append(
        client,
        stream,
        ids,
        typeof expected === 'bigint' ? Number(expected) : -1,
      )
      return { revision: BigInt(revision), position: BigInt(position) }
    },
    async find(stream, id) {
      const found = await server.find(stream, id)
      return found && { revision: BigInt(found.revision), position: BigInt(found.position) }
    },
  })

  const outages: Outage[] = []
  const acknowledgedAt: number[] = []
  let starvedMs = 0
  let isOver = false
  const trouble = async () => {
    while (virtual.elapsed() < TROUBLE_MS) {
      await virtual.sleep(random() * 4_000)
      const kind = oneOf(random, TROUBLES)
      const ms = 1_000 + random() ** 3 * 59_000
      const before = server.rate
      if (kind === 'stall') server.stall(ms)
      else if (kind === 'death') server.die(ms)
      else if (kind === 'halfOpen') server.cutHalfOpen()
      else if (kind === 'slow') server.rate = 5
      else if (kind === 'disorder') server.jitterMs = random() * 1_500
      else if (kind === 'clock') virtual.jump((random() - 0.5) * 7_200_000)
      else {
        for (let i = 0; i < 10; i++) {
          const busy = random() * 4_000
          starvedMs += busy
          virtual.busy(1 + random() * 500, busy)
          await virtual.sleep(busy + 500)
        }
      }
      if (kind === 'stall' || kind === 'death' || kind === 'slow' || kind === 'disorder') await virtual.sleep(ms)
      server.rate = before
      server.jitterMs = 0
      outages.push({ kind, over: virtual.elapsed(), queued: server.queued })
      // What comes next begins when this is over: how long the way back takes is to be seen.
      await virtual.sleep(5_000)
    }
    await virtual.sleep(CALM_MS)
    isOver = true
  }

  const client = async (n: number) => {
    const ids: string[] = []
    for (let count = 0; !isOver; count++) {
      const facts = Array.from({ length: 1 + (count % 3) }, (_, i) => ({
        id: `${n}-${count}-${i}`,
        type: 'T',
        data: {},
        metadata: new Uint8Array(),
      }))
      const expected = ids.length === 0 ? 'no_stream' : BigInt(ids.length - 1)
      for (;;) {
        try {
          const deadline = time.wall() + oneOf(random, [1, 500, 10_000, 30_000])
          const result = await append(`s-${n}`, { facts, bytes: 500 }, expected, deadline)
          if (result.kind !== 'appended') wrong.push(`s-${n}: conflict at ${result.actual}, expected ${expected}`)
          break
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error
          await virtual.sleep(50 + random() * 100)
        }
      }
      ids.push(...facts.map(({ id }) => id))
      acknowledgedAt.push(virtual.elapsed())
      await virtual.sleep(5 + random() * 100)
    }
    assert.equal(server.streams.get(`s-${n}`) ?? [], ids, `seed ${seed}: s-${n}`)
  }

  await virtual.run(Promise.all([trouble(), ...Array.from({ length: CLIENTS }, (_, n) => client(n))]), 30 * 60_000)
  assert.equal(wrong, [], `seed ${seed}`)
  acknowledgedAt.sort((a, b) => a - b)
  for (const { over, kind, queued } of outages) {
    const next = acknowledgedAt.find((at) => at >= over) ?? Number.POSITIVE_INFINITY
    // The server's own time for what waits with it comes on top; so does what the process is kept from.
    const own = (1_000 * (queued + CLIENTS + 3)) / server.rate
    assert.ok(
      next - over <= 3_000 + own,
      `seed ${seed}: ${Math.round(next - over)} ms after ${kind} at ${Math.round(over)}, ${server.rate}/s`,
    )
  }
  await virtual.run(Promise.all([line.close(), virtual.sleep(1_000)]), 60_000)
  return { replaced, outages: outages.length, acknowledged: acknowledgedAt.length, starvedMs }
}

test(`under ${SEEDS} seeds of trouble, from ${FIRST} on, nothing is lost or doubled, and only dead lines are replaced`, async () => {
  const sums = { replaced: 0, outages: 0, acknowledged: 0, starvedMs: 0 }
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const one = await simulate(seed)
    for (const key of ['replaced', 'outages', 'acknowledged', 'starvedMs'] as const) sums[key] += one[key]
    const done = seed - FIRST + 1
    if (done % PORTION === 0)
      console.log(`${done} of ${SEEDS} seeds: ${sums.outages} outages, ${sums.replaced} lines replaced`)
  }
  if (SEEDS >= 100) assert.ok(sums.replaced > 0 && sums.outages > SEEDS && sums.starvedMs > 0)
})

test.run()
