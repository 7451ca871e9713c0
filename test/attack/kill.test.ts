// Two nodes on one pair of engines, each process killed again and again under load. A ledger outside of them holds what was
// acknowledged: afterwards all of it is there, once, limits were not passed, and the laws of the log hold.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { randomOf } from '../random.ts'
import { times } from '../soak.ts'
import { CLI } from '../tributary.ts'
import { until } from '../until.ts'
import { pick } from './mutate.ts'

const KILLS = times(1, 200)
const SEED = Number(process.env.SEED ?? 20_261_130)
const CLIENTS = 4
/** Redemptions that the one code allows. */
const QUANTITY = 5
/** Acknowledged events between two kills. */
const BETWEEN = 40
/** A process that starts on a machine that has much else to do. */
const START_MS = 180_000

const test = suite('attack: kills')
const dir = mkdtempSync(join(tmpdir(), 'tributary-kills-'))
const children = new Set<ChildProcess>()
test.after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const start = (args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess => {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const urlsOf = async (engines: ChildProcess): Promise<Record<string, string>> => {
  let out = ''
  engines.stdout?.on('data', (chunk) => {
    out += chunk
  })
  await until(() => /MONGODB_URL=.+\n/.test(out), Boolean, START_MS)
  return Object.fromEntries(
    out
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

test(`what was acknowledged outlives ${KILLS} kills, from seed ${SEED}`, async () => {
  const random = randomOf(SEED)
  const servers = await urlsOf(start(['engines', '--data', join(dir, 'engines')], {}))
  const ports = [await freePort(), await freePort()]
  const nodes: ChildProcess[] = []
  const startNode = (place: number) => {
    nodes[place] = start(['serve'], {
      ...servers,
      DATA_DIR: join(dir, 'node'),
      HOST: '127.0.0.1',
      PORT: String(ports[place]),
    })
  }
  const isReady = (place: number) =>
    fetch(`http://127.0.0.1:${ports[place]}/health/ready`).then(
      ({ status }) => status === 200,
      () => false,
    )
  startNode(0)
  await until(() => isReady(0), Boolean, START_MS)
  startNode(1)
  const keys: { role: string; appId: string; token: string }[] = JSON.parse(
    readFileSync(join(dir, 'node', 'keys.json'), 'utf8'),
  )
  const key = keys.find(({ role }) => role === 'admin')!
  const headers = { 'X-App-Id': key.appId, 'X-App-Token': key.token, 'Content-Type': 'application/json' }

  /** Asks one node or the other, again for as long as there is no answer to rely on. */
  const ask = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    for (;;) {
      try {
        const answer = await fetch(`http://127.0.0.1:${pick(random, ports)}${path}`, {
          method,
          headers: { ...headers, ...more },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const text = await answer.text()
        if (answer.status < 500) return { status: answer.status, body: JSON.parse(text) }
      } catch {
        // Killed, or not there yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
  const made = await ask('POST', '/v1/event-schemas', {
    name: 'bought',
    schema: { properties: { n: { type: 'number' } } },
  })
  assert.is(made.status, 200, JSON.stringify(made.body))
  await ask('POST', '/v1/vouchers/FEW', {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 5 },
    redemption: { quantity: QUANTITY },
  })

  const acknowledged: string[] = []
  const redeemed: string[] = []
  let isOver = false
  let sent = 0
  const client = async (): Promise<void> => {
    while (!isOver) {
      const n = ++sent
      const customer = { source_id: `c${n % 17}` }
      if (n % 5 === 0) {
        const body = { redeemables: [{ object: 'voucher', id: 'FEW' }], order: { amount: 100 }, customer }
        const answer = await ask('POST', '/v1/redemptions', body, { 'Idempotency-Key': `redeem-${n}` })
        if (answer.status === 200) redeemed.push(answer.body.redemptions[0].id)
        continue
      }
      const answer = await ask('POST', '/v1/events', { event: 'bought', id: `e${n}`, customer, metadata: { n } })
      assert.is(answer.status, 200, JSON.stringify(answer.body))
      acknowledged.push(`e${n}`)
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client))
  for (let kill = 0; kill < KILLS; kill++) {
    const target = acknowledged.length + BETWEEN
    await Promise.race([clients, until(() => acknowledged.length >= target, Boolean, START_MS)])
    const place = kill % 2
    // The other one is there, so that the load goes on.
    await until(() => isReady(1 - place), Boolean, START_MS)
    const victim = nodes[place]!
    const ended = once(victim, 'exit')
    victim.kill('SIGKILL')
    await ended
    startNode(place)
  }
  isOver = true
  await clients
  await until(async () => (await isReady(0)) && (await isReady(1)), Boolean, START_MS)

  assert.is(redeemed.length, QUANTITY, `${redeemed.length} redemptions were told as made`)
  assert.is(new Set(redeemed).size, QUANTITY)
  const listed = await ask('GET', '/v1/redemptions?voucher=FEW&result=SUCCESS&limit=100', undefined, {
    Prefer: 'wait=10',
  })
  assert.equal(listed.body.redemptions.map(({ id }: { id: string }) => id).sort(), redeemed.sort())
  // Each of them once: another content under its id is refused by what is there, and what is there is counted.
  for (const id of acknowledged.filter((_, i) => i % 7 === 0 || i > acknowledged.length - 20)) {
    const n = Number(id.slice(1))
    const other = await ask('POST', '/v1/events', {
      event: 'bought',
      id,
      customer: { source_id: `c${n % 17}` },
      metadata: { n: -1 },
    })
    assert.is(other.status, 409, `${id} was acknowledged, and is ${other.status}`)
  }
  const count = await until(
    () => ask('GET', '/v1/events/count?event=bought', undefined, { Prefer: 'wait=10' }),
    ({ body }) => body.events >= acknowledged.length,
    START_MS,
  )
  assert.is(count.body.events, acknowledged.length, JSON.stringify(count.body))

  const auditor = keys.find(({ role }) => role === 'auditor')!
  const laws = await fetch(`http://127.0.0.1:${ports[0]}/v1/audit/laws`, {
    headers: { 'X-App-Id': auditor.appId, 'X-App-Token': auditor.token },
  })
  const { end } = JSON.parse((await laws.text()).trim().split('\n').at(-1)!)
  assert.equal(end.violations, [])
  assert.ok(end.holds)
})

test.run()
