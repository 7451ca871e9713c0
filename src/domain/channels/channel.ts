// What a channel is to everything but the end that sends: one row of the table in index.ts.
import * as v from 'valibot'
import { MAX_TEMPLATE, type TemplateForm } from '../templates/template.ts'

/** Liquid, at most `MAX_TEMPLATE` characters. */
export const template = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEMPLATE))

/** A template in a channel's settings, by the setting that it stands in. */
export interface Part {
  readonly setting: string
  readonly source: string
  readonly form: TemplateForm
}

/** What a message is made of. */
export interface Ingredients {
  /** By setting, what each template gave. */
  readonly rendered: Readonly<Record<string, string | undefined>>
  /** What stands in the attribute of the profile that the channel writes to; empty where there is none. */
  readonly to: string
  /** The event itself, as project webhooks send it. */
  readonly event: () => string
}

export interface ChannelRow<Settings = never, Message = unknown> {
  /** The attribute of the profile that it writes to; null: it writes to a system, not to the person. */
  readonly address: 'email' | 'phone' | null
  readonly settings: v.GenericSchema<unknown, Settings>
  readonly parts: (settings: Settings) => readonly Part[]
  /**
   * What is wrong beyond the schema, by setting: rules that are younger than definitions which stand in the log, and those
   * between settings.
   */
  readonly faults?: (settings: Settings) => readonly { readonly setting: string; readonly message: string }[]
  /** Whether the event goes out as it is, with no template that could say whether it needs it. */
  readonly sendsEvent?: (settings: Settings) => boolean
  /** Throws, with what is wrong in the words of the person who wrote the templates, when nothing can be sent. */
  readonly message: (settings: Settings, ingredients: Ingredients) => Message
  /** Whether a message says nothing to who reads it: nobody is sent one. */
  readonly isEmpty?: (message: Message) => boolean
}

/** Ties the parts of a row to the types of its settings and of its message. */
export const channel = <const Schema extends v.GenericSchema, Message>(
  row: { readonly settings: Schema } & Omit<ChannelRow<v.InferOutput<Schema>, Message>, 'settings'>,
) => row

/** The templates among some settings: those that are set. */
export const parts = (...all: readonly (readonly [string, string | undefined, TemplateForm])[]): readonly Part[] =>
  all.flatMap(([setting, source, form]) => (source === undefined ? [] : [{ setting, source, form }]))
