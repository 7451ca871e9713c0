// What filters say of a value on its way into a text: what it may keep there, that it is to be escaped, that it is done.
import { CaptureTag, type Context, Drop, type Liquid } from 'liquidjs'
import { type Kept, plainValue } from './plain.ts'
import { weightOf } from './weight.ts'

/** `data` is for programs, `text` and `html` are for people. */
export type Form = 'data' | 'text' | 'html'

interface Marks extends Kept {
  /** The template has said so: not even `raw` takes it back. */
  readonly escape?: boolean
  /** It has breaks that are to be seen, each marked by `BREAK`. */
  readonly breaks?: boolean
  /** It is a piece of the text, all values in it are as they should be. */
  readonly done?: boolean
}

class Marked extends Drop {
  readonly value: unknown
  readonly marks: Marks
  constructor(value: unknown, marks: Marks) {
    super()
    this.value = value
    this.marks = marks
  }
  get size(): number {
    return Array.isArray(this.value) ? this.value.length : textOf(this.value).length
  }
  override valueOf(): unknown {
    return this.value
  }
  toJSON(): unknown {
    return this.value
  }
}

/** No character (Unicode keeps it free for such use); where a value has one of its own it is dropped. */
const BREAK = '\ufdd0'

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
  if (value instanceof Marked) return textOf(value.value)
  return Array.isArray(value) ? value.map(textOf).join('') : String(value)
}

const marksOf = (value: unknown): Marks => (value instanceof Marked ? value.marks : {})
const bare = (value: unknown): unknown => (value instanceof Marked ? value.value : value)
const mark = (value: unknown, marks: Marks): unknown =>
  marksOf(value).done ? value : new Marked(bare(value), { ...marksOf(value), ...marks })

const withBreaks = (text: string, { breaks }: Marks): string => text.replaceAll(BREAK, breaks ? '<br />\n' : '')

/** The code of the message is the project's own, dots and all. */
const isCode = ({ environments }: Context, text: string): boolean =>
  'code' in environments && environments.code !== null && environments.code === text

interface Filtering {
  readonly context: Context
}

/** Text as it stands between the quotes of a string of JSON: a value can neither end that string nor say more than itself. */
const withinQuotes = (text: string): string => JSON.stringify(text).slice(1, -1)

/** Renderings of which a piece is being captured, which `json` may make a string of as a whole. */
const capturing = new WeakSet<Context>()

/**
 * What is put out in place of a value, by its form. For programs that is what may stand within quotes, if it is not JSON already;
 * numbers and truths are the same there. A line break of HTML is none to its reader, so that it may stay there.
 * It is called as liquidjs calls filters, with the rendering as `this`.
 */
export const outputOf = (form: Form) =>
  function (this: Filtering, value: unknown): string {
    const text = textOf(value)
    this.context.memoryLimit.use(weightOf(text))
    const marks = marksOf(value)
    if (marks.done) return text
    if (form === 'data') return capturing.has(this.context) ? text : withinQuotes(text)
    const plain = isCode(this.context, text)
      ? text
      : plainValue(text, form === 'html' ? { ...marks, lines: true } : marks)
    return form === 'html' ? withBreaks(escapeHtml(plain), marks) : plain
  }

const unescapeHtml = (text: string): string =>
  Object.entries(ENTITIES).reduceRight((left, [sign, entity]) => left.replaceAll(entity, sign), text)

const escaping = (value: unknown): unknown => mark(value, { escape: true })

/** Filters that escape leave that to where the value is put out, which escapes once, whatever comes in between. */
const HTML_FILTERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  escape: escaping,
  xml_escape: escaping,
  escape_once: (value) =>
    escaping(marksOf(value).done ? value : new Marked(unescapeHtml(textOf(value)), marksOf(value))),
  newline_to_br: (value) => {
    const marks = marksOf(value)
    if (marks.done) return new Marked(textOf(value).replace(/\r?\n/g, '<br />\n'), marks)
    return new Marked(
      textOf(value)
        .replaceAll(BREAK, '')
        .replace(/\r\n?|\n/g, BREAK),
      { ...marks, breaks: true },
    )
  },
}

