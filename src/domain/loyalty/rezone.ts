// A changed time zone: points that expire with a day expire with that day in the new zone, and payments count for its days.
import { type Calendar, calendarOf } from '../calendar.ts'
import type { Draft } from '../customer/draft.ts'
import type { Card } from '../customer/loyalty/state.ts'
import { zoneAt } from '../rulebook/kind.ts'
import { shiftsOf } from '../rulebook/limits.ts'
import { refOf } from './ledger.ts'
import { expire } from './timed.ts'

/** The same day's beginning in another zone; undefined for an instant at which no day begins. */
const sameDay = (at: number, from: Calendar, to: Calendar): number | undefined => {
  const { year, month, day } = from.civil(at)
  return from.startOfDay(year, month, day) === at ? to.startOfDay(year, month, day) : undefined
}

/** Every expiry that a card knows of: of its points, and of those that may come back. */
const expiriesOf = ({ buckets, spends, transit }: Card): ReadonlySet<number> => {
  const lots = [...Object.values(spends), ...Object.values(transit)].flatMap((one) => one.lots)
  return new Set([...buckets, ...lots].flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt])))
}

/**
 * Brings cards under the project's zone of today, from the one of a rulebook's revision. An expiry that somebody gave as an
 * instant stays, unless a day begins at it. Of payments the newest that the tally keeps by their instant move.
 */
export const rezoneCards = (draft: Draft, since: string): void => {
  const { project } = draft.rulebook
  const zone = { before: zoneAt(project, since), after: project.timeZone }
  if (zone.before === zone.after) return
  const [from, to] = [calendarOf(zone.before), calendarOf(zone.after)]
  const { cards, tallies } = draft.state.loyalty
  const paid = Object.entries(tallies).flatMap(([by, tally]) =>
    shiftsOf(tally, from, to).map((shift) => ({ by, ...shift })),
  )
  for (const [n, card] of Object.values(cards).entries()) {
    const expiries = [...expiriesOf(card)].flatMap((before) => {
      const after = sameDay(before, from, to)
      return after === undefined || after === before ? [] : [{ before, after }]
    })
    const counts = n === 0 && paid.length > 0
    if (expiries.length === 0 && !counts) continue
    const { campaign } = card
    draft.emit('CardRezoned', {
      card: refOf(card),
      campaign,
      zone,
      expiries,
      ...(counts ? { paid } : {}),
      occurredAt: draft.now,
    })
    expire(draft, card.id)
  }
}
