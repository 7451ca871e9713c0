// How metadata schemas show: the public API names bounds in camel case, the management API as they are sent.
import * as v from 'valibot'
import { present } from '../../domain/present.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { MetadataProperty, type MetadataSchema } from '../../domain/rulebook/metadataSchema.ts'
import { recordOrNullOf } from './parts.ts'

export const MetadataSchemaObject = v.pipe(
  v.object({
    id: v.string(),
    related_object: v.string(),
    properties: v.record(
      v.string(),
      v.object({
        ...MetadataProperty.entries,
        // The public API names bounds in camel case, the management API as they are sent.
        objectType: v.nullish(v.string()),
        minLength: v.optional(v.number()),
        maxLength: v.optional(v.number()),
        exactLength: v.optional(v.number()),
        optional: v.boolean(),
        array: v.boolean(),
        deleted: v.boolean(),
      }),
    ),
    allow_defined_only: v.boolean(),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    switched_off: v.optional(v.string()),
    object: v.literal('metadata_schema'),
  }),
  v.title('MetadataSchema'),
)

const camel = ({ object_type, min_length, max_length, exact_length, ...property }: MetadataProperty) => ({
  ...present(property),
  objectType: object_type ?? null,
  ...present({ minLength: min_length, maxLength: max_length, exactLength: exact_length }),
})

const snake = ({ object_type, ...property }: MetadataProperty) => ({
  ...present(property),
  object_type: object_type ?? null,
})

/** A metadata schema as the HTTP contract shows it. */
export const showMetadataSchema = (entry: Entry<MetadataSchema>, form: 'camel' | 'snake' = 'snake') => ({
  id: entry.id,
  related_object: entry.definition.related_object,
  properties: Object.fromEntries(
    Object.entries(entry.definition.properties).map(([name, property]) => [
      name,
      form === 'camel' ? camel(property) : snake(property),
    ]),
  ),
  allow_defined_only: entry.definition.allow_defined_only,
  ...recordOrNullOf(entry),
  object: 'metadata_schema' as const,
})
