// The guides as the build has made them: fragments of pages, and what is in them.
import * as v from 'valibot'
import { builtJson, builtText } from '../built.ts'

const Guide = v.object({ slug: v.string(), title: v.string(), about: v.string() })

/** What a guide is called and about; `slug` names it in addresses. */
export type Guide = v.InferOutput<typeof Guide>

let known: readonly Guide[] | undefined

/** All guides in the order in which they are read; none before a build. */
export const guides = (): readonly Guide[] => {
  known ??= builtJson('guides/index.json', v.array(Guide), [])
  return known
}

/** The HTML of a guide, which is text of our own; undefined for a name that none has. */
export const guideMarkup = (slug: string): string | undefined =>
  guides().some((one) => one.slug === slug) ? builtText(`guides/${slug}.html`) : undefined
