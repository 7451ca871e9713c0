// The guides as the build has made them: fragments of pages, and what is in them.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { PACKAGE_FILE } from '../packageFile.ts'

const Guide = v.object({ slug: v.string(), title: v.string(), about: v.string() })

/** What a guide is called and about; `slug` names it in addresses. */
export type Guide = v.InferOutput<typeof Guide>

/** Where `npm run build` puts them. */
const BUILT = new URL('dist/guides/', PACKAGE_FILE)

const fileOf = (name: string): string => fileURLToPath(new URL(name, BUILT))

let known: readonly Guide[] | undefined

/** All guides in the order in which they are read; none before a build. */
export const guides = (): readonly Guide[] => {
  const file = fileOf('index.json')
  known ??= existsSync(file) ? v.parse(v.array(Guide), JSON.parse(readFileSync(file, 'utf8'))) : []
  return known
}

/** The HTML of a guide, which is text of our own; undefined for a name that none has. */
export const guideMarkup = (slug: string): string | undefined =>
  guides().some((one) => one.slug === slug) ? readFileSync(fileOf(`${slug}.html`), 'utf8') : undefined
