// Nothing that a caller sends is dropped: every name of the contract has a verdict on every route that serves it, and a name that
// nothing reads is refused wherever it stands, with the nearest known one.
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { answered } from '../../src/domain/answered.ts'
import { profileFacts } from '../../src/domain/customer/profileFacts.ts'
import { numeric } from '../../src/domain/numbers.ts'
import { buildApp } from '../../src/http/app.ts'
import { describeIssues } from '../../src/http/issues.ts'
import { audienceOf, checkerOf, type Route } from '../../src/http/route.ts'
import { NOTHING, reads, type Shape, shapeOf } from '../../src/http/shape.ts'
import { isUnsupported, UNSUPPORTED } from '../../src/http/unsupported.ts'
import { ABILITIES, keyRing } from '../../src/keys.ts'
import { createLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Services } from '../../src/services.ts'
import { clientKey, errorOf, json, keys, managementKey, serverKey } from './toy.ts'

type Part = 'body' | 'query'
type Path = readonly string[]

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) =>
    name === 'rulebook' || name === 'readModel' || name === 'projector' || name === 'store'
      ? {}
      : name === 'load'
        ? { begin: async () => ({ end: () => undefined }) }
        : () => undefined,
})
const routes = [...commandRoutes(services), ...queryRoutes(services)]
const app = buildApp(routes, {
  keys: keyRing(keys.map((key) => (key.role === 'client' ? { ...key, allow: [...ABILITIES] } : key))),
  log: createLogger('silent'),
  metrics: createMetrics(),
  readiness: async () => ({ ok: true, checks: {} }),
  projectId: 'proj_main',
})

const served: readonly { readonly route: Route; readonly method: string; readonly path: string }[] = routes.flatMap(
  (route) => [route.path, ...(route.also ?? [])].map((path) => ({ route, path, method: route.method.toUpperCase() })),
)
const anonymous = (path: string): string => path.replace(/\{[^}]+\}/g, '{}')
const routeOf = (name: string) => served.find(({ method, path }) => `${method} ${anonymous(path)}` === anonymous(name))
const shapeAt = (route: Route, part: Part): Shape => {
  const schema = route[part]
  return schema === undefined ? NOTHING : shapeOf(schema)
}

/** `a(b [](c))` as paths: `a`, `a b`, `a [] `, `a [] c`. */
const pathsIn = (text: string, shared: ReadonlyMap<string, string>, under: Path = []): readonly Path[] => {
  const found: Path[] = []
  const rest = text.startsWith('#') ? (shared.get(text) ?? '') : text
  let at = 0
  while (at < rest.length) {
    const name = /^[^\s()]+/.exec(rest.slice(at))?.[0]
    if (name === undefined) {
      at += 1
      continue
    }
    at += name.length
    const path = [...under, name]
    found.push(path)
    if (rest[at] !== '(') continue
    const start = at + 1
    let open = 1
    while (open > 0) {
      at += 1
      open += rest[at] === '(' ? 1 : rest[at] === ')' ? -1 : 0
    }
    found.push(...pathsIn(rest.slice(start, at), shared, path))
  }
  return found
}

interface Contract {
  readonly name: string
  readonly part: Part
  readonly paths: readonly Path[]
}

