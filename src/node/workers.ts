// What goes on in the background: the clock, roll-outs, processes, jobs, exports, delivery.

import { bulkDeals } from '../../commands/bulk.ts'
import { exportLines } from '../../queries/exports.ts'
import { startClock } from '../clock/clock.ts'
import { retentionCounter, startRetention } from '../clock/retention.ts'
import type { Config } from '../config.ts'
import { startDelivery } from '../delivery/index.ts'
import { newRequestId } from '../http/errors.ts'
import { sleep } from '../line/backoff.ts'
import { erasureProcesses } from '../processes/erasures.ts'
import { loyaltyProcesses } from '../processes/loyalty.ts'
import { failureCounter, watchProcesses } from '../processes/metrics.ts'
import { orderProcesses } from '../processes/orders.ts'
import { joinProcesses, startProcesses } from '../processes/process.ts'
import { redemptionProcesses } from '../processes/redemptions.ts'
import { referralProcesses } from '../processes/referrals.ts'
import { traceProcesses } from '../processes/traces.ts'
import { voucherProcesses } from '../processes/vouchers.ts'
import { startRollout } from '../rollout/rollout.ts'
import { createCodes } from '../runtime/codes.ts'
import { startExports } from '../runtime/exports.ts'
import { createFailedJobs } from '../runtime/failedJobs.ts'
import { createFreeCodes } from '../runtime/freeCodes.ts'
import { createLedgers } from '../runtime/ledgers.ts'
import { createMessageCodes } from '../runtime/messageCodes.ts'
import { watchNode } from '../runtime/operation.ts'
import { createOrders } from '../runtime/orders.ts'
import { createRedemptions } from '../runtime/redemptions.ts'
import { caughtUp } from '../runtime/shown.ts'
import { whenReached } from '../runtime/starting.ts'
import { createStock } from '../runtime/stock.ts'
import { createUploads } from '../runtime/uploads.ts'
import { JOBS, startVoucherJobs } from '../runtime/voucherJobs.ts'
import type { Background, Services } from '../services.ts'
import { createSetAside } from '../worker/setAside.ts'
import type { Deciding, DecidingParts } from './deciding.ts'
import type { WorkerPart } from './part.ts'

/** What records beside customers, in every process of a node. */
const recordingParts = ({ stores, config, rulebook, parts, log, onStop }: Omit<WorkerParts, 'services'>) => {
  const { now, store, readModel } = stores
  const { projector, customers } = parts
  /** For commands that decide on streams of their own. */
  const deciding = { store, sleep, random: Math.random }
  const isCaughtUp = (timeoutMs: number) => caughtUp({ store, projector }, timeoutMs)
  const failedJobs = createFailedJobs(readModel)
  const stock = createStock(rulebook.current, deciding)
  const ledgers = createLedgers(rulebook.current, deciding)
  const codes = createCodes(ledgers)
  const orders = createOrders({
    customers,
    ledgers,
    readModel,
    caughtUp: isCaughtUp,
    triggerHorizonMs: config.triggerHorizonHours * 3_600_000,
  })
  const freeCodes = createFreeCodes({ readModel, caughtUp: isCaughtUp, now: () => performance.now() })
  const redemptions = createRedemptions({
    customers,
    ledgers,
    stock,
    rulebook: rulebook.current,
    log,
    now,
    sleep,
  })
  onStop(() => redemptions.idle())
  return { failedJobs, stock, ledgers, codes, orders, freeCodes, redemptions }
}

type Recording = ReturnType<typeof recordingParts>

/** What jobs on vouchers need, in whichever process they are recorded or done. */
const jobParts = (
  { stores: { now, store, readModel }, rulebook, parts, services, log }: WorkerParts,
  { ledgers, codes }: Recording,
) => ({
  store,
  ledgers,
  readModel,
  codes,
  uploads: createUploads(readModel, now),
  deals: services.then(bulkDeals),
  rulebook: rulebook.current,
  waiting: () => parts.customers.pending,
  log,
  now,
})

/** The same parts in a process that leaves the background to another. */
export const partsOfWorker = (given: WorkerParts & { readonly part: WorkerPart }): Workers => {
  const recording = recordingParts(given)
  return {
    ...recording,
    background: undefined,
    voucherJobs: startVoucherJobs({
      ...jobParts(given, recording),
      beginElsewhere: given.part.beginJob,
    }),
  }
}

export interface WorkerParts extends DecidingParts {
  readonly config: Config
  readonly parts: Deciding
  /** What routes are built on, which is more than workers need to start: exports and bulk jobs read and write as routes do. */
  readonly services: Promise<Services>
}

export const startWorkers = async (given: WorkerParts) => {
  const { stores, config, rulebook, parts, services, log, signal, onStop } = given
  const { metrics, time, now, store, readModel } = stores
  const { making: projector, customers, snapshots, erasures, randomKey } = parts
  if (projector === undefined) throw new Error('what goes on in the background needs a projector of its own')
  const requestId = newRequestId
  const isCaughtUp = (timeoutMs: number) => caughtUp({ store, projector }, timeoutMs)
  const countFailed = failureCounter(metrics.registry)
  const aside = createSetAside({ readModel, log, now, onSetAside: countFailed })
  onStop(() => aside.stop())
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
  onStop(() => rollout.stop())
  const onMoved = (moved: () => void) => {
    const watching = projector.position$.subscribe(moved)
    return () => watching.unsubscribe()
  }
  const clock = startClock({ readModel, customers, aside, log, time, requestId, onMoved })
  onStop(() => clock.stop())
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
    onStop(() => retention.stop())
  }
  const recording = recordingParts(given)
  const { failedJobs, stock, ledgers, codes, freeCodes, redemptions } = recording
  const exports = startExports({
    readModel,
    lines: services.then((all) => (object, parameters) => exportLines(all, object, parameters)),
    log,
    now,
    worker: randomKey(),
  })
  onStop(() => exports.stop())
  const voucherJobs = startVoucherJobs({
    ...jobParts(given, recording),
    aside,
    onItemFailed: () => countFailed(JOBS),
    onMoved,
  })
  onStop(() => voucherJobs.stop())
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
  onStop(() => processes.stop())
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
  if (delivery) onStop(() => delivery.stop())
  watchNode(metrics.registry, {
    projector,
    waitingCommands: () => customers.pending,
    waitingDeadlines: clock.pending,
    switchedOff: () => rulebook.current().off.size,
  })
  return {
    ...recording,
    voucherJobs,
    background: { aside, rollout, exports, processes, delivery, projector },
  }
}
/** What these start; of `Background` the part that they make. */
export type Workers = Omit<Awaited<ReturnType<typeof startWorkers>>, 'background'> & {
  readonly background: Omit<Background, 'clock' | 'longRuns' | 'scratch'> | undefined
}
