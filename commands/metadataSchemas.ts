// Changing metadata schemas: what the metadata of a kind of resource holds from now on. What is there already stays as it is.
import * as v from 'valibot'
import { MetadataSchemaObject, showMetadataSchema } from '../src/api/presenters/metadataSchemas.ts'
import { METADATA_SCHEMAS } from '../src/api/resources.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import { MetadataSchema } from '../src/domain/rulebook/metadataSchema.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

export const metadataSchemaCommands = (services: Services) => {
  const { create, change, remove } = definitionRoutes(services, METADATA_SCHEMAS, {
    body: v.pipe(MetadataSchema, recorded()),
    patch: v.pipe(v.partial(MetadataSchema), recorded()),
    response: MetadataSchemaObject,
    describe: {
      create:
        'For `customer`, `order`, `order_item`, `voucher`, `campaign`, `publication`, `redemption`, `earning_rule`, `loyalty_tier`, ' +
        '`promotion_tier` or `reward`; another name is a schema for objects within metadata (`object_type`). What does not fit is refused from then on ' +
        'with `metadata_validation_failed`.',
      change: 'Properties given are merged into those there are; `deleted: true` stops checking one.',
    },
    show: (entry) => showMetadataSchema(entry),
    find: (definitions, name) => {
      const all = entriesOf(definitions, 'metadataSchema')
      return all.get(name) ?? [...all.values()].find(({ definition }) => definition.related_object === name)
    },
    patched: ({ definition }, { properties, ...patch }) => ({
      ...definition,
      ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
      properties: { ...definition.properties, ...properties },
    }),
  })
  return [create, change, remove]
}
