// The OpenAPI 3.1 document, made from the registered routes and their valibot schemas.
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { PERMISSIONS, ROLE_PERMISSIONS, ROLES } from '../domain/access/permissions.ts'
import { PACKAGE_FILE } from '../packageFile.ts'
import { KEY_HEADERS } from './auth.ts'
import { CUSTOMER_TOKEN } from './customerToken.ts'
import { permissionsOf, rolesFor } from './endpoints.ts'
import { exampleOf } from './examples.ts'
import { meaningOf, meaningOfParameter } from './glossary/index.ts'
import { type Audience, audienceOf, type Route, recordsFacts } from './route.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = Record<string, Json>

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const VERSION = v.object({ version: v.string(), description: v.string() })

const packageFacts = (): v.InferOutput<typeof VERSION> =>
  v.parse(VERSION, JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')))

/** A title of this form names a schema under `components.schemas`. */
const COMPONENT_NAME = /^[A-Z][A-Za-z0-9]*$/

/** Collects named schemas; the same name for two different schemas is a mistake in the routes. */
interface Components {
  readonly schemas: JsonObject
  anonymous: number
}

const addComponent = (components: Components, name: string, schema: JsonObject): JsonObject => {
  const known = components.schemas[name]
  if (known !== undefined && !isDeepStrictEqual(known, schema))
    throw new Error(`Two different schemas are named ${name} in the API document`)
  components.schemas[name] = schema
  return { $ref: `#/components/schemas/${name}` }
}

/** Moves titled schemas to the components, deepest first, and points `$defs` references (recursive schemas) there. */
const hoist = (node: Json, components: Components, defs: ReadonlyMap<string, string>): Json => {
  if (Array.isArray(node)) return node.map((item: Json) => hoist(item, components, defs))
  if (!isObject(node)) return node
  const moved: JsonObject = {}
  for (const [key, child] of Object.entries(node)) {
    if (key === '$schema' || key === '$defs') continue
    const target = key === '$ref' && typeof child === 'string' ? defs.get(child) : undefined
    moved[key] = target === undefined ? hoist(child, components, defs) : `#/components/schemas/${target}`
  }
  const { title } = moved
  return typeof title === 'string' && COMPONENT_NAME.test(title) ? addComponent(components, title, moved) : moved
}

const schemaJson = (schema: v.GenericSchema, typeMode: 'input' | 'output', components: Components): JsonObject => {
  // Through text: the converter's type admits undefined, the document must not hold any.
  const json: Json = JSON.parse(
    JSON.stringify(toJsonSchema(schema, { target: 'draft-2020-12', typeMode, errorMode: 'ignore' })),
  )
  if (!isObject(json)) return {}
  const recursive = isObject(json.$defs) ? Object.entries(json.$defs) : []
  const defs = new Map<string, string>()
  for (const [name] of recursive) {
    components.anonymous += 1
    defs.set(`#/$defs/${name}`, `Recursive${components.anonymous}`)
  }
  for (const [name, child] of recursive) {
    const hoisted = hoist(child, components, defs)
    if (isObject(hoisted)) addComponent(components, defs.get(`#/$defs/${name}`)!, hoisted)
  }
  const hoisted = hoist(json, components, defs)
  return isObject(hoisted) ? hoisted : {}
}

/** The properties of a schema, each with what its name means, unless it says so itself or refers to what does. */
const explainProperties = (named: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(named).map(([name, property]) => {
      const explained = explain(property)
      const description = meaningOf(name)
      return !isObject(explained) || description === undefined || 'description' in explained || '$ref' in explained
        ? [name, explained]
        : [name, { ...explained, description }]
    }),
  )

const explain = (node: Json): Json => {
  if (Array.isArray(node)) return node.map(explain)
  if (!isObject(node)) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      key === 'example' ? child : key === 'properties' && isObject(child) ? explainProperties(child) : explain(child),
    ]),
  )
}

const properties = (schema: JsonObject, components: Components): JsonObject => {
  const named = typeof schema.$ref === 'string' ? components.schemas[schema.$ref.split('/').at(-1)!] : schema
  return isObject(named) && isObject(named.properties) ? named.properties : {}
}

const requiredNames = (schema: JsonObject): readonly Json[] => (Array.isArray(schema.required) ? schema.required : [])

/** A default is written as text in a query schema; the document says it in the parameter's own type. */
const typedDefault = (schema: JsonObject): JsonObject => {
  if (typeof schema.default !== 'string') return schema
  if (schema.type === 'integer' || schema.type === 'number') return { ...schema, default: Number(schema.default) }
  return schema.type === 'boolean' ? { ...schema, default: schema.default === 'true' } : schema
}

