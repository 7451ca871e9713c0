// The managed keys, roles and users of this node: followed live, recognised beside the keys of the file, and the way to change them.
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import {
  type AccessCommand,
  type AccessState,
  decideAccess,
  foldAccess,
  type KeyState,
  NO_ACCESS,
  permissionsOfRole,
} from '../domain/access/access.ts'
import { ACCESS_STREAM, type AccessFact } from '../domain/access/facts.ts'
import { type Permission, ROLES } from '../domain/access/permissions.ts'
import type { UserState } from '../domain/access/users.ts'
import type { EventStore } from '../eventstore/index.ts'
import { ABILITIES, type Ability, type ApiKey, type KeyRing } from '../keys.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { createDecider, type DeciderContext, type Result } from './decider.ts'
import { followStream } from './following.ts'

export interface Access {
  current(): AccessState
  /** Decides and records; this node goes by it at once, the others as soon as they hear of it. */
  execute(command: AccessCommand, context: DeciderContext): Promise<Result<AccessState>>
  /** Reads what was recorded up to now, without waiting to hear of it. */
  catchUp(): Promise<void>
  /** The managed keys; the ring of a node asks it beside its file. */
  readonly ring: Pick<KeyRing, 'recognise' | 'customerSecretOf' | 'keys'>
  /** A user who may sign in, and what the user's role holds where it is one of one's own. */
  userOf(id: string): UserWithRole | undefined
  /** Notes that a key or a user asked for something. */
  noteUse(id: string): void
  /** When keys and users asked last, Unix milliseconds by id: what all nodes wrote, and what this one knows beside. */
  lastUsed(): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

export interface UserWithRole {
  readonly user: UserState
  readonly permissions?: ReadonlySet<Permission>
}

export interface AccessOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream' | 'subscribeStream'>
  readonly readModel: Pick<ReadModel, 'plain'>
  /** The project's own key, which secrets of client keys follow from. */
  readonly projectKey: () => string
  readonly log: Logger
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

interface Use {
  readonly _id: string
  readonly last_used_at: Date
}
const USES = 'accessKeyUses'
const WRITE_EVERY_MS = 60_000
const MAX_USES = 10_000

/** The digest of a token, as facts keep it. */
export const tokenDigest = (token: string): string => hash('sha256', token, 'hex')

/** Where nobody's digest is needed: as much work for an id that there is not. */
const NOBODY = tokenDigest('nobody')

const same = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))

const isAbility = (name: string): name is Ability => (ABILITIES as readonly string[]).includes(name)

/** What a role holds where it is one of one's own; nothing, where it is not there any more. */
const ownPermissions = (state: AccessState, role: string): ReadonlySet<Permission> | undefined =>
  (ROLES as readonly string[]).includes(role) ? undefined : (permissionsOfRole(state, role) ?? new Set())

const shown = (state: AccessState, { id, name, role, origins, allow, networks }: KeyState): ApiKey => {
  const own = ownPermissions(state, role)
  return {
    name,
    role,
    appId: id,
    permissions: own,
    origins,
    allow: allow?.filter(isAbility),
    networks,
  }
}

