// What a node answers: its services, the routes on them, and the pages of operation on ports of their own.

import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import { customerNamed } from '../api/context.ts'
import { createLongRuns } from '../audit/longRuns.ts'
import type { Config } from '../config.ts'
import { type ConsoleEntry, createConsole } from '../console/index.ts'
import { signingSecret } from '../delivery/index.ts'
import { type AppDeps, buildApp } from '../http/app.ts'
import { PAGES } from '../http/operation.ts'
import { createNamedRequests } from '../http/requests.ts'
import { type Fetcher, serve } from '../http/server.ts'
import type { Tokens } from '../http/tokens.ts'
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
import type { Deciding } from './deciding.ts'
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
  readonly log: Logger
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
    rejected: createRejectedEvents(store, readModel, randomKey),
    activityFeed,
    erasures,
    ...workers,
    longRuns: createLongRuns(),
    scratch: () => {
      const database = scratchName(config.mongodbDatabase, now(), randomKey())
      return createReadModel({ url: engines.mongodbUrl, database, log })
    },
  }
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
    url,
    publicUrl,
    onStop,
  }: Pick<RouteParts, 'config' | 'stores' | 'log'> & {
    readonly common: AppDeps
    readonly ring: AppDeps['keys']
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
    openId: openIdFor(config, { access, publicUrl, projectKey: () => rulebook.current().project.customerKey, log }),
    project: () => rulebook.current().definitions.project,
    now,
  })
  const routes = [...commandRoutes(services), ...queryRoutes(services), ...(shown?.routes ?? [])]
  const pagesAt = (place: 'on' | number) => PAGES.filter((page) => config.pages[page] === place)
  const deps: AppDeps = {
    ...common,
    readiness: async () => embeddedReadiness(engines.trouble()) ?? readinessOf(servers.areThere, services, disks),
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
  for (const port of new Set(Object.values(config.pages).filter((place) => typeof place === 'number'))) {
    const pages = await serve(buildApp([], { ...deps, pages: pagesAt(port), documented: routes }), {
      port,
      host: config.host,
    })
    onStop(() => pages.close(config.drainTimeLimitMs))
  }
  return { app: buildApp(routes, { ...deps, ...shown?.app, pages: pagesAt('on') }), console: shown?.entry(url) }
}
