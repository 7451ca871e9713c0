// What each page of the console costs among few customers and among many: the questions that it puts to the API, noted by a real
// browser on a node that was filled through the public API, and then asked again one by one. What grows is a query without an
// index or a count without a bound. Needs Linux and Chromium.
//   BENCH_CUSTOMERS=200000   the many (default 20,000)
//   BENCH_FEW=2000           the few
//   BENCH_EVENTS=1000000     events among the many (default three a customer), as many a customer among the few
//   BENCH_ASKED=20           how often each question is asked
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { ARGUMENTS, CHROMIUM, NO_CHROMIUM } from '../../src/console/pictures/chromium.js'
import { fillWithDemo } from '../../src/demo/run.ts'
import { call, type Row, type Server, startServer } from './harness.ts'
import { spent } from './threads.ts'

const MANY = Number(process.env.BENCH_CUSTOMERS ?? 20_000)
const FEW = Number(process.env.BENCH_FEW ?? Math.min(2_000, MANY))
const EVENTS = Number(process.env.BENCH_EVENTS ?? 3 * MANY)
const ASKED = Number(process.env.BENCH_ASKED ?? 20)
/** A question that costs so many times as much among the many is named. */
const GROWN = 1.8
/** A page that asks nothing new for so long has asked all, ms. */
const QUIET_MS = 1_500
/** Orders in one request. */
const TOGETHER = 2_000

type Fields = Readonly<Record<string, never>>

/** Sends with an admin's rights, again while the node has more to do than it can do soon. */
const sender =
  (server: Server) =>
  async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Fields> => {
    for (let left = 600; ; left--) {
      try {
        return (await call(server, method, path, server.adminHeaders, body)).body
      } catch (error) {
        if (left === 0 || !/: (?:503|429) /.test(String(error))) throw error
        await sleep(500)
      }
    }
  }
type Send = ReturnType<typeof sender>

const inParts = async (count: number, size: number, part: (from: number, to: number) => Promise<unknown>) => {
  for (let from = 0; from < count; from += size) await part(from, Math.min(count, from + size))
}

/** A shop's year, and what the demonstration has few of: codes, orders and redemptions, in proportion to the customers. */
const fill = async (send: Send, customers: number, events: number): Promise<void> => {
  let told = 0
  await fillWithDemo(send, {
    customers,
    events,
    now: Date.now(),
    onProgress: (done, total, what) => {
      const percent = Math.floor((100 * done) / total)
      if (percent < told + 10) return
      told = percent
      process.stderr.write(`    ${customers} customers: ${what}, ${percent} %\n`)
    },
  })
  const nameOf = (n: number) => `shop-${String((n % customers) + 1).padStart(5, '0')}`
  await inParts(Math.ceil(customers / 4), TOGETHER, (from, to) =>
    send(
      'POST',
      '/v1/orders/import',
      Array.from({ length: to - from }, (_, i) => ({
        source_id: `bench-order-${from + i}`,
        amount: 1_000 + ((from + i) % 900),
        status: (from + i) % 10 === 0 ? 'CREATED' : 'PAID',
        customer: { source_id: nameOf(from + i) },
      })),
    ),
  )
  const discount = { type: 'PERCENT', percent_off: 5 }
  await send('POST', '/v1/campaigns', {
    name: 'Bench',
    vouchers_count: Math.ceil(customers / 2),
    voucher: { type: 'DISCOUNT_VOUCHER', discount, code_config: { pattern: 'BENCH-########' } },
  })
  await send('POST', '/v1/vouchers', { code: 'ALWAYS', type: 'DISCOUNT_VOUCHER', discount })
  await inParts(Math.ceil(customers / 20), 8, (from, to) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) =>
        send('POST', '/v1/redemptions', {
          redeemables: [{ object: 'voucher', id: 'ALWAYS' }],
          order: { amount: 2_000 },
          customer: { source_id: nameOf(from + i) },
        }),
      ),
    ),
  )
}

