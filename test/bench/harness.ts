// What benches share: a server process of their own, its keys, load at a fixed number of connections, and rows of results.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One figure. `target` says what it is held against, in words. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target?: string | undefined
}

export interface Server {
  readonly url: string
  readonly pid: number
  readonly headers: Readonly<Record<string, string>>
  readonly adminHeaders: Readonly<Record<string, string>>
  readonly dir: string
  stop(): Promise<void>
}

const root = new URL('../..', import.meta.url).pathname

/** What `npm start` tells Node itself, such as how large its heap may be. */
const NODE_ARGS = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
).scripts.start
  .split(' ')
  .filter((word) => word.startsWith('--'))

/** Starts a process and resolves with the first match of `pattern` in what it writes. */
export const startProcess = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  pattern: RegExp,
  limitMs = 120_000,
  nodeArgs: readonly string[] = [],
): Promise<{ readonly child: ChildProcess; readonly match: RegExpExecArray }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...NODE_ARGS, ...nodeArgs, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let written = ''
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`not up after ${limitMs} ms:\n${written}`))
    }, limitMs)
    const look = (chunk: Buffer): void => {
      written += chunk
      const match = pattern.exec(written)
      if (!match) return
      clearTimeout(timer)
      child.stdout?.removeAllListeners('data').resume()
      child.stderr?.removeAllListeners('data').resume()
      resolve({ child, match })
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.on('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`ended with ${code}:\n${written}`))
    })
  })

const stopProcess = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.on('exit', () => resolve())
    child.kill('SIGTERM')
  })

/** A server with embedded engines over a fresh directory, or over `dir`. */
export const startServer = async (
  env: Readonly<Record<string, string>> = {},
  dir?: string,
  nodeArgs: readonly string[] = [],
): Promise<Server> => {
  const data = dir ?? (await mkdtemp(join(tmpdir(), 'tributary-bench-')))
  const { child, match } = await startProcess(
    ['dist/main.js'],
    { PORT: '0', HOST: '127.0.0.1', DATA_DIR: data, LOG_LEVEL: 'error', ...env },
    /listens on (http:\S+)/,
    120_000,
    nodeArgs,
  )
  const keys = JSON.parse(readFileSync(join(data, 'keys.json'), 'utf8')) as {
    role: string
    appId: string
    token: string
  }[]
  const headersOf = (role: string) => {
    const key = keys.find((k) => k.role === role)!
    return { 'X-App-Id': key.appId, 'X-App-Token': key.token, 'Content-Type': 'application/json' }
  }
  return {
    url: match[1]!,
    pid: child.pid!,
    headers: headersOf('integrator'),
    adminHeaders: headersOf('admin'),
    dir: data,
    async stop() {
      await stopProcess(child)
      if (dir === undefined) await rm(data, { recursive: true, force: true })
    },
  }
}

/** Connections that wait their turn are queued here and not at the server, which is what a client with a pool does. */
const pool = new Agent({ keepAlive: true, maxSockets: 256 })

interface Answered {
  readonly body: never
  readonly headers: Headers
}

const sendOnce = (
  server: Pick<Server, 'url'>,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Answered | { readonly retryAfterMs: number }> =>
  new Promise((resolve, reject) => {
    const sent = request(server.url + path, { agent: pool, method, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const status = answer.statusCode ?? 0
        const retryAfter = Number(answer.headers['retry-after'])
        if (status === 503 && retryAfter > 0) resolve({ retryAfterMs: retryAfter * 1_000 })
        else if (status < 200 || status > 299) reject(new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`))
        else
          resolve({
            body: (text === '' ? undefined : JSON.parse(text)) as never,
            headers: new Headers(answer.headers as Record<string, string>),
          })
      })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

/** Sends JSON and gives the parsed answer; again as long as the server is busy, as the API asks for; throws on any other status but 2xx. */
export const call = async (...asked: Parameters<typeof sendOnce>): Promise<Answered> => {
  for (;;) {
    const answer = await sendOnce(...asked)
    if (!('retryAfterMs' in answer)) return answer
    await new Promise((ok) => setTimeout(ok, answer.retryAfterMs))
  }
}

export interface Load {
  readonly count: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly failed: number
}

/**
 * Posts as fast as answers come, over `connections` at once, for `ms` or until `ended`. Bodies are made beforehand, so that
 * making them costs nothing.
 */
export const load = async (
  url: string,
  headers: Readonly<Record<string, string>>,
  bodies: readonly string[],
  { connections, ms, ended }: { readonly connections: number; readonly ms: number; readonly ended?: Promise<unknown> },
): Promise<Load> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const target = new URL(url)
  const times: number[] = []
  let failed = 0
  let next = 0
  const post = (body: string): Promise<void> =>
    new Promise((resolve) => {
      const started = performance.now()
      const sent = request(
        {
          agent,
          host: target.hostname,
          port: target.port,
          path: target.pathname,
          method: 'POST',
          headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        },
        (answer) => {
          answer.resume()
          answer.on('end', () => {
            times.push(performance.now() - started)
            if (answer.statusCode !== 200) failed++
            resolve()
          })
        },
      )
      sent.on('error', () => {
        failed++
        resolve()
      })
      sent.end(body)
    })
  let end = performance.now() + ms
  void ended?.then(() => {
    end = 0
  })
  const began = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) await post(bodies[next++ % bodies.length]!)
    }),
  )
  const seconds = (performance.now() - began) / 1_000
  agent.destroy()
  times.sort((a, b) => a - b)
  return {
    count: times.length,
    perSecond: times.length / seconds,
    p50: times[Math.floor(times.length * 0.5)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    failed,
  }
}

/**
 * Begins `one` so many times a second, whether or not those before have been answered, `count` times in all. Gives what came of
 * them, and how many a second were done by the time that the last was; rejects with the first failure.
 */
export const steadily = async <T>(
  perSecond: number,
  count: number,
  one: (n: number) => Promise<T>,
): Promise<{ readonly results: readonly T[]; readonly perSecond: number }> => {
  const running: Promise<T>[] = []
  const began = performance.now()
  for (let n = 0; n < count; n++) {
    const wait = began + (n * 1_000) / perSecond - performance.now()
    // A timer cannot wait for less.
    if (wait > 1) await new Promise((ok) => setTimeout(ok, wait))
    running.push(one(n))
  }
  const results = await Promise.all(running)
  return { results, perSecond: (count / (performance.now() - began)) * 1_000 }
}

/** Resident memory of a process and of those that it started, MB; pages of Node itself, which they share, count once. */
export const residentMb = (pid: number): number => {
  const kb = (of: string, field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${of}/status`, 'utf8'))?.[1] ?? 0)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  const own = children.reduce((sum, child) => sum + kb(child, 'RssAnon'), 0)
  return (kb(String(pid), 'VmRSS') + own) / 1_024
}

/** The value below which a share `q` of the sorted numbers lies. */
export const quantile = (numbers: readonly number[], q: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))] ?? 0

/** Waits until what was sent shows in the read models, so that nothing of it is still to be done. */
export const caughtUp = async (server: Server): Promise<void> => {
  for (;;) {
    const { body } = await call(server, 'GET', '/health/ready', server.headers)
    const { state, lag } = (body as { checks: { projector: { state: string; lag: { events: number } } } }).checks
      .projector
    if (state === 'live' && lag.events === 0) return
    await new Promise((ok) => setTimeout(ok, 100))
  }
}
