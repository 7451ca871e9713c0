// What operators see of a node: whether it is ready, and the metrics of its parts.
import { Counter, Histogram, type Registry } from 'prom-client'
import type { DiskWatch } from '../disk.ts'
import type { Readiness } from '../http/operation.ts'
import { createSteady } from '../line/steady.ts'
import { processTime, within } from '../line/time.ts'
import { gaugesIn } from '../metrics.ts'
import type { Projector, ProjectorMetrics } from '../projector/index.ts'
import type { Background, Services } from '../services.ts'
import { whyNot } from '../time/trust.ts'

const whyStuck = (state: string, stillMs: number, error = 'no error was reported'): string =>
  state === 'superseded'
    ? `a newer program has taken over the read models: ${error}`
    : `facts wait and the position of the read models has not moved for ${Math.round(stillMs / 1_000)} s: ${error}`

/** As long as servers come and go a node is not ready: whoever sends it requests by that would send them into the next outage. */
const STEADY = { calmMs: 1_000, longestMs: 8_000, relapseMs: 60_000 }

/** Looks all the time whether both servers are there, and says so without flapping. */
export const watchServers = ({ store, readModel }: Pick<Services, 'store' | 'readModel'>) => {
  const steady = createSteady(STEADY)
  const areThere = () => steady(store.health().ok && readModel.health().ok, performance.now())
  return { areThere, stop: processTime.onTick(() => (areThere() ? 'calm' : 'watching')) }
}

/** What a node that waits for its servers at its start can say. */
export const readinessAtStart = ({ store, readModel }: Pick<Services, 'store' | 'readModel'>): Readiness => ({
  ok: false,
  checks: {
    start: { ok: false, reason: 'the node is starting, and waits for what is missing' },
    eventStore: store.health(),
    documents: readModel.health(),
  },
})

/** A node whose embedded engine has just ended is not ready, whatever its connections have noticed so far. */
export const embeddedReadiness = (trouble: string | undefined): Readiness | undefined =>
  trouble === undefined ? undefined : { ok: false, checks: { engines: { ok: false, reason: trouble } } }

/** Whoever asks whether a node is ready is not kept waiting by a store that hangs, ms. */
const COUNT_MS = 500
const late = () => new Error('late')

/** Ready: both stores answer, the projector is not stuck, there is room on the disk and the clock is believed. Being behind is no reason to be taken out of service. */
export const readinessOf = async (
  areThere: () => boolean,
  { clock, store, readModel, rulebook, failedJobs }: Services,
  { projector, delivery, aside }: Background,
  disks: Pick<DiskWatch, 'shortage' | 'status'>,
): Promise<Readiness> => {
  const shortage = disks.shortage()
  const distrust = clock.distrust()
  const eventStore = store.health()
  const documents = readModel.health()
  const { state, lag, stuck, stillMs, parked, error, position } = projector.status()
  return {
    ok: areThere() && !stuck && shortage === undefined && distrust === undefined,
    checks: {
      eventStore,
      documents,
      projector: {
        ok: !stuck,
        state,
        position: position === undefined ? null : String(position),
        lag,
        parked,
        error,
        ...(stuck ? { reason: whyStuck(state, stillMs, error) } : {}),
      },
      disk: {
        ok: shortage === undefined,
        free: disks.status().map(({ path, room }) => ({ path, bytes: room?.free ?? null })),
        reason: shortage,
      },
      clock: {
        ok: distrust === undefined,
        ...(distrust ? { ahead_seconds: Math.round(distrust.aheadMs / 1_000), reason: whyNot(distrust) } : {}),
      },
      // One definition that does not fit the others is told, not counted: everything else works.
      definitions: { ok: true, switched_off: rulebook.current().off.size },
      // An item that cannot be done is somebody's to look at, and no reason to stop what can be: told, not counted.
      workers: {
        ok: true,
        set_aside: aside.status().reduce((sum, { failed }) => sum + failed, 0),
        failed_jobs: documents.ok
          ? await within(processTime, COUNT_MS, failedJobs.count(), late).catch(() => null)
          : null,
      },
      // Receivers that are down are no fault of this node: told, not counted.
      ...(delivery
        ? {
            delivery: {
              ok: true,
              under_way: delivery.active,
              paused: delivery.bulkheads().filter(({ state }) => state === 'paused').length,
            },
          }
        : {}),
    },
  }
}

/** What the projector reports, as Prometheus metrics. */
export const projectorMetrics = (registry: Registry): ProjectorMetrics => {
  const registers = [registry]
  const facts = new Counter({ name: 'tributary_projector_facts_total', help: 'Facts projected', registers })
  const documents = new Counter({ name: 'tributary_projector_documents_total', help: 'Documents written', registers })
  const parked = new Counter({ name: 'tributary_projector_parked_total', help: 'Facts parked', registers })
  const failures = new Counter({ name: 'tributary_projector_failures_total', help: 'Failed batches', registers })
  const seconds = new Histogram({
    name: 'tributary_projector_batch_seconds',
    help: 'Time to project and commit one batch',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  })
  return {
    batch(done) {
      facts.inc(done.facts)
      documents.inc(done.documents)
      parked.inc(done.parked)
      seconds.observe(done.ms / 1_000)
    },
    failure() {
      failures.inc()
    },
  }
}

/** Gauges that are read when somebody asks. */
export const watchNode = (
  registry: Registry,
  parts: {
    readonly projector: Projector
    readonly waitingCommands: () => number
    readonly waitingDeadlines: () => number
    readonly switchedOff: () => number
  },
): void => {
  const gauge = gaugesIn(registry)
  gauge(
    'tributary_projector_lag_events',
    'Facts received and not yet projected',
    () => parts.projector.status().lag.events,
  )
  gauge(
    'tributary_projector_lag_seconds',
    'Age of what is not projected yet',
    () => parts.projector.status().lag.seconds,
  )
  gauge('tributary_commands_waiting', 'Commands waiting or under way', parts.waitingCommands)
  gauge('tributary_definitions_switched_off', 'Definitions that do not fit the others', parts.switchedOff)
  gauge('tributary_deadlines_waiting', 'Deadlines that are due and not dealt with', parts.waitingDeadlines)
}
