// The file of refused lines: one JSON object for each, with the line, the reason and what it said.

import { once } from 'node:events'
import { accessSync, constants, createWriteStream, rmSync, type WriteStream } from 'node:fs'
import { basename, dirname } from 'node:path'
import { errorText } from '../domain/errorText.ts'
import { InputError } from './errors.ts'

export interface RefusedLine {
  readonly line: number
  readonly reason: string
  /** The record as the file has it. */
  readonly record: unknown
  /** The event's id, where it came so far. */
  readonly id?: string
}

export interface RefusedFile {
  readonly path: string
  write(line: RefusedLine): Promise<void>
  close(): Promise<void>
}

/** Where refused lines go unless told: beside the file, or in the working folder when that one cannot be written. */
export const refusedPathFor = (file: string): string => {
  const name = `${file}.refused.ndjson`
  try {
    accessSync(dirname(name), constants.W_OK)
    return name
  } catch {
    return basename(name)
  }
}

/** Removes what an earlier run left, and makes the file with the first refused line. Throws `InputError`. */
export const createRefusedFile = (path: string): RefusedFile => {
  try {
    rmSync(path, { force: true })
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    const reason = errorText(error)
    throw new InputError(`Refused lines cannot be written to ${path} (${reason}); name another file with --refused`)
  }
  let stream: WriteStream | undefined
  let broken: Error | undefined
  return {
    path,
    async write(line) {
      if (!stream) {
        stream = createWriteStream(path)
        stream.on('error', (error) => {
          broken = error
        })
      }
      if (broken) throw new InputError(`Refused lines cannot be written to ${path}: ${broken.message}`)
      if (!stream.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
    },
    async close() {
      if (!stream) return
      stream.end()
      if (!stream.closed) await once(stream, 'close')
      if (broken) throw new InputError(`Refused lines cannot be written to ${path}: ${broken.message}`)
    },
  }
}
