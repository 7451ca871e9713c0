// The stock of a reward: each is kept for one redemption, taken once, and there again when it was not paid for or came back.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decideStock, evolveStock, NO_STOCK, type StockCommand } from '../../src/domain/loyalty/stock.ts'
import { isRefused } from '../../src/domain/refusal.ts'

const under = (commands: readonly StockCommand[], stock: number | null) => {
  let state = NO_STOCK
  const told = commands.map((command, n) => {
    const decided = decideStock(state, command, stock, 1_000)
    if (isRefused(decided)) return decided.refused.key
    for (const fact of decided) state = evolveStock(state, fact, `fact-${n}`)
    return decided[0]?.type ?? ''
  })
  return { told, state }
}
const reserve = (redemption: string): StockCommand => ({
  type: 'Reserve',
  reservation: { redemption, reward: 'rew_1', assignment: 'rewa_1', customer: 'c', card: { id: 'v', code: 'V' } },
})
const take = (redemption: string): StockCommand => ({ type: 'Take', redemption })
const release = (redemption: string): StockCommand => ({ type: 'Release', redemption, reason: 'no' })
const back = (redemption: string): StockCommand => ({ type: 'Return', redemption })

test('as many are kept and taken as there are, not one more', () => {
  assert.equal(under([reserve('a')], 0).told, ['quantity_exceeded'])
  assert.equal(under([reserve('a'), reserve('b'), reserve('c')], 2).told, [
    'RewardReserved',
    'RewardReserved',
    'quantity_exceeded',
  ])
  const { told, state } = under([reserve('a'), take('a'), reserve('b'), reserve('c'), release('b'), reserve('c')], 2)
  assert.equal(told, [
    'RewardReserved',
    'RewardTaken',
    'RewardReserved',
    'quantity_exceeded',
    'RewardReleased',
    'RewardReserved',
  ])
  assert.equal([[...state.taken], [...state.reserved]], [[['a', 'fact-0']], [['c', 'fact-5']]])
  assert.equal(under([reserve('a'), take('a'), back('a'), reserve('b')], 1).told.at(-1), 'RewardReserved')
  assert.equal(under(['a', 'b', 'c'].map(reserve), null).told, ['RewardReserved', 'RewardReserved', 'RewardReserved'])
})

test('what holds already is nothing, whatever the stock', () => {
  const { told } = under(
    [
      reserve('a'),
      reserve('a'),
      take('a'),
      take('a'),
      reserve('a'),
      release('a'),
      back('a'),
      back('a'),
      take('b'),
      back('b'),
    ],
    1,
  )
  assert.equal(told, ['RewardReserved', '', 'RewardTaken', '', '', '', 'RewardReturned', '', '', ''])
})

test.run()
