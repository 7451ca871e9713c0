// OAuth 2.0 tokens of API keys (client credentials, RFC 6749 section 4.4): opaque, short, kept as digests where every node sees them.
import { hash, randomBytes } from 'node:crypto'
import type { ApiKey, KeyRing } from '../keys.ts'
import { createLru } from '../lru.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { OFFICIAL } from './official.ts'

/** How long a token lasts, seconds, and how many one key may have at a time, as the HTTP contract says of all: none takes another's. */
export const TOKEN_LASTS_S = 900
export const MAX_TOKENS = 1_000

export interface Token {
  readonly appId: string
  /** Names, separated by spaces. */
  readonly scope: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

export interface Tokens {
  /** Undefined: the key has `MAX_TOKENS` already. */
  make(appId: string, scope: string, now: number): Promise<{ readonly text: string; readonly token: Token } | undefined>
  /** What a text stands for now; undefined when it is none, has ended, or its key has. */
  of(text: string, now: number): Promise<(Token & { readonly key: ApiKey }) | undefined>
  /** Ends a token of this key; any other is left alone. */
  revoke(text: string, appId: string): Promise<void>
}

interface TokenDocument {
  readonly _id: string
  readonly app_id: string
  readonly scope: string
  readonly expires_at: Date
}

const COLLECTION = 'oauthTokens'
/** How long another node may go on with a token that was revoked here, ms. */
const REMEMBERED_MS = 2_000

const digestOf = (text: string): string => hash('sha256', `oauth ${text}`, 'base64url')

/** How the processes of a node tell each other that a session or a token has ended: see `Board`. */
export interface SharedEnds {
  note(): void
  /** Whether another has noted one since this was asked last by the same asker. */
  asker(): () => boolean
}

export const createTokens = (
  readModel: Pick<ReadModel, 'plain' | 'prepare'>,
  keys: KeyRing,
  ends?: SharedEnds,
): Tokens => {
  const stored = readModel.plain<TokenDocument & { _id: string }>(COLLECTION)
  const recent = createLru<TokenDocument>({ entries: 2 * MAX_TOKENS, ttl: REMEMBERED_MS })
  const haveOthersEnded = ends?.asker() ?? (() => false)
  let prepared: Promise<void> | undefined
  return {
    async make(appId, scope, now) {
      prepared ??= readModel.prepare(COLLECTION, [{ key: { expires_at: 1 } }, { key: { app_id: 1 } }])
      await prepared
      await stored.deleteMany({ expires_at: { $lte: new Date(now) } })
      if ((await stored.count({ app_id: appId }, { limit: MAX_TOKENS })) >= MAX_TOKENS) return undefined
      const text = randomBytes(32).toString('base64url')
      const expiresAt = now + TOKEN_LASTS_S * 1_000
      await stored.insertOne({ _id: digestOf(text), app_id: appId, scope, expires_at: new Date(expiresAt) })
      return { text, token: { appId, scope, expiresAt } }
    },
    async of(text, now) {
      const _id = digestOf(text)
      if (haveOthersEnded()) recent.clear()
      const found = recent.get(_id) ?? (await stored.findOne({ _id })) ?? undefined
      if (found === undefined) return undefined
      recent.set(_id, found)
      const { app_id: appId, scope, expires_at } = found
      const expiresAt = expires_at.getTime()
      const key = keys.keys.find((one) => one.appId === appId)
      return key === undefined || expiresAt <= now ? undefined : { key, appId, scope, expiresAt }
    },
    async revoke(text, appId) {
      const _id = digestOf(text)
      const { deletedCount } = await stored.deleteOne({ _id, app_id: appId })
      if (deletedCount === 0) return
      recent.delete(_id)
      ends?.note()
    },
  }
}

/** `validation-rules` of `/v1/validation-rules/{id}`. */
const resourceOf = (path: string): string => path.split('/')[2] ?? ''

/** What a scope may name beside `api`: the resources of the HTTP contract, and those that are served beside them. */
export const RESOURCES: ReadonlySet<string> = new Set([
  ...OFFICIAL.filter(({ path }) => path.startsWith('/v1/')).map(({ path }) => resourceOf(path)),
  'access',
  'activity',
  'audit',
  'distributions',
  'event-schemas',
  'messages',
  'processes',
  'projections',
  'statistics',
  'webhooks',
])

/** The scopes of a request for a token; the first that there is not, when there is one. */
export const scopesIn = (text: string): { readonly scopes: readonly string[] } | { readonly unknown: string } => {
  const scopes = [...new Set(text.split(/[\s,]+/).filter((one) => one !== ''))]
  const unknown = scopes.find((one) => one !== 'api' && !RESOURCES.has(one) && !RESOURCES.has(one.replaceAll('_', '-')))
  return unknown === undefined ? { scopes } : { unknown }
}

/** Whether a token with these scopes may be used for a path: `api` for all, a resource for the paths below it. */
export const reaches = (scope: string, path: string): boolean =>
  scope.split(' ').some((one) => one === 'api' || one.replaceAll('_', '-') === resourceOf(path))
