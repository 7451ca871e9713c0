// Which filters of lists may look through many documents for few.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isBroad } from '../../src/api/lists/broad.ts'

test('a filter that names one thing or some ids, or asks for one value, is not broad; ranges, patterns and several values are', () => {
  for (const narrow of [
    {},
    { campaign: 'camp_1' },
    { resent_at: null },
    { customer: 'cust_1' },
    { customer: 'cust_1', status: { $ne: 'x' } },
    { _id: { $in: ['cust_1', 'cust_2'] } },
    { $and: [{ 'voucher.code': 'A' }, { created_at: { $gt: new Date(0) } }] },
  ])
    assert.is(isBroad(narrow), false, JSON.stringify(narrow))
  for (const broad of [
    { campaign: 'camp_1', listed: true },
    { channel: { $regex: 'x' } },
    { updated_at: { $gt: new Date(0) } },
    { customer: null, status: 'x' },
    { customer: { $nin: ['cust_1'] } },
    { customer: { $in: [null, ''] } },
    { _id: { $nin: ['cust_1'] } },
    { $or: [{ customer: 'cust_1' }, { status: 'x' }] },
    { $and: [{ status: 'x' }, { updated_at: { $gt: new Date(0) } }] },
  ])
    assert.is(isBroad(broad), true, JSON.stringify(broad))
})

test.run()
