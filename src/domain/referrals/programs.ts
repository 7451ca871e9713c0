// Referral programs as decisions need them: compiled once for each revision of the rulebook.
import { type Calendar, calendarOf } from '../calendar.ts'
import type { Answer } from '../conditions/answer.ts'
import type { Span } from '../conditions/ast.ts'
import { parseSpan } from '../conditions/span.ts'
import { campaignTarget, type Gate, gatesBefore } from '../gates.ts'
import type { Campaign } from '../rulebook/campaign.ts'
import type { Entry } from '../rulebook/kind.ts'
import { conversionSchema, REDEMPTION_EVENT, type ReferralProgram } from '../rulebook/referralProgram.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { compileValidity } from '../validity.ts'

export interface Program {
  readonly entry: Entry<Campaign>
  readonly program: ReferralProgram
  /** The name of the event that converts; undefined when there is none. */
  readonly event: string | undefined
  readonly inForce: (at: number) => Answer
  /** All must hold for the event: the rule that the program names, and those assigned to the campaign. */
  readonly gates: readonly Gate[]
  readonly createdWithin: Span | undefined
  /** How long a code is good for from its publication on. */
  readonly codesLast: Span | undefined
}

export interface Programs {
  readonly calendar: Calendar
  readonly program: ReadonlyMap<string, Program>
}

const prepare = (rulebook: Rulebook): Programs => {
  const calendar = calendarOf(rulebook.project.timeZone)
  const program = new Map<string, Program>()
  for (const entry of rulebook.entries('campaign').values()) {
    const { referral_program: part, activity_duration_after_publishing: lasting } = entry.definition
    if (entry.definition.campaign_type !== 'REFERRAL_PROGRAM' || !part) continue
    program.set(entry.id, {
      entry,
      program: part,
      event:
        part.conversion_event_type === 'custom_event'
          ? conversionSchema(part, rulebook.definitions)?.definition.name
          : REDEMPTION_EVENT,
      inForce: compileValidity(entry.definition, calendar),
      gates: gatesBefore(rulebook, [campaignTarget(entry)], [part.validation_rule_id]),
      createdWithin: part.new_customers?.created_within ? parseSpan(part.new_customers.created_within) : undefined,
      codesLast: lasting ? parseSpan(lasting) : undefined,
    })
  }
  return { calendar, program }
}

/** The referral programs of a rulebook, prepared once. */
export const programsOf = (rulebook: Rulebook): Programs => rulebook.prepared(prepare)
