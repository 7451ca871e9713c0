// Validation rules: conditions in the public `rules` and `logic` form, and what they are attached to.

import * as v from 'valibot'
import type { Condition } from '../conditions/ast.ts'
import type { Environment } from '../conditions/environment.ts'
import { rulesNamed } from '../conditions/logic.ts'
import { referencesOf } from '../conditions/references.ts'
import { parseRules } from '../conditions/rules.ts'
import { isRecord } from '../isRecord.ts'
import { name300 } from '../name.ts'
import { compileFaults, environmentOf } from './environment.ts'
import { namedIn } from './keptWhile.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { referencesIn } from './references.ts'

const ErrorMessage = v.object({ message: v.pipe(v.string(), v.maxLength(1_000)) })

const Applicable = v.object({
  included: v.optional(v.array(v.unknown())),
  excluded: v.optional(v.array(v.unknown())),
  included_all: v.optional(v.boolean()),
})

export const ValidationRule = v.object({
  name: name300,
  type: v.optional(v.picklist(['expression', 'basic', 'advanced', 'complex']), 'expression'),
  context_type: v.optional(v.pipe(v.string(), v.maxLength(100)), 'global'),
  rules: v.optional(v.record(v.string(), v.unknown()), {}),
  bundle_rules: v.optional(v.record(v.string(), v.unknown())),
  error: v.nullish(ErrorMessage),
  applicable_to: v.nullish(Applicable),
})
export type ValidationRule = v.InferOutput<typeof ValidationRule>

/** A rule may name a segment that is not there: nobody is in it. */
const anySegment = { has: () => true }

const parse = (definition: ValidationRule, environment: Environment) =>
  parseRules(
    { rules: definition.rules, ...(definition.error ? { error: definition.error } : {}) },
    { ...environment, segments: anySegment },
  )

/** The rules, nested ones too, that their logic leaves out: whatever they say gates nothing. */
const leftOut = (rules: unknown, within = ''): readonly string[] => {
  if (!isRecord(rules)) return []
  const named = typeof rules.logic === 'string' ? rulesNamed(rules.logic) : undefined
  return Object.entries(rules)
    .filter(([number]) => number !== 'logic')
    .flatMap(([number, rule]) => [
      ...(named && !named.has(number) ? [`${within}${number}`] : []),
      ...leftOut(isRecord(rule) ? rule.rules : undefined, `${within}${number}.`),
    ])
}

const doubts = (definition: ValidationRule, all: Definitions): readonly string[] => {
  const environment = environmentOf(all)
  const parsed = parse(definition, environment)
  const segments = parsed.ok ? referencesOf(parsed.condition).segments : []
  return [
    ...segments.filter((id) => !environment.segments.has(id)).map((id) => `there is no segment ${id}: nobody is in it`),
    ...leftOut(definition.rules).map((rule) => `the logic leaves out rule ${rule}: it gates nothing`),
  ]
}

/** The condition of a rule; undefined for one that is at fault. */
export const conditionOfRule = (definition: ValidationRule, environment: Environment): Condition | undefined => {
  const parsed = parse(definition, environment)
  return parsed.ok ? parsed.condition : undefined
}

export const validationRuleKind: Kind<ValidationRule> = {
  fact: 'ValidationRule',
  prefix: 'val',
  resource: 'validation_rules',
  schema: ValidationRule,
  check: (_, definition, all) => {
    const environment = environmentOf(all)
    const parsed = parse(definition, environment)
    return parsed.ok ? compileFaults(parsed.condition, environment, 'rules') : parsed.faults
  },
  faultKey: () => 'invalid_validation_rules',
  doubts,
  uses: (definition, all) => {
    const parsed = parse(definition, environmentOf(all))
    return parsed.ok ? referencesIn(parsed.condition, all) : []
  },
}

/** What an assignment may name. */
const RelatedType = v.picklist([
  'voucher',
  'campaign',
  'promotion_tier',
  'earning_rule',
  'reward_assignment',
  'distribution',
])
export type GatedType = v.InferOutput<typeof RelatedType>

export const Assignment = v.object({
  rule_id: v.string(),
  related_object_type: RelatedType,
  related_object_id: name300,
})
export type Assignment = v.InferOutput<typeof Assignment>

/** The kinds of definitions that may be gated, by what they are called, with whether they have a name beside the id. */
const TARGETS = {
  campaign: { kind: 'campaign', isNamed: true },
  promotion_tier: { kind: 'promotionTier', isNamed: false },
  earning_rule: { kind: 'earningRule', isNamed: false },
  reward_assignment: { kind: 'rewardAssignment', isNamed: false },
  distribution: { kind: 'distribution', isNamed: true },
} as const satisfies Readonly<Record<Exclude<GatedType, 'voucher'>, object>>

const isTarget = (type: string): type is keyof typeof TARGETS => Object.hasOwn(TARGETS, type)

const findTarget = (
  { kind, isNamed }: (typeof TARGETS)[keyof typeof TARGETS],
  name: string,
  all: Definitions,
): Entry<{ readonly name: string }> | undefined =>
  (all.entries[kind]?.get(name) as Entry<{ readonly name: string }> | undefined) ??
  (isNamed ? namedIn<{ readonly name: string }>(all, kind).get(name) : undefined)

/** The definition that an assignment names; undefined for a code, and where there is none. */
export const targetOf = ({ related_object_type: type, related_object_id: name }: Assignment, all: Definitions) => {
  const target = isTarget(type) ? TARGETS[type] : undefined
  const entry = target && findTarget(target, name, all)
  return target && entry ? { kind: target.kind, entry } : undefined
}

/** All names that an assignment may call its target by; of a code only the one that it does. */
export const targetNames = (definition: Assignment, all: Definitions): readonly string[] => {
  const entry = targetOf(definition, all)?.entry
  const isNamed = isTarget(definition.related_object_type) && TARGETS[definition.related_object_type].isNamed
  if (!entry) return [definition.related_object_id]
  return isNamed ? [entry.id, (entry.definition as { readonly name: string }).name] : [entry.id]
}

const targetFaults = (definition: Assignment, all: Definitions): readonly Fault[] => {
  const { related_object_type: type, related_object_id: name } = definition
  // Codes are not definitions: whoever assigns a rule to one has to look.
  if (type === 'voucher') return []
  return targetOf(definition, all)
    ? []
    : [{ path: 'related_object_id', message: `must name a ${type.replace('_', ' ')}: there is no ${name}` }]
}

export const assignmentKind: Kind<Assignment> = {
  fact: 'Assignment',
  prefix: 'asgm',
  resource: 'validation_rules_assignment',
  schema: Assignment,
  uniqueName: (d, all) =>
    `${d.rule_id} for ${d.related_object_type} ${targetOf(d, all)?.entry.id ?? d.related_object_id}`,
  check: (_, definition, all) => [
    ...(all.entries.validationRule?.has(definition.rule_id)
      ? []
      : [{ path: 'rule_id', message: `must name a validation rule: there is no ${definition.rule_id}` }]),
    ...targetFaults(definition, all),
  ],
  goesWith: (definition, all) => {
    const target = targetOf(definition, all)
    return target && { kind: target.kind, id: target.entry.id }
  },
  uses: (definition) => [{ kind: 'validationRule', id: definition.rule_id }],
}
