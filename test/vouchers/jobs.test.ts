// Jobs on vouchers over a log in memory: a crash at any step, two nodes at once, codes that are taken; and their read models.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AsyncActionDocument, asyncActions } from '../../projections/asyncActions.ts'
import type { Projection } from '../../projections/projection.ts'
import { vouchers } from '../../projections/vouchers.ts'
import { type VoucherTotalsDocument, voucherTotals } from '../../projections/voucherTotals.ts'
import type { CodeReserved } from '../../src/domain/codes.ts'
import { idFrom } from '../../src/domain/ids.ts'
import { firstCodes } from '../../src/domain/vouchers/generate.ts'
import { secretCode } from '../../src/domain/vouchers/secret.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import type { Keyed, ModelCollection, ReadModel } from '../../src/readmodel/index.ts'
import { type Codes, createCodes } from '../../src/runtime/codes.ts'
import { createJobStreams } from '../../src/runtime/jobStreams.ts'
import { createLedgers } from '../../src/runtime/ledgers.ts'
import { startVoucherJobs, type VoucherJobs } from '../../src/runtime/voucherJobs.ts'
import { createSetAside } from '../../src/worker/setAside.ts'
import { T0, world } from '../given.ts'
import { assertLaws, project } from '../projector/laws.ts'
import { type Disk, documentsOver, type Fuse, fuse, newDisk, storeOver } from '../referrals/memory.ts'
import { until } from '../until.ts'

const COUPONS = 'camp_coupons'
const w = world()
w.define('campaign', COUPONS, {
  name: 'coupons',
  campaign_type: 'DISCOUNT_COUPONS',
  vouchers_count: 12,
  voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 }, code_config: { prefix: 'C-' } },
})
const wish = firstCodes(COUPONS, w.rulebook.entries('campaign').get(COUPONS)!.definition)!
const context = { requestId: 'test', actor: { name: 'test', role: 'admin' }, now: T0 }
const never = () => fuse(Number.POSITIVE_INFINITY)

/** The read model is what the projection makes of the log. */
const readModelOver = (disk: Disk): Pick<ReadModel, 'collection'> => ({
  collection: <D extends Keyed>() => {
    const find = async () =>
      Object.values(project(asyncActions as unknown as Projection, [disk.log])).filter(
        (document) => 'open' in document && document.open,
      )
    return { find } as unknown as ModelCollection<D>
  },
})

const ledgersOver = (store: EventStore) =>
  createLedgers(() => w.rulebook, { store, sleep: async () => {}, random: () => 0.5 })

const live = (disk: Disk, at: Fuse, slice = 5, wrap: (codes: Codes) => Codes = (codes) => codes): VoucherJobs => {
  const store = storeOver(disk, at)
  // Later than any record of the job: what an earlier life left behind is nobody's.
  const now = () => T0 + 60_000 * disk.log.length
  const log = { warn: () => {}, error: () => {} }
  const aside = createSetAside({ readModel: documentsOver(disk, never()), log, now })
  const ledgers = ledgersOver(store)
  const jobs = startVoucherJobs({
    store,
    ledgers,
    readModel: readModelOver(disk),
    codes: wrap(createCodes(ledgers)),
    uploads: { put: async () => 0, load: async () => [], drop: async () => {} },
    deals: Promise.resolve({}),
    rulebook: () => w.rulebook,
    waiting: () => 0,
    log,
    now,
    slice,
    aside,
    pauseMs: 1,
  })
  return {
    ...jobs,
    async stop() {
      await jobs.stop()
      await aside.stop()
    },
  }
}

const made = (disk: Disk): readonly CodeReserved[] =>
  disk.log.flatMap(({ type, data }) => {
    if (type !== 'CodeReserved') return []
    const reserved = data as CodeReserved
    return reserved.owner.campaign === COUPONS ? [reserved] : []
  })

const actionsOf = (disk: Disk) =>
  assertLaws(asyncActions as unknown as Projection, disk.log, 20) as Record<string, AsyncActionDocument>

