// The hook of Node's module loader behind typescript.js: gives TypeScript files as JavaScript, each made once and kept beside
// the packages, so that a command line is there at once.

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const KEPT = new URL('../node_modules/.cache/tributary/', import.meta.url)
/** Goes up with anything that changes what is made of a file. */
const FORM = '1'

const made = async (file) => {
  const { transform } = await import('esbuild')
  const { code } = await transform(await readFile(file, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: file,
    sourcemap: 'inline',
    sourcesContent: false,
  })
  return code
}

/** Whole or not at all: others may be reading. Where nothing can be kept, it is made again. */
const keep = async (kept, code) => {
  const part = new URL(`${kept.pathname.split('/').at(-1)}.${randomUUID()}`, KEPT)
  try {
    await mkdir(KEPT, { recursive: true })
    await writeFile(part, code)
    await rename(part, kept)
  } catch {
    // A read-only installation, a full disk: nothing that a start depends on.
  }
}

/** Resolves to the module's JavaScript for `.ts` files, and leaves every other module to Node. */
export const load = async (url, context, next) => {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const file = fileURLToPath(url)
  const { mtimeMs, size } = await stat(file)
  const name = createHash('sha256').update(`${FORM}\n${file}\n${mtimeMs}\n${size}`).digest('hex').slice(0, 40)
  const kept = new URL(`${name}.js`, KEPT)
  let source = await readFile(kept, 'utf8').catch(() => undefined)
  if (source === undefined) {
    source = await made(file)
    await keep(kept, source)
  }
  return { format: 'module', source, shortCircuit: true }
}
