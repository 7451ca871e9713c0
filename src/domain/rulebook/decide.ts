// Changing the rulebook: what a definition command does, or why it is refused. Pure.
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { changeOf, type DefinitionChange, type RulebookFact } from './facts.ts'
import type { Definitions, Entry, Project } from './kind.ts'
import { entriesOf, type KindName, kindNamed, kindNames } from './kinds.ts'
import type { Segment } from './segment.ts'

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

const listed = (users: readonly { kind: KindName; id: string }[]): string =>
  `Used by ${users.map((user) => `${user.kind} ${user.id}`).join(', ')}`

/** What waits for entries into and exits from a segment. */
const waitersOn = (definitions: Definitions, segment: string): { kind: KindName; id: string }[] =>
  usersOf(definitions, 'segment', segment).filter(({ kind, id }) =>
    kindNamed(kind).activates?.(definitions.entries[kind]?.get(id)?.definition).includes(segment),
  )

/** The HTTP contract: a passive segment becomes active, and makes entered and left events, once something waits for them. */
const activations = (command: DefinitionChange, all: Definitions): readonly DefinitionChange[] =>
  (command.verb === 'Deleted' ? [] : (kindNamed(command.kind).activates?.(command.definition) ?? [])).flatMap((id) => {
    const segment = entriesOf(all, 'segment').get(id)
    if (segment?.definition.type !== 'passive') return []
    const definition: Segment = { ...segment.definition, type: 'auto-update' }
    return [{ kind: 'segment', verb: 'Updated', id, definition, occurredAt: command.occurredAt }]
  })

const isQuiet = (command: DefinitionChange): boolean =>
  command.kind === 'segment' && (command.definition as Segment).type !== 'auto-update'

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
  const accept = (change: DefinitionChange): void => {
    decided.push(change)
    all = evolveDefinitions(
      all,
      {
        type: `${kindNamed(change.kind).fact}${change.verb}`,
        data: { id: change.id, definition: change.definition, occurredAt: change.occurredAt },
      },
      all.revision,
    )
  }
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
        return refuse('resource_in_use', listed(users), { resource: { type: kind.resource, id: command.id } })
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
      const waiting = old && isQuiet(command) ? waitersOn(all, command.id) : []
      if (waiting.length > 0)
        return refuse('resource_in_use', `${listed(waiting)}, which wait for its entered or left events`, {
          resource: { type: kind.resource, id: command.id },
        })
      for (const activation of activations(command, all)) accept(activation)
    }
    accept(command)
  }
  return decided
}
