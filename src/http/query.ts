// Parses a query string with nested parameters, `filters[city][conditions][$in][0]=Rome`, within bounds.

import { isRefusedName } from '../refusedNames.ts'
import { type Failure, fail } from './errors.ts'

/** Parameters in one query, levels of brackets in one name. Node bounds the whole request line to 16 KiB. */
const MAX_PARAMETERS = 1000
const MAX_DEPTH = 10

/** What a query is parsed to: texts, lists and objects of them. Objects have no prototype. */
export type QueryValue = string | readonly QueryValue[] | { readonly [name: string]: QueryValue }

interface Branch {
  readonly children: Map<string, string | Branch>
}

const INDEX = /^(?:0|[1-9]\d{0,5})$/

/** `a[b][0]` → `['a', 'b', '0']`; an unmatched bracket is part of the name. Undefined when too deep or forbidden. */
const pathOf = (name: string): readonly string[] | undefined => {
  const open = name.indexOf('[')
  const segments = [open <= 0 ? name : name.slice(0, open)]
  let at = open <= 0 ? name.length : open
  while (at < name.length) {
    const close = name.indexOf(']', at)
    if (name[at] !== '[' || close === -1) return undefined
    segments.push(name.slice(at + 1, close))
    at = close + 1
  }
  return segments.length > MAX_DEPTH || segments.some(isRefusedName) ? undefined : segments
}

/** A branch whose names are all indexes is a list. */
const isList = ({ children }: Branch): boolean => [...children.keys()].every((name) => INDEX.test(name))

/** The index behind all others of a list. */
const nextIn = ({ children }: Branch): string => String(Math.max(-1, ...[...children.keys()].map(Number)) + 1)

/** Puts a value in its place; a repeated or empty-bracket name makes a list. False when a text, a list and an object collide. */
const put = (root: Branch, path: readonly string[], value: string): boolean => {
  let branch = root
  for (const [level, segment] of path.entries()) {
    const isNext = segment === '' && level > 0
    if (isNext && !isList(branch)) return false
    const name = isNext ? nextIn(branch) : segment
    const there = branch.children.get(name)
    if (level === path.length - 1) {
      if (there === undefined) branch.children.set(name, value)
      else if (typeof there === 'string')
        branch.children.set(name, {
          children: new Map<string, string | Branch>([
            ['0', there],
            ['1', value],
          ]),
        })
      else if (isList(there)) there.children.set(nextIn(there), value)
      else return false
      return true
    }
    if (typeof there === 'string') return false
    const next: Branch = there ?? { children: new Map() }
    if (there === undefined) branch.children.set(name, next)
    branch = next
  }
  return false
}

/** A list is in the order of its indexes; gaps close. */
const toValue = (node: string | Branch, { isRoot } = { isRoot: false }): QueryValue => {
  if (typeof node === 'string') return node
  const entries = [...node.children]
  if (!isRoot && isList(node))
    return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => toValue(child))
  const object: Record<string, QueryValue> = Object.create(null)
  for (const [name, child] of entries) object[name] = toValue(child)
  return object
}

/** The part of a URL after `?`, or the empty text. */
export const queryOf = (url: string): string => {
  const mark = url.indexOf('?')
  if (mark === -1) return ''
  const hash = url.indexOf('#', mark)
  return hash === -1 ? url.slice(mark + 1) : url.slice(mark + 1, hash)
}

/** One parameter that needs no decoding, as most queries are. */
const PLAIN = /^([\w-]+)=([\w.:~-]*)$/

/** Parses a query string. A name that is too deep, malformed or dangerous is a failure that names it. */
export const parseQuery = (query: string): { readonly value: QueryValue } | Failure => {
  const [, plain, text] = PLAIN.exec(query) ?? []
  if (plain !== undefined && text !== undefined && !isRefusedName(plain)) {
    const value: Record<string, QueryValue> = Object.create(null)
    value[plain] = text
    return { value }
  }
  const root: Branch = { children: new Map() }
  let count = 0
  for (const [name, value] of new URLSearchParams(query)) {
    count += 1
    if (count > MAX_PARAMETERS) return fail('query_too_large', `A query may have at most ${MAX_PARAMETERS} parameters`)
    const path = pathOf(name)
    if (path === undefined) return fail('invalid_query_params', `The parameter name ${quote(name)} is not allowed`)
    if (!put(root, path, value))
      return fail('invalid_query_params', `The parameter ${quote(name)} contradicts an earlier one`)
  }
  return { value: toValue(root, { isRoot: true }) }
}

const quote = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
