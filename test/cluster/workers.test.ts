// A node with two workers behind one port, as its users start it: what one of them has acknowledged, the other knows at once.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { GeneratedKey, Role } from '../../src/keys.ts'
import { startFault } from '../../src/startFault.ts'
import { end, type Served, START_MS, serve } from '../served.ts'
import { runOnOwnServers } from '../skip.ts'
import { testNode } from '../system/node.ts'
import { tributary } from '../tributary.ts'
import { until } from '../until.ts'

const test = suite('workers')

interface Answer {
  readonly status: number
  readonly body: ReturnType<typeof JSON.parse>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

let dir: string
let node: Served
let keys: readonly GeneratedKey[]
/** Ids of events that were acknowledged. */
const acknowledged = new Set<string>()

/** Requests for a customer that all processes together have counted. */
const counted = async (): Promise<number> => {
  const { body } = await done('GET', '/metrics')
  const lines = /^http_request_duration_seconds_count\{[^}]*route="\/v1\/customers\/\{id\}"[^}]*\} (\d+)/gm
  return [...body.matchAll(lines)].reduce((sum, [, count]) => sum + Number(count), 0)
}

const headersOf = ({ appId, token }: Pick<GeneratedKey, 'appId' | 'token'>) => ({
  'X-App-Id': appId,
  'X-App-Token': token,
})
const role = (name: Role) => headersOf(keys.find((key) => key.role === name)!)

/** Calls about one customer. */
let asked = 0

/** Each call over a connection of its own: whichever worker has its turn answers it. */
const call = (
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = role('admin'),
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    if (path.startsWith('/v1/customers/')) asked++
    const sent = request(
      node.url + path,
      { method, agent: new Agent({ keepAlive: false }), headers: { 'Content-Type': 'application/json', ...headers } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const isJson = String(answer.headers['content-type']).includes('json')
          resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(text) : text, headers: answer.headers })
        })
      },
    )
    sent.on('error', reject)
    // No answer at all is a fault, whatever it is: it must not hang.
    sent.setTimeout(START_MS, () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

const done = async (...args: Parameters<typeof call>): Promise<Answer> => {
  const answer = await call(...args)
  assert.ok(
    answer.status >= 200 && answer.status < 300,
    `${args[0]} ${args[1]}: ${answer.status} ${JSON.stringify(answer.body)}`,
  )
  return answer
}

const times = <T>(count: number, one: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => one(n)))

const eventOf = (customer: string, id: string) => ({
  event: 'visited',
  id,
  customer: { source_id: customer },
  metadata: { page: 'home' },
})

const workersOf = (pid: number): readonly number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('tributary worker'))
    .map((line) => Number.parseInt(line, 10))

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-workers-'))
  node = await serve(dir, '0', { WORKERS: '2', RATE_LIMIT_PER_MINUTE: '1000000' })
  keys = JSON.parse(await readFile(join(dir, 'keys.json'), 'utf8'))
  await done('POST', '/v1/event-schemas', { name: 'visited', schema: { properties: { page: { type: 'string' } } } })
})

test.after(async () => {
  if (node.child.exitCode === null) await end(node, 'SIGTERM')
  await rm(dir, { recursive: true, force: true })
})

test('what was written is read at once, over whatever connection', async () => {
  await times(10, async (n) => {
    const { body } = await done('POST', '/v1/customers', { source_id: `reader-${n}`, metadata: { turn: -1 } })
    for (let turn = 0; turn < 20; turn++) {
      await done('PUT', `/v1/customers/${body.id}`, { metadata: { turn } })
      // One that is too late for the second that a read waits says so: a machine may be that busy.
      const read = await until(
        () => call('GET', `/v1/customers/${body.id}`),
        ({ headers }) => headers.stale === undefined,
        START_MS,
      )
      assert.is(read.status, 200)
      assert.is(read.body.metadata.turn, turn)
    }
  })
})

test('a command on one worker sees what another has recorded of the customer', async () => {
  await times(4, async (n) => {
    for (let turn = 0; turn < 5; turn++) {
      const id = `seen-${n}-${turn}`
      const first = await done('POST', '/v1/events', eventOf(`seen-${n}`, id))
      assert.is(first.headers['idempotent-replayed'], undefined)
      const again = await done('POST', '/v1/events', eventOf(`seen-${n}`, id))
      assert.is(again.headers['idempotent-replayed'], 'true')
      acknowledged.add(id)
    }
  })
})

