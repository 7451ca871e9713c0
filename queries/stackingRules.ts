// Reading the stacking rules. The rulebook in memory is their read model.
import { StackingRulesObject, showStackingRules } from '../src/api/presenters/stackingRules.ts'
import { STACKING_RULES } from '../src/api/resources.ts'
import type { Services } from '../src/services.ts'
import { definitionReads } from './definitionReads.ts'

export const stackingRulesQueries = (services: Services) => {
  const { list, one } = definitionReads(services, STACKING_RULES, {
    response: StackingRulesObject,
    show: showStackingRules,
  })
  return [list, one]
}
