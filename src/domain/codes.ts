// Codes that customers hold: how one is made of random bytes, and the stream that keeps each unique.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { VoucherSpec } from './vouchers/spec.ts'

const characters = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^[!-~]+$/, 'must be visible ASCII characters'),
  v.check((text) => !/[/?#%\\]/.test(text), 'must NOT contain / ? # % or \\'),
)

/** How the codes of a campaign look. */
export const CodeConfig = v.object({
  /** Random characters, when there is no pattern. */
  length: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)))),
  /** The characters to choose from; `alphabetic`, `numeric` and `alphanumeric` are names of sets. */
  charset: v.optional(v.nullable(characters)),
  /** Each `#` becomes a random character, the rest stays. */
  pattern: v.optional(
    v.nullable(
      v.pipe(
        v.string(),
        v.minLength(1),
        v.maxLength(100),
        v.regex(/^[!-~]+$/, 'must be visible ASCII characters'),
        v.includes('#', 'must contain # for each random character'),
        v.check((text) => !/[/?%\\]/.test(text), 'must NOT contain / ? % or \\'),
      ),
    ),
  ),
  prefix: v.optional(v.nullable(characters)),
  postfix: v.optional(v.nullable(characters)),
})
export type CodeConfig = v.InferOutput<typeof CodeConfig>

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SETS: Readonly<Record<string, string>> = {
  numeric: DIGITS,
  alphabetic: LETTERS,
  alphanumeric: DIGITS + LETTERS,
}
const DEFAULT_LENGTH = 12

const charsetOf = ({ charset }: CodeConfig): string => [...new Set(SETS[charset ?? 'alphanumeric'] ?? charset)].join('')

const patternOf = ({ pattern, length }: CodeConfig): string => pattern ?? '#'.repeat(length ?? DEFAULT_LENGTH)

/** How many codes a format has; a number, since no more than its size matters. */
export const roomOf = (config: CodeConfig): number =>
  charsetOf(config).length ** [...patternOf(config)].filter((c) => c === '#').length

/**
 * A code of the format, made of `seed`: random bytes of the caller's or, where a decision must stay repeatable, a text that
 * follows from what is decided. The same seed gives the same code.
 */
export const codeFrom = (config: CodeConfig, seed: Uint8Array | string): string => {
  const charset = charsetOf(config)
  const pool: number[] = []
  let block = 0
  const next = (): number => {
    if (pool.length < 4) pool.push(...createHash('sha512').update(seed).update(`\u001f${block++}`).digest())
    // 32 bits for at most 95 characters: none is favoured by more than one in 40 million.
    return ((pool.pop()! << 24) | (pool.pop()! << 16) | (pool.pop()! << 8) | pool.pop()!) >>> 0
  }
  const body = [...patternOf(config)].map((c) => (c === '#' ? charset[next() % charset.length] : c)).join('')
  return `${config.prefix ?? ''}${body}${config.postfix ?? ''}`
}

/** Longest code, given or made: it is part of a stream's name. */
export const MAX_CODE = 300

/** A code that a caller gives by hand. */
export const Code = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_CODE),
  v.regex(/^[^\s/?#%\\]+$/, 'must NOT contain spaces, / ? # % or \\'),
)

const CODE_STREAM = 'code-'
export const codeStream = (code: string): string => `${CODE_STREAM}${code}`

/** Whom a code belongs to. */
export const CodeOwner = v.object({
  /** `loyalty_card`, `voucher` or `referral_code`. */
  type: v.string(),
  /** Id of the card or voucher. */
  id: v.string(),
  campaign: v.optional(v.string()),
  /** The customer in whose stream it lives, where one does. */
  customer: v.optional(v.string()),
})
export type CodeOwner = v.InferOutput<typeof CodeOwner>

/** The first fact of a code's stream; it can be there once, which is what makes the code unique. */
export const codeFacts = {
  CodeReserved: {
    version: 1,
    schema: v.object({
      code: v.string(),
      owner: CodeOwner,
      /** What the code says of itself; the rest is its campaign's. */
      spec: v.optional(VoucherSpec),
      occurredAt: v.pipe(v.number(), v.integer()),
    }),
  },
} as const
export type CodeReserved = v.InferOutput<(typeof codeFacts)['CodeReserved']['schema']>
