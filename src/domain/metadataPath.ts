// What stands in metadata under a name, which may lead into objects: `size`, `address.floor`.

const stepInto = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined

/** The value at a dotted name; undefined where there is none. A key that has the dots in it comes before what they would lead to. */
export const metadataAt = (metadata: unknown, name: string): unknown =>
  stepInto(metadata, name) ?? (name.includes('.') ? name.split('.').reduce(stepInto, metadata) : undefined)

/**
 * The names by which a change of an attribute's value may be told: its own, and for what lies within objects of the metadata, which
 * change as a whole, those of the objects (`metadata.address` for `metadata.address.floor`).
 */
export const namesAround = (attribute: string): readonly string[] => {
  const parts = attribute.split('.')
  return parts[0] === 'metadata' ? parts.slice(1).map((_, n) => parts.slice(0, n + 2).join('.')) : [attribute]
}
