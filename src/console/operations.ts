// Writes what the API's own document says of paths and parameters as types for the console's pages, before they are checked:
// `tsx src/console/operations.ts`. A page that asks what the API does not answer does not pass.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { apiDocument } from '../http/openapi.ts'
import type { Services } from '../services.ts'

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema?: { readonly type?: string; readonly enum?: readonly unknown[] }
}
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { parameters?: readonly Parameter[] }>>>>
}

const typeOf = ({ schema = {} }: Parameter): string => {
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ')
  if (schema.type === 'integer' || schema.type === 'number') return 'number | string'
  return schema.type === 'boolean' ? 'boolean | string' : 'string'
}

const queryType = (parameters: readonly Parameter[]): string => {
  const fields = parameters
    .filter((one) => one.in === 'query')
    .map(
      (one) =>
        `${JSON.stringify(one.name)}${one.required ? '' : '?'}: ${typeOf(one)}${one.required ? '' : ' | undefined'}`,
    )
  return fields.length === 0 ? 'Record<string, never>' : `{ ${fields.join('; ')} }`
}

const { paths } = JSON.parse(
  JSON.stringify(apiDocument([...commandRoutes(services), ...queryRoutes(services)])),
) as Document
const lines = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, { parameters = [] }]) => `  '${method.toUpperCase()} ${path}': { query: ${queryType(parameters)} }`,
  ),
)
writeFileSync(
  fileURLToPath(new URL('browser/operations.gen.ts', import.meta.url)),
  `// Written by src/console/operations.ts: not to be changed by hand.\nexport interface Operations {\n${lines.join('\n')}\n}\n`,
)
