// Whether this node's setting of the time zone is news: nodes with different settings must not change it to and fro.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_MODE, makeFolder } from '@tributary/engines/private'

export interface ZoneSetting {
  /** Somebody set another zone here since this node last started: the project is to have it. */
  readonly isNew: boolean
  /** To be called once the project has it, or the node follows the project. */
  remember(): void
}

/** What a node has that was never told a zone. */
const DEFAULT = 'UTC'

/**
 * Holds the setting against what this node's directory remembers of its last start. A node without a memory brings news only
 * with another zone than the default, which it also has when nobody set any.
 */
export const zoneSettingIn = (dataDir: string, zone: string): ZoneSetting => {
  const file = join(dataDir, 'time-zone')
  const last = existsSync(file) ? readFileSync(file, 'utf8').trim() : DEFAULT
  return {
    isNew: last !== zone,
    remember() {
      makeFolder(dataDir)
      writeFileSync(file, `${zone}\n`, { mode: FILE_MODE })
    },
  }
}
