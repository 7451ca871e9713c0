// Requests to read and to subscribe, as they come over the wire.
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
} from './protobuf.ts'
import { readStreamName } from './requests.ts'

/** The filter of a read or a subscription, as asked for. */
export interface FilterRequest {
  readonly on: 'stream' | 'type'
  readonly regex: string
  readonly prefixes: readonly string[]
  /** How many events are searched between two looks at the reader; undefined: the server's default. */
  readonly window: number | undefined
  readonly checkpointMultiplier: number
}

export interface AllPosition {
  readonly commit: bigint
  readonly prepare: bigint
}

export interface ReadRequest {
  readonly target:
    | { readonly kind: 'stream'; readonly stream: string; readonly from: bigint | 'start' | 'end' }
    | { readonly kind: 'all'; readonly from: AllPosition | 'start' | 'end' }
  readonly backwards: boolean
  readonly resolveLinks: boolean
  /** Undefined for a subscription. */
  readonly count: bigint | undefined
  readonly filter: FilterRequest | undefined
  readonly structuredIds: boolean
}

const readExpression = (c: Cursor): { readonly regex: string; readonly prefixes: readonly string[] } => {
  let regex = ''
  const prefixes: string[] = []
  eachField(c, (field, at) => {
    if (field === 1) regex = readString(at)
    else if (field === 2) prefixes.push(readString(at))
    else return false
    return true
  })
  return { regex, prefixes }
}

export const readFilter = (c: Cursor): FilterRequest => {
  let on: FilterRequest['on'] = 'stream'
  let expression: ReturnType<typeof readExpression> = { regex: '', prefixes: [] }
  let window: number | undefined
  let checkpointMultiplier = 1
  eachField(c, (field, at) => {
    if (field === 1 || field === 2) {
      on = field === 1 ? 'stream' : 'type'
      expression = readMessage(at, readExpression)
    } else if (field === 3) window = readVarint(at)
    else if (field === 5) checkpointMultiplier = readVarint(at)
    else return false
    return true
  })
  return { on, ...expression, window, checkpointMultiplier }
}

const readStreamTarget = (c: Cursor): ReadRequest['target'] => {
  let stream = ''
  let from: bigint | 'start' | 'end' = 'start'
  eachField(c, (field, at) => {
    if (field === 1) stream = readMessage(at, readStreamName)
    else if (field === 2) from = readUint64(at)
    else if (field === 3 || field === 4) {
      readBytes(at)
      from = field === 3 ? 'start' : 'end'
    } else return false
    return true
  })
  return { kind: 'stream', stream, from }
}

export const readPosition = (c: Cursor): AllPosition => {
  let commit = 0n
  let prepare = 0n
  eachField(c, (field, at) => {
    if (field === 1) commit = readUint64(at)
    else if (field === 2) prepare = readUint64(at)
    else return false
    return true
  })
  return { commit, prepare }
}

const readAllTarget = (c: Cursor): ReadRequest['target'] => {
  let from: AllPosition | 'start' | 'end' = 'start'
  eachField(c, (field, at) => {
    if (field === 1) from = readMessage(at, readPosition)
    else if (field === 2 || field === 3) {
      readBytes(at)
      from = field === 2 ? 'start' : 'end'
    } else return false
    return true
  })
  return { kind: 'all', from }
}

const readReadOptions = (c: Cursor): ReadRequest => {
  let target: ReadRequest['target'] | undefined
  let backwards = false
  let resolveLinks = false
  let count: bigint | undefined
  let isSaid = false
  let filter: FilterRequest | undefined
  let structuredIds = false
  eachField(c, (field, at) => {
    if (field === 1) target = readMessage(at, readStreamTarget)
    else if (field === 2) target = readMessage(at, readAllTarget)
    else if (field === 3) backwards = readVarint(at) === 1
    else if (field === 4) resolveLinks = readVarint(at) !== 0
    else if (field === 5) {
      count = readUint64(at)
      isSaid = true
    } else if (field === 6) {
      readBytes(at)
      count = undefined
      isSaid = true
    } else if (field === 7) filter = readMessage(at, readFilter)
    else if (field === 9) {
      readMessage(at, (option) =>
        eachField(option, (kind, inner) => {
          structuredIds = kind === 1
          readBytes(inner)
          return true
        }),
      )
    } else return false
    return true
  })
  if (target === undefined) throw new MalformedMessage('a read that names neither a stream nor $all')
  if (!isSaid) throw new MalformedMessage('a read that is neither of a number of events nor a subscription')
  return { target, backwards, resolveLinks, count, filter, structuredIds }
}

export const readReadRequest = (payload: Buffer): ReadRequest => {
  let request: ReadRequest | undefined
  eachField(cursorOf(payload), (field, at) => {
    if (field !== 1) return false
    request = readMessage(at, readReadOptions)
    return true
  })
  if (request === undefined) throw new MalformedMessage('a read without options')
  return request
}
