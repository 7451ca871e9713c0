// The API document as pages for reading: an index of all operations, and one page for each tag. Pure: a document in, HTML out.
import { html, raw } from 'hono/html'
import type { Guide } from './guides.ts'

/** Markup that is escaped already. */
export type Markup = ReturnType<typeof html>
type Json = unknown
export type Node = Readonly<Record<string, Json>>

const isNode = (value: Json): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)
export const nodeOf = (value: Json): Node => (isNode(value) ? value : {})
export const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [])
export const textOf = (value: Json): string => (typeof value === 'string' ? value : '')

/** A description as it is written: what stands between backticks is code. */
const prose = (text: string): readonly (Markup | string)[] =>
  text.split('`').map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part))

/** Levels of nested fields that a page shows; below them only the schema's name or type stands. */
const MAX_DEPTH = 5

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #363b44); --soft: light-dark(#5b6472, #9aa3b2);
  --mark: light-dark(#0b63c5, #6cb2ff); --code: light-dark(#f4f6f8, #1d2026) }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #14161a); color: light-dark(#1a1d23, #e5e8ee) }
.page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 76rem; margin: 0 auto }
nav { padding: 1.5rem 1rem; border-right: 1px solid var(--line) }
nav ul { list-style: none; margin: 0; padding: 0 } nav li { margin: .25rem 0 }
main { padding: 1.5rem 2rem 6rem }
a { color: var(--mark); text-decoration: none } a:hover { text-decoration: underline } a[aria-current] { font-weight: 600; color: inherit }
h1 { font-size: 1.6rem; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem } h3 { font-size: .95rem; margin: 1.25rem 0 .25rem }
code, pre { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere } pre { background: var(--code); padding: .75rem; overflow-x: auto; border-radius: 4px }
section { border-top: 1px solid var(--line); padding-top: .5rem }
dl { margin: 0 } dt { margin-top: .4rem } dd { margin: 0 0 0 1.25rem }
table { border-collapse: collapse } th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: center } td:first-child { text-align: left }
article h2 { border-top: 1px solid var(--line); padding-top: 1.25rem } article table td, article table th { text-align: left }
details { margin: .2rem 0 } summary { cursor: pointer }
.soft { color: var(--soft) } .method { display: inline-block; min-width: 4.5em; font-weight: 600 }
@media (max-width: 48rem) { .page { grid-template-columns: minmax(0, 1fr) } nav { padding: 1rem; border-right: 0; border-bottom: 1px solid var(--line) }
  nav p { margin: .5rem 0 0 } nav li { display: inline-block; margin: .1rem .8rem .1rem 0 } main { padding: 1rem } }
