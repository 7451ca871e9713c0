// An attacker with any key: requests over every route, valid ones changed in one place and plain noise. None of them ends in an
// error of the server's own, takes the node down, stops a read model or breaks a law of the log.

import { availableParallelism, loadavg } from 'node:os'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { LINES } from '../../src/audit/longRuns.ts'
import type { Route } from '../../src/http/route.ts'
import type { Role } from '../../src/keys.ts'
import { randomOf } from '../random.ts'
import { createExamples, type Examples } from '../requests/examples.ts'
import { isSoak, times } from '../soak.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'
import { mutate, pick, word } from './mutate.ts'

const INPUTS = Number(process.env.INPUTS ?? times(300, 100_000))
const SEED = Number(process.env.SEED ?? 20_261_129)
const CLIENTS = 8
/** Requests after which memory is looked at for the first time: caches have filled by then. */
const WARM = Math.floor(INPUTS / 4)

const ROLES: readonly Role[] = ['admin', 'integrator', 'reader', 'auditor', 'client']

/** Answers that are streamed, over the whole log or without end: those of lines are asked for at the end, one after the other. */
const isStreamed = ({ contentType }: Route): boolean => contentType === LINES || contentType === 'text/event-stream'
/** Builds a read model anew: many of them at once are a matter of their own. */
const REBUILDS = /^\/v1\/projections\/.*rebuild/
/** No request takes longer, ms, of time in which the node and its engines could have processors. */
const LONGEST_MS = 5_000
/** The node with this test, and its two engines: what they keep busy themselves when nothing else runs. */
const OWN_LOAD = 3
/** By how much others on this machine slow a request down. */
const slowedBy = (): number => Math.max(1, (loadavg()[0]! - OWN_LOAD) / availableParallelism() + 1)

let node: TestNode
let examples: Examples
let endpoints: readonly { readonly route: Route; readonly path: string }[]
/** Ids, codes and names that answers gave. */
const known: string[] = []
const test = suite('attack: requests')

test.before(async () => {
  node = await testNode({
    LOG_LEVEL: 'silent',
    CLIENT_REQUESTS_PER_MINUTE: '1000000',
    CLIENT_BYTES_PER_MINUTE: '1000000000',
  })
  examples = await createExamples(node)
  endpoints = [...commandRoutes(node.services), ...queryRoutes(node.services)]
    .flatMap((route) => [route.path, ...(route.also ?? [])].map((path) => ({ route, path })))
    .filter(({ route, path }) => !isStreamed(route) && !REBUILDS.test(path))
  for (const { route, path } of endpoints)
    if (route.method === 'post') samples.set(path, (await examples.of(path)?.(`warm${++tags}`))?.body)
})
test.after(() => node.end())

const remember = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== 'string') remember(inner)
    else if (/^(?:id|code|name|source_id)$/.test(name) && known.length < 5_000) known.push(inner)
  }
}

interface Request {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly as: Role
}

let tags = 0

/** A request to a route: as it should be but for one place, or nothing of what it should be. */
const requestFor = async (random: () => number): Promise<Request> => {
  const { route, path } = pick(random, endpoints)
  const method = route.method.toUpperCase()
  const as = path.startsWith('/client/') ? 'client' : random() < 0.6 ? 'admin' : pick(random, ROLES)
  const filled = path.replace(/\{[^}]+\}/g, () => encodeURIComponent(toWellFormed(word(random, known))))
  const query =
    route.query !== undefined && random() < 0.5
      ? `?${pick(random, queryNames(route))}=${encodeURIComponent(toWellFormed(word(random, ['1', '10', 'true', '-created_at', ...known])))}`
      : ''
  const example = method === 'POST' && random() < 0.25 ? examples.of(path) : undefined
  if (example) {
    const made = await example(`f${++tags}`).catch(() => undefined)
    if (made) {
      return { method, path: made.path + query, body: mutate(made.body ?? {}, random), as }
    }
  }
  const body = route.body === undefined ? {} : { body: mutate(sampleFor(path) ?? {}, random) }
  return { method, path: filled + query, ...body, as }
}

