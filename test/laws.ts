// The laws of the log at the end of a test: whatever a test did to a system, they hold of what it recorded.
import * as assert from 'uvu/assert'
import { type CheckedRecord, checkLaws, type LawReport } from '../src/audit/laws/index.ts'
import { recordsAfter } from '../src/audit/patience.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import type { EventStore } from '../src/eventstore/index.ts'

export const lawsOf = (store: Pick<EventStore, 'readRecords'>): Promise<LawReport> =>
  checkLaws(() => recordsAfter(store, undefined))

/** Fails with every violation that the report names. */
export const assertLawful = (report: LawReport): void =>
  assert.is(
    report.violations.map(({ law, details, streams }) => `${law}: ${details} (${streams.join(', ')})`).join('\n'),
    '',
  )

/** A rulebook as the records that would have made it, for tests whose log has no definitions. */
const recordsOf = (rulebook: Rulebook): readonly CheckedRecord[] =>
  (['campaign', 'validationRule', 'assignment', 'reward'] as const).flatMap((kind) =>
    [...rulebook.entries(kind).values()].map(({ id, definition, revision }) => ({
      stream: 'rulebook-main',
      revision: BigInt(revision),
      position: -1n,
      id: `definition-${id}`,
      type: `${kind[0]!.toUpperCase()}${kind.slice(1)}Created`,
      data: { id, definition },
      metadata: {},
    })),
  )

/** The same for facts of a test that has no log of its own, decided under one rulebook. */
export const assertLawfulFacts = async (facts: readonly CheckedRecord[], rulebook: Rulebook): Promise<void> => {
  const all = [...recordsOf(rulebook), ...facts]
  assertLawful(await checkLaws(() => all))
}
