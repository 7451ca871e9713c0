// Codes and campaigns as streams with ledgers, and the streams of requests without a customer.

import { codeStream } from '../domain/codes.ts'
import type { OrderFact, OrderReserved } from '../domain/customer/orders/facts.ts'
import {
  evolveRedemptions,
  isRedemptionFact,
  type RedemptionFact,
  redemptionStream,
} from '../domain/customer/redemptions/facts.ts'
import { NO_REDEMPTIONS, type RedemptionsState } from '../domain/customer/redemptions/state.ts'
import { decideHome, foldHome, type HomeCommand, NO_HOME, type OrderHome, orderStream } from '../domain/orders/home.ts'
import { type Ledger, type LedgerCommand, type LedgerFact, NO_LEDGER } from '../domain/redemption/ledger.ts'
import {
  type CodeStream,
  type CodeStreamCommand,
  type CodeStreamFact,
  decideCampaignLedger,
  decideCodeStream,
  foldCodeStream,
  foldLedger,
  limitsStream,
  noCodeStream,
} from '../domain/redemption/ledgers.ts'
import { performRedemptions, type RedemptionCommand } from '../domain/redemption/redeem.ts'
import { isRefused } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import {
  decidePublication,
  foldPublication,
  type PublicationName,
  type PublicationRequested,
  publicationStream,
} from '../domain/vouchers/publication.ts'
import { createDecider, type Decider, type DeciderOptions } from './decider.ts'

export interface Ledgers {
  /** By code. */
  readonly codes: Decider<CodeStream, CodeStreamCommand>
  /** By campaign. */
  readonly campaigns: Decider<Ledger, LedgerCommand>
  /** Requests without a customer, by id. */
  readonly requests: Decider<RedemptionsState, RedemptionCommand>
  /** Orders by a name of theirs: whose they are, and those of nobody. */
  readonly orders: Decider<OrderHome, HomeCommand>
  /** Publications by their `source_id`. */
  readonly publications: Decider<PublicationName, Omit<PublicationRequested, 'occurredAt'>>
}

export const createLedgers = (rulebook: () => Rulebook, options: DeciderOptions): Ledgers => {
  const metadata = () => ({ rulebook: rulebook().revision })
  return {
    codes: createDecider<CodeStream, CodeStreamCommand, CodeStreamFact>(
      {
        streamOf: codeStream,
        initial: noCodeStream,
        fold: foldCodeStream,
        decide: (state, command, now) => decideCodeStream(state, command, rulebook(), now),
        mayBeFirst: (command) => typeof command !== 'function' && command.type === 'ReserveCode',
        metadata,
      },
      options,
    ),
    campaigns: createDecider<Ledger, LedgerCommand, LedgerFact>(
      {
        streamOf: limitsStream,
        initial: () => NO_LEDGER,
        fold: foldLedger,
        decide: (state, command, now) => decideCampaignLedger(state, command, rulebook(), now),
        metadata,
      },
      options,
    ),
    requests: createDecider<RedemptionsState, RedemptionCommand, RedemptionFact>(
      {
        streamOf: redemptionStream,
        initial: () => NO_REDEMPTIONS,
        fold: (state, fact) => (isRedemptionFact(fact) ? evolveRedemptions(state, fact as RedemptionFact) : state),
        decide: (redemptions, command, now) => {
          const facts: RedemptionFact[] = []
          const refused = performRedemptions(
            {
              redemptions,
              rulebook: rulebook(),
              now,
              emit: (type, data) => facts.push({ type, data } as RedemptionFact),
            },
            command,
          )
          return isRefused(refused) ? refused : facts
        },
        metadata: () => ({ ...metadata(), root: true }),
      },
      options,
    ),
    publications: createDecider(
      {
        streamOf: publicationStream,
        initial: (): PublicationName => ({}),
        fold: foldPublication,
        decide: decidePublication,
        mayBeFirst: () => true,
      },
      options,
    ),
    orders: createDecider<OrderHome, HomeCommand, OrderFact | { type: 'OrderReserved'; data: OrderReserved }>(
      {
        streamOf: orderStream,
        initial: () => NO_HOME,
        fold: foldHome,
        decide: decideHome,
        metadata,
      },
      options,
    ),
  }
}
