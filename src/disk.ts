// Room on the disks that a node writes to: looked at all the time, so that writes end with a reason before a store is full.
import { statfs } from 'node:fs/promises'
import { Gauge, type Registry } from 'prom-client'
import type { Logger } from './log.ts'

/** A file system, in bytes; `free` is what a process without privileges may still take. */
export interface Room {
  readonly free: number
  readonly total: number
}

/** How much must stay free. What is set counts by itself; when nothing is, the lesser of the two defaults. */
export interface Marks {
  readonly bytes: number | undefined
  /** Of the whole file system, 0 to 1. */
  readonly share: number | undefined
}

const DEFAULT_BYTES = 100 * 1024 * 1024
const DEFAULT_SHARE = 0.05

/** Bytes of `total` that must stay free. */
export const markOf = ({ bytes, share }: Marks, total: number): number =>
  bytes === undefined && share === undefined
    ? Math.min(DEFAULT_BYTES, DEFAULT_SHARE * total)
    : Math.max(bytes ?? 0, (share ?? 0) * total)

const inMebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

/** Why nothing is to be written to the file system of `path`; undefined while there is room. */
const shortageOf = (path: string, { free, total }: Room, marks: Marks): string | undefined => {
  const mark = markOf(marks, total)
  return free < mark
    ? `The disk of ${path} is nearly full: ${inMebibytes(free)} are free, and ${inMebibytes(mark)} must stay so`
    : undefined
}

export interface DiskStatus {
  readonly path: string
  /** Undefined until it could be asked. */
  readonly room: Room | undefined
  /** Why nothing is written; absent while there is room. */
  readonly shortage?: string
}

export interface DiskWatch {
  /** Why no command is taken now; undefined while there is room everywhere. */
  shortage(): string | undefined
  status(): readonly DiskStatus[]
  stop(): void
}

export interface DiskOptions {
  readonly paths: readonly string[]
  readonly marks: Marks
  readonly log: Pick<Logger, 'warn' | 'info'>
  readonly everyMs?: number
  /** How a file system is asked; default the system's own call. */
  readonly roomOf?: (path: string) => Promise<Room>
}

/** How often the disks are asked at least while one is nearly full, ms; up to `MOST_RARELY` times as long with so much more room. */
const LOOK_EVERY_MS = 1_000
const MOST_RARELY = 8
/** More than what is written in the shortest time between two looks, bytes. */
const MOST_WRITTEN = 2 * 1024 ** 3

const askSystem = async (path: string): Promise<Room> => {
  const { bavail, blocks, bsize } = await statfs(path)
  return { free: bavail * bsize, total: blocks * bsize }
}

/**
 * Asks the file systems of `paths` from now on; resolves after the first look. One that cannot be asked is told in the log and
 * counts as having room: it is the write itself that fails then.
 */
export const watchDisks = async ({
  paths,
  marks,
  log,
  everyMs = LOOK_EVERY_MS,
  roomOf = askSystem,
}: DiskOptions): Promise<DiskWatch> => {
  let statuses: readonly DiskStatus[] = paths.map((path) => ({ path, room: undefined }))
  const unknown = new Set<string>()

  const ask = async (path: string): Promise<DiskStatus> => {
    try {
      const room = await roomOf(path)
      unknown.delete(path)
      const shortage = shortageOf(path, room, marks)
      return { path, room, shortage }
    } catch (error) {
      if (!unknown.has(path)) log.warn({ path, err: error }, 'a disk cannot be asked for its room')
      unknown.add(path)
      return { path, room: undefined }
    }
  }
  const shortage = () => statuses.find((status) => status.shortage !== undefined)?.shortage

  const look = async (): Promise<void> => {
    const before = shortage()
    statuses = await Promise.all(paths.map(ask))
    const after = shortage()
    if (before === undefined && after !== undefined)
      log.warn({ reason: after }, 'commands are refused until there is room')
    if (before !== undefined && after === undefined) log.info('there is room again: commands are taken')
  }

  await look()
  let timer: NodeJS.Timeout
  let stopped = false
  const next = () => {
    if (stopped) return
    const spare = ({ room }: DiskStatus) => (room ? room.free - markOf(marks, room.total) : 0)
    const looks = Math.floor(Math.min(...statuses.map(spare)) / MOST_WRITTEN)
    timer = setTimeout(() => void look().then(next), everyMs * Math.min(MOST_RARELY, Math.max(1, looks)))
    timer.unref()
  }
  next()
  return {
    shortage,
    status: () => statuses,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

/** What operators see of it. */
export const diskMetrics = (registry: Registry, disks: Pick<DiskWatch, 'status'>): void => {
  const gauge = (name: string, help: string, read: (status: DiskStatus) => number | undefined): void => {
    new Gauge({
      name,
      help,
      labelNames: ['path'],
      registers: [registry],
      collect() {
        for (const status of disks.status()) {
          const value = read(status)
          if (value !== undefined) this.set({ path: status.path }, value)
        }
      },
    })
  }
  gauge('tributary_disk_free_bytes', 'Room on the disks that are written to', ({ room }) => room?.free)
  gauge('tributary_disk_short', '1 while commands are refused for want of room', ({ shortage }) => (shortage ? 1 : 0))
}

/** Words of systems and stores for a full disk; 14031 is the document stores' code. */
const FULL = /no space left|ENOSPC|EDQUOT|quota exceeded|MDB_MAP_FULL|the event log is full|disk is full/i
const OUT_OF_DISK_SPACE = 14031
const CAUSES = 8

/** Whether an error, or what it was caused by, says that a disk is full. */
export const isDiskFull = (error: unknown): boolean => {
  let at = error
  for (let depth = 0; depth < CAUSES && at instanceof Error; depth++) {
    if (FULL.test(at.message) || ('code' in at && at.code === OUT_OF_DISK_SPACE)) return true
    at = at.cause
  }
  return false
}
