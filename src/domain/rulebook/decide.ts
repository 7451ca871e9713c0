// Changing the rulebook: what a definition command does, or why it is refused. Pure.
import { faultText } from '../path.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { entriesOf } from './entries.ts'
import { changeOf, type DefinitionChange, type RulebookFact } from './facts.ts'
import type { Definitions, Entry, Project } from './kind.ts'
import { type KindName, kindNamed, kindNames } from './kinds.ts'
import { metadataRefused } from './metadataSchema.ts'
import { conditionOfSegment, type Segment } from './segment.ts'
import { keyOf, unsoundIn, usersOf, wordsOf } from './sound.ts'

export const NO_DEFINITIONS: Definitions = { revision: '-1', project: undefined, entries: {}, unreadable: new Map() }

/** The definitions after one more fact at `revision` (decimal text). Facts that are none of the rulebook's only move the revision. */
export const evolveDefinitions = (before: Definitions, fact: RulebookFact, revision: string): Definitions => {
  if (fact.type === 'ProjectOpened') return { ...before, revision, project: fact.data as Project }
  if (fact.type === 'ProjectChanged' && before.project) {
    const { project } = before
    const next = { ...project, ...(fact.data as Partial<Project>) }
    if (next.timeZone === project.timeZone) return { ...before, revision, project: next }
    const formerZones = [...(project.formerZones ?? []), { until: revision, timeZone: project.timeZone }]
    return { ...before, revision, project: { ...next, zoneSince: revision, formerZones } }
  }
  const change = changeOf(fact)
  if (!change) return { ...before, revision }
  const key = keyOf(change.kind, change.id)
  if (change.unreadable !== undefined) {
    const { kind, id, unreadable: error } = change
    return { ...before, revision, unreadable: new Map(before.unreadable).set(key, { kind, id, error }) }
  }
  const unreadable = before.unreadable.has(key)
    ? new Map([...before.unreadable].filter(([other]) => other !== key))
    : before.unreadable
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
  return { ...before, revision, unreadable, entries: { ...before.entries, [change.kind]: entries as never } }
}

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

/** What is deleted together with a definition, since it says something of that alone, and what goes with that before it. */
const companions = ({ kind, id, occurredAt }: DefinitionChange, all: Definitions): readonly DefinitionChange[] =>
  kindNames.flatMap((other) => {
    const { goesWith } = kindNamed(other)
    if (!goesWith) return []
    return [...(all.entries[other] ?? new Map<string, Entry<never>>()).values()]
      .filter((entry) => {
        const leader = goesWith(entry.definition, all)
        return leader?.kind === kind && leader.id === id
      })
      .map((entry): DefinitionChange => ({ kind: other, verb: 'Deleted', id: entry.id, occurredAt }))
      .flatMap((one) => [...companions(one, all), one])
  })

/**
 * The facts of a change that say so of its users too: segments whose condition comes to mean something else with an event
 * schema, so that every customer is looked at again.
 */
const restated = (before: Definitions, after: Definitions, occurredAt: number): readonly DefinitionChange[] => {
  if (before.entries.eventSchema === after.entries.eventSchema) return []
  const meaning = (all: Definitions, entry: Entry<Segment>) => JSON.stringify(conditionOfSegment(entry, all))
  return [...entriesOf(after, 'segment').values()].flatMap((entry): readonly DefinitionChange[] => {
    const { id, definition } = entry
    const isOld = entriesOf(before, 'segment').get(id) === entry
    if (!isOld || meaning(before, entry) === meaning(after, entry)) return []
    return [{ kind: 'segment', verb: 'Updated', id, definition, occurredAt }]
  })
}

