// Reading JSON of many megabytes in pieces, so that others have their turn in between: `JSON.parse` cannot be interrupted.
import { afterString, COLON, COMMA, isBlank, MAX_ITEMS, MAX_NAMES, QUOTE, skipBlank, tooMany } from '../exactJson.ts'
import { turns } from './longBody.ts'

/** Characters that are parsed, or looked through, in one go. */
const PIECE = 64 * 1024

const isOpening = (code: number): boolean => code === 91 || code === 123
const isClosing = (code: number): boolean => code === 93 || code === 125

/** A text that is no JSON, and where it stops being it; undefined where it ends too early. */
export class JsonFault extends Error {
  readonly position: number | undefined
  constructor(position: number | undefined) {
    super('not JSON')
    this.position = position
  }
}

/** More levels of objects and lists within each other than may be. */
export class TooDeep extends Error {}

/** A list or an object of too many: the message says which. */
export class TooMany extends Error {}

const behindString = (text: string, at: number, end: number): number => {
  const behind = afterString(text, at, end)
  if (behind === undefined) throw new JsonFault(undefined)
  return behind
}

/** A part of the text, with what makes a value of it around it. */
const parsePart = (text: string, from: number, to: number, before = '', after = ''): unknown => {
  try {
    return JSON.parse(before + text.slice(from, to) + after)
  } catch (error) {
    const place = /at position (\d+)/.exec(error instanceof Error ? error.message : '')
    throw new JsonFault(place ? from + Number(place[1]) - before.length : from)
  }
}

/** Puts a property in its place, whatever its name is. */
const put = (object: object, name: string, value: unknown): void => {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

/** The value of a part of the text that holds one, `left` levels deep at most. */
const valueIn = async (text: string, given: number, end: number, left: number): Promise<unknown> => {
  const from = skipBlank(text, given, end)
  let to = end
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  const turn = turns.over()
  if (turn) await turn
  const code = text.charCodeAt(from)
  if (to - from <= PIECE || !isOpening(code)) return parsePart(text, from, to)
  if (left === 0) throw new TooDeep()
  const isList = code === 91
  const list: unknown[] = []
  const object: object = {}
  /** Takes in members that lie side by side. */
  const take = (first: number, last: number): void => {
    const part = isList ? parsePart(text, first, last, '[', ']') : parsePart(text, first, last, '{', '}')
    // A comma with nothing beside it.
    if (Object.keys(part as object).length === 0) throw new JsonFault(last)
    if (isList) for (const item of part as unknown[]) list.push(item)
    else for (const [name, value] of Object.entries(part as object)) put(object, name, value)
  }
  /** A member that is long by itself. */
  const takeLong = async (first: number, last: number): Promise<void> => {
    if (isList) {
      list.push(await valueIn(text, first, last, left - 1))
      return
    }
    const key = skipBlank(text, first, last)
    if (text.charCodeAt(key) !== QUOTE) throw new JsonFault(key)
    const behind = behindString(text, key, last)
    const colon = skipBlank(text, behind, last)
    if (text.charCodeAt(colon) !== COLON) throw new JsonFault(colon)
    put(object, String(parsePart(text, key, behind)), await valueIn(text, colon + 1, last, left - 1))
  }
  /** Where what is not yet taken in begins, of how many members it is, and where the last of them ends. */
  let first = from + 1
  let waiting = 0
  let last = first
  const member = async (start: number, stop: number): Promise<void> => {
    const isLong = stop - start > PIECE
    if (waiting > 0 && (isLong || stop - first > PIECE)) {
      take(first, last)
      first = start
      waiting = 0
      const over = turns.over()
      if (over) await over
    }
    if (isLong) {
      await takeLong(start, stop)
      first = stop + 1
    } else waiting++
    last = stop
  }
  const most = isList ? MAX_ITEMS : MAX_NAMES
  let depth = 0
  let members = 0
  let start = first
  let looked = first
  let at = first
  for (; at < to; at++) {
    const sign = text.charCodeAt(at)
    if (sign === QUOTE) at = behindString(text, at, to) - 1
    else if (isOpening(sign)) depth++
    else if (isClosing(sign)) {
      if (depth-- === 0) break
    } else if (sign === COMMA && depth === 0) {
      if (at - first > PIECE) await member(start, at)
      else {
        waiting++
        last = at
      }
      start = at + 1
      if (++members >= most) throw new TooMany(tooMany(isList))
    }
    if (at - looked > PIECE) {
      looked = at
      const over = turns.over()
      if (over) await over
    }
  }
  if (at >= to) throw new JsonFault(undefined)
  if (at !== to - 1) throw new JsonFault(skipBlank(text, at + 1, to))
  if (skipBlank(text, start, at) < at) {
    await member(start, at)
    if (waiting > 0) take(first, at)
  } else if (start > from + 1) throw new JsonFault(at)
  // The sign that ends it must be the one that it began with.
  if (text.charCodeAt(to - 1) !== (isList ? 93 : 125)) throw new JsonFault(to - 1)
  return isList ? list : object
}

/**
 * The same as `JSON.parse`, in pieces of some tens of kilobytes between which others have their turn; a text of more than `nesting`
 * levels may be refused as `TooDeep`, one with too long a list or object as `TooMany`. Rejects with `JsonFault` for what is no JSON.
 */
export const parseInPieces = (text: string, nesting: number): Promise<unknown> => valueIn(text, 0, text.length, nesting)
