// The routes that read definitions, the same for every kind: the list and one of them.
import { routesOfAll } from '../src/api/definitions/index.ts'
import { type DefinitionResource, namedIn, onePath } from '../src/api/definitions/resource.ts'
import { pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { isRefused } from '../src/domain/refusal.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, type KindName, kindNamed } from '../src/domain/rulebook/kinds.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, type Route, route } from '../src/http/route.ts'
import type { ApiKey } from '../src/keys.ts'
import type { Services } from '../src/services.ts'

/** The routes of a kind that read. */
const routesOf = (services: Services, resource: DefinitionResource): readonly Route[] => {
  const { kind, path, also, tag, one, many, list, response, describe = {}, own = [] } = resource
  const permission = resource.reads ?? 'definitions.read'
  const showFor = (key: ApiKey) => {
    const rulebook = services.rulebook.current()
    return async (entry: Entry<DefinitionOf<KindName>>) => resource.show(entry, { services, rulebook, key })
  }
  const entries = () => [...services.rulebook.current().entries(kind).values()]
  const listed = { method: 'get', path, also, summary: `List ${many}`, tag, permission } as const
  const listing = list
    ? route({
        ...listed,
        query: list.query,
        response: listOf('data', response),
        handler: (call): Promise<Outcome> => {
          const meant = list.among ? list.among(entries(), call.query, services.rulebook.current()) : entries()
          return pageOfDefinitions(services, meant, call, list, showFor(call.key))
        },
      })
    : route({
        ...listed,
        response: listOf('data', response),
        handler: async ({ key }): Promise<Outcome> => {
          const data = await Promise.all(entries().map(showFor(key)))
          return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
        },
      })
  const getting = route({
    ...onePath(resource),
    method: 'get',
    summary: `Get ${one}`,
    description: describe.get,
    tag,
    permission,
    response,
    handler: async ({ params, key }): Promise<Outcome> => {
      const { definitions, entries } = services.rulebook.current()
      const named = namedIn(resource, params)
      const found = resource.find ? resource.find(definitions, params) : { id: named }
      if (found && isRefused(found)) return found
      const entry = found && entries(kind).get(found.id)
      return entry
        ? { revision: entry.revision, body: await showFor(key)(entry) }
        : notFound(kindNamed(kind).resource, named)
    },
  })
  return [...(own.includes('list') ? [] : [listing]), ...(own.includes('one') ? [] : [getting])]
}

export const definitionQueries = (services: Services): readonly Route[] => routesOfAll(services, routesOf)
