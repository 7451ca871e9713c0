// What `@tributary/client` gives.
export * from './client.ts'
export * from './conditions.ts'
export * from './errors.ts'
export type { Lines, StreamedEvent } from './lines.ts'
export type * from './operations.gen.ts'
export type { CallOptions, Reply, TransportOptions } from './transport.ts'
export * from './webhooks.ts'
