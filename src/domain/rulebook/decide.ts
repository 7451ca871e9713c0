// Changing the rulebook: what a definition command does, or why it is refused. Pure.
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { changeOf, type DefinitionChange, type RulebookFact } from './facts.ts'
import type { Definitions, Entry, Project } from './kind.ts'
import { type KindName, kindNamed, kindNames } from './kinds.ts'

export const NO_DEFINITIONS: Definitions = { revision: '-1', project: undefined, entries: {} }

/** The definitions after one more fact at `revision` (decimal text). Facts that are none of the rulebook's only move the revision. */
export const evolveDefinitions = (before: Definitions, fact: RulebookFact, revision: string): Definitions => {
  if (fact.type === 'ProjectOpened') return { ...before, revision, project: fact.data as Project }
  if (fact.type === 'ProjectChanged' && before.project)
    return { ...before, revision, project: { ...before.project, ...(fact.data as Partial<Project>) } }
  const change = changeOf(fact)
  if (!change) return { ...before, revision }
  const entries = new Map<string, Entry<unknown>>(before.entries[change.kind] ?? [])
  const old = entries.get(change.id)
  if (change.verb === 'Deleted') entries.delete(change.id)
  else
    entries.set(change.id, {
      id: change.id,
      definition: change.definition,
      createdAt: old?.createdAt ?? change.occurredAt,
      updatedAt: old ? change.occurredAt : null,
      revision,
    })
  return { ...before, revision, entries: { ...before.entries, [change.kind]: entries as never } }
}

/** All definitions that name this one. */
export const usersOf = (definitions: Definitions, kind: KindName, id: string): { kind: KindName; id: string }[] =>
  kindNames.flatMap((user) =>
    [...(definitions.entries[user] ?? new Map<string, Entry<never>>()).values()]
      .filter((entry) =>
        kindNamed(user)
          .uses(entry.definition, definitions)
          .some((ref) => ref.kind === kind && ref.id === id),
      )
      .map((entry) => ({ kind: user, id: entry.id })),
  )

/**
 * What a change of definitions does: the facts to append (none when nothing would differ), or a refusal that names the path
 * of every fault. Several changes are decided together: each beside those before it, all or none.
 */
export const decideDefinitions = (
  before: Definitions,
  commands: readonly DefinitionChange[],
): readonly DefinitionChange[] | Refused => {
  let all = before
  const decided: DefinitionChange[] = []
  for (const command of commands) {
    const kind = kindNamed(command.kind)
    const old = before.entries[command.kind]?.get(command.id) ?? all.entries[command.kind]?.get(command.id)
    if (command.verb !== 'Created' && !old) return refuseNotFound(kind.resource, command.id)
    if (command.verb === 'Created' && old)
      return refuse('duplicate_found', `Duplicated resource found: ${kind.resource} with id ${command.id} exists`, {
        resource: { type: kind.resource, id: command.id },
      })
    if (command.verb === 'Deleted') {
      const users = usersOf(all, command.kind, command.id)
      if (users.length > 0)
        return refuse('resource_in_use', `Used by ${users.map((u) => `${u.kind} ${u.id}`).join(', ')}`, {
          resource: { type: kind.resource, id: command.id },
        })
    } else {
      const name = kind.uniqueName?.(command.definition)
      const twin = [...(all.entries[command.kind] ?? new Map<string, Entry<never>>()).values()].find(
        (entry) => entry.id !== command.id && name !== undefined && kind.uniqueName?.(entry.definition) === name,
      )
      if (twin)
        return refuse('duplicate_found', `Duplicated resource found: ${kind.resource} with name ${name} exists`, {
          resource: { type: kind.resource, id: twin.id },
        })
      const faults = kind.check(command.id, command.definition, all)
      if (faults.length > 0)
        return refuse(
          command.kind === 'validationRule' ? 'invalid_validation_rules' : 'invalid_payload',
          faults.map((f) => `Property .${f.path} ${f.message}`).join(', '),
          { resource: { type: kind.resource, id: command.id } },
        )
      if (old && JSON.stringify(old.definition) === JSON.stringify(command.definition)) continue
    }
    decided.push(command)
    all = evolveDefinitions(
      all,
      {
        type: `${kind.fact}${command.verb}`,
        data: { id: command.id, definition: command.definition, occurredAt: command.occurredAt },
      },
      all.revision,
    )
  }
  return decided
}
