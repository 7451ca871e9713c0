// The processes as Prometheus gauges, read when somebody asks.
import { Gauge, type Registry } from 'prom-client'
import type { Processes, ProcessStatus } from './process.ts'

/** Registers what waits, how old it is and what failed, for each process. */
export const watchProcesses = (registry: Registry, processes: Processes): void => {
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
  gauge('tributary_process_failed', 'Facts set aside and tried again', ({ failed }) => failed)
}
