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

/** Names of properties and parameters that nobody has described, each with a place. */
const undescribed = (node: unknown, place: string): readonly string[] => {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node as Record<string, unknown>).flatMap(([key, child]) => {
    if (key === 'example') return []
    if (key === 'properties' && !place.endsWith('/properties') && typeof child === 'object')
      return Object.entries(child as Record<string, object>).flatMap(([name, property]) => [
        ...('description' in property || '$ref' in property ? [] : [`${name} in ${place}`]),
        ...undescribed(property, `${place}/properties/${name}`),
      ])
    if (key === 'parameters' && Array.isArray(child))
      return child.filter((one) => !('description' in one || '$ref' in one)).map(({ name }) => `${name} of ${place}`)
    return undescribed(child, `${place}/${key}`)
  })
}

test('every property and parameter is described: by itself, or by its name (src/http/glossary)', () => {
  const document = apiDocument([...commandRoutes(services), ...queryRoutes(services)])
  assert.equal(undescribed(document.paths, 'paths').slice(0, 20), [])
  const { schemas } = document.components as { schemas: object }
  assert.equal(undescribed(schemas, 'components').slice(0, 20), [])
})

test.run()
