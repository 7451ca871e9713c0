// The logic text of validation rules, such as `(1 and 2) or 3`: `and` binds closer than `or`, brackets closer than both.
import { MAX_LEVELS } from './faults.ts'

export type Logic =
  | { readonly kind: 'rule'; readonly rule: string }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Logic[] }

export type ParsedLogic =
  | { readonly ok: true; readonly logic: Logic }
  | { readonly ok: false; readonly message: string }

const MAX_LENGTH = 5_000
const TOKEN = /\s*(?:([()])|([A-Za-z0-9_.-]+)|(\S))/gy

interface Token {
  readonly text: string
  /** Where it begins, from 1. */
  readonly at: number
}

const tokensOf = (text: string): readonly Token[] | string => {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    const found = match[1] ?? match[2]
    const at = match.index + match[0].length - (found ?? match[3])!.length + 1
    if (found === undefined) return `unexpected '${match[3]}' at ${at}`
    tokens.push({ text: found, at })
  }
  return tokens
}

const wordOf = (token: Token | undefined): string | undefined => token?.text.toLowerCase()

/** Reads a logic text that is not empty; `and` and `or` in any case. Never throws. */
export const parseLogic = (text: string): ParsedLogic => {
  if (text.length > MAX_LENGTH) return { ok: false, message: `must NOT be longer than ${MAX_LENGTH} characters` }
  const tokens = tokensOf(text)
  if (typeof tokens === 'string') return { ok: false, message: tokens }
  let next = 0
  let fault: string | undefined
  const fail = (message: string): undefined => {
    fault ??= message
  }
  const place = (token: Token | undefined): string => (token ? `'${token.text}' at ${token.at}` : 'the end')

  const joined = (kind: 'all' | 'any', word: 'and' | 'or', part: () => Logic | undefined): Logic | undefined => {
    const parts: Logic[] = []
    for (;;) {
      const one = part()
      if (!one) return undefined
      parts.push(one)
      if (wordOf(tokens[next]) !== word) break
      next++
    }
    return parts.length === 1 ? parts[0] : { kind, of: parts }
  }
  const either = (level: number): Logic | undefined =>
    level > MAX_LEVELS
      ? fail(`must NOT be nested deeper than ${MAX_LEVELS} levels`)
      : joined('any', 'or', () => joined('all', 'and', () => single(level)))
  const single = (level: number): Logic | undefined => {
    const token = tokens[next]
    const word = wordOf(token)
    if (token === undefined || word === 'and' || word === 'or' || word === ')')
      return fail(`expected a rule or '(' but found ${place(token)}`)
    next++
    if (word !== '(') return { kind: 'rule', rule: token.text }
    const inner = either(level + 1)
    if (!inner) return undefined
    if (wordOf(tokens[next]) !== ')') return fail(`expected ')' but found ${place(tokens[next])}`)
    next++
    return inner
  }

  const logic = either(1)
  if (logic && next < tokens.length) fail(`expected 'and', 'or' or the end but found ${place(tokens[next])}`)
  return logic && fault === undefined ? { ok: true, logic } : { ok: false, message: fault ?? 'is empty' }
}

const namesIn = (logic: Logic): readonly string[] => (logic.kind === 'rule' ? [logic.rule] : logic.of.flatMap(namesIn))

/** The rules that a logic text names; undefined for one that names none, since all must hold then, or that cannot be read. */
export const rulesNamed = (text: string): ReadonlySet<string> | undefined => {
  const parsed = text.trim() === '' ? undefined : parseLogic(text)
  return parsed?.ok ? new Set(namesIn(parsed.logic)) : undefined
}
