// What the client asks of persistent subscriptions: the request messages, read by hand.
import {
  type Cursor,
  cursorOf,
  eachField,
  MalformedMessage,
  readBytes,
  readMessage,
  readString,
  readUint64,
  readVarint,
} from '../wire/protobuf.ts'
import { type AllPosition, type FilterRequest, readFilter, readPosition } from '../wire/reads.ts'
import { readStreamName, readUuid } from '../wire/requests.ts'
import type { NackAction } from './group.ts'
import type { Settings } from './settings.ts'
import { STRATEGIES, type Strategy } from './strategy.ts'

/** The stream of a group; `$all` for one over everything. */
export const ALL = '$all'

export interface GroupName {
  readonly stream: string
  readonly group: string
}

/** Where a group begins: a revision, or a position in `$all`. */
export type StartFrom = 'start' | 'end' | bigint | AllPosition

export interface GroupRequest extends GroupName {
  readonly from: StartFrom
  readonly filter: FilterRequest | undefined
  readonly settings: Settings
}

const END_REVISION = 2n ** 64n - 1n

const fromRevision = (revision: bigint): StartFrom =>
  revision === END_REVISION ? 'end' : revision === 0n ? 'start' : revision

/** A signed number of 32 bits; the wire has the negative ones in ten bytes. */
const readInt = (c: Cursor): number => Number(BigInt.asIntN(32, readUint64(c)))
const readLong = (c: Cursor): number => Number(BigInt.asIntN(64, readUint64(c)))
/** .NET's ticks of 100 ns. */
const TICKS_PER_MS = 10_000
/** How a client names the strategies in numbers; newer ones name them in words. */
const NUMBERED: readonly Strategy[] = ['DispatchToSingle', 'RoundRobin', 'Pinned']

const readSettings = (c: Cursor): { readonly settings: Settings; readonly revision: bigint } => {
  let revision = 0n
  let strategy: Strategy = 'DispatchToSingle'
  const n = {
    messageTimeoutMs: 0,
    maxRetryCount: 0,
    checkpointAfterMs: 0,
    minCheckpointCount: 0,
    maxCheckpointCount: 0,
    maxSubscribers: 0,
    liveBufferSize: 0,
    readBatchSize: 0,
    bufferSize: 0,
  }
  let resolveLinks = false
  let extraStatistics = false
  eachField(c, (field, at) => {
    if (field === 1) resolveLinks = readVarint(at) !== 0
    else if (field === 2) revision = readUint64(at)
    else if (field === 3) extraStatistics = readVarint(at) !== 0
    else if (field === 4) n.messageTimeoutMs = readLong(at) / TICKS_PER_MS
    else if (field === 5) n.maxRetryCount = readInt(at)
    else if (field === 6) n.checkpointAfterMs = readLong(at) / TICKS_PER_MS
    else if (field === 7) n.minCheckpointCount = readInt(at)
    else if (field === 8) n.maxCheckpointCount = readInt(at)
    else if (field === 9) n.maxSubscribers = readInt(at)
    else if (field === 10) n.liveBufferSize = readInt(at)
    else if (field === 11) n.readBatchSize = readInt(at)
    else if (field === 12) n.bufferSize = readInt(at)
    else if (field === 13) strategy = NUMBERED[readInt(at)] ?? strategy
    else if (field === 14) n.messageTimeoutMs = readInt(at)
    else if (field === 15) n.checkpointAfterMs = readInt(at)
    else if (field === 16) {
      const name = readString(at)
      const known = STRATEGIES.find((one) => one === name)
      if (known === undefined && name !== '') throw new MalformedMessage(`there is no consumer strategy ${name}`)
      strategy = known ?? strategy
    } else return false
    return true
  })
  return { settings: { ...n, strategy, resolveLinks, extraStatistics }, revision }
}

/** Reads the stream or `$all` that a group is on, with where it begins, from the fields that create and update share. */
const readStreamPart = (c: Cursor): { readonly stream: string; readonly from: StartFrom } => {
  let stream = ''
  let from: StartFrom = 'start'
  eachField(c, (field, at) => {
    if (field === 1) stream = readMessage(at, readStreamName)
    else if (field === 2) from = fromRevision(readUint64(at))
    else if (field === 3 || field === 4) {
      readBytes(at)
      from = field === 3 ? 'start' : 'end'
    } else return false
    return true
  })
  return { stream, from }
}

const readAllPart = (c: Cursor): { readonly from: StartFrom; readonly filter: FilterRequest | undefined } => {
  let from: StartFrom = 'start'
  let filter: FilterRequest | undefined
  eachField(c, (field, at) => {
    if (field === 1) from = readMessage(at, readPosition)
    else if (field === 2 || field === 3) {
      readBytes(at)
      from = field === 2 ? 'start' : 'end'
    } else if (field === 4) filter = readMessage(at, readFilter)
    else return false
    return true
  })
  return { from, filter }
}

/** Every request has its options in its first field. */
const inOptions = <T>(payload: Buffer, read: (c: Cursor) => T): T => {
  let found: { readonly value: T } | undefined
  eachField(cursorOf(payload), (field, at) => {
    if (field !== 1) return false
    found = { value: readMessage(at, read) }
    return true
  })
  if (found === undefined) throw new MalformedMessage('a request without options')
  return found.value
}

