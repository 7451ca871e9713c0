// Loads and changes codes: whose they are, what they are worth, whether they are on. Places in their limits are the ledger's matter,
// which lies in the same stream (`ledgers.ts`).
import { codeIn } from '../domain/codes.ts'
import type { ChangeOfCode } from '../domain/redemption/ledgers.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type CodeState, noCode } from '../domain/vouchers/code.ts'
import type { CommandContext } from './customers.ts'
import type { LoadedStream } from './decider.ts'
import type { Ledgers } from './ledgers.ts'

/** Where codes are. */
export type CodeStreams = Pick<Ledgers, 'codes'>

/** What a code's stream says now. A text that cannot be a code is one that nobody has. */
export const loadCode = async ({ codes }: CodeStreams, text: string): Promise<LoadedStream<CodeState>> => {
  const code = codeIn(text)
  if (code === undefined) return { state: noCode(text), revision: -1n, position: undefined }
  const held = await codes.load(code)
  return { ...held, state: held.state.code }
}

export type CodeChanged =
  | { readonly kind: 'done'; readonly state: CodeState; readonly position: bigint | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** Decides and records a command on a code; where it is a function, the command that it makes of the code's state at that time. */
export const changeCode = async (
  { codes }: CodeStreams,
  code: string,
  asked: ChangeOfCode,
  context: CommandContext,
): Promise<CodeChanged> => {
  const { state, position, refusal } = await codes.execute(code, asked, context)
  return refusal ? { kind: 'refused', refusal } : { kind: 'done', state: state.code, position }
}
