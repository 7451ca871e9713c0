// Exports of the log as files: written, sealed, checked, read in again, and the keys beside them.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { startEngines } from '@tributary/engines'
import { makeFolder } from '@tributary/engines/private'
import * as v from 'valibot'
import { ImportRefused, importLines } from '../audit/export.ts'
import { ExportExists, linesOfFile, writeExport } from '../audit/exportFile.ts'
import { Block, checkSeal, Seal } from '../audit/seal.ts'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { errorText } from '../domain/errorText.ts'
import { factRegistry } from '../domain/registry.ts'
import { createCodec } from '../eventstore/codec.ts'
import { createEventStore } from '../eventstore/index.ts'
import { parseExactly } from '../exactJson.ts'
import type { Connection } from '../import/client.ts'
import { masterKeyPath } from '../privacy/masterKey.ts'
import { ask, askLines } from './asking.ts'
import { ConnectionOptions, connectionFor } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

export const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

export const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** A path with the parameters that were given. */
export const pathOf = (path: string, query: Readonly<Record<string, string | number | undefined>>): string => {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? path : `${path}?${given}`
}

export const readJson = <T>(file: string, schema: v.GenericSchema<unknown, T>, what: string): T => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new CliError(`There is no file ${file} to read`, EXIT.usage)
  }
  try {
    return v.parse(schema, parseExactly(text))
  } catch {
    throw new CliError(`${file} is no ${what}`, EXIT.usage)
  }
}

export const verifySeal = async (connection: Connection, file: string): Promise<void> => {
  const kept = readJson(file, Seal, 'seal')
  const until = kept.blocks.at(-1)?.position
  const blocks: Block[] = []
  if (until !== undefined)
    await askLines(connection, pathOf('/v1/audit/seal', { until }), {
      onLine: (line) => void blocks.push(v.parse(Block, JSON.parse(line))),
    })
  const check = await checkSeal(
    (async function* () {
      yield* blocks
    })(),
    kept,
  )
  if (check.holds) {
    process.stdout.write(`The seal holds: ${check.events} events are as they were sealed.\n`)
    return
  }
  throw new CliError(
    `The seal is broken at block ${check.block} (events ${check.from + 1} to ${check.upTo} of the log): ${check.why}.`,
    EXIT.failed,
  )
}

/** Those of the server on this machine. Throws `CliError` for what it could not start with. */
const settings = (): Config => {
  try {
    return loadConfig(process.env)
  } catch (error) {
    throw error instanceof ConfigError ? new CliError(error.message, EXIT.usage) : error
  }
}

const keyFileOf = (file: string): string => `${file}.key`

/** Where the caller is the operator too, the key that the export leaves out goes into a file of its own beside it. */
const keepKey = async (operator: Connection | undefined, file: string): Promise<void> => {
  if (operator === undefined) {
    say(
      "The project's key is not in it. To restore it, give that key as PROJECT_KEY, or export with an admin's key file.",
    )
    return
  }
  const { key } = v.parse(v.object({ key: v.string() }), await ask(operator, 'GET', '/v1/audit/project-key'))
  // The master key stays with whoever runs the server: it is taken from its folder, never asked for.
  const { dataDir, masterKeyFile } = settings()
  const master = masterKeyPath(dataDir, masterKeyFile)
  const masters = existsSync(master) ? readFileSync(master, 'utf8') : ''
  writeFileSync(keyFileOf(file), `${key}\n${masters}`, { mode: 0o600 })
  if (masters === '') say('The master key of personal data is not in it: restore it with the same MASTER_KEY_FILE')
  say(`The project's key, which restoring it needs, is in ${keyFileOf(file)}: keep it to yourself`)
}

/** A connection with an admin key, where the key file of the command has one. */
export const operatorIn = (options: unknown): Connection | undefined => {
  const parsed = v.parse(ConnectionOptions, options)
  if (parsed.appId !== undefined) return undefined
  try {
    return connectionFor(parsed, 'admin')
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
}

const projectKeyFor = (file: string): string | undefined => {
  const { PROJECT_KEY: given } = process.env
  if (given) return given.trim()
  return existsSync(keyFileOf(file)) ? readFileSync(keyFileOf(file), 'utf8').split('\n')[0]?.trim() : undefined
}

/** What the key file has beside the project's key opens the personal data of the restored log: it goes where the server looks. */
const restoreMasterKey = (file: string, data: string, { eventStoreUrl, masterKeyFile }: Config): void => {
  const [, ...masters] = existsSync(keyFileOf(file)) ? readFileSync(keyFileOf(file), 'utf8').trim().split('\n') : []
  if (masters.length === 0) return
  const path = masterKeyPath(data, masterKeyFile)
  if (!existsSync(path)) {
    // With given servers nobody else has made the folder.
    makeFolder(dirname(path))
    writeFileSync(path, `${masters.join('\n')}\n`, { mode: 0o600 })
  }
  if (eventStoreUrl !== undefined && masterKeyFile === undefined)
    say(`Start the server with MASTER_KEY_FILE=${path}: without it nobody reads the personal data of this log`)
}

export const exportTo = async (
  connection: Connection,
  operator: Connection | undefined,
  file: string | undefined,
  { customer, from }: { readonly customer?: string; readonly from?: string },
): Promise<void> => {
  if (from !== undefined && !/^\d{1,19}$/.test(from)) throw new CliError('--from must be a position', EXIT.usage)
  const fetchAfter = (after: string | undefined, onLine: (line: string) => Promise<void>) => {
    const start = after ?? (from === undefined || BigInt(from) === 0n ? undefined : String(BigInt(from) - 1n))
    return askLines(connection, pathOf('/v1/audit/export', { customer, after: start }), { onLine })
  }
  if (file === undefined) {
    await fetchAfter(undefined, async (line) => {
      if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    })
    return
  }
  try {
    const lines = await writeExport(file, fetchAfter, (at) => say(`Going on after position ${at}`))
    say(`${lines} events written to ${file}`)
    if (customer === undefined) await keepKey(operator, file)
  } catch (error) {
    if (error instanceof ExportExists) throw new CliError(`${error.message}: name another file`, EXIT.usage)
    if (error instanceof CliError && existsSync(`${file}.part`))
      throw new CliError(`${error.message}\nRun the same command again to go on with ${file}.part.`, error.exitCode)
    throw error
  }
}

export const importLog = async (file: string, { data }: { readonly data: string }): Promise<void> => {
  if (!existsSync(file)) throw new CliError(`There is no file ${file}`, EXIT.usage)
  const config = settings()
  const { eventStoreUrl, eventStoreNamespace: namespace } = config
  // Only the log is filled: the read models follow from it when a server starts.
  const engines = await startEngines({ dir: data }, { eventStoreUrl, mongodbUrl: 'none' }).catch((error: unknown) => {
    throw new CliError(`${errorText(error)}\nStop the server first: a log is restored before it starts.`, EXIT.usage)
  })
  const store = createEventStore({
    url: engines.eventStoreUrl,
    namespace,
    codec: createCodec(factRegistry),
  })
  try {
    restoreMasterKey(file, data, config)
    const appended = await importLines(store, linesOfFile(file), projectKeyFor(file))
    process.stdout.write(`${appended} events restored from ${file}\n`)
  } catch (error) {
    throw error instanceof ImportRefused ? new CliError(`${file}: ${error.message}`, EXIT.refused) : error
  } finally {
    await store.close()
    await engines.stop()
  }
}
