// Makes pages of the guides, at build time: Markdown of our own in, HTML fragments and a table of contents out.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Marked } from 'marked'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** In the order in which they are read; the last is for operators and stands beside the README. */
const GUIDES = [
  ...[
    'first-steps',
    'segments',
    'loyalty',
    'referrals',
    'limits',
    'distributions',
    'client-side-tracking',
    'moving-in',
  ].map((slug) => ({ slug, file: join(root, 'src/console/guides', `${slug}.md`) })),
  { slug: 'going-live', file: join(root, 'GOING-LIVE.md') },
]

const slugOf = (/** @type {string} */ text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')

const marked = new Marked({
  gfm: true,
  renderer: {
    heading({ tokens, depth, text }) {
      return `<h${depth} id="${slugOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    code({ text, lang }) {
      const code = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
      const label = lang === 'json' ? '<p class="soft">The answer, in part:</p>' : ''
      return `${label}<pre tabindex="0"><code>${code}</code></pre>\n`
    },
  },
})

/** Writes a fragment for each guide and `index.json` to a folder. */
export const buildGuides = async (/** @type {string} */ outdir) => {
  await mkdir(outdir, { recursive: true })
  const contents = await Promise.all(
    GUIDES.map(async ({ slug, file }) => {
      const text = await readFile(file, 'utf8')
      const [, title = slug, first = ''] = /^# (.+)\n+([^\n]+(?:\n[^\n]+)*)/.exec(text) ?? []
      await writeFile(join(outdir, `${slug}.html`), await marked.parse(text))
      const [about = ''] = first.replaceAll('\n', ' ').split(/(?<=\.) /)
      return { slug, title, about }
    }),
  )
  await writeFile(join(outdir, 'index.json'), JSON.stringify(contents))
}
