// Who may read what this program keeps: its own user and nobody else of the machine.
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER_MODE = 0o700
export const FILE_MODE = 0o600

/** For LMDB, which makes its files by itself; the option is not in its types. */
export const LMDB_FILES = { permissionsMode: FILE_MODE }

/** Whatever the process makes from now on is its user's own, where nothing else is said. For the main thread. */
export const keepPrivate = (): void => {
  process.umask(0o077)
}

/** Makes a folder, and those on the way to it, for this user alone; those that are there stay as they are. */
export const makeFolder = (dir: string): void => {
  mkdirSync(dir, { recursive: true, mode: FOLDER_MODE })
}

/** Makes a folder that holds nothing but the program's own files, or closes one that others could read. */
export const closedFolder = (dir: string): void => {
  makeFolder(dir)
  // On systems without such modes, and on disks without them, this does nothing or cannot be done.
  try {
    chmodSync(dir, FOLDER_MODE)
    for (const entry of readdirSync(dir, { withFileTypes: true }))
      if (entry.isFile()) chmodSync(join(dir, entry.name), FILE_MODE)
  } catch {}
}

/**
 * Writes a file for this user alone, or leaves the one that somebody else made at the same time: beside, and linked into place, so
 * that a start that is killed half-way leaves no half file, and two starts agree on one.
 */
export const writeOnce = (path: string, text: string): void => {
  const draft = `${path}.${process.pid}.new`
  writeFileSync(draft, text, { mode: FILE_MODE, flush: true })
  chmodSync(draft, FILE_MODE)
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!existsSync(path)) throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
