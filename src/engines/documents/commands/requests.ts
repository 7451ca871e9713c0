// Commands that find by `query`.
import { type FindRequest, findRequest } from '../find.ts'
import type { Doc, Value } from '../values.ts'
import { docField } from './context.ts'

/** The request of a command that finds by `query`. */
export const queryRequest = (body: Doc): FindRequest => {
  const fields: [string, Value][] = [['filter', docField(body, 'query') ?? new Map()]]
  const hint = body.get('hint')
  return findRequest(new Map(hint === undefined ? fields : [...fields, ['hint', hint]]))
}