/** Create and update have the same shape. */
export const readGroupRequest = (payload: Buffer): GroupRequest =>
  inOptions(payload, (c) => {
    let stream = ''
    let group = ''
    let filter: FilterRequest | undefined
    let from: StartFrom | undefined
    let read: ReturnType<typeof readSettings> | undefined
    eachField(c, (field, at) => {
      if (field === 1) stream = readMessage(at, readStreamName)
      else if (field === 2) group = readString(at)
      else if (field === 3) read = readMessage(at, readSettings)
      else if (field === 4) {
        const part = readMessage(at, readStreamPart)
        stream = part.stream
        from = part.from
      } else if (field === 5) {
        const part = readMessage(at, readAllPart)
        stream = ALL
        from = part.from
        filter = part.filter
      } else return false
      return true
    })
    if (read === undefined) throw new MalformedMessage('a group without settings')
    const { settings, revision } = read
    return { stream, group, filter, settings, from: from ?? fromRevision(revision) }
  })

/** Requests that name a group, by the numbers of the fields that do. */
const readName = (payload: Buffer, fields: { readonly stream: number; readonly all: number; readonly group: number }) =>
  inOptions(payload, (c): GroupName => {
    let stream = ''
    let group = ''
    eachField(c, (field, at) => {
      if (field === fields.stream) stream = readMessage(at, readStreamName)
      else if (field === fields.group) group = readString(at)
      else if (field === fields.all) {
        readBytes(at)
        stream = ALL
      } else return false
      return true
    })
    return { stream, group }
  })

export const readDeleteGroup = (payload: Buffer): GroupName => readName(payload, { stream: 1, all: 3, group: 2 })
export const readGetInfo = (payload: Buffer): GroupName => readName(payload, { stream: 1, all: 2, group: 3 })

export const readReplay = (payload: Buffer): GroupName & { readonly stopAt: number | undefined } => {
  let stopAt: number | undefined
  inOptions(payload, (c) =>
    eachField(c, (field, at) => {
      if (field !== 4) return false
      stopAt = readLong(at)
      return true
    }),
  )
  return { ...readName(payload, { stream: 2, all: 3, group: 1 }), stopAt }
}

/** The stream whose groups are asked for; undefined: all groups. */
export const readList = (payload: Buffer): string | undefined =>
  inOptions(payload, (c) => {
    let stream: string | undefined
    let isSaid = false
    eachField(c, (field, at) => {
      if (field === 1) {
        readBytes(at)
        isSaid = true
        return true
      }
      if (field !== 2) return false
      isSaid = true
      stream = ''
      readMessage(at, (inner) =>
        eachField(inner, (kind, value) => {
          if (kind === 1) stream = readMessage(value, readStreamName)
          else if (kind === 2) {
            readBytes(value)
            stream = ALL
          } else return false
          return true
        }),
      )
      return true
    })
    if (!isSaid) throw new MalformedMessage('a list of neither all groups nor those of a stream')
    return stream
  })

export type ConsumerMessage =
  | ({ readonly kind: 'connect'; readonly bufferSize: number; readonly structuredIds: boolean } & GroupName)
  | { readonly kind: 'ack'; readonly ids: readonly string[] }
  | {
      readonly kind: 'nack'
      readonly ids: readonly string[]
      readonly action: NackAction
      readonly reason: string
    }

/** 0: unknown, which a real server tries again. */
const ACTIONS: readonly NackAction[] = ['retry', 'park', 'retry', 'skip', 'stop']

const readConnect = (c: Cursor): ConsumerMessage => {
  let stream = ''
  let group = ''
  let bufferSize = 0
  let structuredIds = false
  eachField(c, (field, at) => {
    if (field === 1) stream = readMessage(at, readStreamName)
    else if (field === 2) group = readString(at)
    else if (field === 3) bufferSize = readInt(at)
    else if (field === 4) {
      readMessage(at, (option) =>
        eachField(option, (kind, inner) => {
          structuredIds = kind === 1
          readBytes(inner)
          return true
        }),
      )
    } else if (field === 5) {
      readBytes(at)
      stream = ALL
    } else return false
    return true
  })
  return { kind: 'connect', stream, group, bufferSize, structuredIds }
}

const readAnswer = (c: Cursor) => {
  const ids: string[] = []
  let action: NackAction = 'retry'
  let reason = ''
  eachField(c, (field, at) => {
    if (field === 2) ids.push(readMessage(at, readUuid) ?? '')
    else if (field === 3) action = ACTIONS[readVarint(at)] ?? 'retry'
    else if (field === 4) reason = readString(at)
    else return false
    return true
  })
  return { ids, action, reason }
}

/** One message of a consumer: first whom it joins, then answers. */
export const readConsumerMessage = (payload: Buffer): ConsumerMessage => {
  let message: ConsumerMessage | undefined
  eachField(cursorOf(payload), (field, at) => {
    if (field === 1) message = readMessage(at, readConnect)
    else if (field === 2) message = { kind: 'ack', ids: readMessage(at, readAnswer).ids }
    else if (field === 3) message = { kind: 'nack', ...readMessage(at, readAnswer) }
    else return false
    return true
  })
  if (message === undefined) throw new MalformedMessage('a message of a consumer without content')
  return message
}
