// Sessions of people who work in a browser: what a cookie stands for, kept where every node sees it, until it ends.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Permission } from '../domain/access/permissions.ts'
import type { UserState } from '../domain/access/users.ts'
import type { ApiKey, KeyRing } from '../keys.ts'
import { createLru } from '../lru.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { SharedEnds } from './tokens.ts'

/** Who has signed in, and as what. */
export interface SignedIn {
  readonly name: string
  readonly role: string
  /** The API key that was shown to sign in: the session ends with it, and never may more than it. */
  readonly appId?: string
  /** The user who signed in: the session ends with the user's sessions, and may what the user may then. */
  readonly userId?: string
}

export interface Session {
  /** What the session may do, as the key of a request. */
  readonly key: ApiKey
  /** Who it is, in words. */
  readonly name: string
  /** The user whose it is; absent where an API key or a link of the start signed in. */
  readonly userId?: string
  /** What a request that changes something must carry beside the cookie. */
  readonly csrf: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** The seam between a cookie and what it may do: however somebody signs in, requests are asked here. */
export interface Sessions {
  /** A new session, and the token that its cookie holds. */
  begin(who: SignedIn): Promise<{ readonly token: string; readonly session: Session }>
  /**
   * The session of a cookie's token; undefined when there is none, or no longer. `isUse`: somebody did something, which puts off its
   * end for want of use; default true.
   */
  of(token: string, isUse?: boolean): Promise<Session | undefined>
  end(token: string): Promise<void>
}

/** When sessions end, milliseconds. */
export interface SessionLimits {
  /** Since the last use. */
  readonly idleMs: number
  /** Since the beginning. */
  readonly longestMs: number
}

/** Two hours without use, and a working day: who comes back tomorrow signs in again. */
const SESSION_LIMITS: SessionLimits = { idleMs: 2 * 3_600_000, longestMs: 12 * 3_600_000 }

/** What sessions need of users. */
export interface SessionUsers {
  /** A user who may sign in, and what the user's role holds where it is one of one's own. */
  userOf(id: string): { readonly user: UserState; readonly permissions?: ReadonlySet<Permission> } | undefined
  noteUse(id: string): void
}

export interface SessionsOptions {
  readonly readModel: Pick<ReadModel, 'plain' | 'prepare'>
  readonly keys: KeyRing
  readonly users?: SessionUsers
  readonly limits?: SessionLimits
  /** Unix milliseconds. */
  readonly now: () => number
  readonly ends?: SharedEnds | undefined
}

interface SessionDocument {
  /** A digest of the token: who reads the database cannot sign in with it. */
  readonly _id: string
  readonly name: string
  readonly role: string
  readonly app_id: string | null
  readonly user_id?: string | null
  /** Of the user's sessions. */
  readonly generation?: number
  readonly expires_at: Date
  /** The last use that was written. */
  readonly seen_at?: Date
}

const COLLECTION = 'consoleSessions'
/** How old a written use may be, ms. */
const SEEN_MS = 60_000
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

export const createSessions = ({
  readModel,
  keys,
  users,
  limits: { idleMs, longestMs } = SESSION_LIMITS,
  now,
  ends,
}: SessionsOptions): Sessions => {
  const stored = readModel.plain<SessionDocument & { _id: string }>(COLLECTION)
  const recent = createLru<SessionDocument>({ entries: 1_000, ttl: REMEMBERED_MS })
  const haveOthersEnded = ends?.asker() ?? (() => false)
  let prepared: Promise<void> | undefined

  /** What bounds the key that was shown to sign in bounds the session: where it may come from, what its role holds. */
  const boundsOf = (appId: string): Partial<ApiKey> => {
    const key = keys.keys.find((one) => one.appId === appId)
    return {
      permissions: key?.permissions,
      networks: key?.networks,
    }
  }

  /** Undefined once it does not hold any more. */
  const shown = (token: string, document: SessionDocument): Session | undefined => {
    const { _id, name, role, app_id, user_id, generation = 0, expires_at, seen_at = expires_at } = document
    const at = now()
    if (expires_at.getTime() <= at || seen_at.getTime() + idleMs <= at) return undefined
    const rest = { csrf: csrfOf(token), expiresAt: expires_at.getTime() }
    if (user_id) {
      const found = users?.userOf(user_id)
      // A node that has not heard of a change yet goes on with sessions that others began after it.
      if (!found || generation < found.user.generation) return undefined
      const { user, permissions } = found
      // Facts and logs name the user by the id: it says nothing of the person once the person is removed.
      const key = { name: user_id, role: user.role, appId: `user:${user_id}`, permissions }
      return { ...rest, key, name: user.name ?? user.email, userId: user_id }
    }
    if (app_id !== null && !keys.keys.some((key) => key.appId === app_id && key.role === role)) return undefined
    const bounds = app_id === null ? {} : boundsOf(app_id)
    return { ...rest, key: { ...bounds, name, role, appId: `session:${_id}` }, name }
  }

  const noteUse = (document: SessionDocument): void => {
    const at = now()
    if (document.user_id) users?.noteUse(document.user_id)
    if (at - (document.seen_at ?? new Date(0)).getTime() < SEEN_MS) return
    const seen_at = new Date(at)
    recent.set(document._id, { ...document, seen_at })
    // What is not written makes the session end earlier, no more.
    stored.updateOne({ _id: document._id }, { $max: { seen_at } }).catch(() => undefined)
  }

  return {
    async begin({ name, role, appId, userId }) {
      prepared ??= readModel.prepare(COLLECTION, [{ key: { expires_at: 1 } }, { key: { seen_at: 1 } }])
      await prepared
      const at = now()
      await stored.deleteMany({ expires_at: { $lte: new Date(at) } })
      await stored.deleteMany({ seen_at: { $lte: new Date(at - idleMs) } })
      const token = randomBytes(32).toString('base64url')
      const document: SessionDocument = {
        _id: digestOf(token),
        // Who a user is stands with the user.
        name: userId ?? name,
        role,
        app_id: appId ?? null,
        user_id: userId ?? null,
        generation: (userId && users?.userOf(userId)?.user.generation) || 0,
        expires_at: new Date(at + longestMs),
        seen_at: new Date(at),
      }
      await stored.insertOne(document)
      const session = shown(token, document)
      if (!session) throw new Error('a session was begun for somebody who may not sign in')
      return { token, session }
    },
    async of(token, isUse = true) {
      const _id = digestOf(token)
      if (haveOthersEnded()) recent.clear()
      let document = recent.get(_id)
      if (document === undefined) {
        document = (await stored.findOne({ _id })) ?? undefined
        if (document !== undefined) recent.set(_id, document)
      }
      const session = document && shown(token, document)
      if (session && document && isUse) noteUse(document)
      return session
    },
    async end(token) {
      const _id = digestOf(token)
      recent.delete(_id)
      await stored.deleteOne({ _id })
      ends?.note()
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