/** Filters by which an author says what a value may keep, as the last one or before those that escape. */
const KEEPING: Readonly<Record<string, Kept>> = { links: { links: true }, lines: { lines: true } }

/** What these make of a piece of the text is one still. */
const KEEP_DONE = new Set(['default', 'lstrip', 'rstrip', 'strip', 'strip_newlines'])

/** What a filter makes may come in steps, which the engine goes through. */
function* markedLater(made: unknown, marks: Marks): Generator<unknown, unknown, unknown> {
  return new Marked(bare(yield made), marks)
}

/** What is put together with others by a filter: as much as can be known of it, it is made good for the text before. */
const argument = (value: unknown): unknown => (marksOf(value).escape ? escapeHtml(textOf(value)) : bare(value))

/**
 * Lets every filter of an engine see values without marks, and what it makes of them have those that must not be lost. What is made
 * of JSON is JSON still: its author puts it together.
 */
const seeThrough = (engine: Liquid, form: Form): void => {
  for (const [name, filter] of Object.entries(engine.filters)) {
    const handler = typeof filter === 'function' ? filter : filter.handler
    engine.registerFilter(name, function (value: unknown, ...args: unknown[]): unknown {
      const given = args.map(argument)
      if (form === 'data') {
        const isDone = [value, ...args].some((one) => marksOf(one).done)
        const made: unknown = handler.call(this, bare(value), ...given)
        return isDone ? markedLater(made, { done: true }) : made
      }
      if (!(value instanceof Marked)) return handler.call(this, value, ...given)
      const { links: _, lines: __, ...lasting } = value.marks
      const made: unknown = handler.call(this, value.value, ...given)
      const isUndone = lasting.done === true && !KEEP_DONE.has(name)
      if (isUndone && !lasting.escape) return made
      return markedLater(made, isUndone ? { escape: true } : lasting)
    })
  }
}

/** Filters that give JSON. */
const TO_JSON = ['json', 'jsonify', 'inspect']

/** Makes an engine's filters and tags keep to what has been said of values. `form` is that of its `outputEscape`. */
export const markValues = (engine: Liquid, form: Form): void => {
  seeThrough(engine, form)
  const output = outputOf(form)
  if (form === 'data')
    for (const name of TO_JSON) {
      const filter = engine.filters[name]
      if (typeof filter !== 'function') continue
      engine.registerFilter(name, function (value: unknown, ...args: unknown[]): unknown {
        return markedLater(filter.call(this, value, ...args), { done: true })
      })
    }
  for (const [name, kept] of Object.entries(KEEPING)) engine.registerFilter(name, (value: unknown) => mark(value, kept))
  if (form === 'html') for (const [name, filter] of Object.entries(HTML_FILTERS)) engine.registerFilter(name, filter)
  engine.registerFilter('raw', {
    raw: true,
    handler: function (value: unknown): unknown {
      const marks = marksOf(value)
      if (form === 'data') return new Marked(bare(value), { done: true })
      // What follows may undo what was escaped here, and is escaped once more then.
      if (marks.escape) return new Marked(output.call(this, value), { escape: true, done: true })
      return marks.breaks ? withBreaks(textOf(value), marks) : bare(value)
    },
  })
  engine.registerTag(
    'capture',
    class extends CaptureTag {
      override *render(context: Context): Generator<unknown, void, string> {
        const isOutermost = !capturing.has(context)
        capturing.add(context)
        yield* super.render(context)
        if (isOutermost) capturing.delete(context)
        const scope: Record<string, unknown> = context.bottom()
        scope[this.variable] = new Marked(scope[this.variable], { done: true })
      }
    },
  )
}
