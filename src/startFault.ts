// What an operator can mend when a start fails, said in a sentence; anything else needs its stack.

import { isAbsolute, relative, sep } from 'node:path'
import { EngineRefused } from '@tributary/engines'
import { ConfigError } from './config.ts'
import { KeyFileError } from './keys.ts'
import { UnusableServer } from './line/unusable.ts'
import { MasterKeyError } from './privacy/masterKey.ts'

export interface StartSettings {
  readonly host: string
  readonly port: number
  /** Where the pages of operation are, by the names of their settings in lower case: a number is a port of their own. */
  readonly pages?: Readonly<Record<string, unknown>>
  readonly dataDir: string
}

/** A start that cannot be, for the reason that its message says in a whole sentence. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused'
}

const textOf = (error: Error, key: string): string => {
  const value: unknown = Object.entries(error).find(([name]) => name === key)?.[1]
  return typeof value === 'string' ? value : ''
}

const numberOf = (error: Error, key: string): number | undefined => {
  const value: unknown = Object.entries(error).find(([name]) => name === key)?.[1]
  return typeof value === 'number' ? value : undefined
}

/** Which setting a port comes from: pages may have one of their own. */
const portSetting = ({ port, pages }: StartSettings, taken: number): string => {
  const own =
    taken === port
      ? []
      : Object.entries(pages ?? {}).flatMap(([name, place]) => (place === taken ? [name.toUpperCase()] : []))
  return own.length > 0 ? own.join(' and ') : 'PORT (or --port)'
}

const LISTEN: Readonly<Record<string, (settings: StartSettings, port: number) => string>> = {
  EADDRINUSE: (settings, port) =>
    `Port ${port} is taken by another program: stop that, or choose another port with ${portSetting(settings, port)}.`,
  EACCES: (settings, port) =>
    `This user may not listen on port ${port}: choose one above 1023 with ${portSetting(settings, port)}.`,
  EADDRNOTAVAIL: ({ host }) => `This machine has no address ${host}: name one that it has with HOST.`,
  ENOTFOUND: ({ host }) => `There is no host ${host}: name an address of this machine with HOST.`,
}

/** System calls of the network: what fails there is no fault of a folder. */
const OF_NETWORK = /^(?:connect|getaddrinfo|listen|bind|read|write)$/

/** Whether a path lies in a folder. */
const isWithin = (folder: string, path: string): boolean => {
  const from = relative(folder, path)
  return from === '' || !(from.split(sep)[0] === '..' || isAbsolute(from))
}

/** Whether what failed was in the folder, or on the way to it while it was made. */
const isOnWay = (folder: string, path: string): boolean => isWithin(folder, path) || isWithin(path, folder)

/** The sentence for an error that ended a start; undefined for one that nobody foresaw. */
export const startFault = (error: unknown, settings: StartSettings | undefined): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if (error instanceof ConfigError || error instanceof UnusableServer) return error.message
  if (error instanceof StartRefused) return error.message
  if (error instanceof MasterKeyError) return error.message
  if (error instanceof KeyFileError) return `${error.message}. Mend it, or name another with KEYS_FILE.`
  const call = textOf(error, 'syscall')
  const code = textOf(error, 'code')
  // A worker is told by the primary, which has the port, as of `bind`.
  if (
    settings &&
    (call === 'listen' || call === 'bind' || (call === 'getaddrinfo' && textOf(error, 'hostname') === settings.host))
  ) {
    const port = numberOf(error, 'port') ?? settings.port
    return LISTEN[code]?.(settings, port) ?? `It cannot listen on ${settings.host}:${port} (${code}).`
  }
  if (error instanceof EngineRefused && error.isInUse)
    return `${error.message}. Stop that process, or choose another folder with DATA_DIR (or --data).`
  const path = OF_NETWORK.test(call) ? '' : textOf(error, 'path')
  if (error instanceof EngineRefused || (path !== '' && settings && isOnWay(settings.dataDir, path)))
    return `${settings?.dataDir ?? 'the folder of data'} cannot be used: ${error.message}. Let this user write there, or choose another folder with DATA_DIR (or --data).`
  return call !== '' && path !== ''
    ? `${path} cannot be used: ${error.message}. Name another place, or let this user read and write there.`
    : undefined
}