test('one request under one name that comes to two workers at once is carried out once, and answered alike', async () => {
  await done('POST', '/v1/vouchers', {
    code: 'at-once',
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'AMOUNT', amount_off: 1 },
  })
  await times(4, async (n) => {
    const sent = { redeemables: [{ object: 'voucher', id: 'at-once' }], customer: { source_id: `redeemer-${n}` } }
    const headers = { ...role('admin'), 'Idempotency-Key': `at-once-${n}` }
    const [one, other] = await times(2, () => done('POST', '/v1/redemptions', sent, headers))
    assert.is(one!.body.redemptions[0].id, other!.body.redemptions[0].id)
  })
})

test('what was defined is used at once, and what was taken away is gone at once', async () => {
  await times(4, async (n) => {
    for (let turn = 0; turn < 5; turn++) {
      const name = `defined-${n}-${turn}`
      await done('POST', '/v1/event-schemas', { name, schema: { properties: {} } })
      await done('POST', '/v1/events', { event: name, customer: { source_id: `definer-${n}` } })
    }
  })
  for (let turn = 0; turn < 5; turn++) {
    const { body: key } = await done('POST', '/v1/access/keys', { name: `key ${turn}`, role: 'integrator' })
    const made = headersOf({ appId: key.app_id ?? key.id, token: key.token })
    await done('GET', '/v1/customers?limit=1', undefined, made)
    await done('DELETE', `/v1/access/keys/${key.id}`)
    assert.is((await call('GET', '/v1/customers?limit=1', undefined, made)).status, 401)
  }
})

test('limits, metrics and health are those of the whole', async () => {
  const left = async () => Number((await done('GET', '/v1/customers?limit=1')).headers['x-rate-limit-remaining'])
  let before = await left()
  for (let turn = 0; turn < 6; turn++) {
    const now = await left()
    // A new minute begins anew.
    assert.ok(now === before - 1 || now === 1_000_000 - 1, `${before} and then ${now}`)
    before = now
  }
  assert.is(await counted(), asked)
  const { body: metrics } = await done('GET', '/metrics')
  assert.is([...metrics.matchAll(/^tributary_projector_lag_events /gm)].length, 1)
  const { body: health } = await done('GET', '/health/ready')
  assert.equal(health.checks.workerProcesses, { ok: true, ready: 2, of: 2, restarts: 0 })
  await done('GET', '/health/live')
})

test('what the primary alone knows is answered by it', async () => {
  for (const path of [
    '/v1/segments',
    '/v1/projections',
    '/v1/processes',
    '/v1/clock',
    '/v1/exports',
    '/v1/messages',
    '/v1/statistics',
  ])
    await done('GET', path)
  const { body: segment } = await done('POST', '/v1/segments', {
    name: 'visitors',
    type: 'auto-update',
    filter: { junction: 'and', source_id: { conditions: { $starts_with: ['reader'] } } },
  })
  await done('GET', `/v1/segments/${segment.id}`)
  const { body: campaign } = await done('POST', '/v1/campaigns', {
    name: 'codes',
    campaign_type: 'DISCOUNT_COUPONS',
    vouchers_count: 5,
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } },
  })
  // The job goes on in the primary.
  await until(
    async () => (await done('GET', `/v1/campaigns/${campaign.id}`)).body.vouchers_generation_status === 'DONE',
  )
})

test('what is passed on to the primary need not be asked for in its plainest form', async () => {
  const port = Number(new URL(node.url).port)
  /** The status line of the answer. */
  const askRaw = (head: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => void socket.write(`${head}\r\n\r\n`))
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      socket.on('error', reject).on('end', () => resolve(text.split('\r\n')[0]!))
    })
  // As load balancers do.
  assert.match(await askRaw('GET /health/ready HTTP/1.0'), '200')
  const { 'X-App-Id': id, 'X-App-Token': token } = role('admin')
  const by = `Host: localhost\r\nConnection: close\r\nX-App-Id: ${id}\r\nX-App-Token: ${token}`
  for (const path of ['/v1/x/../processes', '/v1/%2e/processes'])
    assert.match(await askRaw(`GET ${path} HTTP/1.1\r\n${by}`), '200', path)
})

