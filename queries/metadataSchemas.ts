// Reading metadata schemas. The rulebook in memory is their read model.
import * as v from 'valibot'
import { findMetadataSchema, metadataSchemas } from '../src/api/definitions/metadataSchema.ts'
import { MetadataSchemaObject, showMetadataSchema } from '../src/api/presenters/metadataSchemas.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const { path, also: [managed] = [''], param, tag } = metadataSchemas
const permission = 'definitions.read'

export const metadataSchemaQueries = (services: Services) => {
  const entries = () => services.rulebook.current().entries('metadataSchema')
  const one = (form: 'camel' | 'snake', name: string): Outcome => {
    const found = findMetadataSchema(services.rulebook.current().definitions, { metadataSchemaId: name })
    const entry = found && entries().get(found.id)
    return entry
      ? { revision: entry.revision, body: showMetadataSchema(entry, form) }
      : notFound('metadata_schema', name)
  }
  return [
    route({
      method: 'get',
      path,
      summary: 'List metadata schemas',
      tag,
      permission,
      response: listOf('schemas', MetadataSchemaObject),
      handler: (): Outcome => {
        const schemas = [...entries().values()].map((entry) => showMetadataSchema(entry, 'camel'))
        return { body: { object: 'list', data_ref: 'schemas', schemas, total: schemas.length } }
      },
    }),
    route({
      method: 'get',
      path: managed as '/management/v1/projects/{projectId}/metadata-schemas',
      summary: 'List metadata schemas (management API)',
      tag,
      permission,
      response: listOf('data', MetadataSchemaObject),
      handler: (): Outcome => {
        const data = [...entries().values()].map((entry) => showMetadataSchema(entry))
        return { body: { object: 'list', data_ref: 'data', data, total: data.length } }
      },
    }),
    route({
      method: 'get',
      path: `${path}/{${param}}` as '/v1/metadata-schemas/{metadataSchemaId}',
      summary: 'Get the metadata schema of a kind of resource, or one by its id',
      tag,
      permission,
      params: v.object({ metadataSchemaId: v.string() }),
      response: MetadataSchemaObject,
      handler: ({ params }) => one('camel', params.metadataSchemaId),
    }),
    route({
      method: 'get',
      path: `${managed}/{${param}}` as '/management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId}',
      summary: 'Get a metadata schema (management API)',
      tag,
      permission,
      response: MetadataSchemaObject,
      handler: ({ params }) => one('snake', params.metadataSchemaId),
    }),
  ]
}
