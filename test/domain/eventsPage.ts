// The catalogue of facts, made from the registry: what can be in the log, in which stream, with which fields.

import { toJsonSchema } from '@valibot/to-json-schema'
import { FACT_FAMILIES, type FactFamily } from '../../src/domain/registry.ts'

interface Shape {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Shape[]
}

const MOST_NAMES = 6

/** A type in a few words. */
const words = (shape: Shape): string => {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum) {
    const some = shape.enum.slice(0, MOST_NAMES).map((value) => JSON.stringify(value))
    return [...some, ...(shape.enum.length > some.length ? ['…'] : [])].join(' or ')
  }
  if (shape.anyOf) return [...new Set(shape.anyOf.map(words))].join(' or ')
  if (shape.type === 'array') return `list of ${words(shape.items ?? {})}`
  if (shape.properties) return `{ ${Object.keys(shape.properties).join(', ')} }`
  return typeof shape.type === 'string' ? shape.type : 'anything'
}

const fieldsOf = ({ schema }: FactFamily['facts'][string]): string => {
  const shape = toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'output' }) as Shape
  const required = new Set(shape.required)
  return Object.entries(shape.properties ?? {})
    .map(([name, inner]) => `\`${name}${required.has(name) ? '' : '?'}\` ${words(inner).replaceAll('|', '\\|')}`)
    .join('; ')
}

const familyPage = ({ title, stream, says, facts }: FactFamily): string => {
  const rows = Object.entries(facts).map(
    ([type, spec]) => `| \`${type}\` | ${spec.version} | ${fieldsOf(spec)} | ${spec.personal?.named ?? ''} |`,
  )
  return `## ${title}\n\n\`${stream}\`. ${says}\n\n| Fact | Version | Fields | Personal |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

export const eventsPage = (): string => `# Facts

All that can be in the event log, made from \`registry.ts\` (\`npm run events\` writes it again, a test holds it to the code). A fact is
read by its type and the version of its shape (\`metadata.schemaVersion\`); older versions are brought to the newest by the upcasters
beside the schema. \`?\` marks fields that may be absent. What is personal is kept encrypted under the customer's key, in
\`metadata.personal\`. Instants are milliseconds since the epoch, points and money whole numbers (minor units).

${FACT_FAMILIES.map(familyPage).join('\n')}`
