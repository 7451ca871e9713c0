// Who may read what this program keeps: its own user and nobody else of the machine.
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const FOLDER_MODE = 0o700
export const FILE_MODE = 0o600

/** For LMDB, which makes its files by itself; the option is not in its types. */
export const LMDB_FILES = { permissionsMode: FILE_MODE }

/** Whatever the process makes from now on is its user's own, where nothing else is said. For the main thread. */
export const keepPrivate = (): void => {
  process.umask(0o077)
}

/**
 * Makes a folder, and those on the way to it, for this user alone; those that are there stay as they are. One by one: Node's own
 * way never ends where a folder is there in which none can be made, such as `/proc`.
 */
export const makeFolder = (dir: string): void => {
  const missing: string[] = []
  for (let at = resolve(dir); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse())
    try {
      mkdirSync(folder, { mode: FOLDER_MODE })
    } catch (error) {
      // Somebody else may have made it at the same time.
      if (!existsSync(folder)) throw error
    }
  // Something else of this name is in the way: its error says so.
  if (!statSync(dir).isDirectory()) mkdirSync(dir, { mode: FOLDER_MODE })
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
