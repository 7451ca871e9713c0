// Every call with each part of its request left out, said twice, of another wire type and beside one that there is not: what
// cannot be done is refused with a reason, nothing ends inside, and nothing is written by it.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEventLog } from '../../../src/engines/eventlog/index.ts'
import { framed } from '../../../src/engines/eventlog/wire/framing.ts'
import { bool, bytes, message, string, uint } from '../../../src/engines/eventlog/wire/protobuf.ts'

const test = suite('options of the event log')
const dir = mkdtempSync(join(tmpdir(), 'tributary-options-'))
const log = await startEventLog({ access: 'open', dir })
const session: ClientHttp2Session = connect(`http://127.0.0.1:${log.port}`)
test.after(async () => {
  session.destroy()
  await log.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** A call that may have nothing more to say is ended after so long, ms: a subscription, or a group that waits. */
const PATIENCE_MS = 300
/** One that is to be answered is waited for, on however busy a machine. */
const ANSWER_MS = 60_000

interface Ended {
  /** Undefined: it was still open. */
  readonly status: number | undefined
  readonly reason: string
}

const call = (path: string, messages: readonly Buffer[], patienceMs = ANSWER_MS): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const asked = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let ended: Ended = { status: undefined, reason: '' }
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] !== undefined)
        ended = {
          status: Number(headers['grpc-status']),
          reason: decodeURIComponent(String(headers['grpc-message'] ?? '')),
        }
    }
    const timer = setTimeout(() => asked.close(8), patienceMs)
    asked.on('response', note)
    asked.on('trailers', note)
    asked.on('error', reject)
    asked.on('close', () => {
      clearTimeout(timer)
      resolve(ended)
    })
    asked.resume()
    asked.end(Buffer.concat(messages.map((one) => framed(one))))
  })

const STREAM = 'options'
const streamId = (field: number, name = STREAM) => message(field, bytes(3, Buffer.from(name)))
const uuid = (field: number) => message(field, string(2, randomUUID()))
const none = (field: number) => message(field)
const property = (field: number, name: string, value: string) => message(field, string(1, name), string(2, value))
const proposed = (field: number) =>
  message(
    field,
    uuid(1),
    property(2, 'type', 'T'),
    property(2, 'content-type', 'application/json'),
    bytes(4, Buffer.from('{}')),
  )
const settings = (field: number) => message(field, uint(5, 1), uint(8, 1), uint(10, 5), uint(11, 2), uint(12, 5))
const fromStart = (field: number, name = STREAM) => message(field, streamId(1, name), none(3))

interface Sample {
  /** What its options are made of, in the order of their fields. */
  readonly parts: readonly Buffer[]
  /** Those without which it cannot be done, by their places. */
  readonly needs: readonly number[]
  /** The messages of a call with these options. */
  readonly send: (options: Buffer) => readonly Buffer[]
  readonly path: string
}
const STREAMS = '/event_store.client.streams.Streams'
const PERSISTENT = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
const alone = (options: Buffer) => [bytes(1, options)]

const SAMPLES: Readonly<Record<string, Sample>> = {
  'a read of a stream': {
    path: `${STREAMS}/Read`,
    parts: [fromStart(1, 'there'), uint(3, 0), bool(4, false), uint(5, 10), none(8), message(9, none(2))],
    needs: [0, 3],
    send: alone,
  },
  'a read of everything': {
    path: `${STREAMS}/Read`,
    parts: [message(2, none(2)), uint(3, 0), bool(4, false), uint(5, 1), none(8), message(9, none(1))],
    needs: [0, 3],
    send: alone,
  },
  'a subscription with a filter': {
    path: `${STREAMS}/Read`,
    parts: [message(2, none(2)), none(6), message(7, message(1, string(2, 'a')), uint(3, 32), uint(5, 1))],
    needs: [0],
    send: alone,
  },
  'an append': {
    path: `${STREAMS}/Append`,
    parts: [streamId(1), none(5)],
    needs: [0],
    send: (options) => [bytes(1, options), proposed(2)],
  },
  'a batched append': {
    path: `${STREAMS}/BatchAppend`,
    parts: [streamId(1), none(5)],
    needs: [],
    send: (options) => [Buffer.concat([uuid(1), bytes(2, options), proposed(3), bool(4, true)])],
  },
  'a delete': { path: `${STREAMS}/Delete`, parts: [streamId(1, 'no'), none(5)], needs: [0], send: alone },
  'a tombstone': { path: `${STREAMS}/Tombstone`, parts: [streamId(1, 'no'), none(3)], needs: [0], send: alone },
  'a new group': {
    path: `${PERSISTENT}/Create`,
    parts: [string(2, 'g'), settings(3), fromStart(4)],
    needs: [0, 1, 2],
    send: alone,
  },
  'a change of a group': {
    path: `${PERSISTENT}/Update`,
    parts: [streamId(1), string(2, 'no'), settings(3)],
    needs: [0, 1, 2],
    send: alone,
  },
  'the end of a group': {
    path: `${PERSISTENT}/Delete`,
    parts: [streamId(1), string(2, 'no')],
    needs: [0, 1],
    send: alone,
  },
  'what a group is': {
    path: `${PERSISTENT}/GetInfo`,
    parts: [streamId(1), string(3, 'no')],
    needs: [0, 1],
    send: alone,
  },
  'all groups': { path: `${PERSISTENT}/List`, parts: [none(1)], needs: [0], send: alone },
  'a replay': {
    path: `${PERSISTENT}/ReplayParked`,
    parts: [string(1, 'no'), streamId(2), none(5)],
    needs: [0, 1],
    send: alone,
  },
  'a consumer': {
    path: `${PERSISTENT}/Read`,
    parts: [streamId(1), string(2, 'no'), uint(3, 10), message(4, none(2))],
    needs: [0, 1],
    send: alone,
  },
}