const isDone = async (jobs: VoucherJobs): Promise<boolean> => (await jobs.load(wish.id))?.progress.status === 'DONE'

test('a campaign that asks for no codes, or has none of its own, begins without a job', () => {
  const first = (vouchers_count?: number, campaign_type = 'DISCOUNT_COUPONS') =>
    firstCodes('camp_1', { name: 'c', campaign_type, vouchers_count, metadata: {} } as never)?.count
  assert.equal([first(), first(0), first(1), first(1, 'PROMOTION')], [undefined, undefined, 1, undefined])
})

test('a crash at any step of a generation leaves exactly the codes that were asked for', async () => {
  let at = 0
  for (; ; at++) {
    const disk = newDisk()
    const first = fuse(at)
    const dying = live(disk, first)
    await dying
      .request(wish, [], context)
      .then(() => dying.complete(wish.id))
      .catch(() => undefined)
    await dying.stop()
    const next = live(disk, never())
    await next.request(wish, [], context)
    next.begin(wish.id)
    await until(() => isDone(next)).finally(() => next.stop())
    const codes = made(disk)
    assert.is(codes.length, 12, `after a crash at step ${at}`)
    assert.is(new Set(codes.map(({ code }) => code)).size, 12)
    if (!first.blown) break
  }
  assert.ok(at > 20, `only ${at} steps`)
})

test('a node goes on with what another has left behind', async () => {
  const disk = newDisk()
  const dying = live(disk, fuse(15))
  await dying.request(wish, [], context)
  await dying.complete(wish.id).catch(() => undefined)
  await dying.stop()
  assert.ok(made(disk).length < 12)
  const next = live(disk, never())
  await until(() => isDone(next)).finally(() => next.stop())
  assert.is(made(disk).length, 12)
})

test('what a format on record makes is passed over where it cannot be a code', async () => {
  const disk = newDisk()
  const codes = createCodes(ledgersOver(storeOver(disk, never())))
  const owner = { type: 'voucher', id: 'v_dot' }
  for (const code of ['..', 'Å'.repeat(81)]) assert.equal(await codes.make({ code, owner }, context), { kind: 'taken' })
  assert.equal(disk.log, [])
  assert.is((await codes.make({ code: '...', owner }, context)).kind, 'made')
})

test('a code that is taken is passed over, and two nodes at one job make none twice', async () => {
  const disk = newDisk()
  const owner = { type: 'voucher', id: 'v_other' }
  const taken = secretCode({ prefix: 'C-' }, 'key', idFrom('v', wish.id, '3'), 0)
  await createCodes(ledgersOver(storeOver(disk, never()))).make({ code: taken, owner }, context)
  const nodes = [live(disk, never(), 3), live(disk, never(), 4)]
  await nodes[0]!.request(wish, [], context)
  await Promise.all(nodes.map((node) => node.complete(wish.id)))
  await until(() => isDone(nodes[1]!)).finally(() => Promise.all(nodes.map((node) => node.stop())))
  assert.is(made(disk).length, 12)
  assert.not(made(disk).some(({ code }) => code === taken))
})

