// Logical sessions: their transaction, and the outcomes of retryable writes, which outlive a restart.
import { randomUUID } from 'node:crypto'
import { decode } from './bson.ts'
import { encode } from './bson-encode.ts'
import { SESSIONS } from './catalog.ts'
import { CommandError, noSuchTransaction } from './errors.ts'
import { after, type Key } from './keys.ts'
import type { Store } from './store.ts'
import type { Transaction, Unit } from './transactions.ts'
import { Binary, type Doc, isDoc, type Maybe, type Value } from './values.ts'

/** Outcome of one statement of a retryable write. */
export interface StatementOutcome {
  readonly n: number
  readonly modified?: number
  readonly upserted?: Value
  /** Answer of a findAndModify. */
  readonly answer?: Doc
}

/** Outcomes of consecutive statements that are the same. */
interface Run {
  readonly from: number
  readonly to: number
  readonly outcome: StatementOutcome
}

type SessionState = 'none' | 'open' | 'committed' | 'aborted' | 'retryable'

export interface Session {
  readonly key: Key
  number: bigint
  state: SessionState
  transaction: Transaction | undefined
  used: number
  /** Ends when the numbered command that runs now has been answered; the next one of the session waits for it. */
  turn: Promise<void>
}

/** Sessions unused for this long are forgotten. */
export const SESSION_MINUTES = 30
const SESSION_MS = SESSION_MINUTES * 60_000
/** A transaction open for longer is aborted. */
const TRANSACTION_MS = 60_000

const sameOutcome = (a: StatementOutcome, b: StatementOutcome): boolean =>
  a.n === b.n &&
  a.modified === b.modified &&
  a.upserted === undefined &&
  b.upserted === undefined &&
  a.answer === undefined &&
  b.answer === undefined

const encodeState = (number: bigint, state: SessionState, runs: readonly Run[]): Buffer =>
  encode({ number, state, at: new Date(), runs: runs.map(({ from, to, outcome }) => ({ from, to, ...outcome })) })

/** Consecutive statements of the same outcome as one. */
const runsOf = (ids: readonly number[], outcomes: readonly StatementOutcome[]): readonly Run[] => {
  const runs: Run[] = []
  let from = 0
  for (let i = 1; i <= outcomes.length; i += 1) {
    if (i < outcomes.length && ids[i] === ids[i - 1]! + 1 && sameOutcome(outcomes[i - 1]!, outcomes[i]!)) continue
    runs.push({ from: ids[from]!, to: ids[i - 1]!, outcome: outcomes[from]! })
    from = i
  }
  return runs
}

/** The records of a session: the first bears its id as key, those of further commits a number after it. */
const partKey = (key: Key, part: number): Key =>
  part === 0 ? key : `${key}\0${String.fromCharCode(part >> 8, part & 255)}`

const runOf = (value: Value): Run[] => {
  if (!isDoc(value)) return []
  const modified = value.get('modified')
  const upserted = value.get('upserted')
  const answer = value.get('answer')
  return [
    {
      from: Number(value.get('from')),
      to: Number(value.get('to')),
      outcome: {
        n: Number(value.get('n')),
        ...(modified !== undefined && { modified: Number(modified) }),
        ...(upserted !== undefined && { upserted }),
        ...(isDoc(answer) && { answer }),
      },
    },
  ]
}

/** What was made before of a retryable write that is sent again. */
export interface Remembered {
  /** What came of a statement, if it was made. */
  outcome(statement: number): StatementOutcome | undefined
  /** In how many commits. */
  readonly parts: number
}

const NOTHING_MADE: Remembered = { outcome: () => undefined, parts: 0 }

export interface Sessions {
  /** The session of a command's `lsid`, known before or not. */
  get(lsid: Doc): Session
  /** Begins a retryable write. */
  retryable(session: Session, number: bigint): Remembered
  /** Writes outcomes, by the statements' numbers, in the commit that makes them; `part` counts the commits of its number. */
  record(
    session: Session,
    unit: Unit,
    part: number,
    ids: readonly number[],
    outcomes: readonly StatementOutcome[],
  ): void
  begin(session: Session, number: bigint): Transaction
  /** The open transaction that a later statement belongs to. */
  current(session: Session, number: bigint): Transaction
  commit(session: Session, number: bigint): Promise<void>
  abort(session: Session, number: bigint): void
  /** Ends the session's transaction because something in it failed. */
  fail(session: Session): void
  end(lsids: readonly Doc[]): Promise<void>
  endAll(): Promise<void>
  /** Those that are known, each by its id, and when it was last used, ms since the epoch. */
  known(): readonly { readonly id: Value; readonly used: number }[]
  /** An id for a new session. */
  newId(): Value
  readonly count: number
  stop(): void
}

/** The key of a session, from its `lsid`. */
export const sessionIdOf = (lsid: Doc): Key => {
  const id: Maybe = lsid.get('id')
  if (id === undefined) throw new CommandError(40414, "BSON field 'lsid.id' is missing but a required field")
  return encode({ id }).toString('latin1', 4)
}

/** The id that a key was made of. */
const idOf = (key: Key): Value => {
  const bytes = Buffer.alloc(key.length + 4)
  bytes.writeInt32LE(bytes.length)
  bytes.write(key, 4, 'latin1')
  return decode(bytes).get('id') ?? null
}

