// Fingerprints: whether two commands that came under one name say the same.
import { hash } from 'node:crypto'

/** The same value with the properties of each object in one order. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, canonical((value as Record<string, unknown>)[name])]))
}

const PRINT_LENGTH = 12

/**
 * The fingerprint of a JSON value: 72 bits as base64url, short since a customer's memory holds a thousand of them. The order of
 * properties makes no difference. Not a secret: whoever knows a value knows its print.
 */
export const printOf = (value: unknown): string =>
  hash('sha256', JSON.stringify(canonical(value)) ?? '', 'base64url').slice(0, PRINT_LENGTH)
