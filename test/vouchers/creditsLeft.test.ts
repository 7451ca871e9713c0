// What is left on a customer's gift vouchers while the read model is behind: of which codes the streams are asked.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { creditsLeft } from '../../src/api/presenters/giftBalances.ts'
import { foldCodeStream, noCodeStream } from '../../src/domain/redemption/ledgers.ts'
import { NO_DEFINITIONS } from '../../src/domain/rulebook/decide.ts'
import { compileRulebook } from '../../src/domain/rulebook/rulebook.ts'
import type { Services } from '../../src/services.ts'

const test = suite('credits left')

const NOW = 1_800_000_000_000

/** A gift voucher of so many credits, as its stream has it. */
const gift = (code: string, amount: number) =>
  foldCodeStream(noCodeStream(code), {
    type: 'CodeReserved',
    data: {
      code,
      owner: { type: 'voucher', id: `v_${code}` },
      spec: { type: 'GIFT_VOUCHER', gift: { amount, effect: 'APPLY_TO_ORDER' } },
      occurredAt: NOW,
    },
  })

/** A node whose read model shows no code at all. */
const node = () => {
  const asked: string[] = []
  const services = {
    readModel: { collection: () => ({ find: async () => [] }) },
    rulebook: { current: () => compileRulebook(NO_DEFINITIONS) },
    clock: { now: () => NOW },
    ledgers: {
      codes: {
        load: async (code: string) => {
          asked.push(code)
          return { state: gift(code, 700), revision: 0n, position: 0n }
        },
      },
    },
  } as unknown as Pick<Services, 'readModel' | 'rulebook' | 'ledgers' | 'clock'>
  return { services, asked }
}

const held = (codes: Readonly<Record<string, number>>) => ({
  id: 'cust_a',
  vouchers: Object.fromEntries(
    Object.entries(codes).map(([code, publishedAt]) => [
      `v_${code}`,
      { id: `v_${code}`, code, publication: { id: 'pub_a' }, publishedAt },
    ]),
  ),
})

test('a code that was given just now counts before it shows; one of long ago that does not show was deleted', async () => {
  const { services, asked } = node()
  assert.is(await creditsLeft(services, held({ OLD: NOW - 86_400_000, NEW: NOW - 1_000 })), 700)
  assert.equal(asked, ['NEW'])
})

test('who was given nothing for long costs no look at a stream', async () => {
  const { services, asked } = node()
  assert.is(await creditsLeft(services, held({ ONE: 0, TWO: NOW - 3_600_000 })), 0)
  assert.equal(asked, [])
})

test.run()
