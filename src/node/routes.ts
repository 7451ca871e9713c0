// What a node answers: its services, the routes on them, and the pages of operation on ports of their own.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { answerHanded, type Handed } from '../../commands/eventRecording.ts'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { customerNamed } from '../api/context.ts'
import { createLongRuns } from '../audit/longRuns.ts'
import type { Config } from '../config.ts'
import { type ConsoleEntry, createConsole } from '../console/index.ts'
import { signingSecret } from '../delivery/index.ts'
import { StoreUnavailable } from '../eventstore/index.ts'
import { type AppDeps, buildApp } from '../http/app.ts'
import { PAGES } from '../http/operation.ts'
import { createNamedRequests } from '../http/requests.ts'
import { type Fetcher, serve } from '../http/server.ts'
import type { SharedEnds, Tokens } from '../http/tokens.ts'
import { processTime, within } from '../line/time.ts'
import type { Logger } from '../log.ts'
import { createReadModel } from '../readmodel/index.ts'
import { scratchName } from '../readmodel/scratch.ts'
import type { Access } from '../runtime/access.ts'
import { startActivityFeed } from '../runtime/activityFeed.ts'
import { embeddedReadiness, readinessOf } from '../runtime/operation.ts'
import { createRejectedEvents } from '../runtime/rejected.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import type { Services } from '../services.ts'
import { openIdFor } from '../signIn/provider.ts'
import type { Users } from '../signIn/users.ts'
import type { Board } from './board.ts'
import type { Deciding } from './deciding.ts'
import type { Part, PrimaryPart, WorkerPart } from './part.ts'
import type { Peers } from './peers.ts'
import type { OnStop, Stores } from './stores.ts'
import type { Workers } from './workers.ts'

/** What routes need of the node. */
export interface RouteParts {
  readonly config: Config
  readonly stores: Stores
  readonly parts: Deciding
  readonly workers: Workers
  readonly rulebook: RulebookRuntime
  readonly access: Access
  readonly tokens: Tokens
  readonly users: Users
  readonly part: Part
  readonly peers: Peers | undefined
  readonly log: Logger
}

const confirmedBy = (time: Stores['time'], part: PrimaryPart) => () => {
  time.confirm()
  part.confirmed()
}

/** All that routes are built on. */
export const servicesOf = ({
  config,
  stores,
  parts,
  workers,
  rulebook,
  access,
  tokens,
  users,
  part,
  peers,
  log,
}: RouteParts): Services => {
  const { engines, time, now, store, readModel } = stores
  const { projector, customers, load, erasures, randomKey } = parts
  const activityFeed = startActivityFeed({ readModel, projector, log })
  return {
    settings: {
      mode: config.validationMode,
      triggerHorizonMs: config.triggerHorizonHours * 3_600_000,
      requestLimitMs: config.requestTimeLimitMs,
      signingSecret: () => signingSecret(config.delivery, rulebook.current()),
    },
    clock: time,
    store,
    readModel,
    projector,
    customers,
    load,
    rulebook,
    access,
    tokens,
    users,
    rejected: createRejectedEvents(store, readModel, projector, randomKey),
    activityFeed,
    erasures,
    ...workers,
    peers,
    background: workers.background && {
      ...workers.background,
      clock: part.kind === 'primary' ? { ...time, confirm: confirmedBy(time, part) } : time,
      longRuns: createLongRuns(),
      scratch: () => {
        const database = scratchName(config.mongodbDatabase, now(), randomKey())
        return createReadModel({ url: engines.mongodbUrl, database, log })
      },
    },
  }
}

/** What the processes of a node tell each other of sessions and tokens that ended. */
export const endsOn = (board: Board): SharedEnds => ({
  // A time that goes on alike in all processes of a machine, and in each of them with every call.
  note: () => board.note('ended', 'any', process.hrtime.bigint()),
  asker() {
    let seen = board.followed().ended
    return () => {
      const { ended } = board.followed()
      const isNew = ended > seen
      seen = ended
      return isNew
    }
  },
})

/**
 * What the processes of a node know of each other by their board. Each notes what it has recorded before it answers; whoever has the
 * answer asks after that, and finds the note. So nothing that was acknowledged is missed, by whichever process it was.
 */
