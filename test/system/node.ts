// A whole node for tests: real drivers, real engines over a directory of its own, real HTTP. With FAULTS its engines are in
// trouble, and requests go through a gateway that repeats them as the API asks for.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../../src/config.ts'
import { type GeneratedKey, loadKeys, type Role } from '../../src/keys.ts'
import { createLogger } from '../../src/log.ts'
import { type Node, startNode } from '../../src/node.ts'
import type { Machine } from '../../src/time/nodeClock.ts'
import { trouble } from '../engines/trouble.ts'
import { startTroubled } from '../engines/troubled.ts'
import { assertLawful, lawsOf } from '../laws.ts'
import { givenServers } from '../skip.ts'
import { leaveRecording } from '../streams/recording.ts'
import { startGateway } from './gateway.ts'

export interface Answer {
  readonly status: number
  readonly body: ReturnType<typeof JSON.parse>
  readonly headers: Headers
}

export interface TestNode extends Node {
  readonly dir: string
  key(role: Role): GeneratedKey
  /** Headers of a role's key, as its kind of path wants them. */
  headers(role: Role): Record<string, string>
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>
  /** Checks the laws of the log, stops the node and removes its directory. */
  end(options?: EndOptions): Promise<void>
}

export interface EndOptions {
  /** The test has put facts into the log that no command led to, and that go by no law. */
  readonly factsAreMadeUp?: boolean
}

export interface CallOptions {
  readonly as?: Role
  readonly headers?: Readonly<Record<string, string>>
  /** Waits for what this answer's command recorded. */
  readonly after?: Answer
}

/** Gives the generated client key of a data directory what it lacks by default, and adds further keys to the file. */
const changeKeys = async (data: string, client: Partial<GeneratedKey>, more: readonly GeneratedKey[]) => {
  const { path } = loadKeys({ dataDir: data })
  const keys = JSON.parse(await readFile(path, 'utf8')) as GeneratedKey[]
  const changed = keys.map((key) => (key.role === 'client' ? { ...key, ...client } : key))
  await writeFile(path, JSON.stringify([...changed, ...more]))
}

export interface TestKeys {
  /** What the generated client key has beside its pair. */
  readonly client?: Partial<GeneratedKey>
  readonly more?: readonly GeneratedKey[]
  /** The clocks of the node's machine. */
  readonly machine?: Machine
}

/** Starts a node with settings as the environment would give them, over a fresh directory or `dir`. */
export const testNode = async (
  env: Readonly<Record<string, string>> = {},
  dir?: string,
  { client, more = [], machine }: TestKeys = {},
): Promise<TestNode> => {
  const data = dir ?? (await mkdtemp(join(tmpdir(), 'tributary-test-')))
  if (client || more.length > 0) await changeKeys(data, client ?? {}, more)
  const troubled =
    trouble && env.EVENTSTORE_URL === undefined && env.MONGODB_URL === undefined
      ? await startTroubled(data, trouble)
      : undefined
  // Nodes of one log have one key, or none: where a test names the log, that is its own matter.
  const { MASTER_KEY_FILE: masterKeyFile, ...given } = givenServers(data)
  const config: Config = loadConfig({
    ...(troubled ? { EVENTSTORE_URL: troubled.eventStoreUrl, MONGODB_URL: troubled.mongodbUrl } : {}),
    ...given,
    ...(masterKeyFile === undefined || env.EVENTSTORE_URL !== undefined ? {} : { MASTER_KEY_FILE: masterKeyFile }),
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: data,
    LOG_LEVEL: 'error',
    ...env,
  })
  const inner = await startNode(config, createLogger(troubled ? 'silent' : config.logLevel), {
    ...(machine ? { machine } : {}),
    // Enough to be compared with; what the real cost is has a test of its own.
    passwordCost: { ln: 8, r: 8, p: 1 },
  }).catch(async (error) => {
    await troubled?.stop()
    throw error
  })
  const gateway = troubled && (await startGateway(inner.url))
  const node: Node = gateway
    ? {
        ...inner,
        url: gateway.url,
        async stop() {
          await gateway.close()
          await inner.stop()
          await troubled.stop()
        },
      }
    : inner
  const keys = JSON.parse(await readFile(join(data, 'keys.json'), 'utf8')) as GeneratedKey[]
  const key = (role: Role): GeneratedKey => {
    const found = keys.find((k) => k.role === role)
    if (!found) throw new Error(`no key of role ${role}`)
    return found
  }
  const headers = (role: Role): Record<string, string> =>
    role === 'client'
      ? { 'X-Client-Application-Id': key(role).appId, 'X-Client-Token': key(role).token, Origin: 'https://shop.test' }
      : { 'X-App-Id': key(role).appId, 'X-App-Token': key(role).token }
  const management = () => ({ 'X-Management-Id': key('admin').appId, 'X-Management-Token': key('admin').token })
  return {
    ...node,
    dir: data,
    key,
    headers,
    async call(
      method,
      path,
      body,
      { as = path.startsWith('/client/') ? 'client' : 'integrator', headers: more, after } = {},
    ) {
      const token = after?.headers.get('consistency-token')
      const answer = await fetch(node.url + path, {
        method,
        headers: {
          ...(path.startsWith('/management/') ? management() : headers(as)),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(token ? { 'Consistency-Token': token, Prefer: 'wait=10' } : {}),
          ...more,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await answer.text()
      return {
        status: answer.status,
        body: text !== '' && (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text,
        headers: answer.headers,
      }
    },
    async end({ factsAreMadeUp = false } = {}) {
      const folder = process.env.RECORD_STREAMS
      if (folder !== undefined && !factsAreMadeUp) await leaveRecording(folder, data, node.services)
      const laws = await lawsOf(node.services.store).finally(() => node.stop())
      if (dir === undefined) await rm(data, { recursive: true, force: true })
      if (!factsAreMadeUp) assertLawful(laws)
    },
  }
}
