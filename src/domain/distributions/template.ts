// Liquid templates of messages: checked when they are saved, rendered with nothing but what they are given.
import { type Context, Liquid, type Template } from 'liquidjs'
import { type Kept, plainValue } from './plain.ts'

/** What a template may refer to. */
export const TEMPLATE_ROOTS = ['customer', 'event', 'segment', 'points', 'code', 'distribution', 'message'] as const
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number]
export type TemplateContext = Readonly<Record<TemplateRoot, unknown>>

/** Characters of a template. */
export const MAX_TEMPLATE = 100_000

/** ms that one rendering may take, and units of memory as the engine counts them (about a character each). */
const RENDER_LIMIT_MS = 500
const MEMORY_LIMIT = 2_000_000

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
}
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!)

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return Array.isArray(value) ? value.map(textOf).join('') : String(value)
}

/** The code of the message is the project's own, dots and all. */
const isCode = ({ environments }: Context, text: string): boolean =>
  'code' in environments && environments.code !== null && environments.code === text

/**
 * What is put out in place of a value, by its form. A line break of HTML is none to its reader, so that it may stay there.
 * It is called as liquidjs calls filters, with the rendering as `this`.
 */
const outputOf = (form: 'text' | 'html', kept: Kept) =>
  function (this: { readonly context: Context }, value: unknown): string {
    const text = textOf(value)
    const plain = isCode(this.context, text)
      ? text
      : plainValue(text, form === 'html' ? { ...kept, lines: true } : kept)
    return form === 'html' ? escapeHtml(plain) : plain
  }

/** Filters by which an author says, as the last one, what a value may keep; `raw` keeps all of it. */
const KEEPING: Readonly<Record<string, Kept>> = { links: { links: true }, lines: { lines: true } }

const engineOf = (form: 'data' | 'text' | 'html'): Liquid => {
  const engine = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    parseLimit: MAX_TEMPLATE,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
    ...(form === 'data' ? {} : { outputEscape: outputOf(form, {}) }),
  })
  for (const [name, kept] of Object.entries(KEEPING))
    engine.registerFilter(
      name,
      form === 'data' ? (value: unknown) => value : { raw: true, handler: outputOf(form, kept) },
    )
  // A template stands alone: nothing may make it read files.
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag]
  return engine
}

const engines = { data: engineOf('data'), text: engineOf('text'), html: engineOf('html') } as const

/**
 * `data` is for programs: values go out as they are. `text` and `html` are for people: a value put out is plain words (see
 * plain.ts), unless the template marks it as `links`, `lines` or `raw`; `html` escapes it too, unless it is `raw`.
 */
export type TemplateForm = keyof typeof engines

export interface CompiledTemplate {
  /** The roots that it refers to. */
  readonly roots: ReadonlySet<string>
  /** Throws an error that says where the template went wrong. */
  readonly render: (context: TemplateContext) => string
}

const compile = (source: string, form: TemplateForm): CompiledTemplate => {
  const engine = engines[form]
  const parsed: Template[] = engine.parse(source)
  return {
    roots: new Set(engine.globalVariablesSync(parsed)),
    render: (context) => String(engine.renderSync(parsed, context)),
  }
}

/** Compiled templates in use; bounded, since sources are large. */
const compiled = new Map<string, CompiledTemplate>()
const MAX_COMPILED = 500

/** The template of a source that has been checked, compiled once for as long as it is in use. Throws when it is none. */
export const templateOf = (source: string, form: TemplateForm): CompiledTemplate => {
  const key = `${form}:${source}`
  const known = compiled.get(key)
  if (known) return known
  const made = compile(source, form)
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value!)
  compiled.set(key, made)
  return made
}

/** What is wrong with a template; undefined when nothing is. */
export const templateFault = (source: string, form: TemplateForm): string | undefined => {
  try {
    const unknown = [...templateOf(source, form).roots].filter(
      (root) => !(TEMPLATE_ROOTS as readonly string[]).includes(root),
    )
    return unknown.length === 0
      ? undefined
      : `must NOT refer to ${unknown.join(', ')}: there are ${TEMPLATE_ROOTS.join(', ')}`
  } catch (error) {
    return `must be a Liquid template: ${error instanceof Error ? error.message : String(error)}`
  }
}
