// Filters whose `$expr` may hold any expression.
import { compileExpression, startVariables } from './expressions/compile.ts'
import { truthy } from './expressions/types.ts'
import { compileFilter, type Filter } from './filter.ts'
import type { Doc, Maybe } from './values.ts'

/** Compiles a filter; its `$expr` sees the given variables. */
export const compileExpressionFilter = (filter: Doc, variables?: ReadonlyMap<string, Maybe>): Filter =>
  compileFilter(filter, (expression) => {
    const compiled = compileExpression(expression)
    const bound = startVariables(variables)
    return (doc) => truthy(compiled({ root: doc, variables: bound }))
  })
