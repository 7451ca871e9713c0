// Liquid templates of messages: checked when they are saved, rendered with nothing but what they are given.
import { Context, defaultOperators, type FilterImplOptions, Liquid, type Template } from 'liquidjs'
import { type Kept, plainValue } from './plain.ts'

/** What a template may refer to. */
export const TEMPLATE_ROOTS = ['customer', 'event', 'segment', 'points', 'code', 'distribution', 'message'] as const
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number]
export type TemplateContext = Readonly<Record<TemplateRoot, unknown>>

/** Characters of a template. */
export const MAX_TEMPLATE = 100_000

/**
 * What one rendering may take: parts that are put out or run, and characters and elements that operations go through. Together
 * they come to some tens of milliseconds. Time itself is the last bound, for a machine may stand still.
 */
const MAX_PARTS = 20_000
const MAX_CHARACTERS = 2_000_000
const RENDER_LIMIT_MS = 2_000

/** What a name in a template costs is the way to it from the template's beginning: it is looked for when the template is read. */
const MAX_READING = 20_000_000

/** What an operation on a value goes through; even nothing costs something, and an element more than a character. */
const weightOf = (value: unknown): number => {
  if (typeof value === 'string') return 10 + value.length
  if (!Array.isArray(value)) return 10
  let weight = 10 + 10 * value.length
  for (const element of value) if (typeof element === 'string') weight += element.length
  return weight
}

type FilterFunction = Extract<FilterImplOptions, (...args: never[]) => unknown>

/** The filter, counting what it goes through; one that takes an expression asks it of each element. */
const weighed = (name: string, filter: FilterImplOptions): FilterImplOptions => {
  const counting = (handler: FilterFunction): FilterFunction =>
    function (value, ...args) {
      this.context.memoryLimit.use(weightOf(value) * (name.endsWith('_exp') ? 1 + weightOf(args) / 10 : 1))
      return handler.call(this, value, ...args)
    }
  return typeof filter === 'function' ? counting(filter) : { ...filter, handler: counting(filter.handler) }
}

/** A context that lets so many parts run. */
const contextOf = (engine: Liquid, values: TemplateContext): Context => {
  const context = new Context(values, engine.options, { sync: true }, { liquid: engine })
  const time = context.renderLimit
  let parts = 0
  Object.assign(context, {
    renderLimit: {
      use: () => {},
      check(now: number) {
        if (++parts > MAX_PARTS) throw new Error('template render limit exceeded')
        time.check(now)
      },
    },
  })
  return context
}

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
const outputOf = (form: TemplateForm, kept: Kept) =>
  function (this: { readonly context: Context }, value: unknown): string {
    const text = textOf(value)
    this.context.memoryLimit.use(weightOf(text))
    if (form === 'data') return text
    const plain = isCode(this.context, text)
      ? text
      : plainValue(text, form === 'html' ? { ...kept, lines: true } : kept)
    return form === 'html' ? escapeHtml(plain) : plain
  }

/** Filters by which an author says, as the last one, what a value may keep; `raw` keeps all of it. */
const KEEPING: Readonly<Record<string, Kept>> = { links: { links: true }, lines: { lines: true } }

const engineOf = (form: TemplateForm): Liquid => {
  const engine = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    parseLimit: MAX_TEMPLATE,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MAX_CHARACTERS,
    operators: {
      ...defaultOperators,
      contains(left, right, context) {
        context.memoryLimit.use(weightOf(left))
        return defaultOperators.contains!(left, right, context)
      },
    },
    outputEscape: outputOf(form, {}),
  })
  for (const [name, kept] of Object.entries(KEEPING))
    engine.registerFilter(
      name,
      form === 'data' ? (value: unknown) => value : { raw: true, handler: outputOf(form, kept) },
    )
  for (const [name, filter] of Object.entries(engine.filters)) engine.registerFilter(name, weighed(name, filter))
  // A template stands alone: nothing may make it read files.
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag]
  return engine
}

/**
 * `data` is for programs: values go out as they are. `text` and `html` are for people: a value put out is plain words (see
 * plain.ts), unless the template marks it as `links`, `lines` or `raw`; `html` escapes it too, unless it is `raw`.
 */
export type TemplateForm = 'data' | 'text' | 'html'

const engines: Readonly<Record<TemplateForm, Liquid>> = {
  data: engineOf('data'),
  text: engineOf('text'),
  html: engineOf('html'),
}

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
    render: (values) => String(engine.renderSync(parsed, contextOf(engine, values))),
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

/** Names in what is put out and in tags: values, filters and the words of tags alike. */
const namesIn = (source: string): number => {
  let names = 0
  for (const [part] of source.matchAll(/\{[{%][^{]*/g)) names += part.match(/[A-Za-z_][\w.-]*/g)?.length ?? 0
  return names
}

/** What is wrong with a template; undefined when nothing is. */
export const templateFault = (source: string, form: TemplateForm): string | undefined => {
  const most = Math.floor(MAX_READING / source.length)
  if (namesIn(source) > most)
    return `must NOT have more than ${most} names of values, filters and tags in ${source.length} characters`
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
