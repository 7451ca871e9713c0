// The servers that the engine tests run against: those named in EVENTSTORE_URL and MONGODB_URL, else containers when
// TEST_CONTAINERS=1, else the embedded engines in temporary folders.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Faults } from '../../src/engines/eventlog/index.ts'

export interface ServerUnderTest {
  readonly kind: 'given' | 'container' | 'embedded'
  readonly url: string
  /**
   * Ends the server, orderly or (`kill`) in the middle of whatever it does, and starts it again at the same address over
   * the same data. Undefined for a given server: tests that need it do without.
   */
  readonly restart: ((how?: 'stop' | 'kill') => Promise<void>) | undefined
  /** Stops the server and removes what it left. A given server is left alone. */
  end(): Promise<void>
}

export interface EventStoreUnderTest extends ServerUnderTest {
  /** The test mode's faults; only the embedded event log has them. */
  readonly faults: Faults | undefined
}

const EVENT_STORE_IMAGE = 'eventstore/eventstore:24.6.0-jammy'
const MONGODB_IMAGE = 'mongo:8.0'

const inContainers = process.env.TEST_CONTAINERS === '1'

const given = (url: string): ServerUnderTest => ({ kind: 'given', url, restart: undefined, end: async () => {} })

interface Running {
  readonly port: number
  readonly url: string
  stop(): Promise<void>
  kill?(): Promise<void>
}

const embedded = async (start: (dir: string, port: number) => Promise<Running>): Promise<ServerUnderTest> => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-engine-'))
  let running = await start(dir, 0)
  const { port, url } = running
  return {
    kind: 'embedded',
    url,
    restart: async (how = 'stop') => {
      await (how === 'kill' && running.kill !== undefined ? running.kill() : running.stop())
      running = await start(dir, port)
    },
    end: async () => {
      await running.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const eventStoreContainer = async (): Promise<ServerUnderTest> => {
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(EVENT_STORE_IMAGE)
    .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_CLUSTER_SIZE: '1' })
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .start()
  return {
    kind: 'container',
    url: `esdb://${container.getHost()}:${container.getMappedPort(2113)}?tls=false`,
    // A container may come back at another port, so that it cannot be restarted under a client.
    restart: undefined,
    end: async () => {
      await container.stop()
    },
  }
}

const documentStoreContainer = async (): Promise<ServerUnderTest> => {
  const { MongoDBContainer } = await import('@testcontainers/mongodb')
  const container = await new MongoDBContainer(MONGODB_IMAGE).start()
  return {
    kind: 'container',
    url: `${container.getConnectionString()}?directConnection=true`,
    restart: undefined,
    end: async () => {
      await container.stop()
    },
  }
}

/** A call's own credentials make the client use the single append: those of the URL, or any where none are asked for. */
export const credentialsOf = (url = ''): { readonly username: string; readonly password: string } => {
  const [username = 'admin', password = 'changeit'] = /^[a-z+]+:\/\/([^@/]+)@/.exec(url)?.[1]?.split(':') ?? []
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
}

export const eventStoreUnderTest = async (): Promise<EventStoreUnderTest> => {
  const url = process.env.EVENTSTORE_URL
  if (url) return { ...given(url), faults: undefined }
  if (inContainers) return { ...(await eventStoreContainer()), faults: undefined }
  const { createFaults, startEventLog } = await import('../../src/engines/eventlog/index.ts')
  const faults = createFaults()
  return { ...(await embedded((dir, port) => startEventLog({ access: 'open', dir, port, faults }))), faults }
}

export const documentStoreUnderTest = async (): Promise<ServerUnderTest> => {
  const url = process.env.MONGODB_URL
  if (url) return given(url)
  if (inContainers) return documentStoreContainer()
  const { startDocumentStore } = await import('../../src/engines/documents/index.ts')
  return embedded((dir, port) => startDocumentStore({ access: 'open', dir, port }))
}
