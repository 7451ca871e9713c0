// The stacking rules: how the redeemables of one request go together.
import * as v from 'valibot'
import { StackingRules } from '../../domain/rulebook/stackingRules.ts'
import { StackingRulesObject, showStackingRules } from '../presenters/stackingRules.ts'
import { bodiesOf, definitionResource } from './resource.ts'

const { body, patch } = bodiesOf(StackingRules)

export const stackingRules = definitionResource('stackingRules', {
  path: '/v1/stacking-rules',
  also: ['/management/v1/projects/{projectId}/stacking-rules'],
  param: 'stackingRulesId',
  tag: 'Stacking rules',
  one: 'stacking rules',
  many: 'the stacking rules',
  body: v.pipe(body, v.title('StackingRulesBody')),
  patch,
  response: StackingRulesObject,
  show: showStackingRules,
  describe: {
    create:
      'A project has them once. Without them a request may name 30 redeemables, all of which are applied in their order, all or none. ' +
      'With them: how many are applied, in all and of one category; categories that exclude others (`exclusive_categories`), or go ' +
      'with everything (`joint_categories`); whether what may not be redeemed is left out (`PARTIAL`).',
    remove: 'From then on none excludes another.',
  },
})
