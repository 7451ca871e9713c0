// Changing the stacking rules: how the redeemables of one request go together from now on.
import * as v from 'valibot'
import { StackingRulesObject, showStackingRules } from '../src/api/presenters/stackingRules.ts'
import { STACKING_RULES } from '../src/api/resources.ts'
import { StackingRules } from '../src/domain/rulebook/stackingRules.ts'
import type { Services } from '../src/services.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'

export const stackingRulesCommands = (services: Services) => {
  const { create, change, remove } = definitionRoutes(services, STACKING_RULES, {
    body: v.pipe(StackingRules, recorded(), v.title('StackingRulesBody')),
    patch: v.pipe(v.partial(StackingRules), recorded()),
    response: StackingRulesObject,
    describe: {
      create:
        'A project has them once. Without them a request may name 30 redeemables, all of which are applied in their order, all or none. ' +
        'With them: how many are applied, in all and of one category; categories that exclude others (`exclusive_categories`), or go ' +
        'with everything (`joint_categories`); whether what may not be redeemed is left out (`PARTIAL`).',
      remove: 'From then on none excludes another.',
    },
    show: showStackingRules,
  })
  return [create, change, remove]
}
