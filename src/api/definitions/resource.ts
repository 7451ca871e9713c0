// What a kind of definition is to the API: where its definitions are, what makes and changes them, how they show and who may do
// what. Its routes follow from that (`commands/definitionRoutes`, `queries/definitionRoutes`).
import * as v from 'valibot'
import type { Permission } from '../../domain/access/permissions.ts'
import { answered, RECORD } from '../../domain/answered.ts'
import { type Refused, refuse } from '../../domain/refusal.ts'
import type { DefinitionChange } from '../../domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import type { DefinitionOf, KindName } from '../../domain/rulebook/kinds.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import type { Failure } from '../../http/errors.ts'
import { describeIssues } from '../../http/issues.ts'
import type { Answer, Call } from '../../http/route.ts'
import type { ApiKey } from '../../keys.ts'
import type { Services } from '../../services.ts'
import type { DefinitionFields, DefinitionListQuery } from '../lists/definitions.ts'

/** What a definition is shown by: of the rulebook that a change led to, or as it is now. */
export interface Showing {
  readonly services: Services
  readonly rulebook: Rulebook
  /** Who asks. */
  readonly key: ApiKey
}

export type PathNames = Readonly<Record<string, string>>

export interface DefinitionResource<
  K extends KindName = KindName,
  Body = unknown,
  Patch = unknown,
  Query = DefinitionListQuery,
> {
  readonly kind: K
  /** Of all of them; one is `{path}/{param}`. */
  readonly path: string
  /** Other paths of the same. */
  readonly also?: readonly string[]
  /** The parameter of the path to one; default `id`. */
  readonly param?: string
  /** The group in the API document. */
  readonly tag: string
  /** In summaries, such as `a segment` and `segments`. */
  readonly one: string
  readonly many: string
  /** Default `definitions.read` and `definitions.write`. */
  readonly reads?: Permission
  readonly writes?: Permission
  /** Else who may write. */
  readonly deletes?: Permission
  readonly response: v.GenericSchema
  show(entry: Entry<DefinitionOf<K>>, showing: Showing): object | Promise<object>
  /** Absent: a route of its own makes them. */
  readonly body?: v.GenericSchema<unknown, Body>
  /** Absent: a route of its own changes them. */
  readonly patch?: v.GenericSchema<unknown, Patch>
  /** Levels of objects and arrays in a body. */
  readonly bodyNesting?: number
  /** Descriptions of its routes. */
  readonly describe?: {
    readonly create?: string
    readonly change?: string
    readonly remove?: string
    readonly get?: string
  }
  /** The one that a path names; default: by its id. */
  find?(definitions: Definitions, names: PathNames): Entry<DefinitionOf<K>> | Refused | undefined
  /** What a body makes; default: the body. */
  made?(body: Body): DefinitionOf<K>
  /** Why a body makes none, as far as no definition is needed to tell. */
  fault?(body: Body): Failure | Refused | undefined
  /** What is recorded along with a new one. */
  along?(definitions: Definitions, id: string, body: Body, now: number): readonly DefinitionChange[] | Refused
  /** The answer to a new one, where more is to be done than to show it. */
  begun?(
    call: Call<Body, unknown, unknown>,
    entry: Entry<DefinitionOf<K>>,
    services: Services,
  ): Answer | Promise<Answer>
  /** What a patch makes of what there is; default: what it gives replaces that, part by part. */
  patched?(old: Entry<DefinitionOf<K>>, patch: Patch, all: Definitions): DefinitionOf<K> | Refused
  /** What a change asks for that only the read models can tell to be none. */
  refused?(old: Entry<DefinitionOf<K>>, patch: Patch, services: Services): Promise<Failure | Refused | undefined>
  /** Where it can be switched on and off: what its routes say. */
  readonly switches?: Readonly<
    Record<'enable' | 'disable', { readonly summary: string; readonly description?: string }>
  >
  /** What is deleted along with it, and it; default: it alone. */
  deletion?(definitions: Definitions, id: string, now: number): readonly DefinitionChange[]
  /** What the list is asked by; absent: it is always whole, as there are few. */
  readonly list?: DefinitionFields<DefinitionOf<K>> & {
    readonly query: v.GenericSchema<unknown, Query>
    /** Which of all are meant. */
    among?(all: readonly Entry<DefinitionOf<K>>[], query: Query, rulebook: Rulebook): readonly Entry<DefinitionOf<K>>[]
  }
  /** Reads that are routes of their own. */
  readonly own?: readonly ('list' | 'one')[]
}

/** Ties the parts of a resource to the type of its kind. */
export const definitionResource = <K extends KindName, Body, Patch extends object, Query extends DefinitionListQuery>(
  kind: K,
  resource: Omit<DefinitionResource<K, Body, Patch, Query>, 'kind'>,
): DefinitionResource<K, Body, Patch, Query> => ({ kind, ...resource })

/** For the pipe of a definition's body: what the answers about it say beside it, `more` included, is taken back unread. */
export const recorded = <T>(
  ...more: readonly string[]
): v.MetadataAction<T, Readonly<Record<string, readonly string[]>>> => answered<T>(...RECORD, 'switched_off', ...more)

/** What makes a definition, and what changes it, where that is the definition itself, or a part; `shown` as for `recorded`. */
export const bodiesOf = <Entries extends v.ObjectEntries>(
  schema: v.ObjectSchema<Entries, undefined>,
  ...shown: readonly string[]
) => ({ body: v.pipe(schema, recorded(...shown)), patch: v.pipe(v.partial(schema), recorded(...shown)) })

/** What a change made of a definition, as its schema has it; a refusal names the path of every fault. */
export const asWhole = <D>(schema: v.GenericSchema<unknown, D>, changed: unknown): D | Refused => {
  const parsed = v.safeParse(schema, changed)
  return parsed.success ? parsed.output : refuse('invalid_payload', describeIssues(parsed.issues))
}

/** The path to one, and its others. */
export const onePath = ({ path, also, param = 'id' }: Pick<DefinitionResource, 'path' | 'also' | 'param'>) => ({
  path: `${path}/{${param}}`,
  ...(also && { also: also.map((other) => `${other}/{${param}}`) }),
})

/** What a path to one names. */
export const namedIn = ({ param = 'id' }: Pick<DefinitionResource, 'param'>, names: PathNames): string => names[param]!
