// The API document of the product's own routes: it can be made, names everything once, and leads nowhere that is not there.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../commands/index.ts'
import { queryRoutes } from '../queries/index.ts'
import { apiDocument } from '../src/http/openapi.ts'
import type { Services } from '../src/services.ts'

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => {
    if (name === 'rulebook' || name === 'readModel' || name === 'projector' || name === 'store') return {}
    return () => undefined
  },
})

test('every route is in the document with its answer, and every reference resolves', () => {
  const routes = [...commandRoutes(services), ...queryRoutes(services)]
  const text = JSON.stringify(apiDocument(routes))
  const document = JSON.parse(text)
  for (const { method, path, also = [] } of routes)
    for (const one of [path, ...also]) assert.ok(document.paths[one]?.[method], `${method} ${one}`)
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    assert.ok(document.components.schemas[name!], `schema ${name}`)
  assert.ok(routes.length > 100)
  const silent = Object.entries<Record<string, { readonly responses: Record<string, { readonly content?: unknown }> }>>(
    document.paths,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.entries(responses).some(([status, { content }]) => status === '204' || (status < '300' && content))
        ? []
        : [`${method} ${path}`],
    ),
  )
  assert.equal(silent, [], 'operations that say nothing of their answer')
})

test.run()
