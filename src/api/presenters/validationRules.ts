// How validation rules and their assignments show.

import * as v from 'valibot'
import { entriesOf } from '../../domain/rulebook/entries.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type Assignment, ValidationRule } from '../../domain/rulebook/validationRule.ts'
import { createdAndUpdated, recordOf, recordOrNullOf, switchedOff } from './parts.ts'

export const RuleObject = v.pipe(
  v.object({
    id: v.string(),
    ...ValidationRule.entries,
    error: v.optional(v.object({ message: v.string() })),
    assignments_count: v.number(),
    ...createdAndUpdated,
    ...switchedOff,
    object: v.literal('validation_rules'),
  }),
  v.title('ValidationRule'),
)

export const AssignmentObject = v.pipe(
  v.object({
    id: v.string(),
    rule_id: v.string(),
    related_object_id: v.string(),
    related_object_type: v.string(),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    ...switchedOff,
    object: v.literal('validation_rules_assignment'),
  }),
  v.title('ValidationRuleAssignment'),
)

/** The rules that are assigned to something. */
export const AssignmentList = v.object({
  object: v.literal('list'),
  data_ref: v.literal('data'),
  data: v.array(AssignmentObject),
  total: v.number(),
})

const NOTHING_IN_PARTICULAR = { included: [], excluded: [], included_all: true }

export const showRule = (entry: Entry<ValidationRule>, definitions: Definitions) => ({
  id: entry.id,
  ...entry.definition,
  applicable_to: entry.definition.applicable_to ?? NOTHING_IN_PARTICULAR,
  assignments_count: [...entriesOf(definitions, 'assignment').values()].filter((a) => a.definition.rule_id === entry.id)
    .length,
  ...recordOf(entry),
  object: 'validation_rules' as const,
})

export const showAssignment = (entry: Entry<Assignment>) => ({
  id: entry.id,
  ...entry.definition,
  ...recordOrNullOf(entry),
  object: 'validation_rules_assignment' as const,
})

const assigned = (rulebook: Rulebook) => {
  const found = new Map<string, ReturnType<typeof showAssignment>[]>()
  for (const entry of rulebook.entries('assignment').values()) {
    const { related_object_type: type, related_object_id: id } = entry.definition
    const target = `${type}/${id}`
    found.set(target, [...(found.get(target) ?? []), showAssignment(entry)])
  }
  return found
}

/** The rules that are assigned to something by any of its names, as a list. */
export const showAssignmentsTo = (rulebook: Rulebook, type: string, ...names: readonly string[]) => {
  const all = rulebook.prepared(assigned)
  const data = names.flatMap((name) => all.get(`${type}/${name}`) ?? [])
  return { object: 'list' as const, data_ref: 'data' as const, data, total: data.length }
}
