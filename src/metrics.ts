// The process's Prometheus metrics: one registry that every part adds to, and the duration of HTTP requests.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { lostLogLines } from './logSink.ts'

export interface Metrics {
  /** Parts add their own metrics here: `new Counter({ …, registers: [registry] })`. */
  readonly registry: Registry
  /** Counts one answered request; `route` is the path template, so that the number of series stays bounded. */
  readonly observeRequest: (method: string, route: string, status: number, seconds: number) => void
}

/** Makes gauges that are read when somebody asks. */
export const gaugesIn = (registry: Registry) => (name: string, help: string, read: () => number) => {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A fresh registry; `defaults` adds the metrics of the process itself (memory, event-loop lag, file handles). */
export const createMetrics = (options: { readonly defaults?: boolean } = {}): Metrics => {
  const registry = new Registry()
  if (options.defaults === true) {
    // How late the event loop is would be looked at a hundred times a second, which is most of what an idle process does.
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 500 })
    new Counter({
      name: 'log_lines_dropped_total',
      help: 'Log lines that could not be written',
      registers: [registry],
      collect() {
        this.reset()
        this.inc(lostLogLines())
      },
    })
  }
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first look at a request to its answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS,
    registers: [registry],
  })
  return {
    registry,
    observeRequest: (method, route, status, seconds) => duration.observe({ method, route, status }, seconds),
  }
}
