// Engines as processes of their own, which tests kill, halt and start again.
import { type ChildProcess, spawn } from 'node:child_process'
import { program } from '../program.ts'

export interface Killable {
  readonly url: string
  /** SIGKILL; resolves when the process is gone. */
  stop(): Promise<void>
  /** Starts it again at the same address over the same data. */
  start(): Promise<void>
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
}

/** Starts an engine over `dir`; with a `seed` it injects faults at random. */
export const killable = async (kind: 'events' | 'documents', dir: string, seed?: number): Promise<Killable> => {
  let child: ChildProcess | undefined
  const open = (port: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = [kind, dir, port, ...(seed === undefined ? [] : [String(seed)])]
      const started = spawn(process.execPath, [...program(import.meta.dirname, 'engineProcess.ts'), ...options], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      child = started
      started.stdout.on('data', (line: Buffer) => resolve(line.toString().trim()))
      started.on('exit', () => reject(new Error(`${kind} engine ended`)))
    })
  const url = await open('0')
  const port = new URL(url).port
  return {
    url,
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child!.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    async start() {
      await open(port)
    },
    signal(name) {
      child?.kill(name)
    },
  }
}