/** Until all jobs are done and the read models have everything. Messages to a host that is paused may wait for long. */
const settled = async (send: Send): Promise<void> => {
  for (;;) {
    const { async_actions: jobs } = (await send('GET', '/v1/async-actions?limit=100')) as unknown as {
      readonly async_actions: readonly { readonly status: string }[]
    }
    const { read_models } = (await send('GET', '/v1/statistics')) as unknown as {
      readonly read_models: { readonly behind_events: number }
    }
    const isBusy = jobs.some(({ status }) => status !== 'DONE' && status !== 'FAILED')
    if (!isBusy && read_models.behind_events === 0) return
    await sleep(1_000)
  }
}

/** The pages, with what there is most of where they show one thing. */
const pagesOf = async (send: Send): Promise<readonly string[]> => {
  const first = async (path: string, list: string, pick: (one: Record<string, unknown>) => boolean = () => true) => {
    const answer = (await send('GET', path)) as unknown as Readonly<Record<string, readonly Record<string, unknown>[]>>
    return String((answer[list] ?? []).find(pick)?.id ?? '')
  }
  const segment = await first('/v1/segments?limit=10', 'data', ({ name }) => name === 'Regulars')
  const bench = await first('/v1/campaigns?limit=20', 'campaigns', ({ name }) => name === 'Bench')
  const club = await first('/v1/loyalties?limit=10', 'data')
  const referral = await first('/v1/campaigns?campaign_type=REFERRAL_PROGRAM&limit=1', 'campaigns')
  const message = await first('/v1/messages?limit=1', 'data')
  const schema = await first('/v1/event-schemas', 'data', ({ name }) => name === 'order_paid')
  const distribution = await first('/v1/distributions?limit=1', 'data')
  const of = (path: string, id: string, tabs: readonly string[] = ['']) =>
    id === '' ? [] : tabs.map((tab) => `${path}/${id}${tab}`)
  return [
    '/',
    '/?span=month',
    '/customers',
    '/customers?q=shop-00001',
    '/customers?q=Ada%20Bauer',
    ...of('/customers', 'shop-00001', [
      '/activity',
      '/profile',
      '/segments',
      '/cards',
      '/codes',
      '/referrals',
      '/messages',
    ]),
    '/event-schemas',
    ...of('/event-schemas', schema),
    '/metadata-schemas',
    '/refused',
    '/segments',
    ...of('/segments', segment, ['', '/edit']),
    '/orders',
    '/orders?status=CREATED',
    '/imports',
    '/loyalty',
    ...of('/loyalty', club),
    '/rewards',
    '/campaigns',
    ...of('/campaigns', bench),
    '/codes/ALWAYS',
    '/redemptions',
    '/categories',
    '/stacking-rules',
    '/referrals',
    ...of('/referrals', referral),
    '/validation-rules',
    '/distributions',
    ...of('/distributions', distribution),
    '/messages',
    '/messages?state=sent',
    ...of('/messages', message),
    '/webhooks',
    '/exports',
    '/audit',
    '/access',
    '/system',
  ]
}

const signIn = async (page: Page, server: Server): Promise<void> => {
  await page.goto(`${server.url}/console`)
  await page.getByRole('button', { name: 'Use an API key' }).click()
  await page.getByLabel('API key id').fill(server.adminHeaders['X-App-Id'] ?? '')
  await page.getByLabel('Token', { exact: true }).fill(server.adminHeaders['X-App-Token'] ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
}

interface Question {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

/** What each page asks of the API when it is opened. */
const questionsOf = async (server: Server, pages: readonly string[]): Promise<readonly (readonly Question[])[]> => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ARGUMENTS,
  })
  try {
    const context = await browser.newContext()
    context.setDefaultTimeout(120_000)
    const page = await context.newPage()
    await signIn(page, server)
    const all: (readonly Question[])[] = []
    for (const one of pages) {
      const asked = new Map<string, Question>()
      const note = (request: { url(): string; method(): string; postDataJSON(): unknown }): void => {
        const path = request.url().slice(server.url.length)
        const isAsked = path.startsWith('/v1/') || path.startsWith('/health')
        if (!isAsked || path.startsWith('/v1/activity/stream')) return
        const question = { method: request.method(), path, body: request.postDataJSON() ?? undefined }
        asked.set(JSON.stringify(question), question)
      }
      page.on('request', note)
      await page.goto(`${server.url}/console${one === '/' ? '' : one}`)
      await page.locator('main h1').waitFor()
      await page.locator('.loading').first().waitFor({ state: 'detached' })
      // What a row asks of its own comes after the rows.
      for (let before = -1; before !== asked.size; await sleep(QUIET_MS)) before = asked.size
      page.off('request', note)
      all.push([...asked.values()])
    }
    return all
  } finally {
    await browser.close()
  }
}

