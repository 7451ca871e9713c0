// Validation rules: conditions that stand before what they are attached to.
import * as v from 'valibot'
import { MAX_CONDITION_NESTING } from '../../domain/conditions/faults.ts'
import { ValidationRule } from '../../domain/rulebook/validationRule.ts'
import { namedListQuery } from '../lists/definitions.ts'
import { RuleObject, showRule } from '../presenters/validationRules.ts'
import { bodiesOf, definitionResource } from './resource.ts'

/** A rule gates a whole code: what would apply it to a part of the order only is refused, unless it leaves nothing out. */
const unsupported = {
  applicable_to: v.nullish(
    v.pipe(
      ValidationRule.entries.applicable_to.wrapped,
      v.check(
        ({ included, excluded, included_all: all }) => !included?.length && !excluded?.length && all !== false,
        'is not supported: a rule applies to the whole order',
      ),
    ),
  ),
  bundle_rules: v.optional(
    v.pipe(
      ValidationRule.entries.bundle_rules.wrapped,
      v.check((rules) => Object.keys(rules).length === 0, 'is not supported'),
    ),
  ),
}

export const validationRules = definitionResource('validationRule', {
  path: '/v1/validation-rules',
  tag: 'Validation rules',
  one: 'a validation rule',
  many: 'validation rules',
  ...bodiesOf(v.object({ ...ValidationRule.entries, ...unsupported }), 'assignments_count'),
  bodyNesting: MAX_CONDITION_NESTING,
  response: RuleObject,
  show: (entry, { rulebook }) => showRule(entry, rulebook.definitions),
  describe: { remove: 'Refused, with the list of users, while something refers to it.' },
  list: { texts: ['name', 'type', 'context_type'], query: v.object(namedListQuery) },
})
