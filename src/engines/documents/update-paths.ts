// Paths of updates: checked when parsed, resolved against a document (`$`, `$[]`, `$[name]`), followed to a slot in it.
import { badValue, CommandError } from './errors.ts'
import { isPosition } from './paths.ts'
import { type Doc, isArray, isDoc, type Maybe, type MutableDoc, type Value } from './values.ts'

const EMPTY_NAME = 56
const DOLLAR_NAME = 52
const PATH_NOT_VIABLE = 28

/** What a resolution needs besides the document. */
export interface PathContext {
  /** Where the query found its match in an array, for `$`. */
  readonly position: number | undefined
  readonly arrayFilters: ReadonlyMap<string, (element: Value) => boolean>
}

const isPlaceholder = (part: string): boolean => part === '$' || (part.startsWith('$[') && part.endsWith(']'))

/** Splits a path, refusing what no field may be called. */
export const parseUpdatePath = (path: string): readonly string[] => {
  const parts = path.split('.')
  for (const [i, part] of parts.entries()) {
    if (part === '') throw new CommandError(EMPTY_NAME, `The update path '${path}' contains an empty field name`)
    if (!part.startsWith('$') || part === '$id' || part === '$ref' || part === '$db') continue
    if (!isPlaceholder(part))
      throw new CommandError(DOLLAR_NAME, `The dollar ($) prefixed field '${part}' in '${path}' is not allowed`)
    if (i === 0) throw badValue(`Cannot have array filter identifier or positional operator first in path '${path}'`)
  }
  return parts
}

/** The concrete paths that a path with placeholders stands for in this document. */
export const resolvePath = (
  doc: Doc,
  parts: readonly string[],
  context: PathContext,
): readonly (readonly string[])[] => {
  if (!parts.some(isPlaceholder)) return [parts]
  let open: { readonly parts: readonly string[]; readonly value: Maybe }[] = [{ parts: [], value: doc }]
  for (const part of parts) {
    if (!isPlaceholder(part)) {
      open = open.map(({ parts: own, value }) => ({ parts: [...own, part], value: child(value, part) }))
      continue
    }
    if (part === '$') {
      if (context.position === undefined || context.position < 0)
        throw badValue('The positional operator did not find the match needed from the query.')
      const at = String(context.position)
      open = open.map(({ parts: own, value }) => ({ parts: [...own, at], value: child(value, at) }))
      continue
    }
    const name = part.slice(2, -1)
    const wanted = name === '' ? () => true : context.arrayFilters.get(name)
    if (wanted === undefined) throw badValue(`No array filter found for identifier '${name}'`)
    open = open.flatMap(({ parts: own, value }) => {
      if (!isArray(value))
        throw badValue(`The path '${own.join('.')}' must exist in the document in order to apply array updates`)
      return value.flatMap((element, i) => (wanted(element) ? [{ parts: [...own, String(i)], value: element }] : []))
    })
  }
  return open.map((o) => o.parts)
}

const child = (value: Maybe, part: string): Maybe => {
  if (isDoc(value)) return value.get(part)
  return isArray(value) && isPosition(part) ? value[Number(part)] : undefined
}

/** A slot in a document, whose value can be read, set and taken away. */
export interface Slot {
  readonly value: Maybe
  set(value: Value): void
  remove(): void
}

/** Largest hole that setting an element far behind an array's end may make. */
const MAX_PADDING = 1_500_000

const slotIn = (holder: Value, part: string): Slot | undefined => {
  if (isDoc(holder)) {
    const doc = holder as MutableDoc
    return {
      value: doc.get(part),
      set: (value) => {
        doc.set(part, value)
      },
      remove: () => {
        doc.delete(part)
      },
    }
  }
  if (!isArray(holder) || !isPosition(part)) return undefined
  const array = holder as Value[]
  const at = Number(part)
  return {
    value: array[at],
    set: (value) => {
      if (at - array.length > MAX_PADDING) throw badValue('can only backfill less than 1500001 elements')
      while (array.length < at) array.push(null)
      array[at] = value
    },
    remove: () => {
      if (at < array.length) array[at] = null
    },
  }
}

const notViable = (parts: readonly string[], at: number): CommandError =>
  new CommandError(PATH_NOT_VIABLE, `Cannot create field '${parts[at]}' in '${parts.slice(0, at).join('.')}'`)

/**
 * The slot a concrete path names. With `create`, documents on the way are made as needed, once a value is set; without,
 * a way that does not exist gives `undefined`.
 */
export const slotAt = (
  doc: MutableDoc,
  parts: readonly string[],
  { create = false }: { readonly create?: boolean } = {},
): Slot | undefined => {
  let holder: Value = doc
  for (const [i, part] of parts.entries()) {
    const slot = slotIn(holder, part)
    if (slot === undefined) {
      if (create) throw notViable(parts, i)
      return undefined
    }
    if (i === parts.length - 1) return slot
    if (slot.value === undefined) {
      if (!create) return undefined
      return {
        value: undefined,
        set: (value) => {
          let made: Value = value
          for (let j = parts.length - 1; j > i; j -= 1) made = new Map([[parts[j]!, made]])
          slot.set(made)
        },
        remove: () => undefined,
      }
    }
    holder = slot.value
  }
  return undefined
}

/** Order in which changes are applied, and so new fields appear: by path, positions by number. */
export const comparePaths = (a: readonly string[], b: readonly string[]): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const x = a[i]!
    const y = b[i]!
    if (x === y) continue
    if (isPosition(x) && isPosition(y)) return Number(x) - Number(y)
    return x < y ? -1 : 1
  }
  return a.length - b.length
}