export const sharedBy = (
  board: Board,
  { rulebook, access }: Pick<Services, 'rulebook' | 'access'>,
): Pick<Required<AppDeps>, 'sharedFreshness' | 'sharedCounts' | 'inStep'> => {
  let known = { rulebook: -1n, access: -1n }
  return {
    sharedFreshness: {
      note: (appId, position) => board.note('keys', appId, position),
      others: (appId) => board.others('keys', appId),
    },
    sharedCounts: board.count,
    inStep() {
      const noted = board.followed()
      if (noted.rulebook <= known.rulebook && noted.access <= known.access) return undefined
      const catchingUp = Promise.all([
        noted.rulebook > known.rulebook ? rulebook.waitFor(noted.rulebook, STEP_MS) : true,
        noted.access > known.access ? within(processTime, STEP_MS, access.catchUp(), late).then(() => true) : true,
      ])
      return catchingUp.then(([hasRulebook]) => {
        if (!hasRulebook) throw late()
        const later = (a: bigint, b: bigint) => (a > b ? a : b)
        known = {
          rulebook: later(known.rulebook, noted.rulebook),
          access: later(known.access, noted.access),
        }
      })
    },
  }
}

/** How long a request waits for definitions, keys and users that another process has acknowledged, ms. */
const STEP_MS = 5_000
const late = () => new StoreUnavailable('what was changed a moment ago cannot be read')

/** How the application of a worker gives requests to the primary. */
export const handingOver =
  ({ pass }: Pick<WorkerPart, 'pass'>): NonNullable<AppDeps['handOver']> =>
  ({ incoming, outgoing }) => {
    if (!incoming || !outgoing) throw new Error('a request came by no connection')
    pass(incoming, outgoing)
    return RESPONSE_ALREADY_SENT
  }

/** The app with all routes, and how the console is reached; pages of operation that have ports of their own are served. */
export const serveRoutes = async (
  services: Services,
  {
    config,
    stores,
    log,
    common,
    ring,
    ends,
    part,
    shared,
    url,
    publicUrl,
    onStop,
  }: Pick<RouteParts, 'config' | 'stores' | 'log'> & {
    readonly common: AppDeps
    readonly ring: AppDeps['keys']
    readonly ends: SharedEnds | undefined
    readonly part: Part
    readonly shared: ReturnType<typeof sharedBy> | undefined
    readonly url: string
    readonly publicUrl: () => string
    readonly onStop: OnStop
  },
): Promise<{ readonly app: Fetcher; readonly console: ConsoleEntry | undefined }> => {
  const { engines, now, disks, store, readModel, servers } = stores
  const { projector, load, rulebook, access, tokens, users } = services
  const requests = createNamedRequests({ store, readModel, log, now })
  onStop(() => requests.idle())
  const shown = createConsole({
    config,
    readModel,
    keys: ring,
    access,
    users,
    ends,
    openId: openIdFor(config, { access, publicUrl, projectKey: () => rulebook.current().project.customerKey, log }),
    project: () => rulebook.current().definitions.project,
    now,
  })
  services.peers?.answer((handed: Handed) => answerHanded(services, handed))
  const routes = [...commandRoutes(services), ...queryRoutes(services), ...(shown?.routes ?? [])]
  const pagesAt = (place: 'on' | number) => PAGES.filter((page) => config.pages[page] === place)
  const deps: AppDeps = {
    ...common,
    readiness: async () => {
      // A worker hands over what asks for it.
      const { background } = services
      const found =
        embeddedReadiness(engines.trouble()) ??
        (background ? await readinessOf(servers.areThere, services, background, disks) : await common.readiness())
      if (part.kind !== 'primary') return found
      const workers = part.check()
      return { ok: found.ok && workers.ok, checks: { ...found.checks, workerProcesses: workers } }
    },
    ...(part.kind === 'primary' ? { scrape: () => part.scrape(stores.metrics.registry) } : {}),
    ...shared,
    busyFor: (isMany) => (isMany ? load.refusalOfMany() : load.refusal()),
    shortage: disks.shortage,
    // What this node has acknowledged is in its rulebook, and a version that is being built must not make every query wait.
    whenShown: async (position, timeoutMs, { isOwn }) => {
      if (isOwn) return projector.waitFor(position, timeoutMs, [])
      // In this order: a position that the read models never reach may be none of this log.
      const until = performance.now() + timeoutMs
      if (!(await projector.waitFor(position, timeoutMs))) return false
      return rulebook.waitFor(position, Math.max(100, until - performance.now()))
    },
    requests,
    tokens,
    customerOf: (named) => customerNamed(services, named),
  }
  const ports = part.kind === 'worker' ? [] : Object.values(config.pages)
  for (const port of new Set(ports.filter((place) => typeof place === 'number'))) {
    const pages = await serve(buildApp([], { ...deps, pages: pagesAt(port), documented: routes }), {
      port,
      host: config.host,
    })
    onStop(() => pages.close(config.drainTimeLimitMs))
  }
  return { app: buildApp(routes, { ...deps, ...shown?.app, pages: pagesAt('on') }), console: shown?.entry(url) }
}