const describedAs = (description: string | undefined): JsonObject => (description === undefined ? {} : { description })

const pathParameters = (path: string, route: Route, components: Components): readonly JsonObject[] => {
  const known = route.params === undefined ? {} : properties(schemaJson(route.params, 'input', components), components)
  return [...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...describedAs(meaningOfParameter(name)),
    schema: known[name] ?? { type: 'string' },
  }))
}

const queryParameters = (route: Route, components: Components): readonly JsonObject[] => {
  if (route.query === undefined) return []
  const schema = schemaJson(route.query, 'input', components)
  return Object.entries(properties(schema, components)).map(([name, property]) => {
    const typed = isObject(property) ? typedDefault(property) : {}
    const description = typeof typed.description === 'string' ? typed.description : meaningOfParameter(name)
    return {
      name,
      in: 'query',
      required: requiredNames(schema).includes(name),
      ...describedAs(description),
      ...(typed.type === 'object' ? { style: 'deepObject', explode: true } : {}),
      schema: typed,
    }
  })
}

const ref = (kind: string, name: string): JsonObject => ({ $ref: `#/components/${kind}/${name}` })

const ERRORS: Readonly<Record<string, string>> = {
  BadRequest: 'The request is malformed or breaks a rule',
  Unauthorized: 'No key, or a wrong one',
  Forbidden: 'The key lacks the permission, or may not be used from this origin',
  NotFound: 'What the path names does not exist',
  Conflict: 'The name or id is taken, or another request was faster',
  PreconditionFailed: 'What If-Match names has changed meanwhile: read it again',
  PayloadTooLarge: 'The body is over its limit',
  UnsupportedMediaType: 'The body is not application/json',
  KeyReused: 'The Idempotency-Key was used for another request before',
  TooManyRequests: 'The key is over its requests a minute',
  InternalError: 'An unexpected error; the log of the server tells more under the request id',
  Unavailable: 'A needed server does not answer, or the read model did not reach the Consistency-Token in time',
  InsufficientStorage: 'A disk is nearly full: nothing can be recorded until there is room',
}

const errorResponses = (route: Route, audience: Audience): JsonObject => ({
  ...(audience === 'public'
    ? {}
    : {
        400: ref('responses', 'BadRequest'),
        401: ref('responses', 'Unauthorized'),
        403: ref('responses', 'Forbidden'),
        404: ref('responses', 'NotFound'),
        429: ref('responses', 'TooManyRequests'),
      }),
  ...(audience === 'public' || route.method === 'get'
    ? {}
    : { 409: ref('responses', 'Conflict'), 422: ref('responses', 'KeyReused') }),
  ...(route.ifMatch ? { 412: ref('responses', 'PreconditionFailed') } : {}),
  ...(route.body === undefined
    ? {}
    : { 413: ref('responses', 'PayloadTooLarge'), 415: ref('responses', 'UnsupportedMediaType') }),
  500: ref('responses', 'InternalError'),
  503: ref('responses', 'Unavailable'),
  ...(recordsFacts(route) ? { 507: ref('responses', 'InsufficientStorage') } : {}),
})

const operationId = (route: Route, path: string): string =>
  path === route.path && route.operationId !== undefined
    ? route.operationId
    : `${route.method}${path.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase())}`

const security = (audience: Audience): readonly JsonObject[] =>
  audience === 'public' ? [] : [{ [`${audience}Id`]: [], [`${audience}Token`]: [] }]

const contentTypeOf = ({ isForm, isUpload }: Route): string =>
  isUpload ? 'multipart/form-data' : isForm ? 'application/x-www-form-urlencoded' : 'application/json'

const operation = (route: Route, path: string, components: Components): JsonObject => {
  const audience = audienceOf(path)
  const example = exampleOf(route.method, route.path)
  const content: JsonObject =
    route.response === undefined
      ? {}
      : {
          content: {
            [route.contentType ?? 'application/json']: {
              schema: schemaJson(route.response, 'output', components),
              ...(example?.response === undefined ? {} : { example: example.response as Json }),
            },
          },
        }
  const common =
    audience === 'public'
      ? []
      : route.method === 'get'
        ? [ref('parameters', 'ConsistencyToken'), ref('parameters', 'Prefer'), ref('parameters', 'IfNoneMatch')]
        : [ref('parameters', 'IdempotencyKey'), ...(route.ifMatch ? [ref('parameters', 'IfMatch')] : [])]
  return {
    operationId: operationId(route, path),
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.tag],
    security: security(audience),
    ...(route.permission === undefined
      ? {}
      : { 'x-permission': [...permissionsOf(route, path)], 'x-roles': [...rolesFor(route, path)] }),
    parameters: [
      ...pathParameters(path, route, components),
      ...queryParameters(route, components),
      ...common,
      ...(audience === 'client' ? [ref('parameters', 'CustomerToken')] : []),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              [contentTypeOf(route)]: {
                schema: schemaJson(route.body, 'input', components),
                ...(example?.request === undefined ? {} : { example: example.request as Json }),
              },
            },
          },
        }),
    ...(example === undefined || path !== route.path ? {} : { 'x-example-path': example.path }),
    responses: {
      [String(route.status ?? 200)]: { description: 'Done', ...content },
      ...errorResponses(route, audience),
    },
  }
}

