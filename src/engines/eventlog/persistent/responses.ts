// What persistent subscriptions answer: response messages, ready framed.
import { framed } from '../wire/framing.ts'
import { bool, bytes, message, string, uint } from '../wire/protobuf.ts'
import type { ConsumerStatus, GroupStatus } from './group.ts'
import type { GroupName } from './requests.ts'
import type { Settings } from './settings.ts'

/** The answer to what is just done: no fields. */
export const DONE = framed(Buffer.alloc(0))

export const joined = ({ stream, group }: GroupName): Buffer => framed(message(2, string(1, `${stream}::${group}`)))

/** An event with the link that led to it; an empty one is left out. */
export const delivered = (event: Uint8Array, link: Uint8Array, position: number, retries: number): Buffer =>
  framed(
    message(
      1,
      event.length === 0 ? event : bytes(1, event),
      link.length === 0 ? link : bytes(2, link),
      uint(3, position),
      uint(5, retries),
    ),
  )

export interface ConsumerInfo extends ConsumerStatus {
  readonly from: string
  readonly username: string
  readonly connectionName: string
}

/** A group as it is shown; places are texts: a revision, or `C:commit/P:prepare`. */
export interface GroupInfo extends GroupName {
  readonly settings: Settings
  readonly startFrom: string
  readonly isLive: boolean
  readonly status: GroupStatus
  readonly consumers: readonly ConsumerInfo[]
  readonly lastKnown: string
  readonly lastCheckpointed: string
  readonly parked: number
  /** s since the group runs. */
  readonly runningS: number
}

/** What extra statistics say of the time until an answer, ms. */
const measurements = (times: readonly number[]): readonly (readonly [string, number])[] => {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return [
    ['Mean', Math.round(sorted.reduce((sum, ms) => sum + ms, 0) / Math.max(1, sorted.length))],
    ['Median', at(0.5)],
    ['Fastest', at(0)],
    ...[1, 2, 3, 4, 5].map((n) => [`Quintile ${n}`, at(n / 5)] as const),
    ['90%', at(0.9)],
    ['95%', at(0.95)],
    ['99%', at(0.99)],
    ['99.5%', at(0.995)],
    ['99.9%', at(0.999)],
    ['Highest', at(1)],
  ]
}

const perSecond = (total: number, seconds: number): number => Math.round(total / Math.max(1, seconds))

const consumerInfo = (one: ConsumerInfo, { settings, runningS }: GroupInfo): Buffer =>
  message(
    4,
    string(1, one.from),
    string(2, one.username),
    uint(3, perSecond(one.total, runningS)),
    uint(4, one.total),
    uint(5, one.total),
    ...(settings.extraStatistics
      ? measurements(one.answerMs).map(([key, value]) => message(6, string(1, key), uint(2, value)))
      : []),
    uint(7, one.free),
    uint(8, one.inFlight),
    string(9, one.connectionName),
  )

const groupInfo = (field: number, info: GroupInfo): Buffer => {
  const { settings, status } = info
  return message(
    field,
    string(1, info.stream),
    string(2, info.group),
    string(3, info.isLive ? 'Live' : 'Behind'),
    ...info.consumers.map((one) => consumerInfo(one, info)),
    uint(5, perSecond(status.total, info.runningS)),
    uint(6, status.total),
    uint(7, status.total),
    string(8, info.lastCheckpointed),
    string(9, info.lastKnown),
    bool(10, settings.resolveLinks),
    string(11, info.startFrom),
    uint(12, settings.messageTimeoutMs),
    bool(13, settings.extraStatistics),
    uint(14, settings.maxRetryCount),
    uint(15, settings.liveBufferSize),
    uint(16, settings.bufferSize),
    uint(17, settings.readBatchSize),
    uint(18, settings.checkpointAfterMs),
    uint(19, settings.minCheckpointCount),
    uint(20, settings.maxCheckpointCount),
    uint(21, status.buffered),
    uint(22, 0),
    uint(23, status.retrying),
    uint(24, status.inFlight),
    uint(25, status.inFlight),
    string(26, settings.strategy),
    uint(27, settings.maxSubscribers),
    uint(28, info.parked),
  )
}

export const infoOf = (info: GroupInfo): Buffer => framed(groupInfo(1, info))
export const listOf = (infos: readonly GroupInfo[]): Buffer =>
  framed(Buffer.concat(infos.map((info) => groupInfo(1, info))))
