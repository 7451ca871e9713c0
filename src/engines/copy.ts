// Copies of the embedded engines' files while a server uses them: each is one consistent state, and the log's is the younger.
import { chmodSync, copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import { removeUnreadable } from './eventlog/log/compact.ts'
import { lockDirectory } from './lock.ts'
import { closedFolder, FILE_MODE, makeFolder } from './private.ts'

export { DirectoryInUse } from './lock.ts'

/** The read models first: a log that is ahead of them is caught up with, one that is behind would contradict them. */
const FOLDERS = ['documents', 'events'] as const
const DATA_FILE = 'data.mdb'
/** LMDB's own lock, and those that keep a second process away. */
const NOT_COPIED = /^lock\./

export class CopyRefused extends Error {
  override readonly name = 'CopyRefused'
}

const isEmpty = (dir: string): boolean => !existsSync(dir) || readdirSync(dir).length === 0

/** Waits until a file's content, or a folder's list of names, is on disk. */
const toDisk = async (path: string): Promise<void> => {
  const file = await openFile(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const copyPrivately = (from: string, to: string): void => {
  copyFileSync(from, to)
  chmodSync(to, FILE_MODE)
}

/** Everything in a folder but its data file and its locks. */
const copyRest = (from: string, to: string): void => {
  for (const name of readdirSync(from))
    if (name !== DATA_FILE && !NOT_COPIED.test(name) && statSync(join(from, name)).isFile())
      copyPrivately(join(from, name), join(to, name))
}

/**
 * Copies both engines' files of a data folder into an empty one. A server may be running: LMDB reads a snapshot of its own
 * beside it. Call it on the server's machine, in another process. Throws `CopyRefused`.
 */
export const backupEngines = async (dataDir: string, target: string): Promise<void> => {
  for (const folder of FOLDERS)
    if (!existsSync(join(dataDir, folder, DATA_FILE)))
      throw new CopyRefused(`${join(dataDir, folder)} holds no embedded engine`)
  if (!isEmpty(target)) throw new CopyRefused(`${target} is not empty`)
  closedFolder(target)
  for (const folder of FOLDERS) {
    const [from, to] = [join(dataDir, folder), join(target, folder)]
    closedFolder(to)
    const environment = open({ path: from, readOnly: true, maxDbs: 16 })
    try {
      await environment.backup(to, true)
    } finally {
      await environment.close()
    }
    copyRest(from, to)
    closedFolder(to)
    for (const name of readdirSync(to)) await toDisk(join(to, name))
    await toDisk(to)
  }
  copyRest(dataDir, target)
  await toDisk(target)
}

/**
 * Writes the files of both engines anew, with nothing in them but what can still be read: events of deleted streams, and what
 * was overwritten, are gone afterwards. Needs as much free disk as the engines take, and a folder that no server uses: throws
 * `DirectoryInUse`. After a crash on the way either the old files are there or the new ones. Gives the events removed, and the
 * bytes before and after.
 */
export const compactEngines = async (
  dataDir: string,
): Promise<{ readonly events: number; readonly before: number; readonly after: number }> => {
  let [events, before, after] = [0, 0, 0]
  for (const folder of FOLDERS) {
    const dir = join(dataDir, folder)
    if (!existsSync(join(dir, DATA_FILE))) throw new CopyRefused(`${dir} holds no embedded engine`)
    const lock = await lockDirectory(dir)
    const draft = join(dir, 'compacted')
    try {
      before += statSync(join(dir, DATA_FILE)).size
      if (folder === 'events') events = await removeUnreadable(dir)
      rmSync(draft, { recursive: true, force: true })
      closedFolder(draft)
      const environment = open({ path: dir, readOnly: true, maxDbs: 16 })
      try {
        await environment.backup(draft, true)
      } finally {
        await environment.close()
      }
      await toDisk(join(draft, DATA_FILE))
      renameSync(join(draft, DATA_FILE), join(dir, DATA_FILE))
      closedFolder(dir)
      await toDisk(dir)
      after += statSync(join(dir, DATA_FILE)).size
    } finally {
      rmSync(draft, { recursive: true, force: true })
      lock.release()
    }
  }
  return { events, before, after }
}

/** Puts a backup into a data folder that holds no engines yet; the server is started afterwards. Throws `CopyRefused`. */
export const restoreEngines = async (backup: string, dataDir: string): Promise<void> => {
  for (const folder of FOLDERS) {
    if (!existsSync(join(backup, folder, DATA_FILE))) throw new CopyRefused(`${backup} holds no backup`)
    if (!isEmpty(join(dataDir, folder))) throw new CopyRefused(`${join(dataDir, folder)} is not empty`)
  }
  makeFolder(dataDir)
  for (const folder of FOLDERS) {
    const [from, to] = [join(backup, folder), join(dataDir, folder)]
    closedFolder(to)
    copyRest(from, to)
    copyFileSync(join(from, DATA_FILE), join(to, DATA_FILE))
    closedFolder(to)
    for (const name of readdirSync(to)) await toDisk(join(to, name))
    await toDisk(to)
  }
  for (const name of readdirSync(backup))
    if (statSync(join(backup, name)).isFile() && !existsSync(join(dataDir, name)))
      copyPrivately(join(backup, name), join(dataDir, name))
  await toDisk(dataDir)
}
