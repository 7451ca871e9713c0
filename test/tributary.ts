// The command line for tests: as a process, or within this one, where it costs no start of a second Node.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { runCommandLine } from '../src/cli/program.ts'
import { builtFile } from '../src/engines/built.ts'
import { givenServers } from './skip.ts'

export const CLI = fileURLToPath(builtFile('cli.js'))

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface SpawnOptions {
  readonly cwd?: string
  /** All of it but `PATH`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Starts `tributary` as a process, which knows nothing of this one's environment. */
export const spawnTributary = (
  args: readonly string[],
  { cwd, env = {} }: SpawnOptions = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } => {
  const child = spawn(process.execPath, [CLI, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, out, err }))
  return { child, ended }
}

type Write = typeof process.stdout.write

/** Keeps what is written to a stream until it is released. */
const captured = (stream: NodeJS.WriteStream) => {
  const chunks: Uint8Array[] = []
  const { write } = stream
  const take = (chunk: Uint8Array | string, ...rest: readonly unknown[]): boolean => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    const then = rest.at(-1)
    if (typeof then === 'function') then()
    return true
  }
  stream.write = take as Write
  return () => {
    stream.write = write
    return Buffer.concat(chunks).toString('utf8')
  }
}

/**
 * Runs `tributary` in this process and gives what it would have written and ended with. One at a time: the process's own output,
 * environment, exit code and, where one is given, folder are the command's meanwhile.
 */
export const tributary = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ended> => {
  const { env: outer, exitCode } = process
  const outside = process.cwd()
  if (cwd !== undefined) process.chdir(cwd)
  process.env = { PATH: outer.PATH ?? '', ...env }
  process.exitCode = undefined
  const [out, err] = [captured(process.stdout), captured(process.stderr)]
  // Fails by its exit code, never by throwing.
  await runCommandLine(args)
  const ended = { code: typeof process.exitCode === 'number' ? process.exitCode : 0, out: out(), err: err() }
  process.env = outer
  process.exitCode = exitCode
  process.chdir(outside)
  return ended
}

/** The environment of a command that asks this node, or works on its log. */
export const envOf = ({ url, dir }: { readonly url: string; readonly dir: string }): Record<string, string> => ({
  ...givenServers(dir),
  TRIBUTARY_URL: url,
  DATA_DIR: dir,
})
