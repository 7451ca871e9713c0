// Long lists in a body (imports, changes of many codes): what is done with each item is done in slices, so that others have their turn
// in between.
import { createHash } from 'node:crypto'
import { canonicalText, PRINT_LENGTH } from '../domain/print.ts'
import { createTurns } from '../line/turns.ts'
import type { Checked } from './route.ts'

/** Items of a list that are seen to in one go. */
export const SLICE = 100

/** Turns that all long bodies of a node share. */
export const turns = createTurns()

/** Whether a body is a list that is seen to in slices. */
export const isLong = (body: unknown): body is readonly unknown[] => Array.isArray(body) && body.length > SLICE

/** Calls back with one slice after the other, and where it begins; ends with the first answer that is not undefined. */
export const inSlices = async <T, R>(
  items: readonly T[],
  each: (slice: readonly T[], from: number) => R | undefined,
): Promise<R | undefined> => {
  for (let from = 0; from < items.length; from += SLICE) {
    const turn = turns.over()
    if (turn) await turn
    const answer = each(items.slice(from, from + SLICE), from)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** The same print as `printOf([route, query, body])`. */
export const printInSlices = async (route: string, query: unknown, body: readonly unknown[]): Promise<string> => {
  const hash = createHash('sha256').update(`[${canonicalText(route)},${canonicalText(query)},[`)
  await inSlices(body, (slice, from) => {
    hash.update(`${from === 0 ? '' : ','}${canonicalText(slice).slice(1, -1)}`)
    return undefined
  })
  return hash.update(']]').digest('base64url').slice(0, PRINT_LENGTH)
}

/** Checks a list by what checks lists, slice by slice; what is wrong is told of the first slice in which anything is. */
export const checkInSlices = async <T>(
  check: (raw: unknown) => Checked<T>,
  body: readonly unknown[],
): Promise<Checked<T>> => {
  const values: unknown[] = []
  const wrong = await inSlices(body, (slice, from) => {
    const checked = check(slice)
    if ('value' in checked) {
      values.push(...(checked.value as readonly unknown[]))
      return undefined
    }
    const [first, ...others] = checked.issues.map((issue) => ({ ...issue, path: moved(issue.path, from) }))
    return { issues: [first!, ...others] } as Checked<T>
  })
  return wrong ?? { value: values as T }
}

type Path = Extract<Checked<never>, { issues: unknown }>['issues'][0]['path']

/** The path of an issue in a slice as one in the whole list. */
const moved = (path: Path, from: number): Path => {
  if (path === undefined) return path
  const [first, ...rest] = path
  return typeof first.key === 'number' ? [{ ...first, key: first.key + from } as typeof first, ...rest] : path
}
