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
import { MAX_ITEMS, MAX_NAMES } from '../../src/exactJson.ts'
import { DEFAULT_BODY_LIMIT } from '../../src/http/body.ts'
import { checkerOf, type Route } from '../../src/http/route.ts'
import { type Shape, shapeOf } from '../../src/http/shape.ts'
import type { Services } from '../../src/services.ts'
import { program } from '../program.ts'
import { randomOf } from '../random.ts'
import { createChanges } from '../requests/changes.ts'
import { createExamples, type Example, type Examples } from '../requests/examples.ts'
import { areGiven, skipFile } from '../skip.ts'
import { isSoak, times } from '../soak.ts'
import { others, until } from '../until.ts'

const MOST_MS = 100
/** Others take of the processors' caches too, and of the memory's bandwidth, which a turn's own time shows. */
const mostMs = () => MOST_MS * Math.min(MOST_SLOWED, others())
const MOST_SLOWED = 3
/** A turn counts when it is as long each time: now and then garbage is collected in one. */
const TRIES = times(3, 4)
/** What an import lists at most. */
const MAX_LISTED = 20_000
/** Sent at once. Their turns follow each other; where one is too long, each is sent alone. */
const AT_ONCE = 6
/** Which requests are sent when not all are. */
const SEED = Number(process.env.SEED ?? 5)
/** `TURNS=PATTERN` tries routes whose path has it, and tells what they took. */
const PATHS = new RegExp(process.env.TURNS ?? '')
/** What checking a value may take of which nothing comes, so that it need not be sent, ms. */
const QUICK_MS = 15
/** Those that do most with what they are sent. */
const HEAVY = /^\/v1\/(?:events|events\/batch|redemptions|segments\/preview|vouchers\/import|customers\/importCSV)$/

if (!existsSync('/proc/self/schedstat')) skipFile('this system does not tell the processor time of a thread')
if (areGiven) skipFile('the node is a process of its own')

let dir: string
let child: ChildProcess
let url: string
let examples: Examples
let changes: ReturnType<typeof createChanges>
const test = suite('turns of the event loop')

const call = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' },
) => {
  const keys = JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')) as {
    role: string
    appId: string
    token: string
  }[]
  const { appId, token } = keys.find(({ role }) => role === (path.startsWith('/client/') ? 'client' : 'admin'))!
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...headers,
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
  const node = {
    call: async (method: string, path: string, body?: unknown, options: { readonly headers?: object } = {}) =>
      call(method, path, body, { 'Content-Type': 'application/json', ...options.headers }),
    services: { store },
  } as never
  examples = await createExamples(node)
  changes = createChanges(node)
})
test.after(async () => {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  rmSync(dir, { recursive: true, force: true })
})

/** JSON of as many copies as there is room for, and as a list may have. */
const filled = (item: unknown, room: number): string => {
  const text = JSON.stringify(item)
  const count = Math.min(MAX_ITEMS, Math.floor((room - 2) / (text.length + 1)))
  return `[${`${text},`.repeat(count).slice(0, -1)}]`
}
/** What a value beside all others of a body may have, bytes: examples are small. */
const ROOM = DEFAULT_BODY_LIMIT - 16_384

/** What an event's metadata may be at most. */
const metadata = JSON.stringify(
  Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`key${i}`, `value ${i} `.repeat(8)])),
)
const order = `{"amount":100000,"metadata":${metadata},"items":${JSON.stringify(
  Array.from({ length: 500 }, (_, i) => ({
    product_id: `prod_${i}`,
    quantity: 3,
    price: 100 + i,
    product: { name: `product ${i}`, metadata: { a: i, b: 'x'.repeat(200) } },
  })),
)}}`
/** A condition as deep and as wide as a body can be. */
const filter = JSON.stringify({
  junction: 'and',
  ...Object.fromEntries(
    Array.from({ length: 3_000 }, (_, i) => [`metadata.k${i}`, { conditions: { $is: [`v${i}`, 'w'] } }]),
  ),
})

