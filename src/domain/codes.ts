// Codes that customers hold: what can be one, how one is made of random bytes, and the stream that keeps each unique.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { hasUnseen, UNSEEN_RULE } from './outsideIds.ts'
import { VoucherSpec } from './rulebook/voucherSpec.ts'

/** Longest code, in UTF-16 units. */
export const MAX_CODE = 300
/** Longest part of a stream's name that a code may take: the log's names have 500 characters at most. */
const MAX_WRITTEN = 480

/** What a code cannot hold, in the words in which it is refused. Codes stand in paths, in messages and on paper. */
const FORBIDDEN: readonly (readonly [characters: RegExp, words: string])[] = [
  [/\s/u, 'must NOT contain spaces'],
  [/[/?#%\\]/u, 'must NOT contain / ? # % or \\'],
]

const forbiddenIn = (text: string): string | undefined =>
  FORBIDDEN.find(([characters]) => characters.test(text))?.[1] ?? (hasUnseen(text) ? UNSEEN_RULE : undefined)

const encoder = new TextEncoder()

/**
 * A text as a part of a stream's name, which is of visible ASCII characters only. Others, and `%`, are written as `%` and two
 * digits for each byte of UTF-8, so that no two texts become one name; what is ASCII stays as it is.
 */
const written = (text: string): string =>
  text.replace(/[^!-$&-~]+/gu, (part) =>
    Array.from(encoder.encode(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

/**
 * A code as it is kept: without blanks around it, and in Unicode's composed form (NFC), so that one letter is one letter however
 * a keyboard, a file or a path wrote it. Capitals are told from small letters.
 */
export const normalCode = (text: string): string => text.normalize('NFC').trim()

/** Why a text in normal form cannot be a code, as what follows the name of its property; undefined when it can. */
export const codeFault = (code: string): string | undefined => {
  if (code === '') return 'must NOT have fewer than 1 characters'
  if (code.length > MAX_CODE) return `must NOT have more than ${MAX_CODE} characters`
  const words = forbiddenIn(code)
  if (words !== undefined) return words
  // A path with such a part leads elsewhere.
  if (code === '.' || code === '..') return 'must NOT be . or ..'
  return written(code).length > MAX_WRITTEN
    ? `must NOT have more than ${MAX_WRITTEN} characters, of which each beyond ASCII counts as 6, 9 or 12`
    : undefined
}

/** The code that a text names; undefined when it can be none. */
export const codeIn = (text: string): string | undefined => {
  const code = normalCode(text)
  return codeFault(code) === undefined ? code : undefined
}

/** A text that names a code, or something else: a code in it is in its normal form. */
export const CodeName = v.pipe(v.string(), v.normalize('NFC'), v.trim())

/** A code that a caller gives by hand. */
export const Code = v.pipe(
  CodeName,
  v.minLength(1),
  v.maxLength(MAX_CODE),
  v.check(
    (code) => codeFault(code) === undefined,
    ({ input }) => codeFault(input) ?? '',
  ),
)

const characters = v.pipe(
  CodeName,
  v.maxLength(200),
  v.check(
    (text) => forbiddenIn(text) === undefined,
    ({ input }) => forbiddenIn(input) ?? '',
  ),
)

const CodeConfigFields = v.object({
  /** Random characters, when there is no pattern. */
  length: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)))),
  /** The characters to choose from; `alphabetic`, `numeric` and `alphanumeric` are names of sets. */
  charset: v.optional(v.nullable(v.pipe(characters, v.minLength(1)))),
  /** Each `#` becomes a random character, the rest stays. */
  pattern: v.optional(
    v.nullable(
      v.pipe(
        CodeName,
        v.minLength(1),
        v.maxLength(100),
        v.includes('#', 'must contain # for each random character'),
        v.check(
          (text) => forbiddenIn(text.replaceAll('#', '')) === undefined,
          ({ input }) => forbiddenIn(input.replaceAll('#', '')) ?? '',
        ),
      ),
    ),
  ),
  prefix: v.optional(v.nullable(characters)),
  postfix: v.optional(v.nullable(characters)),
  /** Another name of `postfix`. */
  suffix: v.optional(v.nullable(characters)),
})

/** How the codes of a campaign look. */
export const CodeConfig = v.pipe(
  CodeConfigFields,
  v.check(
    ({ postfix, suffix }) => !postfix || !suffix || postfix === suffix,
    'suffix must be equal to postfix: both say the same',
  ),
  v.transform(({ suffix, ...config }) => (suffix ? { ...config, postfix: suffix } : config)),
)
export type CodeConfig = v.InferOutput<typeof CodeConfig>

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SETS: Readonly<Record<string, string>> = {
  numeric: DIGITS,
  alphabetic: LETTERS,
  alphanumeric: DIGITS + LETTERS,
}
const DEFAULT_LENGTH = 12

const charsetOf = ({ charset }: CodeConfig): readonly string[] => {
  const named = charset ?? 'alphanumeric'
  return [...new Set(Object.hasOwn(SETS, named) ? SETS[named] : named)]
}

const patternOf = ({ pattern, length }: CodeConfig): string => pattern ?? '#'.repeat(length ?? DEFAULT_LENGTH)

/** A format as answers show it: what it does not say is what it stands for. */
export const wholeConfig = (config: CodeConfig): CodeConfig => ({
  ...(typeof config.pattern === 'string' ? {} : { length: config.length ?? DEFAULT_LENGTH }),
  ...config,
  charset: charsetOf(config).join(''),
})

const around = ({ prefix, postfix }: CodeConfig, body: string): string =>
  normalCode(`${prefix ?? ''}${body}${postfix ?? ''}`)

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
  return around(config, body)
}

/**
 * What becomes one with the character before it, or nobody sees by itself: marks, the vowels and finals of Hangul's and of Kirat Rai's
 * letters, and joiners. A code with one of them at random may be longer in its normal form than its parts are, or be another's.
 */
const JOINING = /[\p{M}\u1160-\u11ff\u{16d67}\u200c\u200d]/u
const JOINED = new RegExp(`#${JOINING.source}`, 'u')

/** Why some code of a format would be none; undefined when all would be good. */
export const configFault = (config: CodeConfig): string | undefined => {
  const charset = charsetOf(config)
  const pattern = patternOf(config)
  if (JOINING.test(charset.join('')) || JOINED.test(`${pattern}${config.postfix ?? ''}`))
    return 'must NOT have a mark or a joiner in its charset or after a random character: it would become one with what is before it'
  const longest = charset.reduce((a, b) => (written(b).length > written(a).length ? b : a))
  // The longest shows that none is too long. Of what cannot be at all only dots are left: a code of nothing else.
  const extremes = charset.includes('.') ? [longest, '.'] : [longest]
  const fault = extremes
    .map((c) => codeFault(around(config, pattern.replaceAll('#', c))))
    .find((one) => one !== undefined)
  return fault === undefined ? undefined : `makes codes that cannot be: a code ${fault}`
}

const CODE_STREAM = 'code-'

/** The stream of a code in its normal form; that of one of ASCII letters is called as the code is. */
export const codeStream = (code: string): string => `${CODE_STREAM}${written(code)}`

/** The code whose stream this is; undefined for other streams. */
export const codeOfStream = (stream: string): string | undefined => {
  if (!stream.startsWith(CODE_STREAM)) return undefined
  const name = stream.slice(CODE_STREAM.length)
  return name.includes('%') ? decodeURIComponent(name) : name
}

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
