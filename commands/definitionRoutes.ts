// The routes that write definitions, the same for every kind: create, change, switch on and off, delete. What a kind does otherwise
// it says by a hook of its resource.
import { randomBytes } from 'node:crypto'
import { routesOfAll } from '../src/api/definitions/index.ts'
import { type DefinitionResource, namedIn, onePath, type PathNames } from '../src/api/definitions/resource.ts'
import { isRefused, type Refused, refuseNotFound } from '../src/domain/refusal.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, definitionId, type KindName, kindNamed } from '../src/domain/rulebook/kinds.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { type Call, type Outcome, type Route, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

type Definition = DefinitionOf<KindName>
type OneCall = Call<unknown, unknown, PathNames>

/** A definition with what was given in place of what there was. */
const merged = (old: Definition, patch: object): Definition => ({
  ...old,
  ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
})

/** The routes of a kind that write. */
export const routesOf = (services: Services, resource: DefinitionResource): readonly Route[] => {
  const { kind, tag, one, response, body, patch, bodyNesting, describe = {} } = resource
  const permission = resource.writes ?? 'definitions.write'
  const shared = { tag, permission, response, bodyNesting }
  const paths = onePath(resource)
  const described = (description: string | undefined) => description && { description }
  const change = (
    verb: DefinitionChange['verb'],
    id: string,
    occurredAt: number,
    definition?: unknown,
  ): DefinitionChange => ({ kind, verb, id, definition, occurredAt })

  const find = (definitions: Definitions, names: PathNames): Entry<Definition> | Refused => {
    const named = namedIn(resource, names)
    const found = resource.find ? resource.find(definitions, names) : entriesOf(definitions, kind).get(named)
    return found ?? refuseNotFound(kindNamed(kind).resource, named)
  }
  const showIn = async (rulebook: Rulebook, id: string, { key }: Pick<OneCall, 'key'>): Promise<object | undefined> => {
    const entry = rulebook.entries(kind).get(id)
    return entry && resource.show(entry, { services, rulebook, key })
  }

  /** Changes the one that the path names, and shows it, unless it is gone. */
  const changeOne = (
    call: OneCall,
    propose: (old: Entry<Definition>, all: Definitions) => readonly DefinitionChange[] | Refused,
  ): Promise<Outcome> => {
    let id = ''
    return changeDefinitions(
      services,
      call,
      (definitions) => {
        const old = find(definitions, call.params)
        if (isRefused(old)) return old
        id = old.id
        return propose(old, definitions)
      },
      async (rulebook) => {
        const shown = await showIn(rulebook, id, call)
        return shown ? { body: shown } : { status: 204 }
      },
    )
  }

  const creating =
    body &&
    route({
      ...shared,
      method: 'post',
      path: resource.path,
      also: resource.also,
      summary: `Create ${one}`,
      ...described(describe.create),
      body,
      handler: (call): Outcome | Promise<Outcome> => {
        const fault = resource.fault?.(call.body)
        if (fault) return fault
        const id = definitionId(kind, call.idempotencyKey ?? randomBytes(16).toString('hex'))
        return changeDefinitions(
          services,
          call,
          (definitions) => {
            const more = resource.along?.(definitions, id, call.body, call.now) ?? []
            if (isRefused(more)) return more
            return [change('Created', id, call.now, resource.made?.(call.body) ?? call.body), ...more]
          },
          async (rulebook) =>
            resource.begun?.(call, rulebook.entries(kind).get(id)!, services) ?? {
              body: await showIn(rulebook, id, call),
            },
        )
      },
    })
  const changing =
    patch &&
    route({
      ...shared,
      ...paths,
      method: 'put',
      ifMatch: true,
      summary: `Change ${one}`,
      ...described(describe.change),
      body: patch,
      handler: async (call) => {
        const there = resource.refused && find(services.rulebook.current().definitions, call.params)
        const refused = there && !isRefused(there) && (await resource.refused?.(there, call.body, services))
        if (refused) return refused
        return changeOne(call, (old, all) => {
          const definition = resource.patched
            ? resource.patched(old, call.body, all)
            : merged(old.definition, call.body as object)
          return isRefused(definition) ? definition : [change('Updated', old.id, call.now, definition)]
        })
      },
    })
  const switches = (['enable', 'disable'] as const).flatMap((word) => {
    const said = resource.switches?.[word]
    const isOn = word === 'enable'
    return said === undefined
      ? []
      : route({
          tag,
          permission,
          response,
          ...said,
          method: 'post',
          path: `${paths.path}/${word}`,
          handler: (call) =>
            changeOne(call, ({ id, definition }) => [
              change(isOn ? 'Enabled' : 'Disabled', id, call.now, { ...definition, active: isOn }),
            ]),
        })
  })
  const removing = route({
    ...paths,
    tag,
    method: 'delete',
    ifMatch: true,
    summary: `Delete ${one}`,
    ...described(describe.remove),
    permission: resource.deletes ?? permission,
    status: 204,
    handler: (call) =>
      changeOne(call, ({ id }, all) => resource.deletion?.(all, id, call.now) ?? [change('Deleted', id, call.now)]),
  })
  return [...(creating ? [creating] : []), ...(changing ? [changing] : []), ...switches, removing]
}

export const definitionCommands = (services: Services): readonly Route[] => routesOfAll(services, routesOf)
