// kill -9 of the dispatcher at every step of the protocol: every message arrives at least once, always under its own id.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type EngineUrls, startEngines } from '../../src/engines/start.ts'
import { program } from '../program.ts'
import { isSoak, times } from '../soak.ts'
import { closeAll, eventually, startReceiver } from './receiver.ts'
import { hook, type Shop, shop } from './world.ts'

const MESSAGES = times(60, 10_000)
const DATABASE = `kill_${Date.now().toString(36)}`

let dir: string
let engines: EngineUrls
let node: Shop
const children = new Set<ChildProcess>()
const test = suite('kill -9')

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-kill-'))
  const { EVENTSTORE_URL: eventStoreUrl, MONGODB_URL: mongodbUrl } = process.env
  engines = await startEngines({ dir }, { eventStoreUrl, mongodbUrl })
  node = await shop(urls())
})
test.after.each(closeAll)
test.after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await node?.end()
  await engines?.stop()
  await rm(dir, { recursive: true, force: true })
})

const urls = () => ({
  EVENTSTORE_URL: engines.eventStoreUrl,
  EVENTSTORE_NAMESPACE: DATABASE,
  MONGODB_URL: engines.mongodbUrl,
  MONGODB_DATABASE: DATABASE,
})

/** One that stands by until it is told to begin, so that it takes over at once. */
const dispatcher = (dieAt: string, after: number): ChildProcess => {
  const child = spawn(process.execPath, program(import.meta.dirname, 'dispatcherProcess.ts'), {
    env: { ...process.env, ...urls(), DIE_AT: dieAt, DIE_AFTER: String(after) },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  children.add(child)
  return child
}

const begin = (child: ChildProcess): boolean | undefined => child.stdin?.write('begin\n')

const killed = (child: ChildProcess, ms: number): Promise<void> =>
  new Promise((resolve, reject) => {
    begin(child)
    const timer = setTimeout(() => reject(new Error('the dispatcher did not come to its step')), ms)
    child.on('exit', (_, signal) => {
      clearTimeout(timer)
      children.delete(child)
      if (signal === 'SIGKILL') resolve()
      else reject(new Error('the dispatcher ended by itself'))
    })
  })

/** Messages by state as the statistics have them. */
const counted = async (of: Shop) => {
  const { messages } = (await of.call('GET', '/v1/statistics')).body
  return Object.fromEntries(Object.entries(messages).filter(([, n]) => n !== 0))
}

test('whatever step it dies at, nothing is lost and nothing goes out under a second id', async () => {
  const receiver = await startReceiver()
  const id = await node.distribution(hook(receiver.url))
  const steps = ['claimed', 'sending', 'sent', 'recorded']
  const deaths = isSoak ? [...steps, 'sent', 'claimed'] : steps
  let next = dispatcher(deaths[0]!, 3)
  for (let from = 0; from < MESSAGES; from += 40)
    await Promise.all(Array.from({ length: Math.min(40, MESSAGES - from) }, (_, i) => node.buy(`kill-${from + i}`)))
  for (const i of deaths.keys()) {
    const present = next
    const step = deaths[i + 1]
    next = step === undefined ? dispatcher('never', 0) : dispatcher(step, 3 + 2 * (i + 1))
    await killed(present, 120_000)
  }
  begin(next)
  const outbox = await eventually(
    async () => {
      const found = await node.messages(`distribution_id=${id}`)
      return found.length === MESSAGES && found.every((message) => message.state === 'sent') ? found : undefined
    },
    Math.max(120_000, 20 * MESSAGES),
  )
  assert.equal(await counted(node), { sent: MESSAGES })
  const bodies = new Map<string, string>()
  for (const { id: message, body } of receiver.received) {
    assert.is(bodies.get(message) ?? body, body)
    bodies.set(message, body)
  }
  // A receiver that honours ids has each exactly once.
  assert.equal([...bodies.keys()].sort(), outbox.map((message) => message.id).sort())
  // Sent twice is only what was under way at a death.
  assert.ok(receiver.received.length <= MESSAGES + deaths.length * 8, String(receiver.received.length))
})

test('a read model that is built anew on an empty document store sends nothing', async () => {
  const before = (await node.messages('state=sent')).length
  assert.is(before, MESSAGES)
  for (const child of children) child.kill('SIGKILL')
  const receiver = await startReceiver()
  const id = (await node.call('GET', '/v1/distributions')).body.data[0].id
  await node.call('PUT', `/v1/distributions/${id}`, { channel: { type: 'webhook', url: receiver.url } })
  // The dispatcher is there from the start, while the outbox grows from the first message on.
  const anew = await shop({ ...urls(), MONGODB_DATABASE: `${DATABASE}_anew`, DELIVERY: 'on' }, join(dir, 'anew'))
  try {
    await eventually(
      async () => ((await anew.messages('state=sent').catch(() => [])).length === MESSAGES ? true : undefined),
      Math.max(120_000, 10 * MESSAGES),
    )
    // One that is truly due arrives: the dispatcher works, and had nothing else to send.
    await anew.buy('kill-new')
    await receiver.until((received) => received.length > 0)
    await eventually(async () => ((await anew.messages('state=sent')).length === MESSAGES + 1 ? true : undefined))
    assert.is(receiver.received.length, 1)
    assert.equal(await counted(anew), { sent: MESSAGES + 1 })
  } finally {
    await anew.end()
  }
})

test.run()