`

/** What a page may load: nothing from anywhere; its one style sheet is a file of this server. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export const docsStyle = (): string => STYLE

/** Where the page of permissions and roles is, beside those of tags. */
export const ACCESS_PAGE = 'permissions'

/** The page of a tag: its name in lower case, all but letters and digits as hyphens. */
export const slugOf = (tag: string): string => tag.toLowerCase().replace(/[^a-z0-9]+/g, '-')

interface Operation {
  readonly method: string
  readonly path: string
  readonly spec: Node
}

export const operationsOf = (document: Node, tag: string): readonly Operation[] =>
  Object.entries(nodeOf(document.paths)).flatMap(([path, methods]) =>
    Object.entries(nodeOf(methods)).flatMap(([method, spec]) =>
      listOf(nodeOf(spec).tags).includes(tag) ? [{ method: method.toUpperCase(), path, spec: nodeOf(spec) }] : [],
    ),
  )

export const tagsOf = (document: Node): readonly string[] =>
  listOf(document.tags).map((tag) => textOf(nodeOf(tag).name))

/** What a `$ref` of this document points at; anything else is itself. */
const resolve = (document: Node, value: Json): Node => {
  const node = nodeOf(value)
  if (typeof node.$ref !== 'string') return node
  return node.$ref
    .slice(2)
    .split('/')
    .reduce<Node>((at, key) => nodeOf(at[key]), document)
}

const BOUNDS: readonly (readonly [key: string, label: string])[] = [
  ['format', ''],
  ['minimum', 'at least'],
  ['maximum', 'at most'],
  ['minLength', 'min. length'],
  ['maxLength', 'max. length'],
  ['minItems', 'min. items'],
  ['maxItems', 'max. items'],
  ['pattern', 'pattern'],
]

/** A schema's type in a few words: `string, max. length 300, default "a"`. */
const typeText = (document: Node, value: Json): string => {
  const schema = resolve(document, value)
  const alternatives = [...listOf(schema.anyOf), ...listOf(schema.oneOf)]
  if (alternatives.length > 0) return [...new Set(alternatives.map((one) => typeText(document, one)))].join(' or ')
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(', ')
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : textOf(schema.type)
  const base = type === 'array' ? `array of ${typeText(document, schema.items) || 'anything'}` : type
  const bounds = BOUNDS.flatMap(([key, label]) => (key in schema ? [`${label} ${String(schema[key])}`.trim()] : []))
  const fallback = 'default' in schema ? [`default ${JSON.stringify(schema.default)}`] : []
  return [base, ...bounds, ...fallback].filter((part) => part !== '').join(', ')
}

/** The schemas below a schema that have fields of their own: itself, an array's items, alternatives, an open object's values. */
const shapesOf = (document: Node, value: Json): readonly Node[] => {
  const schema = resolve(document, value)
  const inner = [...listOf(schema.anyOf), ...listOf(schema.oneOf), ...listOf(schema.allOf), schema.items]
  return [
    ...(isNode(schema.properties) ? [schema] : []),
    ...inner.filter(isNode).flatMap((one) => shapesOf(document, one)),
  ]
}

const fields = (document: Node, value: Json, depth: number, seen: readonly Node[]): Markup => {
  const shapes = shapesOf(document, value).filter((shape) => !seen.includes(shape))
  if (shapes.length === 0 || depth >= MAX_DEPTH) return html``
  return html`<dl>${shapes.flatMap((shape) =>
    Object.entries(nodeOf(shape.properties)).map(([name, property]) => {
      const required = listOf(shape.required).includes(name)
      const inner = fields(document, property, depth + 1, [...seen, ...shapes])
      const description = textOf(resolve(document, property).description)
      const head = html`<code>${name}</code> <span class="soft">${typeText(document, property)}${required ? ', required' : ''}</span>`
      const about = description === '' ? '' : html`<dd>${prose(description)}</dd>`
      return String(inner) === ''
        ? html`<dt>${head}</dt>${about}`
        : html`<dt><details><summary>${head}</summary>${inner}</details></dt>${about}`
    }),
  )}</dl>`
}

const jsonSchema = (document: Node, value: Json): Json =>
  nodeOf(nodeOf(nodeOf(resolve(document, value)).content)['application/json']).schema

const parameters = (document: Node, spec: Node): Markup | string => {
  const all = listOf(spec.parameters).map((one) => resolve(document, one))
  if (all.length === 0) return ''
  return html`<h3>Parameters</h3><dl>${all.map(
    (one) => html`<dt><code>${textOf(one.name)}</code>
      <span class="soft">${textOf(one.in)}, ${typeText(document, one.schema)}${one.required === true ? ', required' : ''}</span></dt>
      ${textOf(one.description) === '' ? '' : html`<dd>${prose(textOf(one.description))}</dd>`}`,
  )}</dl>`
}

const responses = (document: Node, spec: Node): Markup =>
  html`<h3>Answers</h3>${Object.entries(nodeOf(spec.responses)).map(([status, response]) => {
    const schema = jsonSchema(document, response)
    const head = html`<b>${status}</b> <span class="soft">${textOf(resolve(document, response).description)}</span>`
    const shown = Number(status) < 400 && schema !== undefined ? fields(document, schema, 0, []) : html``
    return String(shown) === '' ? html`<p>${head}</p>` : html`<details><summary>${head}</summary>${shown}</details>`
  })}`

const shownJson = (value: Json): string => JSON.stringify(value, undefined, 2)

/** One request as a line for the shell (`api` of the first guide), and what it was answered. */
const exampleMarkup = (document: Node, { method, spec }: Operation): Markup | string => {
  const path = textOf(spec['x-example-path'])
  if (path === '') return ''
  const json = (content: Json): Json =>
    nodeOf(nodeOf(nodeOf(resolve(document, content)).content)['application/json']).example
  const request = json(spec.requestBody)
  const [answer] = Object.values(nodeOf(spec.responses)).flatMap((response) => {
    const example = json(response)
    return example === undefined ? [] : [example]
  })
  const sent = request === undefined ? '' : ` -d '${shownJson(request).replaceAll("'", "'\\''")}'`
  return html`<h3>Example</h3><pre tabindex="0"><code>api ${method} '${path}'${sent}</code></pre>
    ${answer === undefined ? '' : html`<details><summary>Its answer</summary><pre tabindex="0"><code>${shownJson(answer)}</code></pre></details>`}`
}

const permission = (spec: Node): Markup | string => {
  const names = listOf(spec['x-permission']).map(textOf)
  return names.length === 0
    ? ''
    : html`<p class="soft">Permission: ${names.join(', ')} (${listOf(spec['x-roles']).map(textOf).join(', ')})</p>`
}

const operationMarkup = (document: Node, operation: Operation): Markup => {
  const { method, path, spec } = operation
  const body = jsonSchema(document, spec.requestBody)
  return html`<section id="${textOf(spec.operationId)}">
    <h2>${textOf(spec.summary)}</h2>
    <p><span class="method">${method}</span> <code>${path}</code></p>
    ${textOf(spec.description) === '' ? '' : html`<p>${prose(textOf(spec.description))}</p>`}
    ${permission(spec)}
    ${exampleMarkup(document, operation)}
    ${parameters(document, spec)}
    ${body === undefined ? '' : html`<h3>Body</h3>${fields(document, body, 0, [])}`}
    ${responses(document, spec)}
  </section>`
}

const link = (address: string, name: string, isCurrent: boolean): Markup =>
  html`<li><a href="${address}" ${isCurrent ? raw('aria-current="page"') : ''}>${name}</a></li>`

/** A page with the contents of all at its side; `current` is the tag, guide or other page that it shows, undefined the index. */
export const layout = (
  document: Node,
  guides: readonly Guide[],
  title: string,
  current: string | undefined,
  content: Markup,
): string =>
  String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body><div class="page">
<nav aria-label="Contents">
<p class="soft">Guides</p><ul>
${guides.map(({ slug, title }) => link(`/docs/guides/${slug}`, title, slug === current))}
</ul>
<p class="soft">Operations</p><ul>
${link('/docs', 'All operations', current === undefined)}
${tagsOf(document).map((tag) => link(`/docs/${slugOf(tag)}`, tag, tag === current))}
${link('/docs/permissions', 'Permissions and roles', current === ACCESS_PAGE)}
<li><a href="/openapi.json">OpenAPI document</a></li>
</ul></nav>
<main>${content}</main>
</div></body>
</html>
`)

