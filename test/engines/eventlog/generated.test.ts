// Requests of every method, valid and changed in one place, against the engine's own process: each is answered, nothing ends it,
// its memory stays flat, and streams that are written rightly in between hold exactly what was acknowledged. Prints its seed.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { builtFile } from '../../../src/engines/built.ts'
import { seededRandom } from '../../../src/engines/eventlog/index.ts'
import { framed } from '../../../src/engines/eventlog/wire/framing.ts'
import { bool, bytes, message, string, uint } from '../../../src/engines/eventlog/wire/protobuf.ts'
import { hostEngine } from '../../../src/engines/host.ts'
import { isSoak, times } from '../../soak.ts'
import { collect, event } from './toolkit.ts'

const REQUESTS = isSoak ? Number.POSITIVE_INFINITY : 800
const LIMIT_MS = Number(process.env.MINUTES ?? times(1, 60)) * 60_000
const AT_ONCE = 16
/** A call that has no end of its own, or lost its last part, is given up after so long, ms. */
const PATIENCE_MS = 400
/** How often the engine's memory is looked at, ms. */
const SAMPLE_MS = 30_000

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
const random = seededRandom(seed)
const below = (n: number): number => Math.floor(random() * n)
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!

const test = suite(`event log, generated requests (SEED=${seed})`)
const dir = mkdtempSync(join(tmpdir(), 'tributary-generated-'))
test.after(() => rmSync(dir, { recursive: true, force: true }))

const streamId = (field: number) =>
  message(field, bytes(3, Buffer.from(pick(['a', 'b', '$$a', '$all', '', 'ü', 'x'.repeat(300)]))))
const uuid = (field: number) => message(field, string(2, randomUUID()))
const expected = () => pick([message(3), message(4), message(5), uint(2, below(5)), uint(2, 2n ** 64n - 1n)])
const property = (field: number, name: string, value: string) => message(field, string(1, name), string(2, value))
const proposed = (field: number) =>
  message(
    field,
    uuid(1),
    property(2, 'type', pick(['T', '$metadata', '$>', 'é'])),
    property(2, 'content-type', pick(['application/json', 'application/octet-stream'])),
    bytes(3, Buffer.from('{"$correlationId":"c"}')),
    bytes(4, Buffer.from(pick(['{}', '{"$maxCount":2}', '{"$tb":3,"$maxAge":1}', '1@a', '9@nothing', '\u0000']))),
  )
const expression = () => pick([string(1, pick(['^a', '(', '(?i)B', ''])), string(2, 'a'), Buffer.alloc(0)])
const filter = (field: number) =>
  message(field, message(pick([1, 2]), expression()), uint(3, pick([0, 1, 32, 2 ** 31])), uint(5, pick([0, 1, 7])))
const position = (field: number) => message(field, uint(1, pick([0, 548, 1e6])), uint(2, pick([0, 548, 1e6])))
const fromAll = (field: number) => message(field, pick([position(1), message(2), message(3)]))
const fromStream = (field: number) => message(field, streamId(1), pick([uint(2, below(9)), message(3), message(4)]))
const settings = () =>
  message(
    3,
    uint(2, 0),
    uint(5, below(3)),
    uint(8, 1),
    uint(10, 5),
    uint(11, 2),
    uint(12, 5),
    uint(13, below(4)),
    uint(14, 200),
  )
const group = (field: number) => string(field, pick(['g', 'h', '']))
const either = (stream: number, all: number) => pick([streamId(stream), message(all)])

