// Dotted paths into documents, as queries follow them: through arrays, and into arrays by position.
import { type Doc, isArray, isDoc, type Maybe, type Value } from './values.ts'

export type Path = readonly string[]

export const parsePath = (path: string): Path => path.split('.')

export const isPosition = (part: string | undefined): part is string =>
  part !== undefined && /^(0|[1-9]\d*)$/.test(part)

/**
 * Called with each value a path leads to, `undefined` where a field is missing, and the position in the first array on
 * the way (-1 when there was none). An array that is `whole`, being an element named by its position, is a value like any
 * other and does not stand for its elements. A true answer stops.
 */
export type Leaf = (value: Maybe, position: number, whole: boolean) => boolean

/** Visits what a path leads to. An array in the middle is followed into its documents, and by a numeric part to one element. */
export const visitPath = (doc: Doc, path: Path, leaf: Leaf, at = 0, position = -1): boolean => {
  const value = doc.get(path[at]!)
  return visitValue(value, path, leaf, at + 1, position)
}

const visitValue = (value: Maybe, path: Path, leaf: Leaf, at: number, position: number, whole = false): boolean => {
  if (at === path.length) return leaf(value, position, whole)
  if (isDoc(value)) return visitPath(value, path, leaf, at, position)
  if (!isArray(value)) return leaf(undefined, position, false)
  for (let i = 0; i < value.length; i += 1) {
    const element = value[i]
    if (isDoc(element) && visitPath(element, path, leaf, at, position < 0 ? i : position)) return true
  }
  const part = path[at]
  if (!isPosition(part) || Number(part) >= value.length) return false
  return visitValue(value[Number(part)], path, leaf, at + 1, position < 0 ? Number(part) : position, true)
}

/** The values that `distinct` sees at a path: arrays stand for their elements. */
export const valuesAt = (doc: Doc, path: Path): readonly Value[] => {
  const out: Value[] = []
  visitPath(doc, path, (value) => {
    if (isArray(value)) out.push(...value)
    else if (value !== undefined) out.push(value)
    return false
  })
  return out
}
