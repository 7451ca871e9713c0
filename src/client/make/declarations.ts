// What the API document says of bodies, parameters and answers, as TypeScript declarations.

/** A JSON schema, as far as the document uses them. */
export interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly description?: string
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

export interface DocumentedOperation {
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/
const nameOf = (name: string): string => (IDENTIFIER.test(name) ? name : JSON.stringify(name))

/** A comment that cannot end early, of one line. */
export const comment = (text: string | undefined): string =>
  text === undefined ? '' : `/** ${text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ').trim()} */ `

const union = (types: readonly string[]): string => {
  const distinct = [...new Set(types)]
  // What may be anything says nothing beside others.
  if (distinct.includes('unknown')) return 'unknown'
  return distinct.length === 1 ? distinct[0]! : `(${distinct.join(' | ')})`
}

const objectType = (schema: Schema): string => {
  const { properties = {}, required = [], additionalProperties } = schema
  const fields = Object.entries(properties).map(([name, property]) => {
    const isOptional = !required.includes(name)
    const type = typeOf(property)
    return `${comment(property.description)}${nameOf(name)}${isOptional ? '?' : ''}: ${type}${isOptional && type !== 'unknown' ? ' | undefined' : ''}`
  })
  const isOpen = typeof additionalProperties === 'object' || additionalProperties === true
  if (fields.length === 0)
    return isOpen ? `Record<string, ${openType(additionalProperties)}>` : '{ [name: string]: unknown }'
  // Beside named properties an open place may hold anything: an index signature would have to fit them all.
  return `{ ${[...fields, ...(isOpen ? ['[name: string]: unknown'] : [])].join('; ')} }`
}

const openType = (of: boolean | Schema | undefined): string => (typeof of === 'object' ? typeOf(of) : 'unknown')

const arrayType = ({ items, prefixItems }: Schema): string => {
  if (prefixItems) return `[${prefixItems.map(typeOf).join(', ')}]`
  const item = items === undefined ? 'unknown' : typeOf(items)
  return `${item}[]`
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
}

/** The type of a schema. What it does not say is `unknown`. */
export const typeOf = (schema: Schema): string => {
  if (schema.$ref !== undefined) return componentName(schema.$ref.split('/').at(-1)!)
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return union(schema.enum.map((one) => JSON.stringify(one)))
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return union(choices.map(typeOf))
  if (schema.allOf) return `(${schema.allOf.map(typeOf).join(' & ')})`
  if (Array.isArray(schema.type)) return union(schema.type.map((type: string) => typeOf({ ...schema, type })))
  if (schema.type === 'array') return arrayType(schema)
  if (schema.type === 'object' || schema.properties) return objectType(schema)
  return (typeof schema.type === 'string' && SIMPLE[schema.type]) || 'unknown'
}

/** `Error` is what is thrown; its body has another name here. */
const componentName = (name: string): string => (name === 'Error' ? 'ErrorBody' : name)

/** The declaration of a named schema. */
export const declaration = (name: string, schema: Schema): string =>
  `${comment(schema.description)}export type ${componentName(name)} = ${typeOf(schema)}`

const isParameter = (one: Parameter | { readonly $ref: string }): one is Parameter => 'name' in one

const camel = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())

/** The type of an answer, by what kind of content it is. */
const answerType = ({ responses }: DocumentedOperation): string => {
  const [status, first] = Object.entries(responses)[0] ?? []
  if (status === '204' || first?.content === undefined) return 'undefined'
  const [kind, { schema = {} }] = Object.entries(first.content)[0]!
  if (kind.includes('ndjson')) return `Lines<${typeOf(schema)}>`
  if (kind.includes('event-stream')) return 'Lines<StreamedEvent>'
  return kind.includes('json') ? typeOf(schema) : 'string'
}

/** What one operation takes and answers: parameters of the path in their order, query, body and answer. */
export const operationType = (operation: DocumentedOperation): string => {
  const parameters = (operation.parameters ?? []).filter(isParameter)
  const params = parameters.filter((one) => one.in === 'path').map(({ name }) => `${camel(name)}: string`)
  const query: Schema = {
    type: 'object',
    additionalProperties: false,
    required: parameters.filter((one) => one.required).map(({ name }) => name),
    properties: Object.fromEntries(
      parameters
        .filter((one) => one.in === 'query')
        .map(({ name, description, schema }) => [name, { ...schema, description }]),
    ),
  }
  const isAsked = Object.keys(query.properties ?? {}).length > 0
  const [kind, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
  const body = content?.schema
  return [
    `params: [${params.join(', ')}]`,
    `query: ${isAsked ? typeOf(query) : '{}'}`,
    `body: ${kind?.startsWith('multipart/') ? 'FormData' : body === undefined ? 'undefined' : typeOf(body)}`,
    `answer: ${answerType(operation)}`,
  ].join('; ')
}
