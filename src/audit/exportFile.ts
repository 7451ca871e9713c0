// Export files: lines of JSON, compressed when the name ends in .gz, written so that an export that broke off can go on.
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { FILE_MODE } from '@tributary/engines/private'
import * as v from 'valibot'
import { linesIn } from './lines.ts'

const isPacked = (file: string): boolean => /\.gz(?:\.part(?:\.old)?)?$/.test(file)

/** The lines of a file. Rejects where a compressed one is cut off, after the lines before that. */
export async function* linesOfFile(file: string): AsyncGenerator<string, void, undefined> {
  const raw = createReadStream(file)
  const input: Readable = isPacked(file) ? raw.pipe(createGunzip()) : raw
  raw.on('error', (error) => input.destroy(error))
  yield* linesIn(input)
}

interface LineFile {
  write(line: string): Promise<void>
  end(): Promise<void>
}

/** Appends lines to a file; what is compressed becomes a part of its own, which belongs to the same file. */
const appendTo = (file: string): LineFile => {
  const out = createWriteStream(file, { flags: 'a', mode: FILE_MODE })
  const head = isPacked(file) ? createGzip() : out
  if (head !== out) head.pipe(out)
  const closed = finished(out)
  closed.catch(() => undefined)
  return {
    async write(line) {
      if (!head.write(`${line}\n`)) await Promise.race([once(head, 'drain'), closed])
    },
    async end() {
      head.end()
      await closed
    },
  }
}

const Placed = v.object({ stream: v.string(), position: v.string() })

/** The part of a line that says where it stands; undefined for a line that is none or is cut off. */
const placeOf = (line: string): v.InferOutput<typeof Placed> | undefined => {
  try {
    const parsed = v.safeParse(Placed, JSON.parse(line))
    return parsed.success ? parsed.output : undefined
  } catch {
    return undefined
  }
}

export class ExportExists extends Error {
  override readonly name = 'ExportExists'
}

/** Copies the whole lines of what an export left; gives the position of the last. */
const takeOver = async (from: string, to: string): Promise<string | undefined> => {
  const file = appendTo(to)
  let last: string | undefined
  try {
    for await (const line of linesOfFile(from)) {
      const place = placeOf(line)
      if (place === undefined) break
      await file.write(line)
      last = place.position
    }
  } catch {
    // A compressed file that was cut off ends in an error: what came before it is whole.
  }
  await file.end()
  return last
}

/**
 * Writes `FILE.part` and gives it its name once it is whole; a `FILE.part` that is there is gone on with. `fetchAfter` gives
 * the lines after a position (decimal text; undefined: from the start). Throws `ExportExists` when `file` is there.
 */
export const writeExport = async (
  file: string,
  fetchAfter: (after: string | undefined, onLine: (line: string) => Promise<void>) => Promise<unknown>,
  onResume: (position: string) => void = () => {},
): Promise<number> => {
  if (existsSync(file)) throw new ExportExists(`${file} is there already`)
  const part = `${file}.part`
  const old = `${file}.part.old`
  if (existsSync(part) && !existsSync(old)) renameSync(part, old)
  else rmSync(part, { force: true })
  let after: string | undefined
  if (existsSync(old)) {
    const last = await takeOver(old, part)
    rmSync(old)
    if (last !== undefined) {
      after = String(BigInt(last))
      onResume(after)
    }
  }
  const out = appendTo(part)
  let lines = 0
  try {
    await fetchAfter(after, async (line) => {
      lines++
      await out.write(line)
    })
  } finally {
    await out.end()
  }
  renameSync(part, file)
  return lines
}