/** The refusal of changes under which other definitions would not compile any more, with all of them. */
const brokenBy = (
  before: Definitions,
  after: Definitions,
  changes: readonly DefinitionChange[],
): Refused | undefined => {
  const known = unsoundIn(before)
  const broken = [...unsoundIn(after)].filter(([key]) => !known.has(key)).map(([, unsound]) => unsound)
  const [first] = changes
  if (broken.length === 0 || !first) return undefined
  const users = broken.map(({ kind, id, faults }) => `${kind} ${id} (${wordsOf(faults)})`)
  return refuse('definition_in_use', `Used by ${users.join('; ')}`, {
    resource: { type: kindNamed(first.kind).resource, id: first.id },
  })
}

const isQuiet = (command: DefinitionChange): boolean =>
  command.kind === 'segment' && (command.definition as Segment).type !== 'auto-update'

const metadataIn = (definition: unknown): Readonly<Record<string, unknown>> | null | undefined =>
  (definition as { readonly metadata?: Readonly<Record<string, unknown>> | null } | undefined)?.metadata

/** Why a definition may not have the metadata that it is given; what it had before is not asked again. */
const metadataFault = (
  { verb, definition }: DefinitionChange,
  resource: string,
  old: unknown,
  all: Definitions,
): Refused | undefined => {
  if (verb !== 'Created' && verb !== 'Updated') return undefined
  const metadata = metadataIn(definition)
  if (verb === 'Updated' && JSON.stringify(metadata) === JSON.stringify(metadataIn(old))) return undefined
  return metadataRefused(all, resource, metadata)
}

/**
 * What a change of definitions does: the facts to append (none when nothing would differ), or a refusal that names the path
 * of every fault. Several changes are decided together: each beside those before it, all or none. What comes of them is
 * compiled as a whole: nothing that nobody changed may stop to. What was made before under its
 * id is not made again.
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
    // The id of what is made follows from its request: it was made before, and may have been changed since.
    if (command.verb === 'Created' && all.entries[command.kind]?.has(command.id)) continue
    if (command.verb === 'Deleted') {
      const users = usersOf(all, command.kind, command.id)
      if (users.length > 0)
        return refuse('resource_in_use', listed(users), { resource: { type: kind.resource, id: command.id } })
      for (const companion of companions(command, all)) accept(companion)
    } else {
      const name = kind.uniqueName?.(command.definition, all)
      const twin = [...(all.entries[command.kind] ?? new Map<string, Entry<never>>()).values()].find(
        (entry) => entry.id !== command.id && name !== undefined && kind.uniqueName?.(entry.definition, all) === name,
      )
      if (twin)
        return refuse('duplicate_found', `Duplicated resource found: ${kind.resource} with name ${name} exists`, {
          resource: { type: kind.resource, id: twin.id },
        })
      const { check, checkChange } = kind
      const found = check(command.id, command.definition, all)
      const faults = found.length > 0 ? found : (checkChange?.(command.id, command.definition, all) ?? [])
      if (faults.length > 0)
        return refuse(
          kind.faultKey?.(faults) ?? 'invalid_payload',
          faults.map(faultText).join(', '),
          // What is refused when it is to be made is not there: its id would lead nowhere.
          old ? { resource: { type: kind.resource, id: command.id } } : {},
        )
      const unfit = metadataFault(command, kind.resource, old?.definition, all)
      if (unfit) return unfit
      const isKnown = !before.unreadable.has(keyOf(command.kind, command.id))
      if (old && isKnown && JSON.stringify(old.definition) === JSON.stringify(command.definition)) continue
      const waiting = old && isQuiet(command) ? waitersOn(all, command.id) : []
      if (waiting.length > 0)
        return refuse('resource_in_use', `${listed(waiting)}, which wait for its entered or left events`, {
          resource: { type: kind.resource, id: command.id },
        })
      for (const activation of activations(command, all)) accept(activation)
    }
    accept(command)
  }
  const broken = brokenBy(before, all, decided)
  if (broken) return broken
  const [first] = decided
  if (first) for (const change of restated(before, all, first.occurredAt)) accept(change)
  return decided
}
