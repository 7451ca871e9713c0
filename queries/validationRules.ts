// Reading what validation rules are attached to, and trying one.

import * as v from 'valibot'
import { definitionListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { AssignmentObject, showAssignment } from '../src/api/presenters/validationRules.ts'
import { codeNamed } from '../src/api/presenters/vouchers.ts'
import { ById } from '../src/api/shapes.ts'
import { type Assignment, targetNames } from '../src/domain/rulebook/validationRule.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { ruleValidation } from './ruleValidation.ts'

const Assignments = v.object(definitionListQuery)

const ASSIGNMENT_FIELDS = { texts: ['rule_id', 'related_object_id', 'related_object_type'] }

export const validationRuleQueries = (services: Services) => {
  const definitions = () => services.rulebook.current().definitions
  const rules = () => services.rulebook.current().entries('validationRule')
  const assignments = () => [...services.rulebook.current().entries('assignment').values()]
  return [
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
      handler: async (call): Promise<Outcome> => {
        const { related_object_id: related, rule } = call.query
        const code = related === undefined ? undefined : await codeNamed(services, related)
        const codes = [related, code?.code, code?.owner?.id]
        const isAbout = (definition: Assignment): boolean =>
          related === undefined ||
          (definition.related_object_type === 'voucher'
            ? codes.includes(definition.related_object_id)
            : targetNames(definition, definitions()).includes(related))
        return pageOfDefinitions(
          services,
          assignments().filter(
            ({ definition }) => isAbout(definition) && (rule === undefined || definition.rule_id === rule),
          ),
          call,
          ASSIGNMENT_FIELDS,
          showAssignment,
        )
      },
    }),
    ruleValidation(services),
  ]
}
