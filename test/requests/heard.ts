// All answers of a node, to be held against what their routes and the public contract say of them.
import * as v from 'valibot'
import { audienceOf, type Route } from '../../src/http/route.ts'
import type { Answer, TestNode } from '../system/node.ts'
import { DESCRIBED, differencesFrom, officialOf } from './official.ts'

/** Where answers differ from the contract on purpose, or where the contract's own description is wrong, with the reason. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/loyalty\.calculation_type is missing/, 'only rules that pay in proportion have one'],
  [
    /pending-points .*(?:details\.(?:event\.type|order|earning_rule\.source)|order_id is null)/,
    'points of custom events wait as well',
  ],
  [/pending-points .*activates_at is string/, 'points become spendable at an instant, not with a day'],
  [/transactions .*source\.banner is null/, 'a rule need not have a text'],
  [/transactions .*details\.pending_points\./, 'a transaction names the pending points by their id'],
  [/points-expiration .*expires_at is null/, 'points that never expire are listed too'],
  [/vouchers\/\{code\}\/transactions .*campaign_id is null/, 'a code may be of no campaign'],
  [/transfers \.active is boolean/, 'the contract calls it a text'],
  [/transfers \.validity_\w+ is missing/, 'a card has no times of its own'],
  [/parameters\.(?:campaign|coin|product) is missing/, 'the type of a reward says which there is'],
  [/reward\.(?:product|sku|voucher) is missing/, 'the same; there is no catalogue of products'],
  [/\/rewards {2}is array/, 'a list is answered with a list'],
  [/export \.user_id is null/, 'keys ask for exports, and no users'],
  [/\.order is null/, 'no order came with it'],
  [/summary \.(?:points|pending_points|amount|created_vouchers|vouchers|referred)_/, 'totals that are not kept'],
]

const isKnown = (difference: string): boolean => KNOWN.some(([pattern]) => pattern.test(difference))

/** Where an answer may say more than its route declares, with the reason. */
const OPEN: readonly (readonly [RegExp, string])[] = [
  [/^TrackedEvent\.effects\[\]\./, 'what followed is told as in the activity log, by its type'],
  [/\.(?:product|sku)\./, 'what a shop says of its products is kept as it is'],
]

const titleOf = (schema: v.GenericSchema): string | undefined => ('pipe' in schema ? v.getTitle(schema) : undefined)

type Walked = v.GenericSchema & {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>
  readonly wrapped?: v.GenericSchema
  readonly item?: v.GenericSchema
  readonly value?: v.GenericSchema
  readonly options?: readonly v.GenericSchema[]
}

/** Fields of an answer that its schema does not name, each by its place. */
const undeclared = (schema: v.GenericSchema, value: unknown, place: string, found: Set<string>): void => {
  if (typeof value !== 'object' || value === null) return
  const { type, entries, wrapped, item, value: each, options } = schema as Walked
  const at = titleOf(schema) ?? place
  if (wrapped) undeclared(wrapped, value, at, found)
  else if (item && Array.isArray(value)) for (const one of value) undeclared(item, one, `${at}[]`, found)
  else if (type === 'record' && each) for (const one of Object.values(value)) undeclared(each, one, `${at}.*`, found)
  else if ((type === 'union' || type === 'variant') && options) {
    const fitting = options.filter((option) => v.is(option, value))
    const perOption = fitting.map((option) => {
      const own = new Set<string>()
      undeclared(option, value, at, own)
      return own
    })
    for (const one of perOption.sort((a, b) => a.size - b.size)[0] ?? []) found.add(one)
  } else if (entries)
    for (const [name, inner] of Object.entries(value)) {
      const declared = Object.hasOwn(entries, name) ? entries[name] : undefined
      if (declared) undeclared(declared, inner, `${at}.${name}`, found)
      else if (inner !== undefined) found.add(`${at}.${name}`)
    }
}

/** A request that was answered well, and how. */
export interface Exchanged {
  readonly path: string
  readonly request?: unknown
  readonly response?: unknown
}

