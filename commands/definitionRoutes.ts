// The routes that write definitions, the same for every kind: create, change, switch on and off, delete. What a kind does otherwise
// it says by a hook.
import { randomBytes } from 'node:crypto'
import type * as v from 'valibot'
import { namedIn, onePath, type Resource } from '../src/api/resources.ts'
import { idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused, refuseNotFound } from '../src/domain/refusal.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { type DefinitionOf, type KindName, kindNamed } from '../src/domain/rulebook/kinds.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import type { Failure } from '../src/http/errors.ts'
import { type Answer, type Call, type Outcome, type Route, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

type Shown = object | Promise<object>
type Changed<K extends KindName> = DefinitionOf<K> | Refused

export interface DefinitionWrites<K extends KindName, Body, Patch> {
  readonly body: v.GenericSchema<unknown, Body>
  readonly patch: v.GenericSchema<unknown, Patch>
  /** Levels of objects and arrays in a body. */
  readonly bodyNesting?: number
  readonly response: v.GenericSchema
  readonly describe?: { readonly create?: string; readonly change?: string; readonly remove?: string }
  readonly show: (entry: Entry<DefinitionOf<K>>, rulebook: Rulebook) => Shown
  /** The one that a path names; default: by its id. */
  readonly find?: (definitions: Definitions, name: string) => Entry<DefinitionOf<K>> | undefined
  /** What a body makes; default: the body. */
  readonly made?: (body: Body) => DefinitionOf<K>
  /** Why a body makes none, as far as no definition is needed to tell. */
  readonly fault?: (body: Body) => Failure | Refused | undefined
  /** What is recorded along with a new one. */
  readonly along?: (
    definitions: Definitions,
    id: string,
    body: Body,
    now: number,
  ) => readonly DefinitionChange[] | Refused
  /** The answer to a new one, where more is to be done than to show it. */
  readonly begun?: (call: Call<Body, unknown, unknown>, entry: Entry<DefinitionOf<K>>) => Answer | Promise<Answer>
  /** What a patch makes of what there is; default: what it gives replaces that, part by part. */
  readonly patched?: (old: Entry<DefinitionOf<K>>, patch: Patch) => Changed<K>
  /** What a change asks for that only the read models can tell to be none. */
  readonly refused?: (old: Entry<DefinitionOf<K>>, patch: Patch) => Promise<Failure | Refused | undefined>
  /** Where it can be switched on and off: what its routes say. */
  readonly switches?: Readonly<Record<Word, { readonly summary: string; readonly description?: string }>>
}

type Word = 'enable' | 'disable'

/** A definition with what was given in place of what there was. */
export const merged = <D extends object>(old: D, patch: object): D => ({
  ...old,
  ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
})

/** The routes of a kind, each for its place in the list. */
export const definitionRoutes = <K extends KindName, Body, Patch extends object>(
  services: Services,
  resource: Resource<K>,
  writes: DefinitionWrites<K, Body, Patch>,
): { readonly create: Route; readonly change: Route; readonly switches: readonly Route[]; readonly remove: Route } => {
  const { kind, tag, one } = resource
  const { response, bodyNesting, describe = {}, show } = writes
  const find = writes.find ?? ((definitions: Definitions, name: string) => entriesOf(definitions, kind).get(name))
  const shared = { tag, permission: resource.writes, response, ...(bodyNesting && { bodyNesting }) }
  const definitionOf = writes.made ?? ((body: Body) => body as unknown as DefinitionOf<K>)
  const patched = writes.patched ?? (({ definition }, patch) => merged(definition as object, patch) as DefinitionOf<K>)
  const change = (
    verb: DefinitionChange['verb'],
    id: string,
    occurredAt: number,
    definition?: unknown,
  ): DefinitionChange => ({
    kind,
    verb,
    id,
    definition,
    occurredAt,
  })

  /** Changes the one that the path names, and shows it, unless it is gone. */
  const changeOne = (
    call: Call<unknown, unknown, Readonly<Record<string, string>>>,
    propose: (old: Entry<DefinitionOf<K>>) => DefinitionChange | Refused,
  ): Promise<Outcome> => {
    const name = namedIn(resource, call.params)
    let id = name
    return changeDefinitions(
      services,
      call,
      (definitions) => {
        const old = find(definitions, name)
        if (!old) return refuseNotFound(kindNamed(kind).resource, name)
        id = old.id
        const proposed = propose(old)
        return isRefused(proposed) ? proposed : [proposed]
      },
      async (rulebook) => {
        const entry = rulebook.entries(kind).get(id)
        return entry ? { body: await show(entry, rulebook) } : { status: 204 }
      },
    )
  }

  const paths = onePath(resource)
  return {
    create: route({
      ...shared,
      method: 'post',
      path: resource.path,
      ...(resource.also && { also: resource.also }),
      summary: `Create ${one}`,
      ...(describe.create && { description: describe.create }),
      body: writes.body,
      handler: (call): Outcome | Promise<Outcome> => {
        const fault = writes.fault?.(call.body)
        if (fault) return fault
        const id = idFrom(resource.prefix, call.idempotencyKey ?? randomBytes(16).toString('hex'))
        return changeDefinitions(
          services,
          call,
          (definitions) => {
            const more = writes.along?.(definitions, id, call.body, call.now) ?? []
            return isRefused(more) ? more : [change('Created', id, call.now, definitionOf(call.body)), ...more]
          },
          async (rulebook) => {
            const entry = rulebook.entries(kind).get(id)!
            return writes.begun ? writes.begun(call, entry) : { body: await show(entry, rulebook) }
          },
        )
      },
    }),
    change: route({
      ...shared,
      ...paths,
      method: 'put',
      ifMatch: true,
      summary: `Change ${one}`,
      ...(describe.change && { description: describe.change }),
      body: writes.patch,
      handler: async (call) => {
        const there = find(services.rulebook.current().definitions, namedIn(resource, call.params))
        const refused = there && (await writes.refused?.(there, call.body))
        if (refused) return refused
        return changeOne(call, (old) => {
          const definition = patched(old, call.body)
          return isRefused(definition as object)
            ? (definition as Refused)
            : change('Updated', old.id, call.now, definition)
        })
      },
    }),
    switches: Object.entries(writes.switches ?? {}).map(([word, said]) =>
      route({
        tag,
        permission: resource.writes,
        response,
        ...said,
        method: 'post',
        path: `${paths.path}/${word}`,
        handler: (call) => {
          const isOn = word === 'enable'
          return changeOne(call, ({ id, definition }) =>
            change(isOn ? 'Enabled' : 'Disabled', id, call.now, { ...(definition as object), active: isOn }),
          )
        },
      }),
    ),
    remove: route({
      ...paths,
      tag,
      method: 'delete',
      ifMatch: true,
      summary: `Delete ${one}`,
      ...(describe.remove && { description: describe.remove }),
      permission: resource.deletes ?? resource.writes,
      status: 204,
      handler: (call) => changeOne(call, ({ id }) => change('Deleted', id, call.now)),
    }),
  }
}
