// The built console as the server gives it out: one page for every address below /console, and files whose names change with
// their content.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import * as v from 'valibot'
import { fail, notFound } from '../http/errors.ts'
import type { Answer, Outcome } from '../http/route.ts'
import { PACKAGE_FILE } from '../packageFile.ts'

/** Where `npm run build` puts it. */
export const BUILT = fileURLToPath(new URL('dist/console/', PACKAGE_FILE))

/** What the pages may load: files of this server, and nothing that stands in the page itself. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const Manifest = v.object({ script: v.string(), style: v.string(), preload: v.array(v.string()) })

interface Built {
  readonly page: string
  readonly files: ReadonlyMap<string, { readonly plain: Buffer; readonly gzip: Buffer }>
}

/** The sign of the console as a picture of its own. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6e6b"/><g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"><path d="M9 7c0 7 7 6 7 13v5"/><path d="M23 7c0 7-7 6-7 13"/><path d="M16 7v8"/></g></svg>`

const pageOf = ({ script, style, preload }: v.InferOutput<typeof Manifest>): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tributary</title>
<link rel="icon" type="image/svg+xml" href="/console/assets/icon.svg">
<link rel="stylesheet" href="/console/assets/${style}">
${preload.map((name) => `<link rel="modulepreload" href="/console/assets/${name}">\n`).join('')}<script type="module" src="/console/assets/${script}"></script>
</head>
<body><div id="app"></div><noscript>The console needs JavaScript. The API does not: <a href="/docs">its pages</a>.</noscript></body>
</html>
`

const read = (folder: string): Built | undefined => {
  const manifest = join(folder, 'manifest.json')
  if (!existsSync(manifest)) return undefined
  const page = pageOf(v.parse(v.pipe(v.string(), v.parseJson(), Manifest), readFileSync(manifest, 'utf8')))
  const names = readdirSync(folder).filter((name) => TYPES[extname(name)] !== undefined)
  const contents = [
    ...names.map((name) => [name, readFileSync(join(folder, name))] as const),
    ['icon.svg', Buffer.from(ICON)] as const,
  ]
  return { page, files: new Map(contents.map(([name, plain]) => [name, { plain, gzip: gzipSync(plain) }])) }
}

const NOT_BUILT = 'The console is not built: run `npm run build`, then ask again'

/** A file with a hash in its name never changes. */
const FOREVER = 'public, max-age=31536000, immutable'

export interface ConsolePages {
  /** The answer to a GET of a path that begins with /console. */
  answer(path: string, headers: Pick<Headers, 'get'>): Outcome
}

/** Reads the built files when they are first asked for, and keeps them: less than a megabyte. */
export const consolePages = (folder = BUILT): ConsolePages => {
  let built: Built | undefined
  const file = (name: string, takesGzip: boolean): Outcome => {
    const content = built?.files.get(name)
    if (content === undefined) return notFound('file', name)
    const headers = {
      ...HEADERS,
      'Cache-Control': name === 'icon.svg' ? 'public, max-age=86400' : FOREVER,
      Vary: 'Accept-Encoding',
      ...(takesGzip ? { 'Content-Encoding': 'gzip' } : {}),
    }
    const raw = { contentType: TYPES[extname(name)] ?? '', content: takesGzip ? content.gzip : content.plain }
    return { raw, headers } satisfies Answer
  }
  return {
    answer(path, headers) {
      built ??= read(folder)
      if (built === undefined) return fail('unavailable', NOT_BUILT, { retryAfter: 5 })
      if (path.startsWith('/console/assets/'))
        return file(path.slice('/console/assets/'.length), /\bgzip\b/.test(headers.get('accept-encoding') ?? ''))
      return {
        raw: { contentType: 'text/html; charset=utf-8', content: built.page },
        headers: { ...HEADERS, 'Cache-Control': 'no-cache' },
      }
    },
  }
}