export interface Heard {
  readonly node: TestNode
  /** The first of each operation, by method and path of the route table. */
  readonly exchanged: ReadonlyMap<string, Exchanged>
  /** What was found: differences from the contract, and from the schemas that routes declare. */
  found(): {
    /** Operations of the contract that are served, and of which no answer was looked at. */
    readonly unheard: readonly string[]
    readonly differences: readonly string[]
    readonly unlike: readonly string[]
  }
}

const literals = (path: string): number => path.split('/').filter((segment) => !segment.startsWith('{')).length

/** The node, with every answer it gives by `call` looked at. */
export const hear = (node: TestNode, routes: readonly Route[]): Heard => {
  const operations = new Set<string>()
  const differences = new Set<string>()
  const unlike = new Set<string>()
  const exchanged = new Map<string, Exchanged>()
  const paths = routes
    .flatMap((route) => [route.path, ...(route.also ?? [])].map((path) => ({ path, route })))
    .sort((a, b) => literals(b.path) - literals(a.path))
    .map(({ path, route }) => ({ route, path, pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`) }))
  const look = (method: string, address: string, request: unknown, { status, body }: Answer): void => {
    const [bare = ''] = address.split('?')
    const served = paths.find(({ route, pattern }) => route.method.toUpperCase() === method && pattern.test(bare))
    const response = served?.route.contentType === undefined ? served?.route.response : undefined
    const operation = `${method} ${served?.path}`
    if (served && !exchanged.has(operation))
      exchanged.set(operation, {
        path: address,
        ...(request === undefined ? {} : { request }),
        ...(response === undefined || status === 204 ? {} : { response: body }),
      })
    const result = response && v.safeParse(response, body)
    if (response) {
      const more = new Set<string>()
      undeclared(response, body, `${method} ${served?.path} `, more)
      for (const one of more) if (!OPEN.some(([pattern]) => pattern.test(one))) unlike.add(`${one} is not declared`)
    }
    const [issue] = result?.issues ?? []
    if (issue) unlike.add(`${method} ${served?.path} ${v.getDotPath(issue)}: ${issue.message}`)
    const official = audienceOf(bare) === 'client' ? undefined : officialOf(method, bare)
    if (official === undefined || status !== 200) return
    operations.add(official)
    for (const one of differencesFrom(official, body).map((difference) => `${official} ${difference}`))
      if (!isKnown(one)) differences.add(one)
  }
  return {
    node: {
      ...node,
      async call(method, path, body, options) {
        const answer = await node.call(method, path, body, options)
        if (answer.status < 300) look(method, path, body, answer)
        return answer
      },
    },
    exchanged,
    found: () => ({
      unheard: DESCRIBED.filter(
        ({ method, path }) =>
          audienceOf(path) !== 'client' &&
          paths.some(({ route, pattern }) => route.method.toUpperCase() === method && pattern.test(path)) &&
          !operations.has(`${method} ${path}`),
      ).map(({ method, path }) => `${method} ${path}`),
      differences: [...differences],
      unlike: [...unlike],
    }),
  }
}

const itemsOf = (list: Answer['body']): readonly Answer['body'][] =>
  Array.isArray(list) ? list : Array.isArray(list?.[list?.data_ref]) ? list[list.data_ref] : []

/** How many records of each list are read. */
const FEW = 3

/** Reads paths, their parameters taken from the lists above them. */
export const readAll = async (paths: readonly string[], read: (path: string) => Promise<Answer>): Promise<void> => {
  const lists = new Map<string, readonly string[]>()
  const addresses = async (path: string): Promise<readonly string[]> => {
    const at = path.lastIndexOf('/{')
    if (at === -1) return [path]
    const named: string[] = []
    for (const list of (await addresses(path.slice(0, at))).slice(0, FEW)) {
      const known = lists.get(list) ?? itemsOf((await read(list)).body).map(({ code, id }) => String(code ?? id))
      lists.set(list, known)
      named.push(...known.slice(0, FEW).map((id) => `${list}/${id}${path.slice(path.indexOf('}', at) + 1)}`))
    }
    return named
  }
  for (const path of paths) for (const address of (await addresses(path)).slice(0, FEW)) await read(address)
}
