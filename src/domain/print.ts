// Fingerprints: whether two commands that came under one name say the same.
import { hash } from 'node:crypto'

const areInOrder = (names: readonly string[]): boolean => {
  for (let i = 1; i < names.length; i++) if (names[i - 1]! >= names[i]!) return false
  return true
}

const canonicalItems = (items: readonly unknown[]): readonly unknown[] => {
  let copy: unknown[] | undefined
  for (let i = 0; i < items.length; i++) {
    const item = canonical(items[i])
    if (item === items[i]) continue
    copy ??= [...items]
    copy[i] = item
  }
  return copy ?? items
}

/** The same value with the properties of each object in one order: the value itself where they are in it. */
const canonical = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return canonicalItems(value)
  const object = value as Readonly<Record<string, unknown>>
  const names = Object.keys(object)
  /** Undefined as long as the value itself will do. */
  let entries: [string, unknown][] | undefined
  if (!areInOrder(names)) {
    names.sort()
    entries = []
  }
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const inner = canonical(object[name])
    if (entries === undefined && inner === object[name]) continue
    entries ??= names.slice(0, i).map((before): [string, unknown] => [before, object[before]])
    entries.push([name, inner])
  }
  return entries === undefined ? object : Object.fromEntries(entries)
}

/** The text of a value that its fingerprint is of: the order of properties makes no difference. */
export const canonicalText = (value: unknown): string => JSON.stringify(canonical(value)) ?? ''

export const PRINT_LENGTH = 12

/**
 * The fingerprint of a JSON value: 72 bits as base64url, short since a customer's memory holds a thousand of them. The order of
 * properties makes no difference. Not a secret: whoever knows a value knows its print.
 */
export const printOf = (value: unknown): string =>
  hash('sha256', canonicalText(value), 'base64url').slice(0, PRINT_LENGTH)
