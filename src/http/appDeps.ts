// What the HTTP application is built on.
import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { KeyRing } from '../keys.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { ClientLimits } from './clients.ts'
import type { Failure } from './errors.ts'
import type { SharedFreshness, WhenShown } from './fresh.ts'
import type { SharedCounts } from './limits.ts'
import type { Page, Readiness } from './operation.ts'
import type { NamedRequests } from './requests.ts'
import type { Outcome, Route } from './route.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

export interface AppDeps {
  readonly keys: KeyRing
  readonly log: Logger
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
  /** The one project served: another `{projectId}` in a path is 404. */
  readonly projectId: string
  /** Errors that layers below throw, as failures; undefined for what it does not know (then 500). */
  readonly mapError?: (error: unknown) => Failure | undefined
  /** When a position can be read; absent: everything can at once. */
  readonly whenShown?: WhenShown
  /** What other processes of this node tell of what they acknowledged. */
  readonly sharedFreshness?: SharedFreshness
  /** What other processes of this node count of the same keys and addresses. */
  readonly sharedCounts?: SharedCounts
  /**
   * Waits until this process knows the definitions, keys and users that other processes of this node have acknowledged; undefined
   * where it does.
   */
  readonly inStep?: () => Promise<unknown> | undefined
  /** The text of the metrics; default those of the registry. */
  readonly scrape?: () => Promise<string>
  /** There are no routes yet: what is asked for meanwhile is told to come back. */
  readonly isStarting?: boolean
  /** Gives a request that is not answered here to the primary; absent: this process answers all. */
  readonly handOver?: (connection: Connection) => Response
  /** Seconds after which a command, or a request of many, is worth sending again, when there is more to do than can be done soon. */
  readonly busyFor?: (isMany: boolean) => number | undefined
  /** Why nothing can be recorded now; undefined when it can. */
  readonly shortage?: () => string | undefined
  /** Milliseconds a request may take, body included; default 30,000. */
  readonly requestTimeLimitMs?: number
  /** Requests a minute and key; no limit when absent. */
  readonly rateLimitPerMinute?: number
  /** What a client key may use up from one address in a minute; has defaults. */
  readonly clientLimits?: ClientLimits
  /** Proxies of our own in front, each of which appends to `X-Forwarded-For`; default none. */
  readonly proxies?: number
  /** The pages of operation that are answered beside health; default all. */
  readonly pages?: readonly Page[]
  /** What the API document describes; default the routes served. */
  readonly documented?: readonly Route[]
  /** Carries out requests that came with an `Idempotency-Key` once; without it their handlers are called as they come. */
  readonly requests?: NamedRequests
  /** The customer that an id or `source_id` leads to. */
  readonly customerOf?: (named: unknown) => string | undefined
  /** What OAuth tokens stand for; without it only keys are known. */
  readonly tokens?: Tokens
  /** What a cookie stands for that comes instead of a key; without it only keys are known. */
  readonly sessions?: Sessions
  /** The pages at and below /console, where `/` leads to. */
  readonly consolePages?: { answer(path: string, headers: Pick<Headers, 'get'>): Outcome }
  /** Unix milliseconds; default the system's clock. */
  readonly clock?: () => number
}

/** What the server tells beside the request: on which connection it came. */
export type Connection = Partial<HttpBindings>
export interface AppEnv {
  Bindings: Connection
}
export type App = Hono<AppEnv>
export type Asked = Context<AppEnv>
