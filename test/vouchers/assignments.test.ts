// A code that was assigned to a customer: a crash at any step leaves it with the customer or with nobody, never in between.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodeFactData } from '../../src/domain/vouchers/code.ts'
import { voucherProcesses } from '../../src/processes/vouchers.ts'
import { settleAssignment } from '../../src/runtime/assignments.ts'
import { changeCode, loadCode } from '../../src/runtime/codeStreams.ts'
import { T0, world } from '../given.ts'
import { type Disk, type Fuse, fuse, live, newDisk } from '../referrals/memory.ts'

const COUPONS = 'camp_coupons'
const w = world()
w.define('campaign', COUPONS, {
  name: 'coupons',
  campaign_type: 'DISCOUNT_COUPONS',
  voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } },
})
const context = { requestId: 'test', actor: { name: 'test', role: 'admin' }, now: T0 }
const PAT = 'cust_pat'
const never = () => fuse(Number.POSITIVE_INFINITY)
const ownerOf = (code: string) => ({ type: 'voucher', id: `v_${code}`, campaign: COUPONS })

/** What a request does with a code that nobody has. */
const publish = async (disk: Disk, at: Fuse, code: string, publication: string): Promise<void> => {
  const { ledgers, customers, codes, processes } = live(disk, () => w.rulebook, at)
  try {
    await codes.reserve(code, ownerOf(code), context)
    const profile = { source_id: 'pat' }
    await customers.execute(PAT, { type: 'SaveCustomer', profile, mayCreate: true }, context)
    const asked = { customer: PAT, publication: { id: publication }, joinOnce: true }
    const changed = await changeCode(ledgers, code, { type: 'AssignCode', ...asked }, context)
    assert.is(changed.kind, 'done')
    const assigned = { ...asked, code, voucher: `v_${code}`, campaign: COUPONS }
    await settleAssignment({ ledgers, customers, freeCodes: { giveBack: () => {} } }, assigned, context)
  } finally {
    await processes.stop()
  }
}

/** What a process of a later life makes of everything in the log, twice over. */
const recover = async (disk: Disk): Promise<readonly string[]> => {
  const { ledgers, customers, processes } = live(disk, () => w.rulebook, never())
  const jobs = { request: async () => 0n, begin: () => {} }
  const freeCodes = { giveBack: () => {} }
  const [process] = voucherProcesses({ jobs, ledgers, customers, freeCodes, now: () => T0 }).filter(({ types }) =>
    types.includes('CodeAssigned'),
  )
  for (let round = 0; round < 2; round++)
    for (const fact of [...disk.log]) if (fact.type === 'CodeAssigned') await process!.handle(fact)
  const { state } = await customers.load(PAT)
  await processes.stop()
  const held = Object.values(state.vouchers).map(({ code }) => code)
  for (const { type, data } of disk.log) {
    if (type !== 'CodeAssigned') continue
    const { code } = data as CodeFactData<'CodeAssigned'>
    const { owner } = (await loadCode(ledgers, code)).state
    assert.is(owner?.customer, held.includes(code) ? PAT : undefined, `${code} beside ${held}`)
  }
  return held
}

test('a crash at any step: what was assigned ends with the customer, once', async () => {
  let at = 0
  for (; ; at++) {
    const disk = newDisk()
    const first = fuse(at)
    await publish(disk, first, 'A', 'pub_a').catch((error) => assert.ok(first.blown, String(error)))
    const assigned = disk.log.some(({ type }) => type === 'CodeAssigned')
    assert.equal(await recover(disk), assigned ? ['A'] : [], `after a crash at step ${at}`)
    if (!first.blown) break
  }
  assert.ok(at >= 8, `only ${at} steps`)
})

test('a second code for a customer who keeps one is nobody’s again, at whatever step it dies', async () => {
  for (let at = 0; ; at++) {
    const disk = newDisk()
    await publish(disk, never(), 'A', 'pub_a')
    const second = fuse(at)
    await publish(disk, second, 'B', 'pub_b').catch((error) => assert.ok(second.blown, String(error)))
    assert.equal(await recover(disk), ['A'], `after a crash at step ${at}`)
    if (!second.blown) break
  }
})

test.run()