const STREAMS = '/event_store.client.streams.Streams'
const PERSISTENT = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
/** The messages of one valid call. */
const METHODS: Readonly<Record<string, () => readonly Buffer[]>> = {
  [`${STREAMS}/Read`]: () => [
    message(
      1,
      pick([fromStream(1), fromAll(2)]),
      uint(3, below(2)),
      bool(4, random() < 0.5),
      pick([uint(5, pick([0, 1, 100, 2 ** 40])), message(6)]),
      pick([filter(7), message(8)]),
      message(9, pick([message(1), message(2)])),
    ),
  ],
  [`${STREAMS}/Append`]: () => [
    message(1, streamId(1), expected()),
    ...Array.from({ length: below(4) }, () => proposed(2)),
  ],
  [`${STREAMS}/BatchAppend`]: () =>
    Array.from({ length: 1 + below(3) }, () =>
      Buffer.concat([
        uuid(1),
        message(2, streamId(1), expected()),
        ...Array.from({ length: below(4) }, () => proposed(3)),
        bool(4, random() < 0.8),
      ]),
    ),
  [`${STREAMS}/Delete`]: () => [message(1, streamId(1), expected())],
  [`${STREAMS}/Tombstone`]: () => [message(1, message(1, bytes(3, Buffer.from(`t-${below(50)}`))), expected())],
  [`${PERSISTENT}/Create`]: () => [
    message(
      1,
      pick([fromStream(4), message(5, pick([position(1), message(2), message(3)]), filter(4))]),
      group(2),
      settings(),
    ),
  ],
  [`${PERSISTENT}/Update`]: () => [message(1, either(1, 5), group(2), settings())],
  [`${PERSISTENT}/Delete`]: () => [message(1, either(1, 3), group(2))],
  [`${PERSISTENT}/GetInfo`]: () => [message(1, either(1, 2), group(3))],
  [`${PERSISTENT}/List`]: () => [message(1, pick([message(1), message(2, either(1, 2))]))],
  [`${PERSISTENT}/ReplayParked`]: () => [message(1, group(1), either(2, 3), pick([uint(4, below(5)), message(5)]))],
  [`${PERSISTENT}/Read`]: () => [
    message(1, either(1, 5), group(2), uint(3, pick([0, 1, 10, 2 ** 31]))),
    pick([message(2, uuid(2)), message(3, uuid(2), uint(3, below(6)), string(4, 'why'))]),
  ],
  '/event_store.client.server_features.ServerFeatures/GetSupportedMethods': () => [Buffer.alloc(0)],
  '/event_store.client.gossip.Gossip/Read': () => [Buffer.alloc(0)],
  '/event_store.client.projections.Projections/Create': () => [Buffer.alloc(0)],
}

/** One bit, one byte more or less, a part twice, or cut off. */
const mutated = (bytesOf: Buffer): Buffer => {
  const at = below(bytesOf.length + 1)
  const [before, after] = [bytesOf.subarray(0, at), bytesOf.subarray(at)]
  switch (below(6)) {
    case 0:
      return before
    case 1:
      return Buffer.concat([before, Buffer.from([below(256)]), after])
    case 2:
      return Buffer.concat([before, after.subarray(1)])
    case 3:
      return Buffer.concat([before, after, after])
    case 4: {
      const copy = Buffer.from(bytesOf)
      if (at < copy.length) copy[at] = copy[at]! ^ (1 << below(8))
      return copy
    }
    default:
      return bytesOf
  }
}

/**
 * Connections that requests go by. Node ends one whose client breaks off 1,000 calls and then more than 33 a second, so that each
 * is left for a new one before.
 */
const BROKEN_OFF = 500
interface Connections {
  current(): ClientHttp2Session
  brokeOff(): void
  /** Why a connection has ended without being told to. */
  trouble(): string | undefined
  end(): void
}
const connections = (port: number): Connections => {
  let trouble: string | undefined
  let broken = 0
  const open = (): ClientHttp2Session => {
    const opened = connect(`http://127.0.0.1:${port}`)
    // Of one that was left it is no trouble.
    const told = (why: string) => {
      if (opened === session) trouble ??= why
    }
    opened.on('goaway', (code) => told(`the server sent it away with code ${code}`))
    opened.on('error', (error) => told(error.message))
    return opened
  }
  let session = open()
  return {
    current: () => session,
    brokeOff: () => {
      if (++broken < BROKEN_OFF) return
      broken = 0
      const left = session
      session = open()
      left.close()
    },
    trouble: () => trouble ?? (session.destroyed ? 'it has ended' : undefined),
    end: () => session.destroy(),
  }
}

