// Whatever a route is sent, within the bounds of a body, the node goes on answering others: no turn of its event loop takes longer
// than 100 ms of processor time.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { DEFAULT_BODY_LIMIT } from '../../src/http/body.ts'
import type { Route } from '../../src/http/route.ts'
import { shapeOf } from '../../src/http/shape.ts'
import type { Services } from '../../src/services.ts'
import { program } from '../program.ts'
import { createExamples, type Example, type Examples } from '../requests/examples.ts'
import { areGiven, skipFile } from '../skip.ts'
import { others, until } from '../until.ts'

const soak = process.env.SOAK === '1'
const MOST_MS = 100
/** Others take of the processors' caches too, and of the memory's bandwidth, which a turn's own time shows. */
const mostMs = () => MOST_MS * others()
/** A turn counts when it is as long each time: now and then garbage is collected in one. */
const TRIES = soak ? 4 : 3
/** What an import lists at most. */
const MAX_LISTED = 20_000
/** Those that do most with what they are sent; the others in a soak. */
const HEAVY = /^\/v1\/(?:events|events\/batch|redemptions|segments\/preview|vouchers\/import|customers\/importCSV)$/

if (!existsSync('/proc/self/schedstat')) skipFile('this system does not tell the processor time of a thread')
if (areGiven) skipFile('the node is a process of its own')

let dir: string
let child: ChildProcess
let url: string
let examples: Examples
const test = suite('turns of the event loop')

const call = async (method: string, path: string, body?: unknown, type = 'application/json') => {
  const keys = JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')) as {
    role: string
    appId: string
    token: string
  }[]
  const { appId, token } = keys.find(({ role }) => role === (path.startsWith('/client/') ? 'client' : 'admin'))!
  const answer = await fetch(url + path, {
    method,
    headers: {
      'Content-Type': type,
      ...(path.startsWith('/client/')
        ? { 'X-Client-Application-Id': appId, 'X-Client-Token': token, Origin: 'https://shop.test' }
        : path.startsWith('/management/')
          ? { 'X-Management-Id': appId, 'X-Management-Token': token }
          : { 'X-App-Id': appId, 'X-App-Token': token }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
    headers: answer.headers,
  }
}

const longestTurn = async (): Promise<number> => {
  const told = once(child, 'message')
  child.send('ask')
  const [{ longest }] = (await told) as [{ longest: number }]
  return longest
}

test.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tributary-turns-'))
  child = spawn(process.execPath, program(import.meta.dirname, 'turnsProcess.ts'), {
    env: {
      PATH: process.env.PATH ?? '',
      DATA_DIR: dir,
      PORT: '0',
      HOST: '127.0.0.1',
      DELIVERY: 'off',
      CLIENT_REQUESTS_PER_MINUTE: '1000000',
      CLIENT_BYTES_PER_MINUTE: '1000000000',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [ready] = (await once(child, 'message')) as [{ url: string }]
  url = ready.url
  await until(async () => (await call('GET', '/health/ready')).status === 200, Boolean, 60_000)
  const store = { head: async () => (await call('GET', '/v1/processes')).body.position }
  examples = await createExamples({
    call: async (method: string, path: string, body?: unknown) => call(method, path, body),
    services: { store },
  } as never)
})
test.after(async () => {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
})

/** As many copies as a body has room for. */
const filled = (item: unknown, others: number, limit = DEFAULT_BODY_LIMIT): readonly unknown[] => {
  const size = JSON.stringify(item).length + 1
  return Array.from({ length: Math.max(1, Math.floor((limit - others - 10) / size)) }, () => item)
}
/** What an event's metadata may be at most. */
const metadata = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`key${i}`, `value ${i} `.repeat(8)]))
const items = Array.from({ length: 500 }, (_, i) => ({
  product_id: `prod_${i}`,
  quantity: 3,
  price: 100 + i,
  product: { name: `product ${i}`, metadata: { a: i, b: 'x'.repeat(200) } },
}))
/** A condition as deep and as wide as a body can be. */
const wide = {
  junction: 'and',
  ...Object.fromEntries(
    Array.from({ length: 3_000 }, (_, i) => [`metadata.k${i}`, { conditions: { $is: [`v${i}`, 'w'] } }]),
  ),
}

/** A body of a route, in all ways larger that there are: most are refused, which takes as long. */
function* enlarged(route: Route, path: string, body: unknown): Generator<readonly [string, unknown]> {
  const size = JSON.stringify(body ?? {}).length
  if (Array.isArray(body)) {
    const { bodyLimit = DEFAULT_BODY_LIMIT } = route
    yield ['the longest list', filled(body[0], 2, bodyLimit)]
    const most = Array.from({ length: MAX_LISTED }, (_, i) => ({
      ...(body[0] as object),
      code: `CODE-${i}`,
      metadata: { text: 'x'.repeat(Math.max(0, bodyLimit / MAX_LISTED - 250)) },
    }))
    yield ['the longest list that is taken', most]
    return
  }
  const shape = shapeOf(route.body!)
  const known = shape.kind === 'fields' ? [...shape.known.keys()] : []
  const base = (body ?? {}) as Record<string, unknown>
  if (known.includes('metadata')) yield ['metadata', { ...base, metadata }]
  if (known.includes('customer')) {
    const customer = typeof base.customer === 'object' ? base.customer : { source_id: 'ann' }
    yield ['a large profile', { ...base, customer: { ...customer, metadata } }]
  }
  if (known.includes('order')) yield ['a large order', { ...base, order: { amount: 100_000, items, metadata } }]
  if (known.includes('filter')) yield ['a wide filter', { ...base, filter: wide }]
  if (known.includes('customers')) yield ['many customers', { ...base, customers: filled('customer-0000', size) }]
  for (const [name, value] of Object.entries(base))
    if (Array.isArray(value) && value.length > 0) yield [`a long ${name}`, { ...base, [name]: filled(value[0], size) }]
  for (const name of known) {
    if (!soak) break
    yield [`${name}: numbers`, { ...base, [name]: filled(0, size + 20) }]
    yield [`${name}: objects`, { ...base, [name]: filled({ a: 1 }, size + 20) }]
    yield [`${name}: a text`, { ...base, [name]: 'x'.repeat(DEFAULT_BODY_LIMIT - size - 40) }]
    yield [
      `${name}: names`,
      { ...base, [name]: Object.fromEntries(filled(0, size + 600_000).map((_, i) => [`k${i}`, 1])) },
    ]
  }
  if (path.endsWith('/batch'))
    yield [
      'events with much to decide',
      {
        events: Array.from({ length: 500 }, (_, i) => ({
          event: 'bought',
          customer: { source_id: `b${i}`, metadata: { n: i } },
          metadata: { n: i },
        })),
      },
    ]
}

