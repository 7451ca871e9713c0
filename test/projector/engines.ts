// Both databases for the tests of the edges: the servers named in EVENTSTORE_URL and MONGODB_URL, else embedded engines in
// temporary folders, which can be stopped and started again on the same port.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventStore, type EventStore } from '../../src/eventstore/index.ts'
import { createReadModel, type ReadModel } from '../../src/readmodel/index.ts'
import { beforeNextLook, patient } from '../until.ts'
import { testCodec } from './facts.ts'

export interface Engine {
  readonly url: string
  stop(): Promise<void>
  /** Starts it again on the same port and folder. */
  start(): Promise<void>
}

export interface Engines {
  readonly events: Engine
  readonly documents: Engine
  /** Ends both and removes their folders. */
  end(): Promise<void>
}

/** Whether the engines are embedded: only then can tests stop them. */
export const embedded = process.env.EVENTSTORE_URL === undefined && process.env.MONGODB_URL === undefined

const given = (url: string): Engine => {
  const refuse = () => Promise.reject(new Error('a given server cannot be stopped'))
  return { url, stop: refuse, start: refuse }
}

const restartable = async (
  open: (port: number) => Promise<{ readonly port: number; readonly url: string; stop(): Promise<void> }>,
): Promise<Engine> => {
  let running: Awaited<ReturnType<typeof open>> | undefined = await open(0)
  const { port, url } = running
  return {
    url,
    async stop() {
      await running?.stop()
      running = undefined
    },
    async start() {
      running ??= await open(port)
    },
  }
}

const tempDir = () => mkdtempSync(join(tmpdir(), 'tributary-test-'))

const withFolder = async (
  start: (dir: string) => Promise<Engine>,
  url: string | undefined,
): Promise<Engine & { end(): Promise<void> }> => {
  if (url) return { ...given(url), end: () => Promise.resolve() }
  const dir = tempDir()
  const engine = await start(dir)
  return {
    ...engine,
    async end() {
      await engine.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export const startEventLogEngine = async (): Promise<Engine & { end(): Promise<void> }> => {
  const { startEventLog } = await import('../../src/engines/eventlog/index.ts')
  return withFolder(
    (dir) => restartable((port) => startEventLog({ access: 'open', dir, port })),
    process.env.EVENTSTORE_URL,
  )
}

export const startDocumentEngine = async (): Promise<Engine & { end(): Promise<void> }> => {
  const { startDocumentStore } = await import('../../src/engines/documents/index.ts')
  return withFolder(
    (dir) => restartable((port) => startDocumentStore({ access: 'open', dir, port, enableTestCommands: true })),
    process.env.MONGODB_URL,
  )
}

export const startEngines = async (): Promise<Engines> => {
  const [events, documents] = await Promise.all([startEventLogEngine(), startDocumentEngine()])
  return {
    events,
    documents,
    async end() {
      await Promise.all([events.end(), documents.end()])
    },
  }
}

export const openStore = (engines: Engines): EventStore =>
  createEventStore({ url: engines.events.url, codec: testCodec })

/** A database of its own for each test. */
export const openReadModel = (engines: Engines, database = `test-${randomUUID()}`): ReadModel =>
  createReadModel({ url: engines.documents.url, database })

/** How long something may take that comes about by itself, ms. */
export const PATIENCE_MS = 60_000

/** Waits until `condition` holds; rejects, with what was seen last, when it does not within the time. */
export const until = async (
  condition: () => boolean | Promise<boolean>,
  {
    timeoutMs = PATIENCE_MS,
    what = () => 'the condition does not hold',
  }: { timeoutMs?: number; what?: () => string } = {},
): Promise<void> => {
  const began = performance.now()
  while (!(await condition())) {
    const limit = patient(timeoutMs)
    if (performance.now() - began > limit) throw new Error(`after ${limit} ms: ${what()}`)
    await beforeNextLook(began)
  }
}
