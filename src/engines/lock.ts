// One process per directory: numbered lock files that name their owner. The highest number holds; a dead owner's successor
// takes the next number, which only one can create, so that a take-over after kill -9 is immediate and never shared.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { closedFolder, FILE_MODE } from './private.ts'

export interface DirectoryLock {
  /** Gives the directory back; a second call does nothing. */
  release(): void
}

export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse'
  readonly pid: number
  constructor(dir: string, pid: number) {
    super(`${dir} is in use by process ${pid}: only one process may open it at a time`)
    this.pid = pid
  }
}

/** `started` tells a process from a later one with the same id. */
const Process = v.object({ pid: v.number(), started: v.string() })
/** `space` is where the ids are valid (container, machine); `host` the process that started an engine and for which it runs. */
const Owner = v.object({ ...Process.entries, space: v.string(), host: v.optional(Process) })
type Owner = v.InferOutput<typeof Owner>

const LOCK_FILE = /^lock\.(\d+)$/
/** An owner in another container cannot be asked; it touches its file this often, and is gone when it has not for so long. */
const TOUCH_MS = 2_000
const FOREIGN_SILENCE_MS = 6_000
/** How often an engine without its host is looked at, when it is ended by force, and when that is given up. */
const ORPHAN_LOOK_MS = 20
const ORPHAN_GRACE_MS = 1_000
const ORPHAN_LIMIT_MS = 5_000

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** When a process began, in whatever unit the system has; undefined when there is none (a zombie is none). */
const startOf = (pid: number): string | undefined => {
  if (process.platform === 'linux') {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
    // The name, in parentheses, may hold anything; state is the first field after it, the start time the twentieth.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  }
  if (process.platform === 'win32') return attempt(() => (process.kill(pid, 0) ? 'alive' : undefined))
  return (
    attempt(() => execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()) || undefined
  )
}

const currentSpace = (): string =>
  [
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' ')

const identity = (pid: number): v.InferOutput<typeof Process> => ({ pid, started: startOf(pid) ?? '' })
const lives = ({ pid, started }: v.InferOutput<typeof Process>): boolean => startOf(pid) === started

/** An engine that outlives its host ends by itself at once, unless it hangs: then it is ended here. Its data is crash-safe. */
const endOrphan = async (owner: Owner): Promise<boolean> => {
  if (owner.host === undefined || lives(owner.host)) return false
  for (let waited = 0; lives(owner); waited += ORPHAN_LOOK_MS) {
    if (waited >= ORPHAN_LIMIT_MS) return false
    if (waited >= ORPHAN_GRACE_MS) attempt(() => process.kill(owner.pid, 'SIGKILL'))
    await sleep(ORPHAN_LOOK_MS)
  }
  return true
}

const isAlive = (owner: Owner, file: string, space: string): boolean => {
  if (owner.space === space) return lives(owner)
  const [boot] = owner.space.split(' ')
  // Before this start of the machine: nothing of then is alive.
  if (boot !== space.split(' ')[0]) return false
  const touched = attempt(() => statSync(file).mtimeMs)
  return touched !== undefined && Date.now() - touched < FOREIGN_SILENCE_MS
}

/**
 * Locks `dir` (made when missing) for this process. Rejects with DirectoryInUse, naming the process, when another one, or
 * this one, holds it. A lock whose owner is dead is taken over at once; that of an engine names the process it runs for.
 */
export const lockDirectory = async (dir: string): Promise<DirectoryLock> => {
  closedFolder(dir)
  const space = currentSpace()
  const host = process.send === undefined ? {} : { host: identity(process.ppid) }
  const self: Owner = { ...identity(process.pid), ...host, space }
  const numbers = () =>
    readdirSync(dir)
      .flatMap((name) => LOCK_FILE.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a)
  const path = (n: number) => join(dir, `lock.${n}`)

  const draft = join(dir, `.lock-${randomUUID()}`)
  writeFileSync(draft, JSON.stringify(self), { mode: FILE_MODE })
  try {
    for (;;) {
      const [highest = 0] = numbers()
      if (highest > 0) {
        const text = attempt(() => readFileSync(path(highest), 'utf8'))
        if (text === undefined) continue
        const owner = v.safeParse(v.pipe(v.string(), v.parseJson(), Owner), text)
        if (owner.success && isAlive(owner.output, path(highest), space)) {
          const foreign = owner.output.space !== space
          const touched = attempt(() => statSync(path(highest)).mtimeMs) ?? 0
          if (!foreign) {
            if (await endOrphan(owner.output)) continue
            throw new DirectoryInUse(dir, (owner.output.host ?? owner.output).pid)
          }
          await sleep(FOREIGN_SILENCE_MS)
          if ((attempt(() => statSync(path(highest)).mtimeMs) ?? 0) !== touched)
            throw new DirectoryInUse(dir, (owner.output.host ?? owner.output).pid)
          continue
        }
      }
      const mine = highest + 1
      try {
        // A link makes the file with its content in one step, and fails when somebody else was first.
        linkSync(draft, path(mine))
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue
        throw error
      }
      const others = numbers().filter((n) => n !== mine)
      if (others.some((n) => n > mine)) {
        rmSync(path(mine), { force: true })
        continue
      }
      for (const n of others) rmSync(path(n), { force: true })
      return hold(path(mine))
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

const hold = (file: string): DirectoryLock => {
  const timer = setInterval(() => {
    attempt(() => utimesSync(file, new Date(), new Date()))
  }, TOUCH_MS)
  timer.unref()
  let released = false
  return {
    release: () => {
      if (released) return
      released = true
      clearInterval(timer)
      rmSync(file, { force: true })
    },
  }
}
