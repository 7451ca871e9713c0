// The one way in which routes change the rulebook: propose, record, answer.
import { contextOf } from '../src/api/context.ts'
import { isRefused, type Refused, refuse as refuseChange } from '../src/domain/refusal.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import { kindNamed } from '../src/domain/rulebook/kinds.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { type Answer, type Call, type Outcome, REPLAYED } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

/**
 * The change that a request is about: of what its path names by id or name, where it names anything. What goes with a definition
 * is proposed along with it.
 */
const meantBy = (
  proposed: readonly DefinitionChange[],
  definitions: Definitions,
  params: unknown,
): DefinitionChange | undefined => {
  const named = Object.values(params as object)
  const changes = proposed.filter(({ verb }) => verb !== 'Created')
  const nameOf = ({ kind, id }: DefinitionChange) => {
    const entry = entriesOf(definitions, kind).get(id)
    return entry && kindNamed(kind).uniqueName?.(entry.definition, definitions)
  }
  return changes.find(({ id }) => named.includes(id)) ?? changes.find((change) => named.includes(nameOf(change)))
}

/** What is likely a mistake in what was made or changed. */
const doubtsAbout = (changes: readonly DefinitionChange[], definitions: Definitions): readonly string[] =>
  changes.flatMap(({ kind, id }) => {
    const entry = entriesOf(definitions, kind).get(id)
    return entry ? (kindNamed(kind).doubts?.(entry.definition as never, definitions) ?? []) : []
  })

/** A header has room for few words, and for letters of one byte. */
const MAX_WARNING = 500
const warningOf = (doubts: readonly string[]): string =>
  `299 - "${doubts
    .join('; ')
    .slice(0, MAX_WARNING)
    .replace(/[^\x20-\x7e]|["\\]/g, '?')}"`

/** Records what `propose` asks for, all or none, and answers from the rulebook that came of it. `If-Match` is asked within the
 * decision, so that of two callers who have seen the same definition only one changes it. */
export const changeDefinitions = async (
  services: Services,
  call: Pick<Call<unknown, unknown, unknown>, 'requestId' | 'key' | 'now' | 'idempotencyKey' | 'ifMatch' | 'params'>,
  propose: (definitions: Definitions) => readonly DefinitionChange[] | Refused,
  answer: (rulebook: Rulebook) => Answer | Promise<Answer>,
): Promise<Outcome> => {
  let meant: DefinitionChange | undefined
  let proposals: readonly DefinitionChange[] = []
  const changed = await services.rulebook.change(
    (definitions) => {
      const proposed = propose(definitions)
      if (isRefused(proposed)) return proposed
      proposals = proposed
      meant = meantBy(proposed, definitions, call.params)
      const entry = meant && entriesOf(definitions, meant.kind).get(meant.id)
      if (call.ifMatch === undefined || entry === undefined || call.ifMatch(entry.revision)) return proposed
      return refuseChange('precondition_failed', `${entry.id} has changed meanwhile: read it again`, {
        resource: { type: kindNamed(meant!.kind).resource, id: entry.id },
      })
    },
    contextOf(call, services),
  )
  switch (changed.kind) {
    case 'refused':
      return changed.refused
    case 'changed': {
      const doubts = doubtsAbout(proposals, changed.rulebook.definitions)
      const shown = await answer(changed.rulebook)
      const entry = meant && entriesOf(changed.rulebook.definitions, meant.kind).get(meant.id)
      return {
        consistencyToken: changed.position,
        revision: entry?.revision,
        ...shown,
        headers: {
          ...shown.headers,
          ...(changed.isDeleted ? REPLAYED : {}),
          ...(doubts.length > 0 ? { Warning: warningOf(doubts) } : {}),
        },
      }
    }
    default:
      return changed satisfies never
  }
}
