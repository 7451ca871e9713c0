// Law: a redemption comes about once, in places that were kept for it, and is taken back once at most.
import { type Law, law } from './law.ts'
import { listAt, textAt } from './read.ts'

interface Known {
  /** Ledgers that kept a place for it and have not let it go. */
  readonly held: ReadonlySet<string>
  readonly confirmed: ReadonlySet<string>
  /** `ledgers`: in which it counts. It may have begun with other redeemables before, and had places elsewhere. */
  readonly succeeded?: { readonly stream: string; readonly fact: string; readonly ledgers: ReadonlySet<unknown> }
  readonly isUndone: boolean
}

const NEW: Known = { held: new Set(), confirmed: new Set(), isUndone: false }

const TYPES: ReadonlySet<string> = new Set([
  'RedemptionReserved',
  'RedemptionConfirmed',
  'RedemptionReleased',
  'RedemptionSucceeded',
  'RedemptionRolledBack',
])

const one: Law<Known> = {
  name: 'redemptions-hold-their-places',
  says: 'A redemption comes about once, within ledgers that kept a place for it, and is rolled back once at most.',
  subjects: ({ type, data }) => {
    const redemption = TYPES.has(type) ? textAt(data, 'redemption') : undefined
    return redemption === undefined ? [] : [`redemption ${redemption}`]
  },
  evolve: (known = NEW, { type, data, stream, id }, subject, report) => {
    const about = known.succeeded ? { streams: [known.succeeded.stream], facts: [known.succeeded.fact] } : {}
    switch (type) {
      case 'RedemptionReserved':
        return { ...known, held: new Set([...known.held, stream]) }
      case 'RedemptionSucceeded': {
        if (known.succeeded) report({ details: `${subject} comes about twice`, ...about })
        const ledgers = new Set(listAt(data, 'ledgers'))
        for (const ledger of ledgers)
          if (typeof ledger === 'string' && !known.held.has(ledger))
            report({ details: `${subject} comes about without a place in ${ledger}`, streams: [ledger] })
        return { ...known, succeeded: { stream, fact: id, ledgers } }
      }
      case 'RedemptionConfirmed': {
        if (!known.succeeded) report({ details: `${subject} is confirmed, and did not come about` })
        else if (!known.succeeded.ledgers.has(stream))
          report({ details: `${subject} is confirmed in ${stream}, in which it does not count`, ...about })
        if (known.confirmed.has(stream)) report({ details: `${subject} is confirmed twice`, ...about })
        return { ...known, confirmed: new Set([...known.confirmed, stream]) }
      }
      case 'RedemptionRolledBack': {
        if (!known.succeeded) report({ details: `${subject} is rolled back, and did not come about` })
        if (known.isUndone) report({ details: `${subject} is rolled back twice`, ...about })
        return { ...known, isUndone: true }
      }
      default: {
        const reason = textAt(data, 'reason')
        if (reason === 'rolled_back' && !known.isUndone)
          report({ details: `${subject} lost its place by a rollback that did not happen`, ...about })
        if (reason !== 'rolled_back' && known.succeeded?.ledgers.has(stream))
          report({ details: `${subject} lost its place as ${reason}, although it came about`, ...about })
        const held = new Set(known.held)
        held.delete(stream)
        return { ...known, held }
      }
    }
  },
}

export const redemptionPlaces = law(one)
