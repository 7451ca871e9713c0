// Reading validation rules and their assignments.

import * as v from 'valibot'
import { VALIDATION_RULES } from '../src/api/resources.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { entriesOf } from '../src/domain/rulebook/kinds.ts'
import type { Assignment, ValidationRule } from '../src/domain/rulebook/validationRule.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { definitionListQuery, namedListQuery, pageOfDefinitions } from './definitionList.ts'
import { definitionReads } from './definitionReads.ts'
import { ruleValidation } from './ruleValidation.ts'
import { ById, isoOf, isoOrNull, offOf } from './shapes.ts'

export const RuleObject = v.pipe(
  v.looseObject({ id: v.string(), name: v.string(), object: v.literal('validation_rules') }),
  v.title('ValidationRule'),
)

export const AssignmentObject = v.pipe(
  v.looseObject({
    id: v.string(),
    rule_id: v.string(),
    related_object_id: v.string(),
    related_object_type: v.string(),
    object: v.literal('validation_rules_assignment'),
  }),
  v.title('ValidationRuleAssignment'),
)

const NOTHING_IN_PARTICULAR = { included: [], excluded: [], included_all: true }

export const showRule = (entry: Entry<ValidationRule>, definitions: Definitions) => ({
  id: entry.id,
  ...entry.definition,
  applicable_to: entry.definition.applicable_to ?? NOTHING_IN_PARTICULAR,
  assignments_count: [...entriesOf(definitions, 'assignment').values()].filter((a) => a.definition.rule_id === entry.id)
    .length,
  created_at: isoOf(entry.createdAt),
  updated_at: isoOrNull(entry.updatedAt),
  ...offOf(entry),
  object: 'validation_rules' as const,
})

export const showAssignment = (entry: Entry<Assignment>) => ({
  id: entry.id,
  ...entry.definition,
  created_at: isoOf(entry.createdAt),
  updated_at: isoOrNull(entry.updatedAt),
  ...offOf(entry),
  object: 'validation_rules_assignment' as const,
})

const Assignments = v.object(definitionListQuery)

const ASSIGNMENT_FIELDS = { texts: ['rule_id', 'related_object_id', 'related_object_type'] }

export const validationRuleQueries = (services: Services) => {
  const definitions = () => services.rulebook.current().definitions
  const rules = () => services.rulebook.current().entries('validationRule')
  const assignments = () => [...services.rulebook.current().entries('assignment').values()]
  const { list, one } = definitionReads(services, VALIDATION_RULES, {
    response: RuleObject,
    show: (entry) => showRule(entry, definitions()),
    list: { texts: ['name', 'type', 'context_type'], query: v.object(namedListQuery) },
  })
  return [
    list,
    one,
    route({
      method: 'get',
      path: '/v1/validation-rules/{id}/assignments',
      summary: 'What a validation rule is attached to',
      tag: 'Validation rules',
      permission: 'definitions.read',
      params: ById,
      query: Assignments,
      response: listOf('data', AssignmentObject),
      handler: async (call): Promise<Outcome> =>
        rules().has(call.params.id)
          ? pageOfDefinitions(
              services,
              assignments().filter(({ definition }) => definition.rule_id === call.params.id),
              call,
              ASSIGNMENT_FIELDS,
              showAssignment,
            )
          : notFound('validation_rules', call.params.id),
    }),
    route({
      method: 'get',
      path: '/v1/validation-rules-assignments',
      summary: 'List assignments of validation rules',
      tag: 'Validation rules',
      permission: 'definitions.read',
      query: v.object({
        ...Assignments.entries,
        related_object_id: v.optional(v.string()),
        rule: v.optional(v.string()),
      }),
      response: listOf('data', AssignmentObject),
      handler: (call): Promise<Outcome> =>
        pageOfDefinitions(
          services,
          assignments().filter(
            ({ definition }) =>
              (call.query.related_object_id === undefined ||
                definition.related_object_id === call.query.related_object_id) &&
              (call.query.rule === undefined || definition.rule_id === call.query.rule),
          ),
          call,
          ASSIGNMENT_FIELDS,
          showAssignment,
        ),
    }),
    ruleValidation(services),
  ]
}