export const createSessions = (store: Store): Sessions => {
  const sessions = new Map<Key, Session>()

  /** The records on disk of the session's last number. */
  const recordsOf = (key: Key): readonly Doc[] => {
    const records = [...store.storage.range(SESSIONS, key, after(key))].map(([, bytes]) => decode(bytes))
    return records.filter((doc) => doc.get('number') === records[0]!.get('number'))
  }

  const load = (key: Key): Session => {
    const [first] = recordsOf(key)
    return {
      key,
      number: (first?.get('number') as bigint | undefined) ?? -1n,
      state: (first?.get('state') as SessionState | undefined) ?? 'none',
      transaction: undefined,
      used: Date.now(),
      turn: Promise.resolve(),
    }
  }

  const drop = (session: Session): void => {
    const { transaction } = session
    session.transaction = undefined
    if (transaction && store.transactions.isOpen(transaction)) store.transactions.abort(transaction)
    if (session.state === 'open') session.state = 'aborted'
  }

  const advance = (session: Session, number: bigint, state: SessionState): void => {
    if (number < session.number)
      throw new CommandError(225, `txnNumber ${number} is less than the last one ${session.number} of the session`)
    if (number === session.number && session.state !== 'none') return
    drop(session)
    session.number = number
    session.state = state
  }

  const forget = (keys: readonly Key[]): Promise<void> =>
    store.write((unit) => {
      for (const key of keys) unit.changes.put(SESSIONS, key, null)
    })

  const sweep = async (): Promise<void> => {
    const now = Date.now()
    for (const transaction of [...store.transactions.open()])
      if (now - transaction.startedAt > TRANSACTION_MS) store.transactions.abort(transaction)
    for (const [key, session] of sessions)
      if (now - session.used > SESSION_MS) {
        drop(session)
        sessions.delete(key)
      }
    const old: Key[] = []
    for (const [key, bytes] of store.storage.range(SESSIONS, '', undefined)) {
      const at = decode(bytes, new Set(['at'])).get('at')
      if (at instanceof Date && now - at.getTime() > SESSION_MS) old.push(key)
      if (old.length >= 1000) break
    }
    if (old.length > 0) await forget(old)
  }
  const timer = setInterval(() => {
    sweep().catch(() => undefined)
  }, 5_000)
  timer.unref()

  return {
    get: (lsid) => {
      const key = sessionIdOf(lsid)
      let session = sessions.get(key)
      if (session === undefined) {
        session = load(key)
        sessions.set(key, session)
      }
      session.used = Date.now()
      return session
    },
    retryable: (session, number) => {
      const again = number === session.number && session.state === 'retryable'
      advance(session, number, 'retryable')
      if (session.state !== 'retryable')
        throw new CommandError(217, `txnNumber ${number} was used for a transaction, not for a retryable write`)
      if (!again) return NOTHING_MADE
      const records = recordsOf(session.key).filter((doc) => doc.get('number') === number)
      const runs = records.flatMap((doc) => (doc.get('runs') as readonly Value[]).flatMap(runOf))
      return {
        outcome: (statement) => runs.find(({ from, to }) => statement >= from && statement <= to)?.outcome,
        parts: records.length,
      }
    },
    record: (session, unit, part, ids, outcomes) =>
      unit.changes.put(
        SESSIONS,
        partKey(session.key, part),
        encodeState(session.number, 'retryable', runsOf(ids, outcomes)),
      ),
    begin: (session, number) => {
      if (number === session.number && session.state !== 'none')
        throw new CommandError(251, `transaction ${number} was already started`, {}, ['TransientTransactionError'])
      advance(session, number, 'open')
      session.transaction = store.transactions.begin(number)
      return session.transaction
    },
    current: (session, number) => {
      if (number < session.number)
        throw new CommandError(225, `txnNumber ${number} is less than the last one ${session.number} of the session`)
      const { transaction } = session
      if (number === session.number && session.state === 'committed')
        throw new CommandError(256, `transaction ${number} has been committed`)
      if (number !== session.number || !transaction || !store.transactions.isOpen(transaction))
        throw noSuchTransaction(number)
      return transaction
    },
    commit: async (session, number) => {
      if (number === session.number && session.state === 'committed') return
      const { transaction } = session
      if (number !== session.number || !transaction || !store.transactions.isOpen(transaction))
        throw noSuchTransaction(number)
      try {
        if (transaction.changes.size > 0 || transaction.created.size > 0)
          await store.commit(transaction, (unit) =>
            unit.changes.put(SESSIONS, session.key, encodeState(number, 'committed', [])),
          )
        else store.transactions.committed(transaction)
      } catch (error) {
        drop(session)
        throw error
      }
      session.state = 'committed'
      session.transaction = undefined
    },
    abort: (session, number) => {
      const { transaction } = session
      if (number === session.number && session.state === 'committed')
        throw new CommandError(256, `transaction ${number} has been committed`)
      if (number !== session.number || !transaction || !store.transactions.isOpen(transaction))
        throw noSuchTransaction(number)
      drop(session)
    },
    fail: drop,
    end: async (lsids) => {
      const saved: Key[] = []
      for (const lsid of lsids) {
        const key = sessionIdOf(lsid)
        const session = sessions.get(key)
        if (session) drop(session)
        sessions.delete(key)
        for (const [record] of store.storage.range(SESSIONS, key, after(key))) saved.push(record)
      }
      if (saved.length > 0) await forget(saved)
    },
    endAll: async () => {
      for (const session of sessions.values()) drop(session)
      sessions.clear()
      await forget([...store.storage.range(SESSIONS, '', undefined)].map(([key]) => key))
    },
    known: () => [...sessions.values()].map(({ key, used }) => ({ id: idOf(key), used })),
    newId: () => new Binary(Buffer.from(randomUUID().replaceAll('-', ''), 'hex'), 4),
    get count() {
      return sessions.size
    },
    stop: () => {
      clearInterval(timer)
      for (const session of sessions.values()) drop(session)
    },
  }
}
