// Updates written as a pipeline: the few stages that make one document out of one.
import { compileExpression, startVariables } from './expressions/compile.ts'
import { fail } from './expressions/types.ts'
import { compileAddFields, compileProjectStage, removePath, unsetPaths } from './project.ts'
import { type Doc, isDoc, type Maybe, type Value } from './values.ts'

type Step = (doc: Doc, variables: ReturnType<typeof startVariables>) => Doc

const step = (name: string, spec: Value): Step => {
  if (name === '$unset') {
    const paths = unsetPaths(spec)
    return (doc) => paths.reduce<Value>((value, path) => removePath(value, path), doc) as Doc
  }
  if (name === '$replaceRoot' || name === '$replaceWith') {
    const root = name === '$replaceWith' ? spec : isDoc(spec) ? spec.get('newRoot') : undefined
    if (root === undefined) throw fail(40231, 'no newRoot specified for the $replaceRoot stage')
    const compiled = compileExpression(root)
    return (doc, variables) => {
      const value = compiled({ root: doc, variables })
      if (!isDoc(value)) throw fail(40228, "'newRoot' expression must evaluate to an object")
      return value
    }
  }
  if (!isDoc(spec)) throw fail(40272, `${name} specification must be an object`)
  return name === '$project' ? compileProjectStage(spec) : compileAddFields(spec)
}

/** Compiles the stages of an update, which see the given variables; which stages are allowed has been checked. */
export const compileUpdatePipeline = (
  stages: readonly Doc[],
  given?: ReadonlyMap<string, Maybe>,
): ((doc: Doc) => Doc) => {
  const steps = stages.flatMap((stage) => [...stage].map(([name, spec]) => step(name, spec)))
  return (doc) => {
    const variables = startVariables(given)
    return steps.reduce((value, apply) => apply(value, variables), doc)
  }
}
