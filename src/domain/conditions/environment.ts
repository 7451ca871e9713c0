// What exists in a project, so that a definition that names something else is refused when it is written.
import { isInternalEventType } from '../internalEvents.ts'
import type { ValueType } from './ast.ts'

export interface SchemaProperty {
  readonly type: 'string' | 'number' | 'boolean' | 'date' | 'datetime'
  readonly array?: boolean
  readonly optional?: boolean
  readonly deleted?: boolean
}

export interface Environment {
  /** IANA name. */
  readonly timeZone: string
  /** Custom events by name. */
  readonly eventSchemas: Pick<
    ReadonlyMap<string, { readonly properties: Readonly<Record<string, SchemaProperty>> }>,
    'get' | 'has' | 'keys'
  >
  /** Segments by id. */
  readonly segments: Pick<ReadonlyMap<string, unknown>, 'has'>
  /** Campaigns by id; when absent, campaigns are not checked and named as written. */
  readonly campaigns?: Pick<ReadonlyMap<string, unknown>, 'has'>
  /** The id of the campaign with a name. */
  readonly campaignNamed?: (name: string) => string | undefined
  /** The event in whose context the condition is asked, where that is known: its properties are then checked. */
  readonly contextEvent?: string
}

/** How a value is to be tested: its type, and whether it is a list of such. */
export interface ValueShape {
  readonly type: ValueType
  /** Undefined where both may be. */
  readonly array: boolean | undefined
}

export const ANY: ValueShape = { type: 'any', array: undefined }

export const isKnownEvent = (environment: Environment, name: string): boolean =>
  environment.eventSchemas.has(name) || isInternalEventType(name)

/** A property of an event: `ANY` for internal events, undefined when the schema does not have it. */
export const propertyOf = (environment: Environment, event: string, property: string): ValueShape | undefined => {
  const schema = environment.eventSchemas.get(event)
  if (!schema) return isInternalEventType(event) ? ANY : undefined
  const found = Object.hasOwn(schema.properties, property) ? schema.properties[property] : undefined
  return found && !found.deleted ? { type: found.type, array: found.array ?? false } : undefined
}

/** A property of whichever event comes: undefined when no schema has it, `ANY` when schemas do not agree on it. */
export const propertyOfSome = (environment: Environment, property: string): ValueShape | undefined => {
  if (environment.contextEvent !== undefined) return propertyOf(environment, environment.contextEvent, property)
  let shape: ValueShape | undefined
  for (const event of environment.eventSchemas.keys()) {
    const found = propertyOf(environment, event, property)
    if (!found) continue
    if (shape && (shape.type !== found.type || shape.array !== found.array)) return ANY
    shape = found
  }
  return shape
}

/** The id of a campaign named by id or name; undefined when there is none. */
export const campaignOf = (environment: Environment, idOrName: string): string | undefined => {
  if (!environment.campaigns || environment.campaigns.has(idOrName)) return idOrName
  return environment.campaignNamed?.(idOrName)
}