export const startAccess = async ({
  store,
  readModel,
  projectKey,
  log,
  now,
  sleep,
}: AccessOptions): Promise<Access> => {
  let state = NO_ACCESS
  let revision = -1n
  let keys = new Map<string, ApiKey>()
  const take = (next: AccessState, at: bigint): void => {
    if (at <= revision) return
    state = next
    revision = at
    keys = new Map([...next.keys.values()].map((key) => [key.id, shown(next, key)]))
  }
  type Followed = { readonly type: string; readonly data: unknown; readonly revision: bigint }
  const follow = (facts: readonly Followed[]): void => {
    for (const fact of facts) if (fact.revision > revision) take(foldAccess(state, fact), fact.revision)
  }
  const catchUp = async (): Promise<void> => {
    for await (const fact of store.readStream(ACCESS_STREAM, { from: revision + 1n })) follow([fact])
  }
  await catchUp()

  const live = followStream({ store, stream: ACCESS_STREAM, from: () => revision, take: follow, log })

  const decider = createDecider<AccessState, AccessCommand, AccessFact>(
    {
      streamOf: () => ACCESS_STREAM,
      initial: () => NO_ACCESS,
      fold: foldAccess,
      decide: decideAccess,
    },
    { store, sleep, random: Math.random, cached: 1 },
  )

  /** Uses that are not written yet. */
  let used = new Map<string, number>()
  const write = async (): Promise<void> => {
    const uses = used
    used = new Map()
    const stored = readModel.plain<Use & { _id: string }>(USES)
    for (const [id, at] of uses)
      await stored.updateOne({ _id: id }, { $max: { last_used_at: new Date(at) } }, { upsert: true })
  }
  const writeOrTell = (): void => {
    write().catch((err: unknown) => log.warn({ err }, 'when keys were used could not be written'))
  }
  const writing = setInterval(() => used.size > 0 && writeOrTell(), WRITE_EVERY_MS)
  writing.unref()

  const noteUse = (id: string): void => {
    if (used.size < MAX_USES || used.has(id)) used.set(id, now())
  }

  const isGood = (key: KeyState, digest: string, at: number): boolean => {
    const current = same(digest, key.digest)
    const previous =
      same(digest, key.previous?.digest ?? NOBODY) && key.previous !== undefined && at < key.previous.until
    return (current || previous) && (key.expiresAt === undefined || at < key.expiresAt)
  }

  return {
    current: () => state,
    async execute(command, context) {
      const decided = await decider.execute('main', command, context)
      take(decided.state, decided.revision)
      return decided
    },
    catchUp,
    ring: {
      get keys() {
        const at = now()
        // What was begun with a key (a session, a token) ends with it.
        return [...keys.values()].filter(({ appId }) => (state.keys.get(appId)?.expiresAt ?? at + 1) > at)
      },
      customerSecretOf: ({ appId, role }) =>
        role === 'client' && keys.has(appId)
          ? new TextEncoder().encode(customerSecret(projectKey(), appId))
          : undefined,
      recognise(appId, token) {
        const key = state.keys.get(appId)
        const digest = tokenDigest(token)
        if (key === undefined) return undefined
        if (!isGood(key, digest, now())) return undefined
        noteUse(appId)
        return keys.get(appId)
      },
    },
    userOf(id) {
      const user = state.users.get(id)
      if (!user || user.isDisabled) return undefined
      const own = ownPermissions(state, user.role)
      return { user, permissions: own }
    },
    noteUse,
    async lastUsed() {
      const written = await readModel.plain<Use & { _id: string }>(USES).find({}, { limit: MAX_USES })
      const all = new Map(written.map(({ _id, last_used_at }) => [_id, last_used_at.getTime()]))
      for (const [id, at] of used) all.set(id, Math.max(at, all.get(id) ?? 0))
      return all
    },
    async stop() {
      live.unsubscribe()
      clearInterval(writing)
      await write().catch((err: unknown) => log.warn({ err }, 'when keys were used could not be written'))
    },
  }
}

/** What customers' tokens of a client key are signed with: follows from the project, so that it need not be kept. */
export const customerSecret = (projectKey: string, keyId: string): string =>
  createHmac('sha256', projectKey).update(`customer tokens of ${keyId}`).digest('base64url')

/** The keys of the file and the managed ones as one ring; `managed` is undefined until the node has them. */
export const joinKeys = (file: KeyRing, managed: () => Access['ring'] | undefined): KeyRing => ({
  get keys() {
    return [...file.keys, ...(managed()?.keys ?? [])]
  },
  recognise: (appId, token) => file.recognise(appId, token) ?? managed()?.recognise(appId, token),
  customerSecretOf: (key) => file.customerSecretOf(key) ?? managed()?.customerSecretOf(key),
})