const ERROR_SCHEMA: JsonObject = {
  title: 'Error',
  type: 'object',
  properties: {
    code: { type: 'integer', description: 'The HTTP status' },
    key: { type: 'string' },
    message: { type: 'string' },
    details: { type: 'string' },
    request_id: { type: 'string', description: 'The same as in the log of the server' },
    resource_id: { type: 'string' },
    resource_type: { type: 'string' },
    error: { type: 'object', properties: { message: { type: 'string' } }, description: "The text of a rule's author" },
  },
  required: ['code', 'key', 'message', 'request_id'],
}

const headerParameter = (name: string, description: string, schema: JsonObject): JsonObject => ({
  name,
  in: 'header',
  description,
  schema,
})

const PARAMETERS: JsonObject = {
  IdempotencyKey: headerParameter(
    'Idempotency-Key',
    'Names the request within the space of the API key, for its customer: a repeat is given the first answer, with ' +
      '`Idempotent-Replayed: true`, and records nothing; where that told a secret, the repeat is 409 ' +
      '`duplicate_found`; another content under it is 422 `idempotency_key_reused`. A refusal is not remembered: it may be ' +
      'asked again once its cause is gone. Must not begin with `process:` or `resend:`.',
    {
      type: 'string',
      minLength: 1,
      maxLength: 255,
    },
  ),
  ConsistencyToken: headerParameter(
    'Consistency-Token',
    'As a command answered it: the query waits until it can see what that command recorded',
    { type: 'string', pattern: '^\\d{1,20}$' },
  ),
  Prefer: headerParameter(
    'Prefer',
    '`wait=<seconds>`: how long to wait for the token (default 2) or for what the key has written (default 1), at most 10',
    {
      type: 'string',
    },
  ),
  IfMatch: headerParameter('If-Match', 'The ETag of an earlier answer: 412 when somebody was faster', {
    type: 'string',
  }),
  CustomerToken: headerParameter(
    CUSTOMER_TOKEN,
    "A JWT (HS256) by the shop's server whose `sub` is the customer's `source_id`: the browser speaks for that customer",
    { type: 'string' },
  ),
  IfNoneMatch: headerParameter('If-None-Match', 'The ETag of an earlier answer: 304 when it still holds', {
    type: 'string',
  }),
}

const securitySchemes = (): JsonObject =>
  Object.fromEntries(
    Object.entries(KEY_HEADERS).flatMap(([audience, { id, token }]) => [
      [`${audience}Id`, { type: 'apiKey', in: 'header', name: id }],
      [`${audience}Token`, { type: 'apiKey', in: 'header', name: token }],
    ]),
  )

/** The document of these routes. Throws when two different schemas have one name. */
export const apiDocument = (routes: readonly Route[]): JsonObject => {
  const facts = packageFacts()
  const components: Components = { schemas: { Error: ERROR_SCHEMA }, anonymous: 0 }
  const paths: Record<string, JsonObject> = {}
  for (const route of routes)
    for (const path of [route.path, ...(route.also ?? [])]) {
      paths[path] ??= {}
      paths[path][route.method] = operation(route, path, components)
    }
  return {
    openapi: '3.1.0',
    info: { title: 'Tributary', version: facts.version, description: facts.description },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    'x-access': {
      permissions: { ...PERMISSIONS },
      roles: Object.fromEntries(ROLES.map((role) => [role, [...ROLE_PERMISSIONS[role]].toSorted()])),
    },
    paths: explain(paths),
    components: {
      schemas: explain(components.schemas),
      parameters: PARAMETERS,
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([name, description]) => [
          name,
          { description, content: { 'application/json': { schema: ref('schemas', 'Error') } } },
        ]),
      ),
      securitySchemes: securitySchemes(),
    },
  }
}