/** Of each kind of value the largest that is read, whatever a field takes. */
const LARGEST: Readonly<Record<string, string>> = {
  numbers: filled(12_345_678, ROOM),
  objects: filled({ a: 1 }, ROOM),
  'a text': `"${'x'.repeat(ROOM)}"`,
  names: `{${Array.from({ length: MAX_NAMES }, (_, i) => `"name ${i} ${'x'.repeat(80)}":1`).join(',')}}`,
}

type Body = Readonly<Record<string, unknown>>

/** JSON of a body in which one field has the value that is JSON already. */
const withField = (body: Body, name: string, value: string): string => {
  const { [name]: _, ...others } = body
  const text = JSON.stringify(others)
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}${JSON.stringify(name)}:${value}}`
}

/** A request that is large in one way. */
interface Variant {
  readonly name: string
  readonly type: string
  /** It is a large value in one of the fields, of this kind. */
  readonly field?: { readonly name: string; readonly kind: string }
  /** Made when it is sent: all of them at once are gigabytes. */
  readonly body: (example: Example) => string
}

const json = (name: string, body: (base: Body, example: Example) => string): Variant => ({
  name,
  type: 'application/json',
  body: (example) => body((example.body ?? {}) as Body, example),
})

const listVariants = (bodyLimit: number): readonly Variant[] => {
  const itemOf = ({ body }: Example) => (body as readonly object[])[0]
  return [
    json('the longest list', (_, example) => filled(itemOf(example), bodyLimit)),
    json('the longest list that is taken', (_, example) => {
      const text = 'x'.repeat(Math.max(0, bodyLimit / MAX_LISTED - 250))
      const item = JSON.stringify({ ...itemOf(example), code: 'CODE', metadata: { text } })
      const [before, after] = item.split('"CODE"')
      return `[${Array.from({ length: MAX_LISTED }, (_, i) => `${before}"CODE-${i}"${after}`).join(',')}]`
    }),
  ]
}

/** The names that a body may have; of one that has none, one that it may not. */
const knownOf = (shape: Shape): readonly string[] =>
  shape.kind === 'fields'
    ? [...shape.known.keys()]
    : shape.kind === 'choice'
      ? [...new Set(shape.options.flatMap((option) => knownOf(option.shape)))]
      : []

/** Bodies that are larger in all ways that there are: most are refused, which takes as long. */
const bodyVariants = (route: Route, { body: sample }: Example): readonly Variant[] => {
  const names = knownOf(shapeOf(route.body!))
  const known = names.length > 0 ? names : ['unknown']
  const withKnown = (name: string, what: string, value: (base: Body) => string): Variant[] =>
    known.includes(name) ? [json(what, (base) => withField(base, name, value(base)))] : []
  const lists = Object.entries((sample ?? {}) as Body).filter(([, value]) => Array.isArray(value) && value.length > 0)
  return [
    ...withKnown('metadata', 'metadata', () => metadata),
    ...withKnown('customer', 'a large profile', ({ customer }) =>
      withField(typeof customer === 'object' ? (customer as Body) : { source_id: 'ann' }, 'metadata', metadata),
    ),
    ...withKnown('order', 'a large order', () => order),
    ...withKnown('filter', 'a wide filter', () => filter),
    ...withKnown('customers', 'many customers', () => filled('customer-0000', ROOM)),
    ...lists.map(([name]) =>
      json(`a long ${name}`, (base) => withField(base, name, filled((base[name] as readonly unknown[])[0], ROOM))),
    ),
    ...(route.path.endsWith('/batch') ? [json('events with much to decide', () => decided)] : []),
    ...known.flatMap((name) =>
      Object.entries(LARGEST).map(([kind, value]) => ({
        ...json(`${name}: ${kind}`, (base) => withField(base, name, value)),
        field: { name, kind },
      })),
    ),
  ]
}

const decided = JSON.stringify({
  events: Array.from({ length: 500 }, (_, i) => ({
    event: 'bought',
    customer: { source_id: `b${i}`, metadata: { n: i } },
    metadata: { n: i },
  })),
})

const partOf = (name: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="x"\r\n\r\n${content}\r\n`
const header = (needed: string): string => `${needed},${Array.from({ length: 199 }, (_, i) => `c${i}`).join(',')}\n`
const FORM = 'multipart/form-data; boundary=b'

