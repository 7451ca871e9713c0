// Histories under load: many clients at once on several nodes, with conflicts, lost answers and crashes. However they meet,
// exactly as many redemptions come about as the limit allows, and a rollback makes room for exactly one.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { codeStream } from '../../src/domain/codes.ts'
import type { RedemptionFactData } from '../../src/domain/customer/redemptions/facts.ts'
import { customerIdFrom } from '../../src/domain/ids.ts'
import type { RedemptionAsk } from '../../src/domain/redemption/ask.ts'
import { limitsStream } from '../../src/domain/redemption/ledgers.ts'
import type { Redeemed } from '../../src/runtime/redemptions.ts'
import { T0, type World, world } from '../given.ts'
import { assertLawfulFacts } from '../laws.ts'
import { randomOf } from '../random.ts'
import { times } from '../soak.ts'
import { type ClusterNode, type Faults, type Log, newLog, settleAll, startNode, virtualTime } from './cluster.ts'

const RUNS = times(210, 5_000)
const SEED = Number(process.env.SEED ?? 20_261)
const CAMP = 'camp_sale'
const BUDGET = 'val_budget'

interface Plan {
  readonly name: string
  readonly k: number
  /** Rules of the campaign; none for a bound on the code itself. */
  readonly rule?: { readonly name: string; readonly conditions: Record<string, unknown> }
  readonly quantity: number | null
  /** Which code the client redeems, and who it is. */
  readonly codeOf: (client: number) => readonly string[]
  readonly customerOf: (client: number) => string | undefined
}

const own = (n: number) => `client-${n}`

const plans = (random: () => number): Plan => {
  const k = 1 + Math.floor(random() * 4)
  const atMost = { $less_than_or_equal: k }
  switch (Math.floor(random() * 6)) {
    case 0:
      return { name: 'a code', k, quantity: k, codeOf: () => ['ONE'], customerOf: own }
    case 1:
      return { name: 'a code, without customers', k, quantity: k, codeOf: () => ['ONE'], customerOf: () => undefined }
    case 2:
      return {
        name: 'a campaign over many codes',
        k,
        quantity: null,
        rule: { name: 'campaign.redemptions.count', conditions: atMost },
        codeOf: (n) => [`C${n}`],
        customerOf: own,
      }
    case 3:
      return {
        name: 'a customer',
        k,
        quantity: null,
        rule: { name: 'redemption.count.per_customer', conditions: atMost },
        codeOf: () => ['ONE'],
        customerOf: () => 'client-one',
      }
    case 4:
      return {
        name: 'a customer in a campaign',
        k,
        quantity: null,
        rule: { name: 'campaign.redemptions.customers_count.monthly', conditions: atMost },
        codeOf: (n) => [`C${n}`],
        customerOf: () => 'client-one',
      }
    default:
      // Two codes in one request, in either order: both or none.
      return {
        name: 'two codes at once',
        k,
        quantity: k,
        codeOf: (n) => (n % 2 === 0 ? ['ONE', 'TWO'] : ['TWO', 'ONE']),
        customerOf: own,
      }
  }
}

const shop = ({ quantity, rule }: Plan): World => {
  const w = world({ now: T0 })
  w.define('campaign', CAMP, {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: {
      type: 'DISCOUNT_VOUCHER',
      discount: { type: 'AMOUNT', amount_off: 500 },
      redemption: { quantity },
    },
  })
  if (rule) {
    w.define('validationRule', BUDGET, { name: 'budget', rules: { '1': rule, logic: '1' } })
    w.define('assignment', 'asgm_1', { rule_id: BUDGET, related_object_type: 'campaign', related_object_id: CAMP })
  }
  return w
}

const requestsIn = (log: Log, type: string): string[] => [
  ...new Set(log.facts.filter((f) => f.type === type).map((f) => (f.data as { request: string }).request)),
]

interface History {
  readonly log: Log
  readonly answers: readonly (Redeemed | undefined)[]
  /** The requests that had come about before the rollback. */
  readonly before: readonly string[]
  readonly more: readonly (Redeemed['kind'] | undefined)[]
}

const CLIENTS = 9
/** The first of them are not patient: what they began is left to others. */
const IMPATIENT = 3

