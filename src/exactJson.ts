// JSON from outside: what it says is taken as it was said, or refused by name. `JSON.parse` alone keeps the last of a name given twice
// and rounds a number that has more digits than fit.
import { type Step, subjectOf } from './domain/path.ts'
import { isRefusedName } from './refusedNames.ts'

/** What in a text cannot be taken as it was said, and where. */
export interface Flaw {
  /** From the outermost inwards. */
  readonly path: readonly Step[]
  readonly reason: string
}

/** A flaw in words; never quotes a value. */
export const flawText = ({ path, reason }: Flaw): string => `${subjectOf(path)} ${reason}`

/** Whether a number that was read is the one that was written, but for digits of its fraction. */
export const isExact = (value: number): boolean => value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER

/**
 * Said of a number beyond ±(2⁵³ − 1), whole or not: numbers beside it are read as the same one. What a fraction has more digits than
 * a double holds is lost, as everywhere, and is no flaw.
 */
const INEXACT = `must be between -${Number.MAX_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}, so that it is kept exactly; send others as a string`

/** Items of one list: no route takes as many, and a list that grows further keeps others waiting. */
export const MAX_ITEMS = 100_000
/** Names in one object: no route takes a third of it, and merely going through the names of ten times as many keeps others waiting. */
export const MAX_NAMES = 10_000

/** What is said of a list of more items, or of an object of more names. */
export const tooMany = (isList: boolean): string =>
  isList ? `has a list of more than ${MAX_ITEMS} items` : `has an object of more than ${MAX_NAMES} names`

type Structure = readonly unknown[] | Readonly<Record<string, unknown>>

const isStructure = (value: unknown): value is Structure => typeof value === 'object' && value !== null
const isList = (value: Structure): value is readonly unknown[] => Array.isArray(value)

const LONE_SURROGATE = /\p{Surrogate}/u
/** Half a pair can only come from an escape, where the text was decoded strictly. */
const SURROGATE_ESCAPE = /\\u[dD]/

/** Going through a value that was read from a text. One walk for all that is asked of it. */
export class Walk {
  /** Levels of objects and lists within each other that there may be; the outermost is the first. */
  readonly nesting: number
  /** Whether texts may be what no Unicode is. */
  readonly #checksText: boolean
  /** The names in all objects gone through so far. */
  names = 0
  /** How a flaw is reached, from the innermost step outwards. */
  #steps: Step[] = []

  constructor(text: string, nesting: number) {
    this.nesting = nesting
    this.#checksText = SURROGATE_ESCAPE.test(text)
  }

  /** The first thing that may not be, or undefined; `before` leads to the value. */
  flawIn(value: unknown, before: readonly Step[] = []): Flaw | undefined {
    const reason = this.#value(value, this.nesting - before.length)
    return reason === undefined ? undefined : { path: [...before, ...this.#steps.splice(0).reverse()], reason }
  }

  #value(value: unknown, left: number): string | undefined {
    if (typeof value === 'number') return isExact(value) ? undefined : INEXACT
    if (typeof value === 'string') return this.#text(value)
    if (!isStructure(value)) return undefined
    if (left === 0) return tooDeep(this.nesting)
    return isList(value) ? this.#items(value, left) : this.#properties(value, left)
  }

  #text(text: string): string | undefined {
    return this.#checksText && LONE_SURROGATE.test(text) ? 'is not well-formed Unicode' : undefined
  }

  #items(items: readonly unknown[], left: number): string | undefined {
    if (items.length > MAX_ITEMS) return tooMany(true)
    for (let i = 0; i < items.length; i++) {
      const reason = this.#value(items[i], left - 1)
      if (reason !== undefined) {
        this.#steps.push(i)
        return reason
      }
    }
    return undefined
  }

  /** `for in` rather than `Object.entries`: the value is fresh from `JSON.parse`, and this runs for every body. */
  #properties(properties: Readonly<Record<string, unknown>>, left: number): string | undefined {
    let names = 0
    for (const key in properties) {
      if (++names > MAX_NAMES) return tooMany(false)
      if (isRefusedName(key)) return `has the property name ${JSON.stringify(key)}, which is not allowed`
      const reason = this.#value(properties[key], left - 1) ?? this.#text(key)
      if (reason !== undefined) {
        this.#steps.push(key)
        return reason
      }
    }
    this.names += names
    return undefined
  }
}