/** Files as large as may be sent, and what is hard to take apart or has most rows and columns. */
const uploads = (bodyLimit: number, needed: string): readonly Variant[] => {
  const fill = (text: string, less = 1_000) => text.repeat(Math.floor((bodyLimit - less) / text.length))
  const rows = (cell: string) => `${Array.from({ length: 200 }, () => cell).join(',')}\n`
  const files: readonly (readonly [name: string, type: string, body: () => string])[] = [
    ['a form with many rows', FORM, () => `${partOf('file', `${needed},n\n${'a,1\n'.repeat(20_000)}`)}--b--`],
    [
      'a form with wide rows',
      FORM,
      () => `${partOf('file', header(needed) + fill(rows('v'), 4_000).slice(0, 19_000 * 400))}--b--`,
    ],
    ['a file of long rows', 'text/csv', () => header(needed) + fill(rows('v'.repeat(300)), 64_000)],
    ['a file of blank lines', 'text/csv', () => `${needed},n\n${fill('\n')}`],
    ['a file of commas', 'text/csv', () => `${needed},n\n${fill(',')}`],
    ['a file of quotes', 'text/csv', () => `${needed},n\n${fill('"a\nb"c\n')}`],
    ['a form of many parts', FORM, () => fill(partOf('a', ''))],
    ['a form of many headers', FORM, () => `--b\r\n${fill('X: y\r\n')}`],
    ['a form of delimiters that are none', FORM, () => `${partOf('file', fill('\r\n--'))}--b--`],
    ['a form of breaks', FORM, () => partOf('file', fill('\r'))],
  ]
  return files.map(([name, type, body]) => ({ name, type, body }))
}

/** What a route is sent, if it is sent what this example is one of. */
const variantsOf = (route: Route, example: Example): readonly Variant[] => {
  const { bodyLimit = DEFAULT_BODY_LIMIT } = route
  if (route.isUpload) return uploads(bodyLimit, route.path.includes('customers') ? 'source_id' : 'code')
  return Array.isArray(example.body) ? listVariants(bodyLimit) : bodyVariants(route, example)
}

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

interface Target {
  readonly route: Route
  /** A valid request, for a thing of its own; of one that has no example the path, and nothing that would be valid. */
  readonly make: (tag: string) => Promise<Example>
  /** The path alone, of a thing that there is not. */
  readonly empty: Example
}

const targetOf = (route: Route): Target => {
  const { method, path } = route
  const change = method === 'post' ? undefined : changes[path]
  const example = method === 'post' ? examples.of(path) : undefined
  const empty = { path: path.replace(/\{[^}]+\}/g, 'nothing'), body: {} }
  if (change) return { route, empty, make: async (tag) => ({ path: await change.make(tag), body: change.body }) }
  return { route, empty, make: example ?? (async () => empty) }
}

interface Sent {
  readonly target: Target
  readonly variant: Variant
  /** Where one was made already. */
  readonly example?: Example | undefined
}

let tags = 0
/** Sends some at once; the longest turn that they made, ms, and which were not taken up since there were so many. */
const sendAll = async (all: readonly Sent[]): Promise<{ readonly longest: number; readonly turnedAway: boolean }> => {
  const ready = []
  for (const { target, variant, example: made } of all) {
    const example = made ?? (await target.make(`t${++tags}`))
    const { bodyLimit = DEFAULT_BODY_LIMIT } = target.route
    ready.push({ target, variant, path: example.path, body: variant.body(example).slice(0, bodyLimit) })
  }
  await longestTurn()
  const statuses = await Promise.all(
    ready.map(async ({ target: { route }, variant: { name, type }, path, body }) => {
      const answer = await call(route.method.toUpperCase(), path, body, { 'Content-Type': type })
      const said = `${route.method} ${route.path} with ${name}: ${answer.status} ${JSON.stringify(answer.body)}`
      assert.ok(answer.status < 500 || answer.status === 503, said)
      return answer.status
    }),
  )
  // What follows in the background is part of it.
  await new Promise((resolve) => setTimeout(resolve, 50))
  return { longest: await longestTurn(), turnedAway: statuses.includes(503) || statuses.includes(429) }
}

