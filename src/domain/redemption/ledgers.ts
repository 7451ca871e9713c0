// The two kinds of ledgers: that of a code, in the code's own stream, and that of a campaign over all its codes or of a promotion
// tier, which has no code.
import { calendarOf } from '../calendar.ts'
import { codeOfStream, codeStream } from '../codes.ts'
import { isRefused, type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import {
  type CodeCommand,
  type CodeFact,
  type CodeState,
  decideCode,
  evolveCode,
  isCodeFact,
  noCode,
} from '../vouchers/code.ts'
import { resolveVoucher, tierOf } from '../vouchers/resolve.ts'
import {
  type Bounds,
  decideLedger,
  evolveLedger,
  isLedgerFact,
  type Ledger,
  type LedgerCommand,
  type LedgerFact,
  NO_BOUNDS,
  NO_LEDGER,
} from './ledger.ts'

const LIMITS = 'limits-'
/** The stream of the ledger of a campaign or promotion tier. */
export const limitsStream = (campaign: string): string => `${LIMITS}${campaign}`

/** The stream of the ledger that what stands in the place of a code has of its own. */
export const ledgerStream = (code: CodeState): string => {
  const tier = tierOf(code)
  return tier === undefined ? codeStream(code.code) : limitsStream(tier)
}

/** Whose ledger a stream is: a code's or a campaign's; undefined for other streams. */
export const ledgerOfStream = (
  stream: string,
): { readonly of: 'code' | 'campaign'; readonly name: string } | undefined => {
  if (stream.startsWith(LIMITS)) return { of: 'campaign', name: stream.slice(LIMITS.length) }
  const code = codeOfStream(stream)
  return code === undefined ? undefined : { of: 'code', name: code }
}

/** A code's stream: the code, and its ledger. */
export interface CodeStream {
  readonly code: CodeState
  readonly ledger: Ledger
}

export const noCodeStream = (code: string): CodeStream => ({ code: noCode(code), ledger: NO_LEDGER })

export type CodeStreamFact = CodeFact | LedgerFact
/** A command on a code, or the one that the code's state as it then is leads to. */
export type ChangeOfCode = CodeCommand | ((state: CodeState) => CodeCommand | Refused)
export type CodeStreamCommand = ChangeOfCode | LedgerCommand

type AnyFact = { readonly type: string; readonly data: unknown }

export const foldCodeStream = (state: CodeStream, fact: AnyFact): CodeStream => {
  if (isLedgerFact(fact)) return { ...state, ledger: evolveLedger(state.ledger, fact) }
  return isCodeFact(fact) ? { ...state, code: evolveCode(state.code, fact) } : state
}

export const foldLedger = (state: Ledger, fact: AnyFact): Ledger =>
  isLedgerFact(fact) ? evolveLedger(state, fact) : state

/** What bounds a code beside rules; a code that nobody has is bound to nothing. */
export const boundsOf = (code: CodeState, rulebook: Rulebook): Bounds => {
  const voucher = resolveVoucher(code, rulebook)
  if (!voucher) return { quantity: 0 }
  return {
    quantity: voucher.quantity,
    ...(voucher.type === 'GIFT_VOUCHER' ? { credits: voucher.gift?.amount ?? 0 } : {}),
  }
}

const COMMANDS_OF_LEDGERS: ReadonlySet<string> = new Set<LedgerCommand['type']>([
  'Reserve',
  'Confirm',
  'Release',
  'Return',
  'Lock',
  'Unlock',
  'ChangeCredits',
])

const isLedgerCommand = (command: CodeStreamCommand): command is LedgerCommand =>
  typeof command !== 'function' && COMMANDS_OF_LEDGERS.has(command.type)

/** Decides a command on a code's stream. */
export const decideCodeStream = (
  { code, ledger }: CodeStream,
  command: CodeStreamCommand,
  rulebook: Rulebook,
  now: number,
): readonly CodeStreamFact[] | Refused => {
  if (!isLedgerCommand(command)) {
    const asked = typeof command === 'function' ? command(code) : command
    return isRefused(asked) ? asked : decideCode(code, asked, now)
  }
  if (command.type === 'Reserve' || command.type === 'Lock' || command.type === 'ChangeCredits') {
    // The stream itself says whether the code is still good: it may have been switched off since it was looked at.
    if (!code.owner || code.deleted) return refuseNotFound('voucher', code.code)
    if (!code.active && command.type !== 'ChangeCredits')
      return refuse('voucher_disabled', 'The code is disabled', { resource: { type: 'voucher', id: code.code } })
  }
  const calendar = calendarOf(rulebook.project.timeZone)
  return decideLedger(ledger, command, boundsOf(code, rulebook), { now, calendar })
}

/** Decides a command on a campaign's ledger, which only rules bound. */
export const decideCampaignLedger = (
  ledger: Ledger,
  command: LedgerCommand,
  rulebook: Rulebook,
  now: number,
): readonly LedgerFact[] | Refused =>
  decideLedger(ledger, command, NO_BOUNDS, { now, calendar: calendarOf(rulebook.project.timeZone) })