/** The page that lists all guides, and all operations by tag. */
export const docsIndex = (document: Node, guides: readonly Guide[]): string =>
  layout(
    document,
    guides,
    'Tributary API',
    undefined,
    html`<h1>Tributary API</h1>
    <ul>${guides.map(({ slug, title, about }) => html`<li><a href="/docs/guides/${slug}">${title}</a> <span class="soft">${about}</span></li>`)}</ul>
    ${tagsOf(document).map(
      (tag) =>
        html`<h2>${tag}</h2><ul>${operationsOf(document, tag).map(
          ({ method, path, spec }) =>
            html`<li><span class="method">${method}</span> <a href="/docs/${slugOf(tag)}#${textOf(spec.operationId)}"><code>${path}</code></a> <span class="soft">${textOf(spec.summary)}</span></li>`,
        )}</ul>`,
    )}`,
  )

/** The page of one tag, by its slug; undefined when no tag has it. */
export const docsPage = (document: Node, guides: readonly Guide[], slug: string): string | undefined => {
  const tag = tagsOf(document).find((one) => slugOf(one) === slug)
  if (tag === undefined) return undefined
  const operations = operationsOf(document, tag)
  return layout(
    document,
    guides,
    `${tag} · Tributary API`,
    tag,
    html`<h1>${tag}</h1>${operations.map((one) => operationMarkup(document, one))}`,
  )
}

/** The page of a guide. `markup` is text of our own. */
export const guidePage = (document: Node, guides: readonly Guide[], { slug, title }: Guide, markup: string): string =>
  layout(document, guides, `${title} · Tributary`, slug, html`<article>${raw(markup)}</article>`)