const contract = ((): readonly Contract[] => {
  const lines = readFileSync(new URL('../data/contract-fields.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  const shared = new Map<string, string>()
  const all: Contract[] = []
  for (const line of lines) {
    const part = /^(#\d+): (.*)$/.exec(line)
    if (part) shared.set(part[1]!, part[2]!)
    const listed = /^([A-Z]+ \S+) (body|query): (.*)$/.exec(line)
    if (listed)
      all.push({ name: listed[1]!, part: listed[2] === 'body' ? 'body' : 'query', paths: pathsIn(listed[3]!, shared) })
  }
  return all
})()

/** The part of a path that leads to the first name that is not read; undefined when all of it is. */
const refusedAt = (shape: Shape, path: Path): Path | undefined => {
  for (let n = 1; n <= path.length; n++) if (!reads(shape, path.slice(0, n))) return path.slice(0, n)
  return undefined
}

/** A value that says something at a path and nothing else. */
const valueAt = ([name, ...rest]: Path, value: unknown = 'x'): unknown =>
  name === undefined ? value : name === '[]' ? [valueAt(rest, value)] : { [name]: valueAt(rest, value) }

const queryAt = ([name, ...rest]: Path): string =>
  `${name}${rest.map((one) => `[${one === '[]' ? '0' : one}]`).join('')}=x`

const uploadOf = ([name = '']: Path): FormData => {
  const form = new FormData()
  form.append(name, 'x')
  return form
}

const keyFor = (path: string): Record<string, string> => {
  const audience = audienceOf(path)
  if (audience === 'client') return { ...clientKey(), Origin: 'https://shop.test' }
  return audience === 'management' ? managementKey() : serverKey('admin')
}

/** What a query must say for the body to be looked at. */
const needed = ({ query }: Route): string => (query && 'issues' in checkerOf(query)({}) ? '?code=x' : '')

const send = async (method: string, path: string, route: Route, part: Part, at: Path, value: unknown = 'x') => {
  const url = path.replace('{projectId}', 'proj_main').replace(/\{[^}]+\}/g, 'x')
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const sent =
    part === 'query'
      ? await app.request(`${url}?${queryAt(at)}`, {
          method,
          headers: { ...keyFor(path), ...(route.isForm ? form : {}) },
        })
      : await app.request(`${url}${needed(route)}`, {
          method,
          headers: { ...keyFor(path), ...(route.isUpload ? {} : route.isForm ? form : json) },
          body: route.isUpload ? uploadOf(at) : route.isForm ? queryAt(at) : JSON.stringify(valueAt(at, value)),
        })
  const text = await sent.clone().text()
  const { details = '' } = sent.ok ? {} : await errorOf(sent)
  return { status: sent.status, details, text }
}

const shown = (path: Path): string =>
  `.${path.join('.')}`.replaceAll('.[]', '[0]').replace(/^\./, path[0] === '[]' ? '' : '.')

test('every name of the contract, on every route that serves it, is read or refused by name', async () => {
  assert.ok(contract.length > 100, 'the list is there')
  const without: string[] = []
  const used = new Set<string>()
  let refused = 0
  for (const { name, part, paths } of contract) {
    const found = routeOf(name)
    if (!found) continue
    const shape = shapeAt(found.route, part)
    const told = new Set<string>()
    for (const path of paths) {
      const at = refusedAt(shape, path)
      if (at === undefined || told.has(at.join('.'))) continue
      told.add(at.join('.'))
      const last = at.at(-1)!
      if (!isUnsupported(last)) {
        without.push(`${name}: ${part} ${at.join('.')}`)
        continue
      }
      used.add(last)
      refused += 1
      const { status, details } = await send(found.method, found.path, found.route, part, at)
      assert.is(status, 400, `${name} ${at.join('.')}: ${details}`)
      assert.ok(details.includes(`Property ${shown(at)} is not supported`), `${name} ${at.join('.')}: ${details}`)
    }
  }
  assert.equal(without, [], 'names without a verdict: read them, or list them in src/http/unsupported.ts')
  assert.equal(
    [...UNSUPPORTED].filter((name) => !used.has(name)),
    [],
    'names that every route reads by now: they leave src/http/unsupported.ts',
  )
  assert.ok(refused > 50)
})

/** The paths of all places of a shape where names are told apart: the objects that are not open. */
const closedPlaces = (shape: Shape, under: Path = [], seen: ReadonlySet<Shape> = new Set()): readonly Path[] => {
  if (seen.has(shape)) return []
  const within = new Set([...seen, shape])
  switch (shape.kind) {
    case 'open':
    case 'scalar':
      return []
    case 'fields':
      return [
        ...(shape.rest === null ? [under] : closedPlaces(shape.rest, [...under, 'any'], within)),
        ...[...shape.known].flatMap(([name, inner]) => closedPlaces(inner, [...under, name], within)),
      ]
    case 'items':
      return closedPlaces(shape.item, [...under, '[]'], within)
    case 'choice':
      return shape.options.flatMap((option) => closedPlaces(option.shape, under, within))
    case 'later':
      return closedPlaces(shape.shape(), under, within)
    default:
      return shape satisfies never
  }
}

test('a name that nothing reads is refused on every route, in the query and at every depth of the body', async () => {
  let places = 0
  for (const { route, method, path } of served) {
    if (audienceOf(path) === 'public') continue
    const query = await send(method, path, route, 'query', ['redemtion'])
    assert.is(query.status, 400, `${method} ${path}?redemtion`)
    assert.match(query.details, /Property \.redemtion is not known/)
    if (method === 'GET') continue
    const at = new Set(closedPlaces(shapeAt(route, 'body')).map((place) => [...place, 'redemtion'].join(' ')))
    for (const place of at) {
      const where = place.split(' ')
      const { status, details } = await send(method, path, route, 'body', where)
      assert.is(status, 400, `${method} ${path} ${place}`)
      assert.ok(details.includes(`Property ${shown(where)} is not known`), `${method} ${path} ${place}: ${details}`)
      places += 1
    }
  }
  assert.ok(places > 200, `${places} places`)
})

/** The paths of all places where an object may stand and no list; what is below one of several forms depends on which it is. */
const objectPlaces = (shape: Shape, under: Path = []): readonly Path[] => {
  switch (shape.kind) {
    case 'open':
    case 'scalar':
      return []
    case 'fields':
      return [under, ...[...shape.known].flatMap(([name, inner]) => objectPlaces(inner, [...under, name]))]
    case 'items':
      return objectPlaces(shape.item, [...under, '[]'])
    case 'choice':
      return shape.options.some((option) => option.shape.kind === 'fields') &&
        shape.options.every((option) => option.shape.kind === 'fields' || option.shape.kind === 'scalar')
        ? [under]
        : []
    case 'later':
      return []
    default:
      return shape satisfies never
  }
}

test('a list where an object belongs is refused on every route and at every depth, and not taken for one that says nothing', async () => {
  let places = 0
  for (const { route, method, path } of served) {
    if (method === 'GET' || audienceOf(path) === 'public' || route.isForm || route.isUpload) continue
    for (const place of objectPlaces(shapeAt(route, 'body'))) {
      const { status, details } = await send(method, path, route, 'body', place, [{ redemtion: 1 }])
      const said = `${place.length === 0 ? 'Payload' : `Property ${shown(place)}`} must be object`
      assert.is(status, 400, `${method} ${path} ${place.join('.')}`)
      assert.ok(details.includes(said), `${method} ${path} ${place.join('.')}: ${details}`)
      places += 1
    }
  }
  assert.ok(places > 200, `${places} places`)
})

/** What no customer can be, by field, and what is said of it. */
const NO_PROFILE_HAS: readonly (readonly [Path, unknown, RegExp])[] = [
  [['birthdate'], '02/28/1992', /must match format .*date/],
  [['birthdate'], '2024-02-30', /must match format .*date/],
  [['birthdate'], '1992-02-28T00:00:00Z', /must match format .*date/],
  [['birthday'], '30 February', /must match format .*date/],
  [['birthdate'], '', /must match format .*date/],
  [['email'], 'x'.repeat(321), /320/],
  [['phone'], 48600100200, /string/],
  [['name'], 'x'.repeat(301), /300/],
  [['address', 'city'], ['Poznan'], /string/],
  [['unsubscribed'], ['pigeon'], /sms/],
]

test('whoever a request is about, what a customer may be is asked in the same way', async () => {
  const entrances = new Set<string>()
  for (const { route, method, path } of served) {
    if (method === 'GET' || audienceOf(path) === 'public') continue
    const shape = shapeAt(route, 'body')
    // A batch reads each of its events by itself, so that its own schema says nothing of them.
    const isBatch = path === '/v1/events/batch'
    const places: readonly Path[] = isBatch
      ? [['events', '[]', 'customer']]
      : closedPlaces(shape).filter((place) => reads(shape, [...place, 'birthdate']))
    for (const place of places) {
      entrances.add(`${method} ${path}`)
      for (const [field, value, said] of NO_PROFILE_HAS) {
        const where = [...place, ...field]
        const { status, details, text } = await send(method, path, route, 'body', where, value)
        const told = isBatch ? text : details
        assert.is(status, isBatch ? 200 : 400, `${method} ${path} ${where.join('.')}: ${details}`)
        const named = shown(where).replace('.events[0]', '')
        assert.ok(told.includes(`Property ${named}`), `${method} ${path} ${where.join('.')}: ${told}`)
        assert.match(told, said, `${method} ${path} ${where.join('.')}`)
      }
    }
  }
  for (const name of [
    'customers',
    'events',
    'events/batch',
    'publications',
    'redemptions',
    'validations',
    'members',
    'holders',
  ])
    assert.ok(
      [...entrances].some((entrance) => entrance.endsWith(`/${name}`)),
      `${name} is among ${[...entrances].join(', ')}`,
    )
})

test('a fact of a time that asked less is still read', () => {
  const profile = { birthdate: '02/28/1992', metadata: {} }
  assert.ok(v.is(profileFacts.CustomerCreated.schema, { id: 'cust_1', profile, occurredAt: 1 }))
  assert.ok(v.is(profileFacts.CustomerUpdated.schema, { changes: profile, occurredAt: 1 }))
})

const Order = v.pipe(
  v.object({ amount: v.number(), items: v.optional(v.array(v.object({ price: v.number() }))) }),
  answered('id', 'total_amount'),
  v.transform(({ amount }) => amount),
)
const Body = v.object({
  redemption: v.optional(v.nullable(v.object({ quantity: v.number() }))),
  order: v.optional(Order),
  worth: v.optional(
    v.variant('type', [
      v.object({ type: v.literal('A'), amount_off: v.number() }),
      v.object({ type: v.literal('P'), percent_off: v.number() }),
    ]),
  ),
  who: v.optional(v.union([v.string(), v.object({ id: v.string() }), v.object({ name: v.string() })])),
  metadata: v.optional(v.record(v.string(), v.unknown())),
})

const faults = (value: unknown): string => {
  const checked = checkerOf(Body)(value)
  return 'issues' in checked ? describeIssues(checked.issues) : ''
}

test('a number that is sent as text is told what it may be', () => {
  const found = checkerOf(v.object({ price: numeric }))({ price: '4.50' })
  assert.is(
    'issues' in found ? describeIssues(found.issues) : '',
    'Property .price must be a number, or a whole number as text',
  )
})

test('the path and the nearest known name are told, or what there is', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, ''],
    [{ metadata: { redemtion: { any: 1 } } }, ''],
    [{ order: { amount: 1, id: 'ord_1', total_amount: 1 } }, ''],
    [{ redemption: null, worth: { type: 'P', percent_off: 1 } }, ''],
    [{ who: { name: 'Ann' } }, ''],
    [[], ''],
    [[{ metadata: {} }], 'Payload must be object'],
    [{ metadata: [1] }, 'Property .metadata must be object'],
    [{ metadata: [] }, ''],
    [{ redemtion: 1 }, "Property .redemtion is not known: did you mean 'redemption'?"],
    [
      { redemption: { Quantity: 1, quantity: 1 } },
      "Property .redemption.Quantity is not known: did you mean 'quantity'?",
    ],
    [
      { order: { amount: 1, items: [{ price: 1 }, { price: 1, prize: 2 }] } },
      "Property .order.items[1].prize is not known: did you mean 'price'?",
    ],
    [
      { worth: { type: 'P', percent_off: 1, amount_of: 1 } },
      'Property .worth.amount_of is not known: what is taken here is type, percent_off',
    ],
    [{ who: { name: 'Ann', id: 1 } }, 'Property .who.id is not known: what is taken here is name'],
    [
      { redemption: { percent_off_formula: 'x', quantity: 1 } },
      'Property .redemption.percent_off_formula is not supported',
    ],
    [{ redemption: { percent_off_formula: null, quantity: 1 } }, ''],
    [
      { redemtion: 1, order: {} },
      "Property .redemtion is not known: did you mean 'redemption'?; Property .order should have required property 'amount'",
    ],
  ]
  for (const [value, expected] of cases) assert.is(faults(value), expected, JSON.stringify(value))
})

