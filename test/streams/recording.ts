// Logs of whole nodes as files: tests leave theirs where RECORD_STREAMS names a folder, and `npm run streams` keeps the fewest that
// have every fact type among them.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportLines } from '../../src/audit/export.ts'
import { masterKeyPath } from '../../src/privacy/masterKey.ts'
import type { Services } from '../../src/services.ts'

/** The keys that open a log, of a project that never was: first line of its file. */
export interface Keys {
  readonly masterKey: string
  readonly projectKey: string
}

/** Writes what a node has recorded into `folder`; a node without a master key of its own leaves nothing. */
export const leaveRecording = async (
  folder: string,
  dataDir: string,
  { store, rulebook }: Pick<Services, 'store' | 'rulebook'>,
): Promise<void> => {
  const masterKey = await readFile(masterKeyPath(dataDir), 'utf8').catch(() => undefined)
  if (masterKey === undefined) return
  const keys: Keys = { masterKey: masterKey.trim(), projectKey: rulebook.current().project.customerKey }
  const lines = [JSON.stringify(keys)]
  for await (const line of exportLines(store)) lines.push(line)
  // The export's own last line says how many there are.
  lines.pop()
  await writeFile(join(folder, `${process.pid}-${Date.now()}.ndjson`), `${lines.join('\n')}\n`)
}