const partOf = (name: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="x"\r\n\r\n${content}\r\n`
const header = (needed: string): string => `${needed},${Array.from({ length: 199 }, (_, i) => `c${i}`).join(',')}\n`
const FORM = 'multipart/form-data; boundary=b'

/** Files as large as may be sent, and what is hard to take apart or has most rows and columns. */
function* uploads(
  { bodyLimit = DEFAULT_BODY_LIMIT }: Route,
  needed: string,
): Generator<readonly [string, string, string]> {
  const fill = (text: string, less = 1_000) => text.repeat(Math.floor((bodyLimit - less) / text.length))
  const rows = (cell: string) => `${Array.from({ length: 200 }, () => cell).join(',')}\n`
  yield ['a form with many rows', FORM, `${partOf('file', `${needed},n\n${'a,1\n'.repeat(20_000)}`)}--b--`]
  yield [
    'a form with wide rows',
    FORM,
    `${partOf('file', header(needed) + fill(rows('v'), 4_000).slice(0, 19_000 * 400))}--b--`,
  ]
  yield ['a file of long rows', 'text/csv', header(needed) + fill(rows('v'.repeat(300)), 64_000)]
  yield ['a file of blank lines', 'text/csv', `${needed},n\n${fill('\n')}`]
  yield ['a file of commas', 'text/csv', `${needed},n\n${fill(',')}`]
  yield ['a file of quotes', 'text/csv', `${needed},n\n${fill('"a\nb"c\n')}`]
  yield ['a form of many parts', FORM, fill(partOf('a', ''))]
  yield ['a form of many headers', FORM, `--b\r\n${fill('X: y\r\n')}`]
  yield ['a form of delimiters that are none', FORM, `${partOf('file', fill('\r\n--'))}--b--`]
  yield ['a form of breaks', FORM, partOf('file', fill('\r'))]
}

/** What a route is sent: its name, its content type, and the body, which becomes JSON unless it is a text. */
function* variantsOf(route: Route, { body }: Example): Generator<readonly [string, string, unknown]> {
  if (route.isUpload) yield* uploads(route, route.path.includes('customers') ? 'source_id' : 'code')
  else for (const [name, value] of enlarged(route, route.path, body)) yield [name, 'application/json', value]
}

/** One of many that are large: the others are not made. */
const nth = <T>(all: Iterable<T>, n: number): T | undefined => {
  let at = 0
  for (const one of all) if (at++ === n) return one
  return undefined
}

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

test(`no body makes a turn longer than ${MOST_MS} ms of processor time`, async () => {
  const routes = [...commandRoutes(services), ...queryRoutes(services)].filter(
    ({ method, body, path }) => method === 'post' && body && (soak || HEAVY.test(path)),
  )
  assert.ok(routes.length >= (soak ? 50 : 5), String(routes.length))
  const slow: string[] = []
  let tried = 0
  for (const [n, route] of routes.entries()) {
    const make =
      examples.of(route.path) ??
      (route.isUpload && !route.path.includes('{') ? async () => ({ path: route.path, body: {} }) : undefined)
    if (!make) continue
    for (let variant = 0; ; variant++) {
      let least = Number.POSITIVE_INFINITY
      let name: string | undefined
      let status = 0
      for (let i = 0; i < TRIES && least > mostMs(); i++) {
        const example = await make(`t${n}x${variant}x${i}`)
        const found = nth(variantsOf(route, example), variant)
        if (!found) break
        const [, type, body] = found
        name = found[0]
        const text = (typeof body === 'string' ? body : JSON.stringify(body)).slice(
          0,
          route.bodyLimit ?? DEFAULT_BODY_LIMIT,
        )
        await longestTurn()
        const answer = await call('POST', example.path, text, type)
        status = answer.status
        assert.ok(status < 500 || status === 503, `${route.path} ${name}: ${JSON.stringify(answer.body)}`)
        // What follows in the background is part of it.
        await new Promise((resolve) => setTimeout(resolve, 50))
        least = Math.min(least, await longestTurn())
      }
      if (name === undefined) break
      tried++
      if (process.env.TURNS) console.error(Math.round(least), status, route.path, name)
      if (least > mostMs()) slow.push(`${Math.round(least)} ms: ${route.path} with ${name} (${status})`)
    }
  }
  assert.ok(tried > 8, String(tried))
  assert.is(slow.join('\n'), '')
})

test.run()