/** Bodies that POST routes were made for, by their paths. */
const samples = new Map<string, unknown>()

/** A change says much the same as what made the thing. */
const sampleFor = (path: string): unknown => samples.get(path) ?? samples.get(path.replace(/\/\{[^}]+\}$/, ''))

const toWellFormed = (text: string): string => text.replace(/[\ud800-\udfff]/g, '\ufffd')

const queryNames = (route: Route): readonly string[] => {
  const entries = (route.query as { readonly entries?: Record<string, unknown> }).entries
  return [...Object.keys(entries ?? {}), 'unknown', 'filters[x][conditions][$is][0]']
}

const isFine = (status: number, headers: Headers): boolean =>
  status < 500 || status === 507 || (status === 503 && headers.has('retry-after'))

test(`${INPUTS} requests over every route leave a node that works, from seed ${SEED}`, async () => {
  const faults: string[] = []
  const note = (fault: string, whole: string): void => {
    faults.push(`${fault.slice(0, 700)}: ${whole.slice(0, 700)}`)
    // A long run says what it meets when it meets it, and all of it: it may be ended before its end.
    if (isSoak) process.stderr.write(`after ${sent} requests: ${fault}: ${whole}\n`)
  }
  let sent = 0
  /** What is not answered yet: where the process dies of one of them, it says which they were. */
  const underWay = new Map<number, string>()
  const tellUnderWay = (): void => {
    for (const whole of underWay.values()) process.stderr.write(`not answered: ${whole}\n`)
  }
  process.once('exit', tellUnderWay)
  let heapWhenWarm = 0
  const client = async (number: number): Promise<void> => {
    const random = randomOf(SEED + number)
    while (sent < INPUTS && faults.length < 20) {
      const place = sent++
      const request = await requestFor(random)
      const whole = `${request.as} ${request.method} ${request.path} ${JSON.stringify(request.body)}`
      underWay.set(number, whole)
      const started = performance.now()
      const answer = await node.call(
        request.method,
        request.path,
        request.method === 'GET' ? undefined : request.body,
        {
          as: request.as,
          headers: { Prefer: 'wait=0' },
        },
      )
      underWay.delete(number)
      if (!isFine(answer.status, answer.headers)) note(`${answer.status} ${JSON.stringify(answer.body)}`, whole)
      const took = performance.now() - started
      // A machine that is busy with other things is no fault of the request.
      if (isSoak && took > LONGEST_MS * slowedBy()) note(`took ${Math.round(took)} ms`, whole)
      if (answer.status < 300) remember(answer.body)
      if (place === WARM) {
        globalThis.gc?.()
        heapWhenWarm = process.memoryUsage().heapUsed
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  process.off('exit', tellUnderWay)
  assert.is(faults.join('\n'), '')
  if (isSoak) {
    globalThis.gc?.()
    const heap = process.memoryUsage().heapUsed
    process.stderr.write(`the heap went from ${heapWhenWarm} to ${heap} bytes\n`)
    assert.ok(heap < 1.5 * heapWhenWarm + 50e6, `the heap went from ${heapWhenWarm} to ${heap} bytes`)
  }
})

/** Just under, at and over what streams and keys of the stores below can have, in bytes; in one and in four bytes a letter. */
const LONG: readonly string[] = [
  'x'.repeat(990),
  'x'.repeat(1_001),
  'é'.repeat(600),
  '😀'.repeat(500),
  'x'.repeat(4_000),
]

/** The value with each of its texts in turn made long. */
function* lengthened(value: unknown, long: string): Generator<unknown> {
  if (typeof value === 'string') yield long
  else if (Array.isArray(value))
    for (const [i, item] of value.entries()) for (const changed of lengthened(item, long)) yield value.with(i, changed)
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value))
      for (const changed of lengthened(inner, long)) yield { ...value, [name]: changed }
}

test('an id that is too long is refused or unknown on every route, in its path, its query and its body', async () => {
  const faults: string[] = []
  let places = 0
  /** Parameters and texts in bodies are many, and go the same ways: one in four, but in a long run. */
  const isTried = () => isSoak || places++ % 4 === 0
  const requests: { readonly method: string; readonly path: string; readonly body?: unknown }[] = []
  for (const { route, path } of endpoints) {
    const method = route.method.toUpperCase()
    const filledWith = (id: string) => path.replace(/\{[^}]+\}/g, encodeURIComponent(id))
    const body = route.body === undefined ? {} : { body: sampleFor(path) ?? {} }
    if (path.includes('{'))
      for (const id of isSoak ? LONG : LONG.slice(2, 3)) requests.push({ method, path: filledWith(id), ...body })
    const names = route.query === undefined ? [] : queryNames(route)
    for (const name of names.filter(isTried))
      for (const id of isSoak ? LONG : LONG.slice(1, 2))
        requests.push({
          method,
          path: `${filledWith('nobody')}?${encodeURIComponent(name)}=${encodeURIComponent(id)}`,
          ...body,
        })
    if (route.body !== undefined)
      for (const id of isSoak ? LONG : LONG.slice(1, 2))
        for (const changed of [...lengthened(sampleFor(path) ?? {}, id)].filter(isTried))
          requests.push({ method, path: filledWith('nobody'), body: changed })
  }
  assert.ok(requests.length > 150, String(requests.length))
  const client = async (): Promise<void> => {
    for (let request = requests.pop(); request; request = requests.pop()) {
      const { method, path, body } = request
      const as = path.startsWith('/client/') ? 'client' : 'admin'
      const answer = await node.call(method, path, method === 'GET' ? undefined : body, {
        as,
        headers: { Prefer: 'wait=0' },
      })
      if (!isFine(answer.status, answer.headers))
        faults.push(`${answer.status} ${JSON.stringify(answer.body)?.slice(0, 200)}: ${method} ${path.slice(0, 120)}`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  assert.is(faults.join('\n'), '')
})

/** What so many requests left in the background may keep the node busy yet: it says so, and is asked again. */
const admitted = <T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> =>
  until(ask, ({ status }) => status !== 503, 120_000)

test('every answer of lines over what that left comes to its end', async () => {
  const routes = [...commandRoutes(node.services), ...queryRoutes(node.services)].filter(
    ({ contentType }) => contentType === LINES,
  )
  assert.ok(routes.length >= 8, String(routes.length))
  const simulated = {
    kind: 'segment',
    definition: {
      name: 'fuzzed',
      type: 'auto-update',
      filter: { junction: 'and', name: { conditions: { $is: ['x'] } } },
    },
  }
  for (const { method, path } of routes) {
    const answer = await admitted(() =>
      fetch(node.url + path, {
        method: method.toUpperCase(),
        headers: { ...node.headers('admin'), 'Content-Type': 'application/json' },
        ...(method === 'get' ? {} : { body: JSON.stringify(path.endsWith('simulations') ? simulated : {}) }),
      }),
    )
    const lines = (await answer.text()).trim().split('\n')
    assert.is(answer.status, 200, `${path}: ${lines[0]}`)
    assert.equal(Object.keys(JSON.parse(lines.at(-1)!)), ['end'], `${path}: ${lines.at(-1)?.slice(0, 300)}`)
  }
  assert.is(node.services.background!.longRuns.active, 0)
})

test('afterwards everything still works: what is written is seen, and nothing stands still', async () => {
  const written = await admitted(() =>
    node.call('POST', '/v1/customers', { source_id: 'after-all', name: 'After All' }),
  )
  assert.is(written.status, 200, JSON.stringify(written.body))
  const read = await node.call('GET', '/v1/customers/after-all', undefined, { after: written })
  assert.is(read.status, 200, JSON.stringify(read.body))
  const ready = await until(
    () => node.call('GET', '/health/ready'),
    ({ status }) => status === 200,
    60_000,
  )
  assert.is(ready.status, 200)
})

test.run()
