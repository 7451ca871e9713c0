// Sessions of people who work in a browser: what a cookie stands for, kept where every node sees it, until it ends.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ApiKey, KeyRing } from '../keys.ts'
import type { ReadModel } from '../readmodel/index.ts'

/** Who has signed in, and as what. */
export interface SignedIn {
  readonly name: string
  readonly role: string
  /** The API key that was shown to sign in: the session ends with it, and never may more than it. */
  readonly appId?: string
}

export interface Session {
  /** What the session may do, as the key of a request. */
  readonly key: ApiKey
  /** What a request that changes something must carry beside the cookie. */
  readonly csrf: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** The seam between a cookie and what it may do: however somebody signs in, requests are asked here. */
export interface Sessions {
  /** A new session, and the token that its cookie holds. */
  begin(who: SignedIn): Promise<{ readonly token: string; readonly session: Session }>
  /** The session of a cookie's token; undefined when there is none, or no longer. */
  of(token: string): Promise<Session | undefined>
  end(token: string): Promise<void>
}

export interface SessionsOptions {
  readonly readModel: Pick<ReadModel, 'plain' | 'prepare'>
  readonly keys: KeyRing
  /** Unix milliseconds. */
  readonly now: () => number
}

interface SessionDocument {
  /** A digest of the token: who reads the database cannot sign in with it. */
  readonly _id: string
  readonly name: string
  readonly role: string
  readonly app_id: string | null
  readonly expires_at: Date
}

const COLLECTION = 'consoleSessions'
/** A working day: who comes back tomorrow signs in again. */
const LASTS_MS = 12 * 3_600_000
/** How long another node may go on with a session that was ended here, ms. */
const REMEMBERED_MS = 2_000

const digestOf = (token: string): string => hash('sha256', `session ${token}`, 'base64url')
/** Follows from the token, which scripts cannot read: so that nothing more is to be kept. */
const csrfOf = (token: string): string => hash('sha256', `csrf ${token}`, 'base64url')

/** Whether two texts are the same, in a time that does not tell where they differ. */
export const sameText = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

export const createSessions = ({ readModel, keys, now }: SessionsOptions): Sessions => {
  const stored = readModel.plain<SessionDocument & { _id: string }>(COLLECTION)
  const recent = new LRUCache<string, SessionDocument>({ max: 1_000, ttl: REMEMBERED_MS })
  let prepared: Promise<void> | undefined

  /** What bounds the key that was shown to sign in bounds the session: where it may come from, what its role holds. */
  const boundsOf = (appId: string): Partial<ApiKey> => {
    const key = keys.keys.find((one) => one.appId === appId)
    return {
      ...(key?.permissions ? { permissions: key.permissions } : {}),
      ...(key?.networks ? { networks: key.networks } : {}),
    }
  }

  const shown = (token: string, { _id, name, role, app_id, expires_at }: SessionDocument): Session => ({
    key: { ...(app_id === null ? {} : boundsOf(app_id)), name, role, appId: `session:${_id}` },
    csrf: csrfOf(token),
    expiresAt: expires_at.getTime(),
  })

  const holds = ({ role, app_id, expires_at }: SessionDocument): boolean =>
    expires_at.getTime() > now() &&
    (app_id === null || keys.keys.some((key) => key.appId === app_id && key.role === role))

  return {
    async begin({ name, role, appId }) {
      prepared ??= readModel.prepare(COLLECTION, [{ key: { expires_at: 1 } }])
      await prepared
      await stored.deleteMany({ expires_at: { $lte: new Date(now()) } })
      const token = randomBytes(32).toString('base64url')
      const document: SessionDocument = {
        _id: digestOf(token),
        name,
        role,
        app_id: appId ?? null,
        expires_at: new Date(now() + LASTS_MS),
      }
      await stored.insertOne(document)
      return { token, session: shown(token, document) }
    },
    async of(token) {
      const _id = digestOf(token)
      let document = recent.get(_id)
      if (document === undefined) {
        document = (await stored.findOne({ _id })) ?? undefined
        if (document !== undefined) recent.set(_id, document)
      }
      return document !== undefined && holds(document) ? shown(token, document) : undefined
    },
    async end(token) {
      const _id = digestOf(token)
      recent.delete(_id)
      await stored.deleteOne({ _id })
    },
  }
}

/** Links that sign in one time, made for whoever can read this process's output. */
export interface SignInLinks {
  /** A token for a link; an earlier one stays good. */
  make(who: SignedIn): string
  /** Whom a token signs in; it is used up by that. Undefined for one that is unknown, used or too old. */
  use(token: string): SignedIn | undefined
}

const LINK_LASTS_MS = 24 * 3_600_000
const MAX_LINKS = 100

export const createSignInLinks = (now: () => number): SignInLinks => {
  const links = new Map<string, { readonly who: SignedIn; readonly until: number }>()
  return {
    make(who) {
      const [oldest] = links.keys()
      if (links.size >= MAX_LINKS && oldest !== undefined) links.delete(oldest)
      const token = randomBytes(24).toString('base64url')
      links.set(digestOf(token), { who, until: now() + LINK_LASTS_MS })
      return token
    },
    use(token) {
      const digest = digestOf(token)
      const link = links.get(digest)
      links.delete(digest)
      return link !== undefined && link.until > now() ? link.who : undefined
    },
  }
}