/** Lets all clients redeem at once, each until it knows how it went; rolls one back; lets two more come. */
const history = async (plan: Plan, faults: Faults, random: () => number, twins: boolean): Promise<History> => {
  const { rulebook } = shop(plan)
  const time = virtualTime()
  const log = newLog()
  const start = (f = faults) => startNode(log, () => rulebook, time, random, f)
  const none: Faults = { lostAnswer: 0, lost: 0, conflict: 0, death: 0 }
  const calm = start(none)
  let asked = 0
  const context = (name: string) => ({
    requestId: `req-${name}-${++asked}`,
    actor: { name: 'test', role: 'integrator' },
    now: time.now(),
    key: name,
  })
  /** Of twins either has little time: one gives up while the other goes on. */
  const asking = (n: number) => ({
    ...context(`ask-${n}`),
    ...(twins ? { deadline: time.now() + 15 + Math.floor(random() * 150) } : {}),
  })
  const codes = new Set(Array.from({ length: CLIENTS + 3 }, (_, n) => plan.codeOf(n)).flat())
  await time.run(
    (async () => {
      for (const code of codes)
        await calm.codes.reserve(code, { type: 'voucher', id: `v_${code}`, campaign: CAMP }, context(code))
    })(),
  )
  const nodes = [start(), start(), start()]
  const askOf = (n: number): RedemptionAsk => {
    const customer = plan.customerOf(n)
    return {
      name: `ask-${n}`,
      redeemables: plan.codeOf(n).map((code) => ({ code })),
      asked: { channel: 'API', apiKey: 'test' },
      ...(customer === undefined
        ? {}
        : {
            customer: {
              id: customerIdFrom(customer, rulebook.project.customerKey),
              profile: { source_id: customer },
              mayCreate: true,
            },
          }),
    }
  }
  /** Asks again, of any node, until there is an answer; the impatient go away at the first trouble and answer nothing. */
  const client = async (n: number, of: () => ClusterNode): Promise<Redeemed | undefined> => {
    const patient = n >= IMPATIENT
    await time.sleep(random() * 30)
    for (let tries = 0; ; tries++) {
      try {
        const one = of().redemptions.redeem(askOf(n), asking(n))
        if (!twins) return await one
        // Asked a second time, of any node, before the first has an answer; one of them may go away.
        const other = time.sleep(random() * 20).then(() => of().redemptions.redeem(askOf(n), asking(n)))
        const [first, second] = await Promise.allSettled([one, other])
        const came = [first, second].flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
        const answer = came.find(({ kind }) => kind === 'redeemed') ?? came[0]
        if (answer) return answer
        throw (first as PromiseRejectedResult).reason
      } catch (error) {
        if (!patient) return undefined
        if (tries > 60) throw error
      }
      await time.sleep(20 + random() * 60)
    }
  }
  const any = (): ClusterNode => {
    const place = Math.floor(random() * nodes.length)
    if (nodes[place]!.dead) nodes[place] = start()
    return nodes[place]!
  }
  const answers = await time.run(Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n, any))))
  // Whatever is still under way ends; what the dead left is settled.
  await time.run(time.sleep(10_000))
  await time.run(settleAll(log, calm, time))
  const before = requestsIn(log, 'RedemptionSucceeded')
  const more: (Redeemed['kind'] | undefined)[] = []
  const accepted = log.facts.find(({ type }) => type === 'RedemptionSucceeded')
  if (accepted) {
    const { request } = accepted.data as { request: string }
    const redemptions = log.facts
      .filter(({ type, data }) => type === 'RedemptionSucceeded' && (data as { request: string }).request === request)
      .map(({ data }) => (data as { redemption: string }).redemption)
    const undone = await time.run(
      calm.redemptions.rollBack(
        { stream: accepted.stream, redemptions, asked: { channel: 'API', apiKey: 'test' } },
        context('undo'),
      ),
    )
    assert.is(undone.kind, 'rolled_back')
    for (const n of [CLIENTS, CLIENTS + 1]) more.push((await time.run(client(n, () => calm)))?.kind)
    await time.run(calm.redemptions.idle())
  }
  await assertLawfulFacts(log.facts, rulebook)
  return { log, answers, before, more }
}

test(`exactly as many as the limit allows, over ${RUNS} histories from seed ${SEED}`, async () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = SEED + run
    const random = randomOf(seed)
    const plan = plans(random)
    const rough = run % 3
    const faults: Faults =
      rough === 0
        ? { lostAnswer: 0, lost: 0, conflict: 0, death: 0 }
        : { lostAnswer: 0.04, lost: 0.04, conflict: 0.08, death: rough === 1 ? 0 : 0.02 }
    const where = `seed ${seed}: ${plan.name}, at most ${plan.k}`
    const { log, answers, before, more } = await history(plan, faults, random, seed % 2 === 0).catch(
      (error: unknown) => {
        throw new Error(where, { cause: error })
      },
    )
    assert.is(before.length, plan.k, `${where}: ${before.length} came about`)
    for (const answer of answers)
      if (answer?.kind === 'redeemed') assert.ok(before.includes(answer.request), `${where}: told yes of what is not`)
    const succeeded = requestsIn(log, 'RedemptionSucceeded')
    assert.is(succeeded.length, plan.k + 1, `${where}: ${succeeded.length} came about, one of them after a rollback`)
    assert.equal(more, ['redeemed', 'failed'], `${where}: after one rollback`)
    // All or none of a request.
    for (const { data } of log.facts.filter(({ type }) => type === 'RedemptionSucceeded')) {
      const { request, of } = data as RedemptionFactData<'RedemptionSucceeded'>
      const parts = log.facts.filter(
        (f) => f.type === 'RedemptionSucceeded' && (f.data as { request: string }).request === request,
      )
      assert.is(parts.length, of, where)
    }
    // The ledgers say nothing is open.
    const ledgers = [...log.streams.keys()].filter(
      (stream) => stream.startsWith(codeStream('')) || stream.startsWith(limitsStream('')),
    )
    for (const stream of ledgers) {
      const of = (type: string) => log.streams.get(stream)!.filter((f) => f.type === type)
      const ended = new Set(
        [...of('RedemptionConfirmed'), ...of('RedemptionReleased')].map(
          (f) => (f.data as { redemption: string }).redemption,
        ),
      )
      const open = of('RedemptionReserved').filter((f) => !ended.has((f.data as { redemption: string }).redemption))
      assert.equal(open, [], `${where}: ${stream} has open places`)
    }
  }
})

test.run()