interface Cost {
  /** Processor time of the node with its engines, µs. */
  readonly us: number
  /** Until the answer is there, ms: of half of them. */
  readonly ms: number
  readonly bytes: number
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const costOf = async (server: Server, { method, path, body }: Question): Promise<Cost> => {
  const ask = async (): Promise<number> => {
    for (;;) {
      const answer = await fetch(server.url + path, {
        method,
        headers: server.adminHeaders,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const { byteLength } = await answer.arrayBuffer()
      // Something that is not there is an answer too; being busy is none.
      if (answer.status !== 503 && answer.status !== 429) return byteLength
      await sleep(200)
    }
  }
  for (let n = 0; n < 3; n++) await ask()
  const times: number[] = []
  let bytes = 0
  const before = spent(server.pid).all
  for (let n = 0; n < ASKED; n++) {
    const began = performance.now()
    bytes = await ask()
    times.push(performance.now() - began)
  }
  return { us: (spent(server.pid).all - before) / ASKED, ms: median(times), bytes }
}

interface PageCost {
  readonly page: string
  readonly questions: readonly (Question & Cost)[]
  readonly all: Cost
}

/** An address without what is of one node alone. */
const general = (path: string): string =>
  path.replace(/\b([a-z]{2,6}_)[A-Za-z0-9_-]{20,}/g, '$1…').replace(/\d{4}-\d\d-\d\dT[\d:.%A-Z]+/g, '…')

const measured = async (customers: number): Promise<readonly PageCost[]> => {
  const server = await startServer({ REQUEST_TIME_LIMIT_MS: '600000' })
  try {
    const send = sender(server)
    await fill(send, customers, Math.round((EVENTS * customers) / MANY))
    await settled(send)
    const pages = await pagesOf(send)
    const asked = await questionsOf(server, pages)
    const known = new Map<string, Cost>()
    const costs: PageCost[] = []
    for (const [index, questions] of asked.entries()) {
      const each: (Question & Cost)[] = []
      for (const question of questions) {
        const key = JSON.stringify(question)
        const cost = known.get(key) ?? (await costOf(server, question))
        known.set(key, cost)
        each.push({ ...question, path: general(question.path), ...cost })
      }
      const sum = (of: keyof Cost) => each.reduce((all, one) => all + one[of], 0)
      costs.push({
        page: general(pages[index]!),
        questions: each,
        all: { us: sum('us'), ms: sum('ms'), bytes: sum('bytes') },
      })
    }
    return costs
  } finally {
    await server.stop()
  }
}

export async function* benchConsole(): AsyncIterable<readonly Row[]> {
  if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM)
  const few = new Map((await measured(FEW)).map((one) => [one.page, one]))
  yield [
    { name: 'customers', value: MANY, unit: `against ${FEW}` },
    { name: 'events', value: EVENTS, unit: `against ${Math.round((EVENTS * FEW) / MANY)}` },
  ]
  for (const { page, questions, all } of await measured(MANY)) {
    const before = few.get(page)
    // What the few have none of has nothing to be compared with.
    if (before === undefined || questions.length === 0) continue
    const grown = questions.flatMap((one): Row[] => {
      const other = before.questions.find(({ path }) => path === one.path)
      const ratio = one.us / Math.max(1, other?.us ?? one.us)
      if (ratio < GROWN) return []
      return [{ name: `  ${one.method} ${one.path}`, value: ratio, unit: `× (${(one.us / 1_000).toFixed(1)} ms)` }]
    })
    yield [
      { name: page, value: all.us / Math.max(1, before.all.us), unit: `×, ${questions.length} questions` },
      { name: '  processor time', value: all.us / 1_000, unit: 'ms' },
      { name: '  answered, one after the other', value: all.ms, unit: 'ms' },
      { name: '  bytes', value: all.bytes / 1_000, unit: 'kB' },
      ...grown,
    ]
  }
}
