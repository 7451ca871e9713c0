// Metadata schemas: what the metadata of a kind of resource holds. What was there before stays as it is.

import { entriesOf } from '../../domain/rulebook/entries.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import { MetadataSchema } from '../../domain/rulebook/metadataSchema.ts'
import { MetadataSchemaObject, showMetadataSchema } from '../presenters/metadataSchemas.ts'
import { bodiesOf, definitionResource, type PathNames } from './resource.ts'

/** By id, or by the kind of resource that it is of. */
export const findMetadataSchema = (
  definitions: Definitions,
  { metadataSchemaId: name = '' }: PathNames,
): Entry<MetadataSchema> | undefined => {
  const all = entriesOf(definitions, 'metadataSchema')
  return all.get(name) ?? [...all.values()].find(({ definition }) => definition.related_object === name)
}

export const metadataSchemas = definitionResource('metadataSchema', {
  path: '/v1/metadata-schemas',
  also: ['/management/v1/projects/{projectId}/metadata-schemas'],
  param: 'metadataSchemaId',
  tag: 'Metadata schemas',
  one: 'a metadata schema',
  many: 'metadata schemas',
  ...bodiesOf(MetadataSchema),
  response: MetadataSchemaObject,
  show: (entry) => showMetadataSchema(entry),
  describe: {
    create:
      'For `customer`, `order`, `order_item`, `voucher`, `campaign`, `publication`, `redemption`, `earning_rule`, `loyalty_tier`, ' +
      '`promotion_tier` or `reward`; another name is a schema for objects within metadata (`object_type`). What does not fit is refused from then on ' +
      'with `metadata_validation_failed`.',
    change: 'Properties given are merged into those there are; `deleted: true` stops checking one.',
  },
  find: findMetadataSchema,
  patched: ({ definition }, { properties, ...patch }) => ({
    ...definition,
    ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
    properties: { ...definition.properties, ...properties },
  }),
  // The public API and the management API show them in two forms.
  own: ['list', 'one'],
})