const OWN_FAULT = /is not a function|Cannot read|undefined|not iterable|Cannot convert|Cannot mix|\[object/

const sound = ({ status, reason }: Ended, what: string) => {
  assert.is.not(status, 13, `${what}: ${reason}`)
  assert.not.match(reason, OWN_FAULT, what)
}

for (const [name, { path, parts, needs, send }] of Object.entries(SAMPLES))
  test(`${name}: without each part, with it twice, of another type, and beside an unknown one`, async () => {
    const ask = (options: readonly Buffer[], patienceMs = PATIENCE_MS) =>
      call(path, send(Buffer.concat(options)), patienceMs)
    const whole = await ask(parts)
    sound(whole, name)
    const tries = parts.flatMap((part, i) => {
      const others = parts.filter((_, n) => n !== i)
      // The field's own number, with another wire type.
      const turned = Buffer.concat([Buffer.from([(part[0]! & 0xf8) | (part[0]! & 7 ? 0 : 2), 1]), Buffer.from([120])])
      return [
        ask(others, needs.includes(i) ? ANSWER_MS : PATIENCE_MS).then((ended) => {
          sound(ended, `${name} without part ${i}`)
          if (needs.includes(i)) assert.ok(ended.status !== undefined && ended.status > 0, `${name} without part ${i}`)
        }),
        ask([...parts, part]).then((ended) => sound(ended, `${name}, part ${i} twice`)),
        ask([...others, turned]).then((ended) => sound(ended, `${name}, part ${i} of another type`)),
        ask([...others, part.subarray(0, -1)]).then((ended) => sound(ended, `${name}, part ${i} cut off`)),
      ]
    })
    await Promise.all(tries)
    // As protobuf has it: what is not known is passed over.
    const beside = await ask([...parts, string(99, 'no such option')])
    assert.is(beside.status === 3, whole.status === 3, `${name} beside an unknown option: ${beside.reason}`)
  })

test('a revision that there cannot be is a wrong one, of this append alone', async () => {
  const append = (name: string, expected: Buffer) =>
    call(`${STREAMS}/Append`, [message(1, streamId(1, name), expected), proposed(2)])
  assert.is((await append('bound', none(3))).status, 0)
  for (const revision of [2n ** 64n - 2n, 2n ** 64n - 1_048_576n, 2n ** 63n, 2n ** 63n - 1n, 2n ** 48n, 2n ** 53n]) {
    const [wrong, right] = await Promise.all([append('bound', uint(2, revision)), append(randomUUID(), none(5))])
    // A wrong version is an answer, not an error, of this call.
    assert.is(wrong.status, 0, `${revision}: ${wrong.reason}`)
    assert.is(right.status, 0, `beside ${revision}: ${right.reason}`)
  }
  const read = (name: string) => {
    const target = message(1, streamId(1, name), none(3))
    return call(`${STREAMS}/Read`, [
      message(1, target, uint(3, 0), bool(4, false), uint(5, 10), none(8), message(9, none(2))),
    ])
  }
  assert.is((await read('bound')).status, 0)
  for (const hidden of ['{"$tb":1e300}', '{"$maxCount":1e300}', '{"$maxAge":1e300}', '{"$tb":281474976710656}']) {
    const metadata = message(
      2,
      uuid(1),
      property(2, 'type', '$metadata'),
      property(2, 'content-type', 'application/json'),
      bytes(4, Buffer.from(hidden)),
    )
    const set = await call(`${STREAMS}/Append`, [message(1, streamId(1, '$$bound'), none(5)), metadata])
    assert.is(set.status, 0, hidden)
    assert.is((await read('bound')).status, 0, hidden)
    assert.is((await append('bound', none(5))).status, 0, hidden)
  }
})

test('calls that are not served say so by name', async () => {
  for (const path of [
    '/event_store.client.projections.Projections/Create',
    '/event_store.client.users.Users/Create',
    '/event_store.client.operations.Operations/StartScavenge',
    '/event_store.client.monitoring.Monitoring/Stats',
    `${STREAMS}/NoSuchCall`,
  ]) {
    const { status, reason } = await call(path, [Buffer.alloc(0)])
    assert.is(status, 12, path)
    assert.match(reason, /not supported by the embedded event log/, path)
  }
})

test.run()