test('of something new, null counts as absent where nothing else can be meant by it', () => {
  const New = v.object({
    name: v.string(),
    note: v.nullish(v.string()),
    size: v.optional(v.number(), 3),
    tags: v.optional(v.array(v.object({ tag: v.string(), weight: v.optional(v.number()) }))),
    worth: v.optional(
      v.variant('type', [
        v.object({ type: v.literal('A'), amount_off: v.number(), effect: v.optional(v.string(), 'x') }),
        v.object({ type: v.literal('P'), percent_off: v.number() }),
      ]),
    ),
    metadata: v.optional(v.record(v.string(), v.unknown())),
  })
  const said = (value: unknown, isNew = true): unknown => {
    const checked = checkerOf(New, { isNew })(value)
    return 'issues' in checked ? describeIssues(checked.issues) : checked.value
  }
  const full = {
    name: 'a',
    note: null,
    size: null,
    tags: [{ tag: 'b', weight: null }],
    worth: { type: 'A', amount_off: 1, effect: null },
    metadata: { kept: null },
  }
  assert.equal(said(full), {
    name: 'a',
    note: null,
    size: 3,
    tags: [{ tag: 'b' }],
    worth: { type: 'A', amount_off: 1, effect: 'x' },
    metadata: { kept: null },
  })
  assert.equal(said({ name: 'a', metadata: null, worth: null, tags: null }), { name: 'a', size: 3 })
  assert.is(full.size, null)
  // A change may take something away by it.
  assert.match(String(said({ name: 'a', metadata: null }, false)), /metadata must be object/)
  assert.match(String(said({ name: null, size: null })), /\.name must be string/)
  assert.match(String(said({ name: 'a', worth: { type: 'P', percent_off: null } })), /percent_off must be number/)
  assert.match(String(said({ name: 'a', sice: null, size: null })), /\.sice is not known/)
})

test('thousands of unknown names cost little and are not all told', () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`${'x'.repeat(500)}${n}`, n]))
  const text = faults(many)
  assert.ok(text.length < 10_000, `${text.length} characters`)
  assert.match(text, /is not known/)
})

test.run()
