// Reserves codes: each is made once, for one owner.
import { type CodeOwner, codeFault } from '../domain/codes.ts'
import type { VoucherSpec } from '../domain/rulebook/voucherSpec.ts'
import type { ReserveCode } from '../domain/vouchers/code.ts'
import type { CodeStreams } from './codeStreams.ts'
import type { DeciderContext } from './decider.ts'

export type Made = { readonly kind: 'made'; readonly position: bigint | undefined } | { readonly kind: 'taken' }

export interface NewCode extends Omit<ReserveCode, 'type' | 'active'> {
  readonly code: string
  /** Default: true. */
  readonly active?: boolean
}

export interface Codes {
  /**
   * Makes a code, or says that it is another's. Making it again for the same owner is success and changes nothing. A text that cannot be a
   * code counts as taken, so that the next one is tried: an old format may make such texts beside good ones.
   */
  make(code: NewCode, context: DeciderContext): Promise<Made>
  /** The same for a code that says nothing of itself. */
  reserve(code: string, owner: CodeOwner, context: DeciderContext, spec?: VoucherSpec): Promise<'reserved' | 'taken'>
}

export const createCodes = ({ codes }: CodeStreams): Codes => {
  const make: Codes['make'] = async ({ code, owner, spec, active = true }, context) => {
    if (codeFault(code) !== undefined) return { kind: 'taken' }
    const { refusal, position } = await codes.execute(code, { type: 'ReserveCode', owner, spec, active }, context)
    return refusal ? { kind: 'taken' } : { kind: 'made', position }
  }
  return {
    make,
    reserve: async (code, owner, context, spec) =>
      (await make({ code, owner, spec }, context)).kind === 'made' ? 'reserved' : 'taken',
  }
}
