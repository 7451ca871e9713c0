// The product as its users start it: a process of its own that serves over a folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { CLI } from './tributary.ts'
import { others } from './until.ts'

/** How long a server may take to be there: all of a processor is not its own. */
export const START_MS = 60_000 * others()

export interface Served {
  readonly child: ChildProcess
  readonly url: string
}

/** Starts a server over a folder; a port other than 0 is that of a server before it. */
export const serve = async (dir: string, port: string, env: Readonly<Record<string, string>> = {}): Promise<Served> => {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', port, '--data', dir], {
    env: { ...process.env, HOST: '127.0.0.1', LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the server did not start: ${said}`)), START_MS)
    child.stderr.on('data', (chunk) => {
      said += chunk
      const match = /listens on (http:\S+)/.exec(said)
      if (!match) return
      clearTimeout(late)
      resolve(match[1]!)
    })
    child.once('exit', () => {
      clearTimeout(late)
      reject(new Error(`the server ended: ${said}`))
    })
  })
  return { child, url }
}

/** Ends it by a signal; resolves once it is gone. */
export const end = async ({ child }: Served, signal: NodeJS.Signals): Promise<void> => {
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