test('an import tells of codes that are taken; a job of a deleted campaign fails; both show in the read models', async () => {
  const disk = newDisk()
  const jobs = live(disk, never())
  const items = ['A', 'B', 'A', 'D'].map((code) => ({ code, spec: {}, active: code !== 'D' }))
  await jobs.request({ id: 'aa_1', type: 'CAMPAIGN.VOUCHERS_IMPORT', campaign: COUPONS, count: 4 }, items, context)
  await jobs.request({ ...wish, id: 'aa_2', campaign: 'camp_gone' }, [], context)
  await jobs.complete('aa_1')
  await jobs.complete('aa_2')
  await jobs.request(
    { id: 'aa_3', type: 'VOUCHERS.BULK_UPDATE', count: 2 },
    [
      { code: 'A', spec: { metadata: { x: 1 } } },
      { code: 'NONE', spec: { metadata: { x: 1 } } },
    ],
    context,
  )
  await jobs.complete('aa_3')
  await jobs.stop()
  const [imported, failed, changed] = await Promise.all(['aa_1', 'aa_2', 'aa_3'].map((id) => jobs.load(id)))
  assert.equal(imported?.progress.failures, [{ row: 2, code: 'A', reason: 'duplicate_found' }])
  assert.equal([imported?.progress.done, imported?.progress.status], [3, 'DONE'])
  assert.equal([failed?.progress.status, failed?.progress.reason], ['FAILED', 'the campaign was deleted'])
  assert.equal(changed?.progress.failures, [{ row: 1, code: 'NONE', reason: 'not_found' }])
  const laws = (projection: object) => assertLaws(projection as Projection, disk.log, 20)
  const totals = laws(voucherTotals)[COUPONS] as VoucherTotalsDocument
  assert.equal([totals.codes, totals.open], [3, 0])
  assert.equal(Object.keys(laws(vouchers)), ['A', 'B', 'D'])
  assert.is(Object.keys(laws(asyncActions)).length, 3)
})

test('an item that cannot be done is told of, the others are done, and a retry does what has failed, whatever it is now', async () => {
  const disk = newDisk()
  let isMended = false
  const first = secretCode({ prefix: 'C-' }, 'key', idFrom('v', wish.id, '2'), 0)
  const bad = new Set(['A', first])
  const jobs = live(disk, never(), 5, (codes) => ({
    ...codes,
    make: (wanted, about) =>
      !isMended && bad.has(wanted.code) ? Promise.reject(new Error('no such thing')) : codes.make(wanted, about),
  }))
  // As a log of before the rule may hold them.
  const codes = ['A', 'VÅR20', 'X\u007f', ' B ', 'x'.repeat(400)]
  await jobs.request(
    { id: 'aa_1', type: 'VOUCHERS.IMPORT', count: 5 },
    codes.map((code) => ({ code })),
    context,
  )
  await jobs.request(wish, [], context)
  jobs.begin('aa_1')
  jobs.begin(wish.id)
  await until(() => isDone(jobs))
  const imported = (await jobs.load('aa_1'))?.progress
  assert.equal([imported?.status, imported?.done, imported?.failed], ['DONE', 2, 3])
  assert.equal(
    imported?.failures.map(({ row, reason }) => [row, reason]),
    [
      [0, 'no such thing'],
      [2, 'the code must NOT contain control or invisible characters'],
      [4, 'the code must NOT have more than 300 characters'],
    ],
  )
  assert.is(made(disk).length, 11)
  isMended = true
  for (const id of ['aa_1', wish.id]) assert.is((await jobs.retry(id, context)).kind, 'done')
  const again = await until(
    () => jobs.load('aa_1'),
    (job) => job?.progress.status === 'DONE',
  )
  assert.equal([again?.progress.done, again?.progress.failed], [3, 2])
  await until(() => isDone(jobs))
  assert.is(made(disk).length, 12)
  const refused = await jobs.retry(wish.id, context)
  assert.equal(
    [refused, await jobs.retry('aa_none', context)].map(({ refusal }) => refusal?.key),
    ['conflict', 'not_found'],
  )
  await jobs.stop()
  const { failed, open } = actionsOf(disk).aa_1 ?? {}
  assert.equal([failed, open], [false, false])
})

test('a job that cannot be read is given up once, whatever the log and the nodes have forgotten', async () => {
  const disk = newDisk()
  const jobs = live(disk, never())
  await jobs.request({ id: 'aa_bad', type: 'VOUCHERS.IMPORT', count: 1 }, [{ code: 'BAD' }], context)
  await jobs.stop()
  disk.broken.add('job-aa_bad')
  const givenUp = () => disk.log.filter(({ type }) => type === 'VoucherJobFailed')
  for (const reason of ['the first time', 'the second time']) {
    const store = storeOver(disk, never())
    const streams = createJobStreams({ store, uploads: { load: async () => [] }, now: () => T0 + disk.log.length })
    await streams.giveUp('aa_bad', new Error(reason))
    // A server that was started again knows no ids of appends.
    for (const fact of disk.log) Object.assign(fact, { id: `forgotten ${fact.id}` })
  }
  assert.equal(
    givenUp().map(({ data }) => (data as { reason: string }).reason),
    ['the first time'],
  )
})

