// The master key: kept in a file outside of both stores, so that whoever has their bytes has nobody's data.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeFolder, writeOnce } from '@tributary/engines/private'
import { KEY_BYTES } from './cipher.ts'

export interface MasterKey {
  /** Tells it from others; says nothing of it. */
  readonly id: string
  readonly key: Uint8Array
}

/** A master key's file that cannot be used. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

const LINE = /^[A-Za-z0-9+/]{43}=$/

/** A master key of the base64 of 32 bytes. */
export const masterKey = (text: string): MasterKey => {
  const key = Buffer.from(text, 'base64')
  return { id: createHash('sha256').update('master key').update(key).digest('hex').slice(0, 16), key }
}

/** The keys of a file, one base64 text of 32 bytes a line, newest first: older ones still open what they wrapped. */
const readMasterKeys = (path: string): readonly MasterKey[] => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new MasterKeyError(`MASTER_KEY_FILE ${path} cannot be read (${(error as Error).message})`)
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const bad = lines.findIndex((line) => !LINE.test(line.trim()))
  if (lines.length === 0) throw new MasterKeyError(`MASTER_KEY_FILE ${path} holds no key`)
  if (bad >= 0) throw new MasterKeyError(`MASTER_KEY_FILE ${path}, line ${bad + 1}: must be the base64 of 32 bytes`)
  return lines.map((line) => masterKey(line.trim()))
}

/** The file of the master keys: the one that is given, else the node's own in its data folder. */
export const masterKeyPath = (dataDir: string, masterKeyFile?: string): string =>
  masterKeyFile ?? join(dataDir, 'master.key')

/**
 * The master keys of `masterKeyFile`; without one those of `DATA_DIR/master.key`, where the event log is embedded. A file that is
 * not there is made. Undefined: the log is on a server and no file is given; a key of this node alone would be none for others.
 */
export const loadMasterKeys = ({
  dataDir,
  masterKeyFile,
  eventStoreUrl,
}: {
  readonly dataDir: string
  readonly masterKeyFile?: string | undefined
  readonly eventStoreUrl?: string | undefined
}): readonly MasterKey[] | undefined => {
  if (masterKeyFile === undefined && eventStoreUrl !== undefined) return undefined
  const path = masterKeyPath(dataDir, masterKeyFile)
  // A second key for a log that has one already opens nothing, and is refused when the log is read.
  if (!existsSync(path)) {
    makeFolder(dirname(path))
    writeOnce(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`)
  }
  return readMasterKeys(path)
}
