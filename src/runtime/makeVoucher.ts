// Makes one voucher: under the code that was given, or under the first free one of a format.
import type { CodeConfig, CodeOwner } from '../domain/codes.ts'
import type { VoucherSpec } from '../domain/rulebook/voucherSpec.ts'
import { secretCode } from '../domain/vouchers/secret.ts'
import type { Codes } from './codes.ts'
import type { CommandContext } from './customers.ts'

export interface VoucherWish {
  /** Undefined: one of the format. */
  readonly code: string | undefined
  readonly config: CodeConfig
  readonly owner: CodeOwner
  readonly spec: VoucherSpec
  readonly active: boolean
}

export type VoucherMade =
  | { readonly kind: 'made'; readonly code: string; readonly position: bigint | undefined }
  /** Somebody else's. */
  | { readonly kind: 'taken'; readonly code: string }
  /** None of the codes that were tried is free. */
  | { readonly kind: 'used_up' }

/** How many codes are tried before a format counts as used up. */
export const MAX_ATTEMPTS = 10

/** Making a voucher again, with the same id and wish, finds the one that there is. `key`: the project's, for codes. */
export const makeVoucher = async (
  codes: Codes,
  { code: given, config, owner, spec, active }: VoucherWish,
  key: string,
  context: Pick<CommandContext, 'requestId' | 'actor' | 'now' | 'deadline' | 'key'>,
): Promise<VoucherMade> => {
  for (let attempt = 0; attempt < (given === undefined ? MAX_ATTEMPTS : 1); attempt++) {
    const code = given ?? secretCode(config, key, owner.id, attempt)
    const made = await codes.make({ code, owner, spec, active }, context)
    if (made.kind === 'made') return { kind: 'made', code, position: made.position }
  }
  return given === undefined ? { kind: 'used_up' } : { kind: 'taken', code: given }
}
