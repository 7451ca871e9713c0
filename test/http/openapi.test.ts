// The API document and the operator's routes: every route is described, every reference resolves.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { docsPage, slugOf } from '../../src/http/docs.ts'
import { meaningOf } from '../../src/http/glossary/index.ts'
import { apiDocument } from '../../src/http/openapi.ts'
import { route } from '../../src/http/route.ts'
import { toyApp, toyRoutes } from './toy.ts'

type Node = { readonly [key: string]: unknown }
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((node, key) => (isNode(node) ? node[key] : undefined), value)

const fetchDocument = async (app = toyApp().app): Promise<unknown> => {
  const res = await app.request('/openapi.json')
  assert.is(res.status, 200)
  assert.is(res.headers.get('content-type'), 'application/json')
  return res.json()
}

/** Every `$ref` anywhere in the document. */
const refs = (value: unknown): readonly string[] => {
  if (!isNode(value)) return []
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' && typeof child === 'string' ? [child] : refs(child),
  )
}

/** Every name of a security requirement in the document. */
const operations = (document: unknown): readonly (readonly [path: string, method: string, operation: Node])[] =>
  Object.entries(at(document, 'paths') as Node).flatMap(([path, methods]) =>
    Object.entries(methods as Node).map(([method, operation]) => [path, method, operation as Node] as const),
  )

const documentSchema = v.object({
  openapi: v.literal('3.1.0'),
  info: v.object({ title: v.string(), version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+/)) }),
  paths: v.record(
    v.pipe(v.string(), v.startsWith('/')),
    v.record(
      v.picklist(['get', 'post', 'put', 'patch', 'delete']),
      v.object({
        operationId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]+$/)),
        summary: v.pipe(v.string(), v.nonEmpty()),
        tags: v.array(v.string()),
        security: v.array(v.record(v.string(), v.array(v.string()))),
        parameters: v.array(
          v.union([
            v.strictObject({ $ref: v.string() }),
            v.looseObject({ name: v.string(), in: v.picklist(['path', 'query', 'header']), schema: v.looseObject({}) }),
          ]),
        ),
        requestBody: v.optional(v.looseObject({ content: v.looseObject({ 'application/json': v.looseObject({}) }) })),
        responses: v.record(v.pipe(v.string(), v.regex(/^\d{3}$/)), v.looseObject({})),
      }),
    ),
  ),
  components: v.looseObject({}),
})

test('the document has the form of OpenAPI 3.1, and its references resolve', async () => {
  const document = await fetchDocument()
  v.assert(documentSchema, document)
  const all = refs(document)
  assert.ok(all.length > 20)
  for (const ref of all) {
    assert.match(ref, /^#\//)
    assert.ok(at(document, ...ref.slice(2).split('/')) !== undefined, ref)
  }
  const schemes = Object.keys(at(document, 'components', 'securitySchemes') as Node)
  const ids = new Set<unknown>()
  for (const [path, method, operation] of operations(document)) {
    assert.not.ok(ids.has(operation.operationId), `${method} ${path} has an id of its own`)
    ids.add(operation.operationId)
    for (const requirement of operation.security as readonly Node[])
      for (const name of Object.keys(requirement)) assert.ok(schemes.includes(name), name)
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1])
    const described = (operation.parameters as readonly Node[])
      .filter((one) => one.in === 'path')
      .map((one) => one.name)
    assert.equal(described, named, path)
  }
})

test('every route is there under every one of its paths, with its audience', async () => {
  const document = await fetchDocument()
  for (const one of toyRoutes())
    for (const path of [one.path, ...(one.also ?? [])])
      assert.ok(at(document, 'paths', path, one.method) !== undefined, `${one.method} ${path}`)
  for (const path of ['/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs'])
    assert.equal(at(document, 'paths', path, 'get', 'security'), [], path)
  assert.equal(at(document, 'paths', '/client/v1/events', 'post', 'security'), [{ clientId: [], clientToken: [] }])
})

