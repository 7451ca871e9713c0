// One node of Tributary, put together: engines or servers, rulebook, customers, projector, HTTP.

import type { Config } from './config.ts'
import type { ConsoleEntry } from './console/index.ts'
import { createMailer } from './delivery/mail.ts'
import { type AppDeps, buildApp } from './http/app.ts'
import { type Fetcher, serve } from './http/server.ts'
import { createTokens } from './http/tokens.ts'
import { type LoadedKeys, loadKeys } from './keys.ts'
import { sleep } from './line/backoff.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { startDeciding } from './node/deciding.ts'
import { type Part, WHOLE } from './node/part.ts'
import { createPeers } from './node/peers.ts'
import { endsOn, handingOver, serveRoutes, servicesOf, sharedBy } from './node/routes.ts'
import { type OnStop, openStores, reachStores } from './node/stores.ts'
import { partsOfWorker, startWorkers } from './node/workers.ts'
import { type Access, joinKeys, startAccess } from './runtime/access.ts'
import { mapError } from './runtime/errors.ts'
import { embeddedReadiness, readinessAtStart } from './runtime/operation.ts'
import { startRulebook } from './runtime/rulebook.ts'
import { whenReached } from './runtime/starting.ts'
import type { Services } from './services.ts'
import { createSignInAttempts } from './signIn/attempts.ts'
import { PASSWORD_COST } from './signIn/passwords.ts'
import { createUsers } from './signIn/users.ts'
import type { Machine } from './time/nodeClock.ts'
import { zoneSettingIn } from './zoneSetting.ts'

export interface Node {
  readonly url: string
  readonly keys: LoadedKeys
  readonly services: Services
  readonly metrics: Metrics
  /** Undefined where the console is not shown. */
  readonly console: ConsoleEntry | undefined
  /** Resolves, with the reason, when an embedded engine is gone for good by itself: nothing works without it. */
  readonly engineFailed: Promise<Error>
  /** Finishes what runs, at most for the configured time, and stops everything. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Ends a start that waits for its servers: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** The clocks of the machine; for tests. */
  readonly machine?: Machine
  /** Which part of a node this process is; default the whole. */
  readonly part?: Part
  /** What a hash of a password costs; for tests. */
  readonly passwordCost?: typeof PASSWORD_COST
}

/** Rejects with the signal's reason once there is one. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })

/**
 * Starts a node and resolves once it can do its work. It listens at once: while servers cannot be reached, for however long,
 * `/health/ready` says which. Rejects, with what was started stopped again, when any part cannot start.
 */
export const startNode = async (
  config: Config,
  log: Logger,
  { signal = new AbortController().signal, machine, part = WHOLE, passwordCost = PASSWORD_COST }: StartOptions = {},
): Promise<Node> => {
  const stops: (() => Promise<unknown>)[] = []
  const onStop: OnStop = (stop) => stops.push(stop)
  let closeServer: () => Promise<unknown> = async () => undefined
  /** Answers that would never end by themselves. */
  let endStreams = (): void => undefined
  const stopAll = async (): Promise<void> => {
    if (part.kind === 'primary') await part.stop()
    endStreams()
    // First what runs is finished, with everything that it needs.
    await closeServer()
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const keys = loadKeys(config)
    let access: Access | undefined
    const ring = joinKeys(keys.ring, () => access?.ring)
    const stores = await openStores(config, log, machine, part, onStop)
    const { engines, metrics, now, vault, store, readModel } = stores
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
      ...(part.kind === 'worker' ? { handOver: handingOver(part) } : {}),
      rateLimitPerMinute: config.rateLimitPerMinute,
    }
    let app: Fetcher = buildApp([], { ...common, isStarting: true })
    const server = await serve(
      { fetch: (request, env) => app.fetch(request, env) },
      {
        port: config.port,
        host: config.host,
        ...(part.kind === 'primary' ? { socket: part.socket } : {}),
      },
    )
    closeServer = () => server.close(config.drainTimeLimitMs)
    const url = part.kind === 'primary' ? await part.open(engines) : server.url
    if (part.kind === 'worker') {
      part.listening(url)
      await Promise.race([part.begun, aborted(signal)])
    }
    await reachStores(stores, { config, log, signal, part, onStop })
    const zone = zoneSettingIn(config.dataDir, config.projectTimeZone)
    const project = {
      id: config.projectId,
      timeZone: config.projectTimeZone,
      follows: !zone.isNew,
      consent: config.consent,
    }
    const rulebook = await whenReached(
      log,
      signal,
      () => startRulebook({ store, project, log, now }),
      (late) => late.stop(),
    )
    onStop(() => rulebook.stop())
    access = await startAccess({
      store,
      readModel,
      projectKey: () => rulebook.current().project.customerKey,
      log,
      now,
      sleep,
    })
    const following = access
    onStop(() => following.stop())
    const ends = part.kind === 'whole' ? undefined : endsOn(part.board)
    const tokens = createTokens(readModel, ring, ends)
    const publicUrl = () => config.publicUrl ?? url
    const mailer = createMailer(config.delivery)
    if (mailer) onStop(async () => mailer.close())
    const users = createUsers({
      access,
      attempts: createSignInAttempts(readModel),
      destroyKey: vault && ((id) => vault.destroy(id)),
      sendMail: mailer?.send,
      publicUrl,
      passwordCost,
      log,
    })
    zone.remember()
    const parts = await startDeciding({ stores, rulebook, log, signal, part, onStop })
    let found: (services: Services) => void = () => undefined
    const given = {
      config,
      stores,
      rulebook,
      parts,
      services: new Promise<Services>((resolve) => {
        found = resolve
      }),
      log,
      signal,
      part,
      onStop,
    }
    const workers = part.kind === 'worker' ? partsOfWorker({ ...given, part }) : await startWorkers(given)
    const shared = part.kind === 'whole' ? undefined : sharedBy(part.board, { rulebook, access })
    const peers =
      part.kind === 'worker' && shared
        ? await createPeers({ ...part, self: part.number, inStep: shared.inStep, log })
        : undefined
    if (peers) onStop(() => peers.close())
    const services = servicesOf({ config, stores, parts, workers, rulebook, access, tokens, users, part, peers, log })
    endStreams = () => services.activityFeed.stop()
    found(services)
    const served = await serveRoutes(services, {
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
    })
    app = served.app
    if (part.kind === 'worker') part.onConfirmed(stores.time.confirm)
    if (part.kind === 'primary') await Promise.race([part.begin(services), aborted(signal)])
    return {
      url,
      keys,
      services,
      metrics,
      console: served.console,
      engineFailed: engines.failed,
      stop: stopAll,
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}