test('a worker that is killed is started anew, and nothing that was acknowledged is lost', async () => {
  const [victim] = workersOf(node.child.pid!)
  assert.type(victim, 'number')
  const before = await counted()
  let isOver = false
  const writing = times(8, async (n) => {
    for (let turn = 0; !isOver; turn++) {
      const id = `killed-${n}-${turn}`
      // Who was connected to the one that died asks again: the id says that it is the same.
      for (;;) {
        const answer = await call('POST', '/v1/events', eventOf(`busy-${n % 3}`, id)).catch(() => undefined)
        if (answer === undefined || answer.status === 503) continue
        assert.is(answer.status, 200, JSON.stringify(answer.body))
        acknowledged.add(id)
        break
      }
    }
  })
  try {
    const first = acknowledged.size
    await until(() => acknowledged.size > first + 20, Boolean, START_MS)
    process.kill(victim!, 'SIGKILL')
    await until(
      async () => {
        const { checks } = (await call('GET', '/health/ready').catch(() => ({ body: {} }) as Answer)).body
        return checks?.workerProcesses.ready === 2 && checks.workerProcesses.restarts === 1
      },
      Boolean,
      START_MS,
    )
    const after = acknowledged.size
    await until(() => acknowledged.size > after + 20, Boolean, START_MS)
  } finally {
    isOver = true
    await writing
  }
  // A count that falls is taken for one that began anew, with all of it new.
  assert.is(await counted(), before)
})

test('a worker that hangs is ended, and another takes its place', async () => {
  const own = await mkdtemp(join(tmpdir(), 'tributary-hangs-'))
  // A worker is silent for too long after twice the time that a request may take.
  const other = await serve(own, '0', { WORKERS: '1', REQUEST_TIME_LIMIT_MS: '2000' })
  try {
    const [victim] = workersOf(other.child.pid!)
    assert.type(victim, 'number')
    process.kill(victim!, 'SIGSTOP')
    await until(
      () => workersOf(other.child.pid!),
      ([now]) => now !== undefined && now !== victim,
      START_MS,
    )
    await until(
      () => fetch(`${other.url}/health/live`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined),
      (answer) => answer?.status === 200,
      START_MS,
    )
  } finally {
    await end(other, 'SIGTERM')
    await rm(own, { recursive: true, force: true })
  }
})

test('a port that is taken, and a number of workers that cannot be, are told in a sentence', async () => {
  // As a worker is told of it by the primary, which has the port.
  const taken = Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE', syscall: 'bind', port: 3000 })
  assert.is(
    startFault(taken, { host: '127.0.0.1', port: 3000, dataDir: dir }),
    'Port 3000 is taken by another program: stop that, or choose another port with PORT (or --port).',
  )
  for (const [given, told] of [
    ['0', /--workers.*'0' is invalid\. It must be auto or a whole number, 1 to 64\./],
    ['many', /--workers.*'many' is invalid\. It must be auto or a whole number, 1 to 64\./],
  ] as const) {
    const { code, err } = await tributary(['serve', '--workers', given])
    assert.is(code, 2)
    assert.match(err, told)
  }
})

test('it ends in order, and its log is lawful and has all that was acknowledged', async () => {
  const { pid } = node.child
  const workers = workersOf(pid!)
  await end(node, 'SIGTERM')
  assert.is(node.child.exitCode, 0)
  for (const worker of workers)
    assert.not.ok(existsSync(`/proc/${worker}`) && readFileSync(`/proc/${worker}/cmdline`, 'utf8').includes('worker'))
  const plain = await testNode({}, dir)
  try {
    const recorded = new Set<string>()
    for await (const { type, metadata } of plain.services.store.readAll())
      if (type === 'CustomEventTracked') recorded.add(String(metadata.commandKey).replace(/^.*?:/, ''))
    assert.equal(
      [...acknowledged].filter((id) => !recorded.has(id)),
      [],
    )
  } finally {
    await plain.end()
  }
})

runOnOwnServers(test)
