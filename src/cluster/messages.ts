// What the primary and the workers of one node tell each other.
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Busy } from '../node/part.ts'
import type { Lane } from '../readmodel/index.ts'

export type MetricsOfProcess = readonly MetricObjectWithValues<MetricValue<string>>[]

export type ToWorker =
  | {
      readonly kind: 'start'
      /** Its number, from 1: what it is called in the log, and its cells on the board of so many processes. */
      readonly number: number
      readonly processes: number
      readonly engines: { readonly eventStoreUrl: string; readonly mongodbUrl: string }
      /** Where the primary answers. */
      readonly socket: string
      readonly port: number
    }
  /** The primary has what workers need. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'lane'; readonly lane: Lane }
  | { readonly kind: 'trouble'; readonly trouble: string | undefined }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'scrape'; readonly id: number }
  /** Is it still there? */
  | { readonly kind: 'ping' }
  | { readonly kind: 'stop' }

export type ToPrimary =
  /** It listens to what it is told: what is said before that is lost. */
  | { readonly kind: 'here' }
  | { readonly kind: 'listening'; readonly url: string }
  /** It takes requests. */
  | { readonly kind: 'started' }
  /** It cannot start, for a reason that an operator can mend. */
  | { readonly kind: 'refused'; readonly sentence: string }
  | { readonly kind: 'ask'; readonly position: bigint }
  | { readonly kind: 'job'; readonly id: string }
  | { readonly kind: 'busy'; readonly busy: Busy }
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: MetricsOfProcess }
  | { readonly kind: 'pong' }
