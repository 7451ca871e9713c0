// The processes and other workers as Prometheus gauges, read when somebody asks.
import { Counter, Gauge, type Registry } from 'prom-client'
import type { FailedJobs } from '../runtime/failedJobs.ts'
import type { SetAside } from '../worker/setAside.ts'
import type { Processes, ProcessStatus } from './process.ts'

/** Registers what waits and how old it is, for each process, and what failed, for each worker. */
export const watchProcesses = (
  registry: Registry,
  processes: Processes,
  aside: Pick<SetAside, 'status'>,
  failedJobs: Pick<FailedJobs, 'count'>,
): void => {
  const gauge = (name: string, help: string, read: (status: ProcessStatus) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['process'],
      registers: [registry],
      collect() {
        for (const status of processes.status()) this.set({ process: status.name }, read(status))
      },
    })
  }
  gauge('tributary_process_pending', 'Facts that a process has not dealt with', ({ pending }) => pending)
  gauge('tributary_process_lag_seconds', 'Age of the oldest of them', ({ lag }) => lag / 1_000)
  new Gauge({
    name: 'tributary_process_failed',
    help: 'Items that a process or another worker has set aside and tries again',
    labelNames: ['process'],
    registers: [registry],
    collect() {
      for (const { name, failed } of aside.status()) this.set({ process: name }, failed)
    },
  })
  new Gauge({
    name: 'tributary_jobs_failed',
    help: 'Background jobs that have failed and were neither retried nor cancelled',
    registers: [registry],
    async collect() {
      this.set(await failedJobs.count().catch(() => Number.NaN))
    },
  })
}

/** Counts items that no try has helped, by worker. */
export const failureCounter = (registry: Registry): ((process: string) => void) => {
  const counter = new Counter({
    name: 'tributary_items_failed_total',
    help: 'Items that no try has helped: set aside, or told of in the job that they are of',
    labelNames: ['process'],
    registers: [registry],
  })
  return (process) => counter.inc({ process })
}
