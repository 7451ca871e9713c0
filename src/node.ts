// One node of Tributary, put together: engines or servers, rulebook, customers, projector, HTTP.

import { randomUUID } from 'node:crypto'
import { bulkDeals } from '../commands/bulk.ts'
import { commandRoutes } from '../commands/index.ts'
import type { ActivityDocument } from '../projections/activity.ts'
import { projections } from '../projections/index.ts'
import { exportLines } from '../queries/exports.ts'
import { queryRoutes } from '../queries/index.ts'
import { customerNamed } from './api/context.ts'
import { createLongRuns } from './audit/longRuns.ts'
import { startClock } from './clock/clock.ts'
import { retentionCounter, startRetention } from './clock/retention.ts'
import type { Config } from './config.ts'
import { type ConsoleEntry, createConsole } from './console/index.ts'
import { signingSecret, startDelivery } from './delivery/index.ts'
import { createMailer } from './delivery/mail.ts'
import { diskMetrics, watchDisks } from './disk.ts'
import { activityId } from './domain/customer/activity.ts'
import { uuidFrom } from './domain/ids.ts'
import { factRegistry } from './domain/registry.ts'
import { startEngines } from './engines/start.ts'
import { createCodec } from './eventstore/codec.ts'
import { createEventStore } from './eventstore/index.ts'
import { type AppDeps, buildApp } from './http/app.ts'
import { newRequestId } from './http/errors.ts'
import { PAGES } from './http/operation.ts'
import { createNamedRequests } from './http/requests.ts'
import { type Fetcher, serve } from './http/server.ts'
import { createTokens } from './http/tokens.ts'
import { type LoadedKeys, loadKeys } from './keys.ts'
import { sleep } from './line/backoff.ts'
import { processTime, within } from './line/time.ts'
import type { Logger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { loadMasterKeys } from './privacy/masterKey.ts'
import { createVault } from './privacy/vault.ts'
import { erasureProcesses } from './processes/erasures.ts'
import { loyaltyProcesses } from './processes/loyalty.ts'
import { failureCounter, watchProcesses } from './processes/metrics.ts'
import { orderProcesses } from './processes/orders.ts'
import { joinProcesses, startProcesses } from './processes/process.ts'
import { redemptionProcesses } from './processes/redemptions.ts'
import { referralProcesses } from './processes/referrals.ts'
import { traceProcesses } from './processes/traces.ts'
import { voucherProcesses } from './processes/vouchers.ts'
import { createProjector } from './projector/index.ts'
import { createReadModel } from './readmodel/index.ts'
import { dropLeftBehind, scratchName } from './readmodel/scratch.ts'
import { startRollout } from './rollout/rollout.ts'
import { type Access, joinKeys, startAccess } from './runtime/access.ts'
import { startActivityFeed } from './runtime/activityFeed.ts'
import { createCodes } from './runtime/codes.ts'
import { createCustomerRuntime } from './runtime/customers.ts'
import { createErasures } from './runtime/erasure.ts'
import { mapError } from './runtime/errors.ts'
import { type ExportLines, startExports } from './runtime/exports.ts'
import { createFailedJobs } from './runtime/failedJobs.ts'
import { createFreeCodes } from './runtime/freeCodes.ts'
import type { Deals } from './runtime/jobItems.ts'
import { createLedgers } from './runtime/ledgers.ts'
import { createLoad } from './runtime/load.ts'
import { createCustomers } from './runtime/loader.ts'
import { createMessageCodes } from './runtime/messageCodes.ts'
import {
  embeddedReadiness,
  projectorMetrics,
  readinessAtStart,
  readinessOf,
  watchNode,
  watchServers,
} from './runtime/operation.ts'
import { createOrders } from './runtime/orders.ts'
import { createRedemptions } from './runtime/redemptions.ts'
import { createRejectedEvents } from './runtime/rejected.ts'
import { startRulebook } from './runtime/rulebook.ts'
import { caughtUp } from './runtime/shown.ts'
import { createSnapshotStore } from './runtime/snapshots.ts'
import { whenReached } from './runtime/starting.ts'
import { createStock } from './runtime/stock.ts'
import { createUploads } from './runtime/uploads.ts'
import { JOBS, startVoucherJobs } from './runtime/voucherJobs.ts'
import type { Services } from './services.ts'
import { createSignInAttempts } from './signIn/attempts.ts'
import { PASSWORD_COST } from './signIn/passwords.ts'
import { openIdFor } from './signIn/provider.ts'
import { createUsers } from './signIn/users.ts'
import { isElsewhere, newestIn } from './time/newest.ts'
import { clockMetrics, createNodeClock, type Machine } from './time/nodeClock.ts'
import { ReadModelBehind } from './trouble.ts'
import { createSetAside } from './worker/setAside.ts'
import { zoneSettingIn } from './zoneSetting.ts'

export interface Node {
  readonly url: string
  readonly keys: LoadedKeys
  readonly services: Services
  /** Undefined where the console is not shown. */
  readonly console: ConsoleEntry | undefined
  /** Resolves, with the reason, when an embedded engine is gone for good by itself: nothing works without it. */
  readonly engineFailed: Promise<Error>
  /** Finishes what runs, at most for the configured time, and stops everything. */
  stop(): Promise<void>
}

/** Customers kept in memory; a cold one costs a read of its stream. */
const CACHED_CUSTOMERS = 20_000

/** How long a start waits for the read models to be there, ms. */
const START_LIMIT_MS = 5_000

/** How long a stop waits for the removal of what was left behind, ms: it is looked for again at the next start. */
const CLEARING_MS = 1_000

export interface StartOptions {
  /** Ends a start that waits for its servers: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** The clocks of the machine; for tests. */
  readonly machine?: Machine
  /** What a hash of a password costs; for tests. */
  readonly passwordCost?: typeof PASSWORD_COST
}

/**
 * Starts a node and resolves once it can do its work. It listens at once: while servers cannot be reached, for however long,
 * `/health/ready` says which. Rejects, with what was started stopped again, when any part cannot start.
 */
export const startNode = async (
  config: Config,
  log: Logger,
  { signal = new AbortController().signal, machine, passwordCost = PASSWORD_COST }: StartOptions = {},
): Promise<Node> => {
  const stops: (() => Promise<unknown>)[] = []
  let closeServer: () => Promise<unknown> = async () => undefined
  /** Answers that would never end by themselves. */
  let endStreams = (): void => undefined
  const stopAll = async (): Promise<void> => {
    endStreams()
    // First what runs is finished, with everything that it needs.
    await closeServer()
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const keys = loadKeys(config)
    let access: Access | undefined
    const ring = joinKeys(keys.ring, () => access?.ring)
    const engines = await startEngines({ dir: config.dataDir }, config)
    stops.push(() => engines.stop())
    const metrics = createMetrics({ defaults: true })
    const time = createNodeClock({ log, onTick: processTime.onTick, ...(machine ? { machine } : {}) })
    stops.push(async () => time.stop())
    clockMetrics(metrics.registry, time)
    const { now } = time
    const disks = await watchDisks({ paths: config.watchedDisks, marks: config.minFree, log })
    stops.push(async () => disks.stop())
    diskMetrics(metrics.registry, disks)
    const masterKeys = loadMasterKeys(config)
    const vault = masterKeys && createVault({ masterKeys, now })
    if (!vault)
      log.warn('MASTER_KEY_FILE is not set: personal data is recorded as it is, and the log keeps it for good')
    const store = createEventStore({
      url: engines.eventStoreUrl,
      namespace: config.eventStoreNamespace,
      codec: createCodec(factRegistry, vault),
      log,
      now,
    })
    stops.push(() => store.close())
    const readModel = createReadModel({ url: engines.mongodbUrl, database: config.mongodbDatabase, log, now })
    stops.push(() => readModel.close())
    const servers = watchServers({ store, readModel })
    stops.push(async () => servers.stop())
    const common: AppDeps = {
      keys: ring,
      log,
      metrics,
      readiness: async () => embeddedReadiness(engines.trouble()) ?? readinessAtStart({ store, readModel }),
      projectId: config.projectId,
      clock: now,
      mapError,
      requestTimeLimitMs: config.requestTimeLimitMs,
      clientLimits: config.clientLimits,
      proxies: config.proxies,
      ...(config.rateLimitPerMinute === undefined ? {} : { rateLimitPerMinute: config.rateLimitPerMinute }),
    }
    let app: Fetcher = buildApp([], { ...common, isStarting: true })
    const server = await serve(
      { fetch: (request, env) => app.fetch(request, env) },
      { port: config.port, host: config.host },
    )
    closeServer = () => server.close(config.drainTimeLimitMs)
    const versions = {
      mongodb: await whenReached(log, signal, () => readModel.checkServer()),
      eventStore: await whenReached(log, signal, () => store.checkServer()),
    }
    log.info({ versions }, 'the versions of the servers are ones with which this program works')
    if (vault) await whenReached(log, signal, () => vault.open(store))
    if (isElsewhere(config.mongodbUrl)) time.listenTo(readModel.serverTime)
    const scratch = {
      url: engines.mongodbUrl,
      database: config.mongodbDatabase,
      alone: config.mongodbUrl === undefined,
    }
    const clearing = dropLeftBehind({ ...scratch, now: now() }).then(
      (names) => names.length > 0 && log.info({ names }, 'scratch databases that were left behind are removed'),
      (error: unknown) => log.warn({ err: error }, 'scratch databases could not be looked for'),
    )
    // A server that hangs is not waited for.
    stops.push(() => within(processTime, CLEARING_MS, clearing, () => new Error('late')).catch(() => undefined))
    const newest = await whenReached(log, signal, () => newestIn(store))
    if (newest !== undefined) time.found(newest)
    const zone = zoneSettingIn(config.dataDir, config.projectTimeZone)
    const project = {
      id: config.projectId,
      timeZone: config.projectTimeZone,
      follows: !zone.isNew,
      ...(config.consent ? { consent: config.consent } : {}),
    }
    const rulebook = await whenReached(
      log,
      signal,
      () => startRulebook({ store, project, log, now }),
      (late) => late.stop(),
    )
    stops.push(() => rulebook.stop())
    access = await startAccess({
      store,
      readModel,
      projectKey: () => rulebook.current().project.customerKey,
      log,
      now,
      sleep,
    })
    const following = access
    stops.push(() => following.stop())
    const tokens = createTokens(readModel, ring)
    const publicUrl = () => config.publicUrl ?? server.url
    const mailer = createMailer(config.delivery, now)
    if (mailer) stops.push(async () => mailer.close())
    const users = createUsers({
      access,
      attempts: createSignInAttempts(readModel),
      destroyKey: vault?.destroy,
      sendMail: mailer?.send,
      publicUrl,
      passwordCost,
      log,
    })
    zone.remember()
    let isCrowded = () => false
    const projector = createProjector({
      now,
      isCrowded: () => isCrowded(),
      group: 'main',
      projections,
      store,
      readModel,
      log,
      metrics: projectorMetrics(metrics.registry),
    })
    stops.push(() => projector.stop())
    // Collections and their names are there once the projector is past its start; stores in trouble do not keep a node down.
    for (let waited = 0; projector.status().state === 'starting' && waited < START_LIMIT_MS; waited += 10)
      await sleep(10)
    // Random bytes of its own a key would cost a system call each; the pool behind UUIDs does not.
    const randomKey = () => randomUUID().replaceAll('-', '')
    const snapshots = createSnapshotStore(readModel, log)
    const erasures = createErasures({ vault, readModel })
    const customers = createCustomerRuntime({
      store,
      head: (await whenReached(log, signal, () => store.head())) ?? -1n,
      customers: createCustomers({
        store,
        snapshots,
        cacheSize: CACHED_CUSTOMERS,
      }),
      rulebook: rulebook.current,
      wasUsed: async (customer, key, upTo) => {
        if (!(await projector.waitFor(upTo, 2_000))) throw new ReadModelBehind()
        const activity = readModel.collection<ActivityDocument>('activity')
        const first = activityId(uuidFrom('customer', customer, key, 'command', '0'))
        return (await activity.findOne({ _id: first }, { projection: { _id: 1 } })) !== null
      },
      randomKey,
      sleep,
      random: Math.random,
      now,
    })
    const load = createLoad({
      pending: () => customers.pending,
      asked: () => customers.asked,
      clock: () => performance.now(),
    })
    stops.push(async () => load.stop())
    isCrowded = load.isCrowded
    const requestId = newRequestId
    const isCaughtUp = (timeoutMs: number) => caughtUp({ store, projector }, timeoutMs)
    const countFailed = failureCounter(metrics.registry)
    const aside = createSetAside({ readModel, log, now, onSetAside: countFailed })
    stops.push(() => aside.stop())
    const rollout = await whenReached(
      log,
      signal,
      () =>
        startRollout({
          readModel,
          customers,
          rulebook,
          head: store.head,
          caughtUp: isCaughtUp,
          aside,
          log,
          now,
          requestId,
        }),
      (late) => late.stop(),
    )
    stops.push(() => rollout.stop())
    const onMoved = (moved: () => void) => {
      const watching = projector.position$.subscribe(moved)
      return () => watching.unsubscribe()
    }
    const clock = startClock({ readModel, customers, aside, log, time, requestId, onMoved })
    stops.push(() => clock.stop())
    if (config.retentionDays !== undefined) {
      const erased = retentionCounter(metrics.registry)
      const retention = startRetention({
        days: config.retentionDays,
        readModel,
        customers,
        erasures,
        time,
        requestId,
        log,
        onErased: () => erased.inc(),
      })
      stops.push(() => retention.stop())
    }
    const codes = createCodes(store)
    const failedJobs = createFailedJobs(readModel)
    const deciding = { store, sleep, random: Math.random }
    const stock = createStock(rulebook.current, deciding)
    const ledgers = createLedgers(rulebook.current, deciding)
    const orders = createOrders({
      customers,
      ledgers,
      readModel,
      caughtUp: isCaughtUp,
      triggerHorizonMs: config.triggerHorizonHours * 3_600_000,
    })
    const freeCodes = createFreeCodes({ readModel, caughtUp: isCaughtUp, now: () => performance.now() })
    let tellLines: (lines: ExportLines) => void = () => undefined
    const exports = startExports({
      readModel,
      lines: new Promise((resolve) => {
        tellLines = resolve
      }),
      log,
      now,
      worker: randomKey(),
    })
    stops.push(() => exports.stop())
    let tellDeals: (deals: Deals) => void = () => undefined
    const deals = new Promise<Deals>((resolve) => {
      tellDeals = resolve
    })
    const voucherJobs = startVoucherJobs({
      store,
      ledgers,
      readModel,
      codes,
      uploads: createUploads(readModel, now),
      deals,
      rulebook: rulebook.current,
      waiting: () => customers.pending,
      log,
      now,
      aside,
      onItemFailed: () => countFailed(JOBS),
      onMoved,
    })
    stops.push(() => voucherJobs.stop())
    const redemptions = createRedemptions({
      customers,
      ledgers,
      stock,
      rulebook: rulebook.current,
      log,
      now,
      sleep,
    })
    stops.push(() => redemptions.idle())
    // Apart from the others, since it stays seconds behind on purpose.
    const settling = startProcesses({
      group: 'redemptions',
      processes: redemptionProcesses({ redemptions, now, sleep }),
      store,
      readModel,
      log,
      now,
      aside,
    })
    const processes = joinProcesses(
      startProcesses({
        group: 'main',
        processes: [
          ...loyaltyProcesses({ customers, codes, stock, now }),
          ...referralProcesses({ customers, codes, rulebook: rulebook.current, now }),
          ...traceProcesses({ store, readModel, snapshots, show: projector.waitFor, now }),
          ...erasureProcesses({ erasures, snapshots }),
          ...orderProcesses({ ledgers, now }),
          ...voucherProcesses({ jobs: voucherJobs, ledgers, customers, freeCodes, now }),
        ],
        store,
        readModel,
        log,
        now,
        aside,
      }),
      settling,
    )
    stops.push(() => processes.stop())
    watchProcesses(metrics.registry, processes, aside, failedJobs)
    const delivery = config.delivery.isOn
      ? await whenReached(
          log,
          signal,
          () =>
            startDelivery({
              config: config.delivery,
              store,
              readModel,
              rulebook: rulebook.current,
              aside,
              issueCode: createMessageCodes({ customers, codes, rulebook, now }),
              log,
              metrics: metrics.registry,
              now,
              onMoved,
            }),
          (late) => late.stop(),
        )
      : undefined
    if (delivery) stops.push(() => delivery.stop())
    watchNode(metrics.registry, {
      projector,
      waitingCommands: () => customers.pending,
      waitingDeadlines: clock.pending,
      switchedOff: () => rulebook.current().off.size,
    })
    const activityFeed = startActivityFeed({ readModel, projector, log })
    endStreams = () => activityFeed.stop()
    const services: Services = {
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
      rejected: createRejectedEvents(store, randomKey),
      rollout,
      codes,
      freeCodes,
      voucherJobs,
      stock,
      ledgers,
      redemptions,
      orders,
      exports,
      processes,
      activityFeed,
      erasures,
      aside,
      failedJobs,
      delivery,
      longRuns: createLongRuns(),
      scratch: () => {
        const database = scratchName(config.mongodbDatabase, now(), randomKey())
        return createReadModel({ url: engines.mongodbUrl, database, log })
      },
    }
    tellDeals(bulkDeals(services))
    tellLines((object, parameters) => exportLines(services, object, parameters))
    const requests = createNamedRequests({ store, readModel, log, now })
    stops.push(() => requests.idle())
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
      whenShown: async (position, timeoutMs, isOwn) => {
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
      stops.push(() => pages.close(config.drainTimeLimitMs))
    }
    app = buildApp(routes, { ...deps, ...shown?.app, pages: pagesAt('on') })
    return {
      url: server.url,
      keys,
      services,
      console: shown?.entry(server.url),
      engineFailed: engines.failed,
      stop: stopAll,
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}