test('bodies, queries and errors are described as they are checked', async () => {
  const document = await fetchDocument()
  const track = at(document, 'paths', '/v1/events', 'post')
  assert.equal(at(track, 'requestBody', 'content', 'application/json', 'schema'), {
    $ref: '#/components/schemas/Event',
  })
  const event = at(document, 'components', 'schemas', 'Event')
  assert.equal(at(event, 'required'), ['event', 'customer'])
  const { description, ...name } = at(event, 'properties', 'event') as Node
  assert.equal(name, { type: 'string', minLength: 1, maxLength: 300 })
  assert.is(description, meaningOf('event'), 'by its name, since it says nothing itself')
  assert.is(at(event, 'properties', 'occurred_at', 'format'), 'date-time')
  for (const status of ['400', '401', '403', '413', '415', '429', '500', '503'])
    assert.ok(at(track, 'responses', status) !== undefined, status)
  const list = at(document, 'paths', '/v1/customers', 'get', 'parameters') as readonly Node[]
  const limit = list.find((one) => one.name === 'limit')
  assert.equal(limit?.schema, { type: 'integer', minimum: 1, maximum: 100, default: 10 })
  assert.is(limit?.required, false)
})

test('one name for two schemas is refused, recursive schemas become components', () => {
  const titled = (schema: v.GenericSchema) =>
    route({
      method: 'post',
      path: '/v1/a',
      summary: 's',
      tag: 't',
      permission: 'webhooks.write',
      body: schema,
      handler: () => ({}),
    })
  const first = titled(v.pipe(v.object({ a: v.string() }), v.title('Thing')))
  const second = titled(v.pipe(v.object({ a: v.number() }), v.title('Thing')))
  assert.throws(() => apiDocument([first, { ...second, path: '/v1/b' }]), /Thing/)
  interface Tree {
    readonly children: readonly Tree[]
  }
  const tree: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => tree)) })
  const document = apiDocument([titled(tree)])
  const all = refs(document)
  assert.ok(all.some((ref) => ref.includes('Recursive')))
  for (const ref of all) assert.ok(at(document, ...ref.slice(2).split('/')) !== undefined, ref)
})

test('the pages show every operation, load nothing from elsewhere and run no script', async () => {
  const { app } = toyApp()
  const document = await fetchDocument(app)
  const index = await app.request('/docs')
  assert.match(index.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(index.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  const listed = await index.text()
  const pages = new Map<string, string>()
  for (const [path, , operation] of operations(document)) {
    const [tag = ''] = operation.tags as readonly string[]
    const address = `/docs/${slugOf(tag)}`
    if (!pages.has(address)) {
      const page = await app.request(address)
      assert.is(page.status, 200, address)
      pages.set(address, await page.text())
    }
    assert.ok(listed.includes(`href="${address}#${operation.operationId}"`), path)
    assert.ok(pages.get(address)!.includes(`id="${operation.operationId}"`), path)
    assert.ok(pages.get(address)!.includes(path), path)
  }
  for (const html of [listed, ...pages.values()]) {
    assert.not.match(html, /https?:\/\//)
    assert.not.match(html, /<script/)
  }
  assert.is((await app.request('/docs/style.css')).status, 200)
  assert.is((await app.request('/docs/nothing')).status, 404)
})

test('a page shows the fields of a body with their bounds, and escapes what a description says', () => {
  const body = v.object({ stars: v.pipe(v.number(), v.maxValue(5), v.description('1 < stars & <b>')) })
  const one = route({
    method: 'post',
    path: '/v1/a',
    summary: 's',
    tag: 'One tag',
    permission: 'webhooks.write',
    body,
    handler: () => ({}),
  })
  const page = docsPage(apiDocument([one]), [], 'one-tag')!
  assert.match(page, /<code>stars<\/code> <span class="soft">number, at most 5, required/)
  assert.match(page, /1 &lt; stars &amp; &lt;b&gt;/)
})

test('health: alive without engines, ready only when the checks say so', async () => {
  const checks = { eventStore: 'reachable' }
  const good = await toyApp({ readiness: async () => ({ ok: true, checks }) }).app.request('/health/ready')
  assert.is(good.status, 200)
  assert.equal(await good.json(), { status: 'ok', checks })
  const { app } = toyApp({ readiness: async () => ({ ok: false, checks: { eventStore: 'gone' } }) })
  const bad = await app.request('/health/ready')
  assert.is(bad.status, 503)
  assert.equal(await bad.json(), { status: 'not ready', checks: { eventStore: 'gone' } })
  assert.is((await app.request('/health/live')).status, 200)
})

test('metrics count requests by route, not by path', async () => {
  const { app } = toyApp()
  await app.request('/v1/customers/ada%40example.com')
  await app.request('/wp-admin.php')
  const text = await (await app.request('/metrics')).text()
  assert.match(
    text,
    /http_request_duration_seconds_count\{method="GET",route="\/v1\/customers\/\{id\}",status="401"\} 1/,
  )
  assert.match(text, /route="unmatched",status="404"\} 1/)
  assert.not.match(text, /ada/)
})

test.run()
