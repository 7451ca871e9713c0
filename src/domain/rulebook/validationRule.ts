// Validation rules: conditions in the public `rules` and `logic` form, and what they are attached to.
import * as v from 'valibot'
import type { Condition } from '../conditions/ast.ts'
import type { Environment } from '../conditions/environment.ts'
import { parseRules } from '../conditions/rules.ts'
import { compileFaults, environmentOf } from './environment.ts'
import type { Kind } from './kind.ts'
import { referencesIn } from './references.ts'

const ErrorMessage = v.object({ message: v.pipe(v.string(), v.maxLength(1_000)) })

const Applicable = v.object({
  included: v.optional(v.array(v.unknown())),
  excluded: v.optional(v.array(v.unknown())),
  included_all: v.optional(v.boolean()),
})

export const ValidationRule = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
  type: v.optional(v.picklist(['expression', 'basic', 'advanced', 'complex']), 'expression'),
  context_type: v.optional(v.pipe(v.string(), v.maxLength(100)), 'global'),
  rules: v.optional(v.record(v.string(), v.unknown()), {}),
  bundle_rules: v.optional(v.record(v.string(), v.unknown())),
  error: v.nullish(ErrorMessage),
  applicable_to: v.nullish(Applicable),
})
export type ValidationRule = v.InferOutput<typeof ValidationRule>

const parse = (definition: ValidationRule, environment: Environment) =>
  parseRules({ rules: definition.rules, ...(definition.error ? { error: definition.error } : {}) }, environment)

/** The condition of a rule; undefined for one that is at fault. */
export const conditionOfRule = (definition: ValidationRule, environment: Environment): Condition | undefined => {
  const parsed = parse(definition, environment)
  return parsed.ok ? parsed.condition : undefined
}

export const validationRuleKind: Kind<ValidationRule> = {
  fact: 'ValidationRule',
  resource: 'validation_rules',
  schema: ValidationRule,
  check: (_, definition, all) => {
    const environment = environmentOf(all)
    const parsed = parse(definition, environment)
    return parsed.ok ? compileFaults(parsed.condition, environment, 'rules') : parsed.faults
  },
  uses: (definition, all) => {
    const parsed = parse(definition, environmentOf(all))
    return parsed.ok ? referencesIn(parsed.condition, all) : []
  },
}

export const Assignment = v.object({
  rule_id: v.string(),
  related_object_type: v.picklist([
    'voucher',
    'campaign',
    'promotion_tier',
    'earning_rule',
    'reward_assignment',
    'distribution',
  ]),
  related_object_id: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
})
export type Assignment = v.InferOutput<typeof Assignment>

export const assignmentKind: Kind<Assignment> = {
  fact: 'Assignment',
  resource: 'validation_rules_assignment',
  schema: Assignment,
  uniqueName: (d) => `${d.rule_id} for ${d.related_object_type} ${d.related_object_id}`,
  check: (_, definition, all) =>
    all.entries.validationRule?.has(definition.rule_id)
      ? []
      : [{ path: 'rule_id', message: `must name a validation rule: there is no ${definition.rule_id}` }],
  uses: (definition) => [{ kind: 'validationRule', id: definition.rule_id }],
}
