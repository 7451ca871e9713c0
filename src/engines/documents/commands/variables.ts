// The variables that a command brings for its expressions.
import { compileExpression, startVariables } from '../expressions/compile.ts'
import type { Doc, Maybe } from '../values.ts'
import { docField } from './context.ts'

export type Variables = ReadonlyMap<string, Maybe>

const NONE: Variables = new Map()

/** The values of a command's `let`, which see no document. */
export const variablesOf = (body: Doc): Variables => {
  const given = docField(body, 'let')
  if (given === undefined || given.size === 0) return NONE
  const scope = { root: undefined, variables: startVariables() }
  return new Map([...given].map(([name, value]) => [name, compileExpression(value)(scope)]))
}