/** Resolves once the call is over, or was given up. */
const send = (on: Connections): Promise<void> =>
  new Promise((resolve) => {
    const path = pick(Object.keys(METHODS))
    const messages = METHODS[path]!().map((one) => (random() < 0.5 ? mutated(one) : one))
    const frames = messages.map((one) => framed(one))
    const body = random() < 0.1 ? mutated(Buffer.concat(frames)) : Buffer.concat(frames)
    const call = on.current().request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const timer = setTimeout(() => {
      call.close(8)
      on.brokeOff()
    }, PATIENCE_MS)
    call.on('error', () => {})
    call.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
    call.resume()
    if (random() < 0.8) call.end(body)
    else call.write(body)
  })

/** What a process has in memory of its own, without the pages of its data file, MB. */
const ownMb = (pid: number): number =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1_024
const LATE: ReadonlySet<string> = new Set([es.ErrorType.TIMEOUT, es.ErrorType.DEADLINE_EXCEEDED])
const canMeasure = existsSync('/proc/self/status')

/**
 * What the process may have of its own, MB. Within half an hour of full load it comes to about 125: 65 of V8's heap, of which a third
 * is in use, 20 of buffers that are mapped, and blocks that the C library keeps for the next burst. Until 130,000 events were written,
 * their ids (`idCache.ts`) add up to about 25 more: after an hour it was 159. Objects that are left behind, one for each request, are
 * more than this within the hour.
 */
const MOST_MB = 170

test('every request is answered or let go, and what is right in between holds', async () => {
  const options = { dir, access: 'open' }
  const engine = await hostEngine({ name: 'event log', module: builtFile('eventlog-engine.js'), options })
  const pid = engine.pid()!
  const client = es.EventStoreDBClient.connectionString(engine.url)
  const requests = connections(engine.port)
  const started = performance.now()
  let sent = 0
  let acknowledged = 0
  let failed = false
  const seenMb: number[] = []
  const goesOn = () => !failed && sent < REQUESTS && performance.now() - started < LIMIT_MS
  const line = async () => {
    while (goesOn()) {
      assert.is(requests.trouble(), undefined, `the connection after ${sent} requests`)
      sent++
      await send(requests)
    }
  }
  /** On a busy machine the answer may come too late: sent again under its id, an event is there once. */
  const append = async (one: ReturnType<typeof event>): Promise<void> => {
    const expectedRevision = acknowledged === 0 ? es.NO_STREAM : BigInt(acknowledged - 1)
    for (;;) {
      try {
        await client.appendToStream('control', one, { expectedRevision })
        return
      } catch (error) {
        if (!LATE.has((error as { type?: string }).type ?? '')) throw error
      }
    }
  }
  const readBack = async () => {
    const newest = await collect(
      client.readStream('control', { direction: 'backwards', fromRevision: 'end', maxCount: 3 }),
    )
    assert.equal(
      newest.map(({ event }) => Number((event!.data as { n: number }).n)),
      [1, 2, 3].map((n) => acknowledged - n),
    )
  }
  const control = async () => {
    while (goesOn()) {
      await append(event('C', { n: acknowledged }))
      acknowledged++
      if (acknowledged % 50 === 0) await readBack()
      if (performance.now() - started > seenMb.length * SAMPLE_MS && canMeasure) seenMb.push(Math.round(ownMb(pid)))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const orFail = (work: Promise<void>) =>
    work.catch((error) => {
      failed = true
      throw error
    })
  try {
    await Promise.all([control(), ...Array.from({ length: AT_ONCE }, line)].map(orFail))
    assert.is(engine.trouble(), undefined)
    assert.is(engine.pid(), pid)
    const stored = await collect(client.readStream('control'))
    assert.equal(
      stored.map(({ event }) => Number((event!.data as { n: number }).n)),
      Array.from({ length: acknowledged }, (_, n) => n),
    )
    assert.ok(Math.max(0, ...seenMb) < MOST_MB, `memory grew: ${seenMb.join(' ')}`)
  } finally {
    requests.end()
    await client.dispose()
    await engine.stop()
    console.log(
      `${sent} requests, ${acknowledged} right ones between them; memory by ${SAMPLE_MS / 1000} s, MB: ${seenMb.join(' ')}`,
    )
  }
})

test.run()
