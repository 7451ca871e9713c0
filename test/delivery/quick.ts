// Time limits and waits of a dispatcher in tests, ms.

export const QUICK = {
  timeoutMs: 400,
  pollMs: 10,
  retries: { tries: 3, firstMs: 50, factor: 1.5 },
  lane: { capacity: 8, failures: 3, restMs: 200, maxRestMs: 400 },
} as const
