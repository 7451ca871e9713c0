// Liquid templates of messages: checked when they are saved, rendered with nothing but what they are given.

import { Context, Drop, defaultOperators, Liquid, type Template } from 'liquidjs'
import { errorText } from '../errorText.ts'
import { DATE_FILTERS, type Setting } from './dates.ts'
import { type Form, markValues, outputOf } from './marked.ts'
import { weighed, weightOf } from './weight.ts'

/** What a template may refer to. */
const TEMPLATE_ROOTS = ['customer', 'event', 'segment', 'points', 'code', 'distribution', 'message'] as const
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number]
export type TemplateContext = Readonly<Record<TemplateRoot, unknown>>

/** Characters of a template. */
export const MAX_TEMPLATE = 100_000

/**
 * What one rendering may take: parts that are put out or run, and characters and elements that operations go through. Together
 * they come to some tens of milliseconds. Time itself is the last bound, for a machine may stand still.
 */
const MAX_PARTS = 10_000
const MAX_CHARACTERS = 1_000_000
const RENDER_LIMIT_MS = 2_000

/** What a name in a template costs is the way to it from the template's beginning: it is looked for when the template is read. */
const MAX_READING = 20_000_000

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

/** Of the renderings under way, by their contexts. */
const settings = new WeakMap<object, Setting>()

/** Puts something before one of the engine's own filters. */
const changed = (
  engine: Liquid,
  name: string,
  change: (value: unknown, filter: (value: unknown) => unknown) => unknown,
): void => {
  const handler = engine.filters[name]
  if (typeof handler !== 'function') return
  engine.registerFilter(name, function (value: unknown, ...args: unknown[]): unknown {
    return change(value, (given) => handler.call(this, given, ...args))
  })
}

const engineOf = (form: Form): Liquid => {
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
    outputEscape: outputOf(form),
  })
  for (const [name, filter] of Object.entries(DATE_FILTERS))
    engine.registerFilter(name, function (value: unknown, ...args: unknown[]): unknown {
      const setting = settings.get(this.context.environments)
      return setting ? filter(setting, value, ...args) : value
    })
  // What is missing is null to programs too, whichever way a template says so: `nil` is an object of the engine.
  for (const name of ['json', 'jsonify', 'inspect'])
    changed(engine, name, (value, filter) => filter((value instanceof Drop ? value.valueOf() : value) ?? null))
  // A list that is missing has no first either.
  for (const name of ['first', 'last'])
    changed(engine, name, (value, filter) => (value === undefined || value === null ? undefined : filter(value)))
  markValues(engine, form)
  for (const [name, filter] of Object.entries(engine.filters)) engine.registerFilter(name, weighed(name, filter))
  // A template stands alone: nothing may make it read files.
  for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag]
  return engine
}

/**
 * `data` is for programs, which read JSON: a value can stand within quotes there, or anywhere once `json` or `raw` made it. `text` and
 * `html` are for people: a value put out is plain words (see plain.ts), unless the template marks it as `links`, `lines` or `raw`;
 * `html` escapes it too, unless it is `raw`.
 */
export type TemplateForm = Form

const engines: Readonly<Record<TemplateForm, Liquid>> = {
  data: engineOf('data'),
  text: engineOf('text'),
  html: engineOf('html'),
}

export interface CompiledTemplate {
  /** The roots that it refers to. */
  readonly roots: ReadonlySet<string>
  /** Throws an error that says where the template went wrong. */
  readonly render: (context: TemplateContext, setting: Setting) => string
}

const compile = (source: string, form: TemplateForm): CompiledTemplate => {
  const engine = engines[form]
  const parsed: Template[] = engine.parse(source)
  return {
    roots: new Set(engine.globalVariablesSync(parsed)),
    render: (values, setting) => {
      const scope = { ...values }
      settings.set(scope, setting)
      return String(engine.renderSync(parsed, contextOf(engine, scope)))
    },
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
  for (const [part] of source.matchAll(/\{[{%][^{]*/g)) names += [...part.matchAll(/[A-Za-z_][\w.-]*/g)].length
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
    return `must be a Liquid template: ${errorText(error)}`
  }
}