/** The shortest of some tries of the same alone, for each time it is as long. */
const alone = async ({ target, variant }: Sent): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TRIES && least > mostMs(); i++)
    least = Math.min(least, (await sendAll([{ target, variant }])).longest)
  return least
}

const parsed = new Map(Object.entries(LARGEST).map(([kind, text]) => [kind, JSON.parse(text)]))
const cpu = (work: () => unknown): number => {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/**
 * Whether nothing but reading it comes of a value in a field: the route's schema refuses or drops it, at once. The node does the same
 * with all of these, whichever the field is.
 */
const isOnlyRead = (route: Route, { body }: Example, { field }: Variant): boolean => {
  if (!field) return false
  const check = checkerOf(route.body!, { isNew: route.method === 'post' })
  const value = { ...(body as Body), [field.name]: parsed.get(field.kind) }
  let isGone = false
  const took = () =>
    cpu(() => {
      const checked = check(value)
      isGone = 'issues' in checked || !Object.hasOwn(checked.value as object, field.name)
    })
  return (took() < QUICK_MS || took() < QUICK_MS) && isGone
}

/** Drawn by chance. */
const some = <T>(all: readonly T[], count: number, random: () => number): readonly T[] => {
  const left = [...all]
  return Array.from({ length: Math.min(count, all.length) }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  ).flat()
}

/** Those of a route that are sent in a long run: all, but of those that are only read one of each kind. */
const chosen = async (route: Route, example: Example, random: () => number): Promise<readonly Variant[]> => {
  const all = variantsOf(route, example)
  const read: Variant[] = []
  for (const variant of all) {
    if (isOnlyRead(route, example, variant)) read.push(variant)
    // The node closes connections that rest, which is to be heard of.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const kinds = Object.keys(LARGEST).map((kind) => read.filter(({ field }) => field?.kind === kind))
  return [...all.filter((variant) => !read.includes(variant)), ...kinds.flatMap((same) => some(same, 1, random))]
}

/**
 * What a route is sent: in a long run all that is chosen; else one large body, of those that do most with it one that they carry out. To
 * make a thing for each takes most of the time, and is not needed for what the body's own checks refuse.
 */
const sentTo = async (target: Target, random: () => number): Promise<readonly Sent[]> => {
  const { route, empty } = target
  const isCarriedOut = isSoak || HEAVY.test(route.path) || shapeOf(route.body!).kind === 'items'
  const example = isCarriedOut ? await target.make(`t${++tags}`) : empty
  const variants = isSoak
    ? await chosen(route, example, random)
    : some(
        variantsOf(route, example).filter(({ field }) => !field || !isCarriedOut),
        1,
        random,
      )
  return variants.map((variant, i) => ({ target, variant, example: i === 0 || !isCarriedOut ? example : undefined }))
}

test(`no body makes a turn longer than ${MOST_MS} ms of processor time, from seed ${SEED}`, async () => {
  const random = randomOf(SEED)
  const routes = [...commandRoutes(services), ...queryRoutes(services)].filter(
    ({ body, path }) => body && PATHS.test(path),
  )
  if (process.env.TURNS === undefined) assert.ok(routes.length > 100, String(routes.length))
  const all: Sent[] = []
  for (const route of routes) {
    const target = targetOf(route)
    const sent = await sentTo(target, random)
    assert.ok(sent.length > 0, `nothing large is sent to ${route.path}`)
    all.push(...sent)
  }
  if (process.env.TURNS) console.error(`${all.length} requests`)
  const slow: string[] = []
  for (let from = 0; from < all.length; from += AT_ONCE) {
    const group = all.slice(from, from + AT_ONCE)
    const began = performance.now()
    const { longest, turnedAway } = await sendAll(group)
    if (process.env.TURNS) {
      const names = group.map(({ target, variant }) => `${target.route.path} ${variant.name}`)
      console.error(Math.round(performance.now() - began), Math.round(longest), turnedAway, names.join(', '))
    }
    if (longest <= mostMs() && !turnedAway) continue
    for (const sent of group) {
      const least = await alone(sent)
      const { route } = sent.target
      if (least > mostMs())
        slow.push(`${Math.round(least)} ms: ${route.method} ${route.path} with ${sent.variant.name}`)
    }
  }
  assert.is(slow.join('\n'), '')
})

test.run()
