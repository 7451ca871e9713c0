// Rules that are assigned in the same act in which what they gate is made, so that it is never there without them.

import * as v from 'valibot'
import { name300 } from '../domain/name.ts'
import { type Refused, refuse } from '../domain/refusal.ts'
import { entriesOf } from '../domain/rulebook/entries.ts'
import type { DefinitionChange } from '../domain/rulebook/facts.ts'
import type { Definitions } from '../domain/rulebook/kind.ts'
import { definitionId } from '../domain/rulebook/kinds.ts'
import type { Assignment } from '../domain/rulebook/validationRule.ts'

/** How many rules can be named in the making of one thing. */
const MAX_RULES = 100

/** `validation_rules` of a request: ids of rules, each once. */
export const ValidationRules = v.nullish(
  v.pipe(
    v.array(name300),
    v.maxLength(MAX_RULES),
    v.transform((rules) => [...new Set(rules)]),
  ),
)

type Target = Pick<Assignment, 'related_object_type' | 'related_object_id'>

const assignmentId = (rule: string, { related_object_type: type, related_object_id: id }: Target): string =>
  definitionId('assignment', type, id, rule)

/** The changes that assign rules to what is being made; those made before are left out. A rule that is not there is named. */
export const assignmentsFor = (
  definitions: Definitions,
  rules: readonly string[],
  target: Target,
  occurredAt: number,
): readonly DefinitionChange[] | Refused => {
  const missing = rules.findIndex((rule) => !entriesOf(definitions, 'validationRule').has(rule))
  if (missing >= 0)
    return refuse(
      'invalid_payload',
      `Property .validation_rules[${missing}] must name a validation rule: there is no ${rules[missing]}`,
    )
  return rules
    .map((rule): DefinitionChange & { readonly verb: 'Created' } => ({
      kind: 'assignment',
      verb: 'Created',
      id: assignmentId(rule, target),
      definition: { rule_id: rule, ...target },
      occurredAt,
    }))
    .filter(({ id }) => !entriesOf(definitions, 'assignment').has(id))
}

/** The changes that take such assignments away again. */
export const withoutAssignments = (
  definitions: Definitions,
  rules: readonly string[],
  target: Target,
  occurredAt: number,
): readonly DefinitionChange[] =>
  rules
    .map((rule) => assignmentId(rule, target))
    .filter((id) => entriesOf(definitions, 'assignment').has(id))
    .map((id) => ({ kind: 'assignment', verb: 'Deleted', id, occurredAt }))
