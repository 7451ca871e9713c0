// Workers that ask each other: each customer has one keeper, and whoever cannot be asked is done without.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/line/log.ts'
import { createPeers, keeperOf, type Peers } from '../../src/node/peers.ts'
import { until } from '../until.ts'

const test = suite('peers')

const dir = mkdtempSync(join(tmpdir(), 'tributary-peers-'))
test.after(() => rmSync(dir, { recursive: true, force: true }))

const socketOf = (number: number) => join(dir, `worker-${number}`)
const worker = (self: number, inStep: () => Promise<unknown> | undefined = () => undefined) =>
  createPeers({ socketOf, self, workers: 2, inStep, log: silentLog })

const customers = Array.from({ length: 1_000 }, (_, n) => `cust_${(n * 7_919).toString(36).padStart(24, '0')}`)
const keptBy = (number: number) => customers.find((customer) => keeperOf(customer, 2) === number)!

const asker = async (peers: Peers, customer: string) => (await until(() => peers.of(customer)))!

test('customers are spread evenly', () => {
  for (const workers of [2, 3, 8]) {
    const counts = Array.from({ length: workers }, () => 0)
    for (const customer of customers) counts[keeperOf(customer, workers) - 1]!++
    for (const count of counts) assert.ok(Math.abs(count * workers - 1_000) < 300, `${counts}`)
  }
})

test('what is asked of another is answered, each by its own answer; what was taken before the end is answered too', async () => {
  const first = await worker(1)
  const held: (() => void)[] = []
  const second = await worker(2)
  second.answer(async (n: number) => {
    if (n === 7) throw new Error('it cannot be done')
    if (n > 100) await new Promise<void>((resolve) => held.push(resolve))
    return { twice: 2 * n }
  })
  assert.is(first.of(keptBy(1)), undefined)
  const ask = await asker(first, keptBy(2))
  assert.equal(await Promise.all([1, 2, 7].map(ask)), [{ answer: { twice: 2 } }, { answer: { twice: 4 } }, 'lost'])
  const late = ask(101)
  await until(() => held.length === 1)
  const closed = second.close()
  held[0]!()
  assert.equal(await late, { answer: { twice: 202 } })
  await closed
  await until(() => first.of(keptBy(2)) === undefined)
  assert.is(await ask(3), 'unable')

  // It is started anew.
  const again = await worker(2)
  again.answer(async () => 'again')
  assert.equal(await (await asker(first, keptBy(2)))(1), { answer: 'again' })
  await first.close()
  await again.close()
})

test('nothing is done before the definitions are there that others have acknowledged', async () => {
  let known: () => void = () => undefined
  const step = new Promise<void>((resolve) => {
    known = resolve
  })
  const first = await worker(1)
  const second = await worker(2, () => step)
  let done = 0
  second.answer(async () => ++done)
  const asked = (await asker(first, keptBy(2)))('a')
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(done, 0)
  known()
  assert.equal(await asked, { answer: 1 })
  await first.close()
  await second.close()
})

test('one that hangs is waited for no longer, and not asked before it is there again', async () => {
  const taken: Socket[] = []
  // It says once that it is there, and then nothing.
  const hanging = createServer((socket) => {
    if (taken.push(socket) === 1) socket.write('[[0]]\n')
  })
  await new Promise<void>((resolve) => hanging.listen(socketOf(2), resolve))
  const first = await createPeers({
    socketOf,
    self: 1,
    workers: 2,
    inStep: () => undefined,
    log: silentLog,
    quietMs: 5,
  })
  const ask = await asker(first, keptBy(2))
  assert.equal(await Promise.all([ask(1), ask(2)]), ['lost', 'lost'])
  // Connected again, but not there.
  await until(() => first.of(keptBy(2)) === undefined && taken.length === 2)
  assert.is(first.of(keptBy(2)), undefined)
  taken[1]!.write('[[0]]\n')
  await asker(first, keptBy(2))
  await first.close()
  for (const socket of taken) socket.destroy()
  hanging.close()
})

test.run()
