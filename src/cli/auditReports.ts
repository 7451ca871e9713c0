// What audits have found, as lines for people.
import * as v from 'valibot'
import type { ClockReport, EarlyDecision } from '../audit/clock.ts'
import type { LawReport } from '../audit/laws/index.ts'
import type { Verification } from '../audit/verify.ts'

/** The laws for people: one line each, then every violation that is named. */
export const lawLines = ({ laws, violations, facts, position }: LawReport): readonly string[] => [
  `Checked up to position ${position ?? 'none'}: ${laws.length} laws over ${facts} facts`,
  ...laws.map(
    ({ name, says, violations: broken }) =>
      `  ${name.padEnd(30)} ${broken === 0 ? 'holds' : `BROKEN ${broken} times`}  ${says}`,
  ),
  ...violations.flatMap(({ law, details, streams, facts: ids }) => [
    `${law}: ${details}`,
    `    streams ${streams.join(', ')}`,
    `    facts ${ids.join(', ')}`,
  ]),
]

type Told = Pick<EarlyDecision, 'type' | 'stream' | 'fact' | 'decided_for' | 'right_time' | 'stays'>

export const decisionLine = ({ type, stream, fact, decided_for, right_time, stays }: Told): string =>
  `${type} of ${stream} for ${decided_for} at ${right_time} (${fact})${stays === undefined ? '' : `: ${stays}`}`

/** One line of what `POST /v1/clock/take-back` answers. */
export const TakenBack = v.looseObject({
  outcome: v.string(),
  type: v.string(),
  stream: v.string(),
  fact: v.string(),
  decided_for: v.string(),
  right_time: v.string(),
  stays: v.exactOptional(v.string()),
})

export const NOTHING_EARLY = 'Nothing was decided for a time that had not come.'

export const clockLines = ({ periods, counts, decisions, facts, holds }: ClockReport): readonly string[] => [
  `${facts} facts, ${periods.length} times at which a clock was wrong`,
  ...periods.map(
    ({ kind, from, to, records, step_seconds, right_time }) =>
      `  ${kind} by ${step_seconds} s: ${records} facts, positions ${from} to ${to}, until ${right_time}`,
  ),
  ...Object.entries(counts).map(([type, count]) => `  ${count} × ${type} for a time that had not come`),
  ...decisions.map(decisionLine),
  holds ? NOTHING_EARLY : 'Take back what can be taken back with --take-back.',
]

/** The report for people. */
export const reportOf = ({
  projections,
  position,
  facts,
  seconds,
  one_in,
  holds,
  finished,
  laws,
}: Verification & { readonly laws?: LawReport }): string => {
  const rows = projections.map(
    ({ name, documents, equal, different, missing, extra, unfinished }) =>
      `  ${name.padEnd(22)} ${String(documents).padStart(9)} documents  ${String(equal).padStart(9)} equal  ` +
      `${different} different  ${missing} missing  ${extra} extra${unfinished ? `  UNFINISHED: ${unfinished}` : ''}`,
  )
  const details = projections.flatMap(({ name, differing, missing_ids, extra_ids }) => [
    ...differing.map(({ id, fields }) =>
      [
        `${name} ${id}`,
        ...fields.map(
          ({ path, live, rebuilt }) =>
            `    ${path}: served ${JSON.stringify(live)}, rebuilt ${JSON.stringify(rebuilt)}`,
        ),
      ].join('\n'),
    ),
    ...missing_ids.map((id) => `${name} ${id}: is not served`),
    ...extra_ids.map((id) => `${name} ${id}: is served, and does not follow from the stream`),
  ])
  const verdict = holds
    ? laws
      ? 'What is served follows from the stream, and its laws hold.'
      : 'What is served follows from the stream.'
    : finished && laws && !laws.holds
      ? 'The laws of the stream do NOT hold.'
      : finished
        ? 'What is served does NOT follow from the stream.'
        : 'Unfinished: not everything could be compared.'
  const whole = one_in === 1 ? '' : `, one document in ${one_in}`
  return [
    `Compared at position ${position ?? 'none'}: ${facts} facts in ${seconds.toFixed(1)} s${whole}`,
    ...rows,
    ...details,
    ...(laws ? lawLines(laws) : []),
    verdict,
    '',
  ].join('\n')
}
