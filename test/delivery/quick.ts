// Time limits and waits of a dispatcher in tests, ms. A receiver in a test has as long to answer as a real one: what a slow machine
// answers late would be sent again.

export const QUICK = {
  timeoutMs: 10_000,
  pollMs: 10,
  retries: { tries: 3, firstMs: 50, factor: 1.5 },
  bulkhead: { capacity: 8, failures: 3, restMs: 200, maxRestMs: 400 },
} as const
