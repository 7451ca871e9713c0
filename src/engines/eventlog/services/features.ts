// What this server says of itself: its version, the methods it has, and that it is its own leader.
import { clusterInfo, type SupportedMethod, supportedMethods } from '../wire/responses.ts'

/** The version whose answers this server gives. */
export const SERVER_VERSION = '24.6.0'

const methodsOf = (service: string, ...methods: readonly string[]): readonly SupportedMethod[] =>
  methods.map((method) => ({ service, method }))

/** Named with all their features: without them the client turns to HTTP. */
const PERSISTENT = ['create', 'update', 'delete', 'read', 'getinfo', 'replayparked', 'list', 'restartsubsystem']

const METHODS: readonly SupportedMethod[] = [
  ...methodsOf('event_store.client.streams.streams', 'read', 'append', 'delete', 'tombstone', 'batchappend'),
  ...methodsOf('event_store.client.gossip.gossip', 'read'),
  ...methodsOf('event_store.client.server_features.serverfeatures', 'getsupportedmethods'),
  ...PERSISTENT.map((method) => ({
    service: 'event_store.client.persistent_subscriptions.persistentsubscriptions',
    method,
    features: ['stream', 'all'],
  })),
]

export const supportedMethodsFrame = (): Buffer => supportedMethods(SERVER_VERSION, METHODS)

export interface Identity {
  readonly instanceId: string
  readonly host: string
  readonly port: number
}

/** `now` in ms since the Unix epoch; the wire has 100-ns ticks. */
export const gossipFrame = ({ instanceId, host, port }: Identity, now: number): Buffer =>
  clusterInfo(instanceId, now * 10_000, host, port)
