// What routes are built on: the running parts of one node, without their drivers.

import type { LongRuns } from './audit/longRuns.ts'
import type { Dispatcher } from './delivery/index.ts'
import type { EventStore } from './eventstore/index.ts'
import type { Tokens } from './http/tokens.ts'
import type { Peers } from './node/peers.ts'
import type { Processes } from './processes/process.ts'
import type { Observer, Projector } from './projector/index.ts'
import type { ReadModel } from './readmodel/index.ts'
import type { Rollout } from './rollout/rollout.ts'
import type { Access } from './runtime/access.ts'
import type { ActivityFeed } from './runtime/activityFeed.ts'
import type { Codes } from './runtime/codes.ts'
import type { CustomerRuntime } from './runtime/customers.ts'
import type { Erasures } from './runtime/erasure.ts'
import type { Exports } from './runtime/exports.ts'
import type { FailedJobs } from './runtime/failedJobs.ts'
import type { FreeCodes } from './runtime/freeCodes.ts'
import type { Ledgers } from './runtime/ledgers.ts'
import type { Load } from './runtime/load.ts'
import type { Orders } from './runtime/orders.ts'
import type { Redemptions } from './runtime/redemptions.ts'
import type { RejectedEvents } from './runtime/rejected.ts'
import type { RulebookRuntime } from './runtime/rulebook.ts'
import type { Stock } from './runtime/stock.ts'
import type { VoucherJobs } from './runtime/voucherJobs.ts'
import type { Users } from './signIn/users.ts'
import type { NodeClock } from './time/nodeClock.ts'
import type { SetAside } from './worker/setAside.ts'

export interface Settings {
  /** `strict` refuses events that break their schema or have none; `lenient` records and marks them. */
  readonly mode: 'strict' | 'lenient'
  /** Older events count, but send nothing; ms. */
  readonly triggerHorizonMs: number
  /** How long a request may take, ms. */
  readonly requestLimitMs: number
  /** What webhooks are signed with, `whsec_…`. */
  readonly signingSecret: () => string
}

/** What of a node is in one of its processes alone: the whole node, or the primary of several processes. */
export interface Background {
  /** The node's clock, and how an operator says that it is right: to all processes. */
  readonly clock: Pick<NodeClock, 'now' | 'distrust' | 'confirm'>
  readonly projector: Projector
  readonly rollout: Rollout
  readonly exports: Exports
  readonly processes: Processes
  /** What workers could not do, and come back to. */
  readonly aside: SetAside
  /** What this node sends now; undefined where it sends nothing (`DELIVERY=off`). */
  readonly delivery: Pick<Dispatcher, 'active' | 'bulkheads'> | undefined
  /** Answers that read the whole log. */
  readonly longRuns: LongRuns
  /** An empty database beside the read models, for comparisons; who asks for it drops what it made and closes it. */
  readonly scratch: () => ReadModel
}

/** What every process of a node has. */
export interface Services {
  readonly settings: Settings
  /** What time it is, and whether the machine's clock says so too. */
  readonly clock: Pick<NodeClock, 'now' | 'distrust'>
  readonly store: EventStore
  readonly readModel: ReadModel
  /** How far the read models are. */
  readonly projector: Observer
  readonly customers: CustomerRuntime
  readonly load: Load
  readonly rulebook: RulebookRuntime
  /** Managed keys, roles of one's own, users. */
  readonly access: Access
  /** OAuth tokens of keys. */
  readonly tokens: Tokens
  /** What users sign in with. */
  readonly users: Users
  readonly rejected: RejectedEvents
  readonly codes: Codes
  readonly freeCodes: FreeCodes
  readonly voucherJobs: VoucherJobs
  readonly stock: Stock
  readonly ledgers: Ledgers
  readonly redemptions: Redemptions
  readonly orders: Orders
  /** What comes into the activity log, for those who watch. */
  readonly activityFeed: ActivityFeed
  readonly erasures: Erasures
  readonly failedJobs: FailedJobs
  /** Other workers of this node; undefined where it is one process. */
  readonly peers: Peers | undefined
  /**
   * What goes on in the background; undefined in a worker. For the routes of `inBackground` alone (`api/background.ts`), which a
   * worker hands over.
   */
  readonly background: Background | undefined
}
