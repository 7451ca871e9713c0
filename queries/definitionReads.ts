// The routes that read definitions, the same for every kind: the list and one of them.
import type * as v from 'valibot'
import { namedIn, onePath, type Resource } from '../src/api/resources.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, type KindName, kindNamed } from '../src/domain/rulebook/kinds.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, type Route, route } from '../src/http/route.ts'
import type { ApiKey } from '../src/keys.ts'
import type { Services } from '../src/services.ts'
import { type DefinitionFields, type DefinitionListQuery, pageOfDefinitions } from './definitionList.ts'

export interface DefinitionReads<K extends KindName, Query> {
  readonly response: v.GenericSchema
  readonly show: (entry: Entry<DefinitionOf<K>>, key: ApiKey) => object | Promise<object>
  /** What the list is asked by; absent: it is always whole, as there are few. */
  readonly list?: DefinitionFields<DefinitionOf<K>> & {
    readonly query: v.GenericSchema<unknown, Query>
    /** Which of all are meant. */
    readonly among?: (all: readonly Entry<DefinitionOf<K>>[], query: Query) => readonly Entry<DefinitionOf<K>>[]
  }
}

/** The routes of a kind, each for its place in the list. */
export const definitionReads = <K extends KindName, Query extends DefinitionListQuery>(
  services: Services,
  resource: Resource<K>,
  { response, show, list }: DefinitionReads<K, Query>,
): { readonly list: Route; readonly one: Route } => {
  const { kind, path, also, tag, one, many, reads: permission } = resource
  const entries = () => services.rulebook.current().entries(kind)
  const listed = { method: 'get', path, ...(also && { also }), summary: `List ${many}`, tag, permission } as const
  return {
    list: list
      ? route({
          ...listed,
          query: list.query,
          response: listOf('data', response),
          handler: (call): Promise<Outcome> => {
            const all = [...entries().values()]
            const meant = list.among ? list.among(all, call.query) : all
            return pageOfDefinitions(services, meant, call, list, (entry) => show(entry, call.key))
          },
        })
      : route({
          ...listed,
          response: listOf('data', response),
          handler: async ({ key }): Promise<Outcome> => {
            const data = await Promise.all([...entries().values()].map((entry) => show(entry, key)))
            return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
          },
        }),
    one: route({
      ...onePath(resource),
      method: 'get',
      summary: `Get ${one}`,
      tag,
      permission,
      response,
      handler: async ({ params, key }): Promise<Outcome> => {
        const id = namedIn(resource, params)
        const entry = entries().get(id)
        return entry
          ? { revision: entry.revision, body: await show(entry, key) }
          : notFound(kindNamed(kind).resource, id)
      },
    }),
  }
}
