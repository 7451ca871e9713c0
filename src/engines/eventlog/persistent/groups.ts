// All groups: made, changed, removed, found; what they are is kept in the log, so that they are there again after a restart.
import type { ServiceContext } from '../services/context.ts'
import { createFilter } from '../services/filter.ts'
import {
  invalidArgument,
  persistentExists,
  persistentFailed,
  persistentMissing,
  type RpcError,
} from '../wire/errors.ts'
import { createKept, type Entry } from './kept.ts'
import { ALL, type GroupName, type GroupRequest, type StartFrom } from './requests.ts'
import { type Running, startGroup } from './running.ts'
import { faultOf } from './settings.ts'

export interface Groups {
  /** Each gives the error that a real server answers with, or nothing when it is done. */
  create(request: GroupRequest): Promise<RpcError | undefined>
  update(request: GroupRequest): Promise<RpcError | undefined>
  remove(name: GroupName): Promise<RpcError | undefined>
  find(name: GroupName): Running | undefined
  /** Those of a stream, or all. */
  list(stream: string | undefined): readonly Running[]
  /** Every consumer is dropped, as by a start of the subsystem anew. */
  restart(): void
  stop(): void
}

/** How often time-outs and checkpoints are looked at, ms. */
const LOOK_EVERY_MS = 100
/** Groups that there may be. */
const MOST_GROUPS = 10_000

const keyOf = ({ stream, group }: GroupName): string => JSON.stringify([stream, group])

export const createGroups = (context: ServiceContext): Groups => {
  const { reader, head, now } = context
  const kept = createKept(reader, context.submit, now)
  const groups = new Map<string, Running>()
  const workAll = () => {
    for (const running of groups.values()) running.work()
  }
  let timer: NodeJS.Timeout | undefined
  const rest = () => {
    clearInterval(timer)
    timer = undefined
  }
  const start = (entry: Entry) => {
    groups.set(keyOf(entry), startGroup(entry, kept, context))
    timer ??= setInterval(workAll, LOOK_EVERY_MS).unref()
  }
  /** What groups are there cannot be read: the rest of the log is served, and no list is written over the one that is damaged. */
  let damage: Error | undefined
  try {
    for (const entry of kept.entries()) start(entry)
  } catch (error) {
    damage = error instanceof Error ? error : new Error(String(error))
    groups.clear()
    rest()
  }
  const readable = () => {
    if (damage !== undefined) throw damage
    return groups
  }

  let scheduled = false
  const stopListening = context.onWritten(() => {
    if (scheduled || groups.size === 0) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      workAll()
    })
  })
  /** One change after the other: each writes the whole list. */
  let changing: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const checked = () => readable() && change()
    const done = changing.then(checked, checked)
    changing = done.catch(() => undefined)
    return done
  }
  const save = async (entries: readonly Entry[], name: GroupName): Promise<RpcError | undefined> => {
    const outcome = await kept.saveEntries(entries)
    return outcome.kind === 'written'
      ? undefined
      : persistentFailed(name.stream, name.group, `the group could not be kept: ${outcome.kind}`)
  }
  const entriesBut = (key: string): readonly Entry[] =>
    [...groups].flatMap(([one, { entry }]) => (one === key ? [] : [entry]))

  const shown = (stream: string, from: StartFrom): string => {
    if (typeof from === 'bigint') return String(from)
    if (typeof from === 'object') return `C:${from.commit}/P:${from.prepare}`
    if (stream === ALL) return from === 'start' ? 'C:0/P:0' : 'C:-1/P:-1'
    return from === 'start' ? '0' : '-1'
  }
  const beginning = (stream: string, from: StartFrom): number => {
    if (from === 'start') return 0
    if (from === 'end') return stream === ALL ? head() : reader.lastRevision(stream) + 1
    return Number(typeof from === 'bigint' ? from : from.commit)
  }
  /** The entry that is asked for, or why there can be none. */
  const entryOf = ({ stream, group, from, filter, settings }: GroupRequest): Entry | RpcError => {
    if (stream === '' || group === '') return invalidArgument('a persistent subscription needs a stream and a group')
    const fault = faultOf(settings)
    if (fault !== undefined) return persistentFailed(stream, group, fault)
    if (typeof from === 'object' && (from.commit < from.prepare || Number(from.commit) > head()))
      return persistentFailed(stream, group, 'the position lies behind the end of the log')
    try {
      if (filter !== undefined) createFilter(filter)
    } catch (error) {
      return invalidArgument(String(error))
    }
    const { window, ...rest } = filter ?? {}
    const asked = filter && {
      ...filter,
      ...rest,
      prefixes: [...filter.prefixes],
      ...(window === undefined ? {} : { window }),
    }
    return {
      stream,
      group,
      startFrom: shown(stream, from),
      began: beginning(stream, from),
      settings,
      ...(asked === undefined ? {} : { filter: asked }),
    }
  }

  return {
    create: (request) =>
      inTurn(async () => {
        const entry = entryOf(request)
        if ('code' in entry) return entry
        const key = keyOf(entry)
        if (groups.has(key)) return persistentExists(entry.stream, entry.group)
        if (groups.size >= MOST_GROUPS)
          return persistentFailed(entry.stream, entry.group, `there may be ${MOST_GROUPS} groups`)
        const failure = await save([...entriesBut(key), entry], entry)
        if (failure === undefined) start(entry)
        return failure
      }),
    update: (request) =>
      inTurn(async () => {
        const known = groups.get(keyOf(request))
        if (known === undefined) return persistentMissing(request.stream, request.group)
        const entry = entryOf(request)
        if ('code' in entry) return entry
        // A filter is made with the group and stays.
        const changed = known.entry.filter === undefined ? entry : { ...entry, filter: known.entry.filter }
        const failure = await save([...entriesBut(keyOf(entry)), changed], entry)
        if (failure !== undefined) return failure
        known.drop()
        start(changed)
        return undefined
      }),
    remove: (name) =>
      inTurn(async () => {
        const key = keyOf(name)
        const known = groups.get(key)
        if (known === undefined) return persistentMissing(name.stream, name.group)
        const failure = await save(entriesBut(key), name)
        if (failure !== undefined) return failure
        groups.delete(key)
        if (groups.size === 0) rest()
        known.drop()
        await kept.remove(name)
        return undefined
      }),
    find: (name) => readable().get(keyOf(name)),
    list: (stream) => [...readable().values()].filter(({ entry }) => stream === undefined || entry.stream === stream),
    restart: () => {
      for (const running of [...groups.values()]) {
        running.drop()
        start(running.entry)
      }
    },
    stop: () => {
      rest()
      stopListening()
      for (const running of groups.values()) running.halt()
    },
  }
}
