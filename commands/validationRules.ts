// Attaching validation rules to what they gate.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { AssignmentObject, showAssignment } from '../src/api/presenters/validationRules.ts'
import { codeNamed } from '../src/api/presenters/vouchers.ts'
import { ById } from '../src/api/shapes.ts'
import { type Refused, refuse, refuseNotFound } from '../src/domain/refusal.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { definitionId } from '../src/domain/rulebook/kinds.ts'
import { Assignment, targetNames } from '../src/domain/rulebook/validationRule.ts'
import { notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { caughtUp, findPatiently } from '../src/runtime/shown.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions } from './definitions.ts'

/** The contract's body, and the form that older SDKs send: `{ campaign: "camp_…" }`. */
const AssignmentBody = v.union([
  v.object({
    related_object_type: Assignment.entries.related_object_type,
    related_object_id: Assignment.entries.related_object_id,
  }),
  ...(['voucher', 'campaign', 'promotion_tier'] as const).map((type) =>
    v.pipe(
      v.object({ [type]: Assignment.entries.related_object_id }),
      v.transform((body) => ({ related_object_type: type, related_object_id: Object.values(body)[0] as string })),
    ),
  ),
])

const fresh = (key: string | undefined): string => key ?? randomBytes(16).toString('hex')

/** The code of any kind that is called so, or whose voucher or card has this id, with both names; undefined where there is none. */
const namesOfCode = async (services: Services, name: string): Promise<readonly string[] | undefined> => {
  const found = await findPatiently(
    () => codeNamed(services, name),
    (ms) => caughtUp(services, ms),
  )
  return found && [name, found.code, found.owner?.id ?? name]
}

const assigned = (definitions: Definitions, rule: string) =>
  [...entriesOf(definitions, 'assignment').values()].filter((entry) => entry.definition.rule_id === rule)

export const validationRuleCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/validation-rules/{id}/assignments',
    summary: 'Attach a validation rule to something',
    description: '`force=true` replaces the rule that is attached to it now.',
    tag: 'Validation rules',
    permission: 'definitions.write',
    params: ById,
    query: v.object({ force: v.optional(queryFlag, 'false') }),
    body: AssignmentBody,
    response: AssignmentObject,
    handler: async (call): Promise<Outcome> => {
      const id = definitionId('assignment', fresh(call.idempotencyKey))
      const definition: Assignment = { rule_id: call.params.id, ...call.body }
      const { related_object_type: type, related_object_id: named } = definition
      const codes = type === 'voucher' ? await namesOfCode(services, named) : []
      if (!codes) return notFound('voucher', named)
      return changeDefinitions(
        services,
        call,
        (definitions): readonly DefinitionChange[] | Refused => {
          if (!entriesOf(definitions, 'validationRule').has(call.params.id))
            return refuseNotFound('validation_rules', call.params.id)
          // A target is one, by whichever of its names it was assigned to.
          const names = type === 'voucher' ? codes : targetNames(definition, definitions)
          const others = [...entriesOf(definitions, 'assignment').values()].filter(
            (entry) =>
              entry.id !== id &&
              entry.definition.related_object_type === type &&
              names.includes(entry.definition.related_object_id),
          )
          const same = call.query.force
            ? undefined
            : others.find((entry) => entry.definition.rule_id === call.params.id)
          if (same)
            return refuse('duplicate_found', `The rule is assigned to ${named} already`, {
              resource: { type: 'validation_rules_assignment', id: same.id },
            })
          const replaced: DefinitionChange[] = call.query.force
            ? others.map((entry) => ({ kind: 'assignment', verb: 'Deleted', id: entry.id, occurredAt: call.now }))
            : []
          return [...replaced, { kind: 'assignment', verb: 'Created', id, definition, occurredAt: call.now }]
        },
        (rulebook) => ({ body: showAssignment(rulebook.entries('assignment').get(id)!) }),
      )
    },
  }),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/validation-rules/{id}/assignments/{assignmentId}',
    summary: 'Detach a validation rule',
    tag: 'Validation rules',
    permission: 'definitions.write',
    params: v.object({ id: v.string(), assignmentId: v.string() }),
    status: 204,
    handler: (call): Promise<Outcome> => {
      const { id, assignmentId } = call.params
      return changeDefinitions(
        services,
        call,
        (definitions) =>
          assigned(definitions, id).some((entry) => entry.id === assignmentId)
            ? [{ kind: 'assignment', verb: 'Deleted', id: assignmentId, occurredAt: call.now }]
            : refuse('not_found', `Cannot find validation_rules_assignment with id ${assignmentId}`, {
                resource: { type: 'validation_rules_assignment', id: assignmentId },
              }),
        () => ({ status: 204 }),
      )
    },
  }),
]
