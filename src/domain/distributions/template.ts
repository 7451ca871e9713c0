// Liquid templates of messages: checked when they are saved, rendered with nothing but what they are given.
import { Liquid, type Template } from 'liquidjs'

/** What a template may refer to. */
export const TEMPLATE_ROOTS = ['customer', 'event', 'segment', 'points', 'code', 'distribution', 'message'] as const
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number]
export type TemplateContext = Readonly<Record<TemplateRoot, unknown>>

/** Characters of a template. */
export const MAX_TEMPLATE = 100_000

/** ms that one rendering may take, and units of memory as the engine counts them (about a character each). */
const RENDER_LIMIT_MS = 500
const MEMORY_LIMIT = 2_000_000

const engineOf = (outputEscape?: 'escape'): Liquid => {
  const engine = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    parseLimit: MAX_TEMPLATE,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
    ...(outputEscape ? { outputEscape } : {}),
  })
  // A template stands alone: nothing may make it read files.
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag]
  return engine
}

const engines = { text: engineOf(), html: engineOf('escape') } as const

/** `html` escapes every value put out, unless the template marks it as `raw`. */
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
