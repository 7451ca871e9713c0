// Jobs on vouchers over a log in memory: a crash at any step, two nodes at once, codes that are taken; and their read models.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asyncActions } from '../../projections/asyncActions.ts'
import type { Projection } from '../../projections/projection.ts'
import { vouchers } from '../../projections/vouchers.ts'
import { type VoucherTotalsDocument, voucherTotals } from '../../projections/voucherTotals.ts'
import type { CodeReserved } from '../../src/domain/codes.ts'
import { idFrom } from '../../src/domain/ids.ts'
import { firstCodes } from '../../src/domain/vouchers/generate.ts'
import { secretCode } from '../../src/domain/vouchers/secret.ts'
import type { Keyed, ModelCollection, ReadModel } from '../../src/readmodel/index.ts'
import { createCodes } from '../../src/runtime/codes.ts'
import { createLedgers } from '../../src/runtime/ledgers.ts'
import { startVoucherJobs, type VoucherJobs } from '../../src/runtime/voucherJobs.ts'
import { T0, world } from '../given.ts'
import { assertLaws, project } from '../projector/laws.ts'
import { type Disk, type Fuse, fuse, newDisk, storeOver } from '../referrals/memory.ts'
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

const live = (disk: Disk, at: Fuse, slice = 5): VoucherJobs => {
  const store = storeOver(disk, at)
  return startVoucherJobs({
    store,
    ledgers: createLedgers(() => w.rulebook, { store, sleep: async () => {}, random: () => 0.5 }),
    readModel: readModelOver(disk),
    codes: createCodes(store),
    rulebook: () => w.rulebook,
    waiting: () => 0,
    log: { warn: () => {} },
    // Later than any record of the job: what an earlier life left behind is nobody's.
    now: () => T0 + 60_000 * disk.log.length,
    slice,
  })
}

const made = (disk: Disk): readonly CodeReserved[] =>
  disk.log.flatMap(({ type, data }) => {
    if (type !== 'CodeReserved') return []
    const reserved = data as CodeReserved
    return reserved.owner.campaign === COUPONS ? [reserved] : []
  })

const isDone = async (jobs: VoucherJobs): Promise<boolean> => (await jobs.load(wish.id))?.progress.status === 'DONE'

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

test('a code that is taken is passed over, and two nodes at one job make none twice', async () => {
  const disk = newDisk()
  const owner = { type: 'voucher', id: 'v_other' }
  const taken = secretCode({ prefix: 'C-' }, 'key', idFrom('v', wish.id, '3'), 0)
  await createCodes(storeOver(disk, never())).make({ code: taken, owner }, context)
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

test.run()
