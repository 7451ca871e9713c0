// Settings of a group as they are asked for and kept, and what of them is refused.
import * as v from 'valibot'
import type { GroupRules } from './group.ts'
import { STRATEGIES } from './strategy.ts'

const count = v.pipe(v.number(), v.integer())

export const Settings = v.object({
  strategy: v.picklist(STRATEGIES),
  messageTimeoutMs: v.number(),
  maxRetryCount: count,
  checkpointAfterMs: v.number(),
  minCheckpointCount: count,
  maxCheckpointCount: count,
  /** 0: any number. */
  maxSubscribers: count,
  liveBufferSize: count,
  readBatchSize: count,
  /** Messages that are read ahead. */
  bufferSize: count,
  resolveLinks: v.boolean(),
  extraStatistics: v.boolean(),
})
export type Settings = v.InferOutput<typeof Settings>

/** What is read ahead is a place in memory each. */
const MOST_BUFFERED = 10_000

/** Why a real server refuses these settings; undefined: it does not. */
export const faultOf = (settings: Settings): string | undefined => {
  if (settings.bufferSize <= 0) return 'Buffer Size (0) must be positive'
  if (settings.readBatchSize <= 0) return 'Read Batch Size (0) must be positive'
  if (settings.bufferSize <= settings.readBatchSize)
    return `BufferSize (${settings.bufferSize}) must be larger than ReadBatchSize (${settings.readBatchSize})`
  if (settings.maxRetryCount < 0) return 'Maximum retry count cannot be negative'
  if (settings.maxSubscribers < 0) return 'Maximum subscriber count cannot be negative'
  return undefined
}

export const rulesOf = (settings: Settings): GroupRules => ({
  strategy: settings.strategy,
  messageTimeoutMs: Math.max(0, settings.messageTimeoutMs),
  maxRetryCount: settings.maxRetryCount,
  maxSubscribers: settings.maxSubscribers,
  bufferSize: Math.min(settings.bufferSize, MOST_BUFFERED),
  checkpointAfterMs: Math.max(0, settings.checkpointAfterMs),
  minCheckpointCount: Math.max(1, settings.minCheckpointCount),
  maxCheckpointCount: Math.max(1, settings.maxCheckpointCount),
})