export const tooDeep = (nesting: number): string => `is nested deeper than ${nesting} levels`

export const QUOTE = 34
export const COMMA = 44
export const COLON = 58
const BACKSLASH = 92
export const isBlank = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

/** The first place from `at` on that is not blank, `end` at most. */
export const skipBlank = (text: string, at: number, end: number): number => {
  let next = at
  while (next < end && isBlank(text.charCodeAt(next))) next++
  return next
}

/** Behind the string that begins at a place; undefined where it does not end before `end`. */
export const afterString = (text: string, at: number, end: number): number | undefined => {
  for (let close = text.indexOf('"', at + 1); close >= 0 && close < end; close = text.indexOf('"', close + 1)) {
    let slashes = 0
    while (text.charCodeAt(close - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return close + 1
  }
  return undefined
}

/**
 * How many names a text of JSON can have at most: its colons behind a quote. It has as many, unless a string within it looks like
 * more JSON. So where the value that was read has as many names, none was given twice, and nothing more need be looked at.
 */
export const namesAtMost = (text: string, from = 0, to = text.length): number => {
  let names = 0
  for (let colon = text.indexOf(':', from); colon >= 0 && colon < to; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1
    while (isBlank(text.charCodeAt(before))) before--
    if (text.charCodeAt(before) === QUOTE) names++
  }
  return names
}

/** A list, or an object with the names that it has had so far; `step` leads to what is being read in it. */
interface Open {
  readonly names: Set<string> | undefined
  step: Step
}

const TWICE = 'is given twice in one object'

/**
 * Looks for names that are given twice in one object, in a text that is JSON. `run(to)` goes on about as far as that place and says
 * whether that was all; `found` is told of each flaw and says whether to look for more.
 */
export const repeatedNames = (
  text: string,
  found: (flaw: Flaw) => boolean,
): { readonly run: (to: number) => boolean } => {
  const open: Open[] = []
  let at = 0
  /** The string at `at`; where it names a property, that is noted. True to go on. */
  const string = (): boolean => {
    const end = afterString(text, at, text.length) ?? text.length
    const start = at
    at = end
    const around = open.at(-1)
    if (around?.names === undefined || text.charCodeAt(skipBlank(text, end, text.length)) !== COLON) return true
    const raw = text.slice(start, end)
    const name = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1)
    around.step = name
    if (!around.names.has(name)) {
      around.names.add(name)
      return true
    }
    return found({ path: open.map(({ step }) => step), reason: TWICE })
  }
  return {
    run(to) {
      while (at < to && at < text.length) {
        const code = text.charCodeAt(at)
        if (code === QUOTE) {
          if (!string()) return true
          continue
        }
        if (code === 123) open.push({ names: new Set(), step: '' })
        else if (code === 91) open.push({ names: undefined, step: 0 })
        else if (code === 125 || code === 93) open.pop()
        else if (code === COMMA) {
          const around = open.at(-1)
          if (around?.names === undefined && around !== undefined) around.step = Number(around.step) + 1
        }
        at++
      }
      return at >= text.length
    },
  }
}

/** A text that is JSON, but says what cannot be taken as it was said. The message names the place. */
export class InexactJson extends SyntaxError {}

/** Levels that a file may have; no route takes as many. */
const MAX_LEVELS = 100

/**
 * `JSON.parse` for files and lines that somebody wrote. Throws `InexactJson` for what a body may not have either, and would be
 * changed on the way; another `SyntaxError` for what is no JSON. Bodies of requests are read by `http/body.ts`, piece by piece.
 */
export const parseExactly = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  const walk = new Walk(text, MAX_LEVELS)
  const refuse = (flaw: Flaw): never => {
    throw new InexactJson(flawText(flaw))
  }
  const flaw = walk.flawIn(value)
  if (flaw) refuse(flaw)
  if (walk.names !== namesAtMost(text)) repeatedNames(text, refuse).run(text.length)
  return value
}