test('a wish of many parts that was broken off after some is recorded whole by who repeats it, and once', async () => {
  const items = Array.from({ length: 30 }, (_, n) => ({
    code: `C-${n}`,
    spec: { metadata: { text: 'x'.repeat(50_000) } },
  }))
  const wished = { id: 'aa_long', type: 'VOUCHERS.IMPORT', count: items.length } as const
  for (let at = 1; at < 8; at += 2) {
    const disk = newDisk()
    const dying = live(disk, fuse(at))
    await dying.request(wished, items, context).catch(() => undefined)
    await dying.stop()
    for (const fact of disk.log) Object.assign(fact, { id: `forgotten ${fact.id}` })
    const jobs = live(disk, never())
    await jobs.request(wished, items, context)
    await jobs.request(wished, items, context)
    assert.equal(
      disk.log.map(({ type }) => type),
      [
        'VoucherJobItemsListed',
        'VoucherJobItemsListed',
        'VoucherJobItemsListed',
        'VoucherJobItemsListed',
        'VoucherJobRequested',
      ],
    )
    assert.equal(
      (await jobs.load('aa_long'))?.items.map(({ code }) => code),
      items.map(({ code }) => code),
    )
    await jobs.stop()
  }
})

test('a job that cannot be read fails and says why, and holds up no other; one that is cancelled ends, and can be gone on with', async () => {
  const disk = newDisk()
  const jobs = live(disk, never())
  await jobs.request({ id: 'aa_bad', type: 'VOUCHERS.IMPORT', count: 1 }, [{ code: 'BAD' }], context)
  await jobs.request({ ...wish, campaign: 'camp_gone', id: 'aa_gone' }, [], context)
  await jobs.request({ id: 'aa_off', type: 'VOUCHERS.IMPORT', count: 1 }, [{ code: 'LATER' }], context)
  await jobs.request(wish, [], context)
  const canceled = await jobs.cancel('aa_off', context)
  const { status, canceled: isCanceled } = canceled.state.job!.progress
  assert.equal([canceled.kind, status, isCanceled], ['done', 'FAILED', true])
  disk.broken.add('job-aa_bad')
  for (const id of ['aa_bad', 'aa_gone', 'aa_off', wish.id]) jobs.begin(id)
  await until(() => isDone(jobs))
  await until(() => disk.log.some(({ type, stream }) => type === 'VoucherJobFailed' && stream === 'job-aa_bad'))
  disk.broken.clear()
  const bad = (await jobs.load('aa_bad'))?.progress
  assert.equal([bad?.status, bad?.reason], ['FAILED', 'job-aa_bad@0 (X): broken'])
  const shown = () => actionsOf(disk)
  assert.equal(
    ['aa_bad', 'aa_gone', 'aa_off', wish.id].map((id) => shown()[id]?.failed),
    [true, true, false, false],
  )
  assert.equal(
    [await jobs.cancel('aa_gone', context), await jobs.cancel('aa_gone', context)].map(({ kind }) => kind),
    ['done', 'repeated'],
  )
  assert.is(shown().aa_gone?.failed, false)
  for (const id of ['aa_bad', 'aa_off']) await jobs.retry(id, context)
  await until(async () => (await jobs.load('aa_bad'))?.progress.status === 'DONE')
  await until(async () => (await jobs.load('aa_off'))?.progress.status === 'DONE')
  await jobs.stop()
  const totals = assertLaws(voucherTotals as unknown as Projection, disk.log, 20) as Record<
    string,
    VoucherTotalsDocument
  >
  assert.equal([totals[COUPONS]?.open, totals.camp_gone?.failed], [0, 0])
})

test.run()
