// Crashes between the two streams of a referral: at every step, and at random ones; in the end rewards equal conversions.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CustomerFact, FactData } from '../../src/domain/customer/facts.ts'
import { customerIdFrom } from '../../src/domain/ids.ts'
import { withOffer } from '../../src/runtime/referralOffer.ts'
import fc from '../fc.ts'
import { T0, track } from '../given.ts'
import { times } from '../soak.ts'
import { until } from '../until.ts'
import { FRIENDS, gift, shop } from './fixtures.ts'
import { Crash, type Disk, type Fuse, fuse, type Life, live, newDisk } from './memory.ts'

const { rulebook } = shop('cust_none', { referee_reward: gift(50) })
const id = (name: string) => customerIdFrom(name, rulebook.project.customerKey)

type Act =
  | { readonly type: 'publish'; readonly who: string }
  | { readonly type: 'sign_up'; readonly who: string; readonly code: string }

const codeOf = (who: string) => `CODE-${who}`

/** One request of a client, as the routes carry it out; safe to be repeated under its key. */
const carryOut = async ({ customers, codes, ledgers }: Life, act: Act, key: string): Promise<void> => {
  const context = { key, requestId: key, actor: { name: 'test', role: 'admin' }, now: T0 }
  const customer = id(act.who)
  if (act.type === 'publish') {
    const [code, voucher] = [codeOf(act.who), `v_${act.who}`]
    await codes.reserve(code, { type: 'referral_code', id: voucher, campaign: FRIENDS, customer }, context)
    await customers.execute(
      customer,
      {
        type: 'PublishVoucher',
        campaign: FRIENDS,
        voucher: { id: voucher, code },
        publication: { id: `pub_${act.who}` },
        joinOnce: true,
        profile: { source_id: act.who },
        mayCreate: true,
      },
      context,
    )
    return
  }
  const event = track('signed_up', {
    occurredAt: T0,
    profile: { source_id: act.who },
    referral: { code: codeOf(act.code) },
  })
  const command = await withOffer({ ledgers, customers, rulebook: { current: () => rulebook } as never }, event)
  await customers.execute(customer, command, context)
}

/** Whether everything in the log has been dealt with, in this life or one before. */
const idle = (disk: Disk, { processes }: Life): boolean => {
  const saved = disk.documents.get('processes')?.get('main') as { position: string } | undefined
  const reached = processes.position() ?? (saved ? BigInt(saved.position) : undefined)
  return reached === disk.log.at(-1)?.position && processes.status().every(({ pending }) => pending === 0)
}

/** Lives until the fuse blows or all is done; answers how many of the acts are done. */
const lifetime = async (disk: Disk, acts: readonly Act[], from: number, at: Fuse): Promise<number> => {
  const life = live(disk, () => rulebook, at)
  let done = from
  try {
    for (; done < acts.length; done++) await carryOut(life, acts[done]!, `act-${done}`)
    await until(() => at.blown || idle(disk, life))
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  } finally {
    await life.processes.stop()
  }
  return done
}

const factsOf = <T extends CustomerFact['type']>(disk: Disk, type: T): readonly FactData<T>[] =>
  disk.log.filter((fact) => fact.type === type).map((fact) => fact.data as FactData<T>)

/** Rewards paid equal conversions recorded, on both sides, each once; and nobody is referred twice. */
const holds = (disk: Disk): number => {
  const converted = disk.log.filter(({ type }) => type === 'ReferralConverted')
  const conversions = converted.map(({ data }) => (data as FactData<'ReferralConverted'>).cause.fact).sort()
  const credited = factsOf(disk, 'ReferralCredited')
  const paid = (role: string) =>
    factsOf(disk, 'ReferralRewarded')
      .filter((data) => data.role === role)
      .map(({ conversion }) => conversion)
      .sort()
  assert.equal(credited.map(({ conversion }) => conversion).sort(), conversions)
  assert.equal(paid('REFERRER'), conversions)
  assert.equal(paid('REFEREE'), conversions)
  assert.is(new Set(converted.map(({ stream }) => stream)).size, converted.length)
  const points = factsOf(disk, 'PointsAdded').reduce((sum, data) => sum + data.points, 0)
  assert.is(points, 100 * conversions.length)
  const events = disk.log.filter(({ type }) => type === 'CustomEventTracked').map(({ metadata }) => metadata.commandKey)
  assert.is(new Set(events).size, events.length, 'no event is recorded twice')
  // Every code that a rule gave has its stream.
  for (const { voucher, by } of factsOf(disk, 'VoucherPublished'))
    if (by === 'rule') assert.ok(disk.log.some(({ stream }) => stream === `code-${voucher.code}`))
  return conversions.length
}

const chain: readonly Act[] = [
  { type: 'publish', who: 'ann' },
  { type: 'sign_up', who: 'bob', code: 'ann' },
  { type: 'publish', who: 'bob' },
  { type: 'sign_up', who: 'cid', code: 'bob' },
  { type: 'sign_up', who: 'cid', code: 'ann' },
]

test('a crash at every step of A refers B refers C leaves each reward paid once', async () => {
  let at = 0
  for (; ; at++) {
    const disk = newDisk()
    const first = fuse(at)
    const done = await lifetime(disk, chain, 0, first)
    await lifetime(disk, chain, done, fuse(Number.POSITIVE_INFINITY))
    assert.is(holds(disk), 2, `after a crash at step ${at}`)
    if (!first.blown) break
  }
  assert.ok(at > 20, `only ${at} steps`)
})

test('a node that dies again and again between the streams still pays each reward once', async () => {
  const disk = newDisk()
  let done = 0
  for (let life = 0; life < 40; life++) done = await lifetime(disk, chain, done, fuse(life % 7))
  await lifetime(disk, chain, done, fuse(Number.POSITIVE_INFINITY))
  assert.is(holds(disk), 2)
})

test('two nodes at once credit each conversion once', async () => {
  const disk = newDisk()
  const lives = [0, 1].map(() => live(disk, () => rulebook, fuse(Number.POSITIVE_INFINITY)))
  try {
    await carryOut(lives[0]!, { type: 'publish', who: 'ann' }, 'p')
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        carryOut(lives[i % 2]!, { type: 'sign_up', who: `r${i % 10}`, code: 'ann' }, `s${i}`),
      ),
    )
    await until(() => lives.every((life) => idle(disk, life)))
  } finally {
    for (const { processes } of lives) await processes.stop()
  }
  assert.is(holds(disk), 10)
})

const people = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']
const person = fc.constantFrom(...people)
const acts = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('publish' as const), who: person }),
    fc.record({ type: fc.constant('sign_up' as const), who: person, code: person }),
  ),
  { minLength: 1, maxLength: 14 },
)

test('rewards paid equal conversions recorded, whatever is asked and whenever the node dies', async () => {
  let conversions = 0
  await fc.assert(
    fc.asyncProperty(acts, fc.array(fc.nat(60), { maxLength: 5 }), async (asked, crashes) => {
      const disk = newDisk()
      let done = 0
      for (const at of crashes) done = await lifetime(disk, asked, done, fuse(at))
      await lifetime(disk, asked, done, fuse(Number.POSITIVE_INFINITY))
      conversions += holds(disk)
    }),
    { numRuns: times(60, 2_000) },
  )
  assert.ok(conversions > 0, 'nothing ever converted')
})

test.run()
