// What a channel is: one row of table.ts.
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

/** What leaves the node for a message. */
export type Outgoing =
  | {
      readonly by: 'http'
      readonly url: string
      readonly body: string
      readonly headers?: Readonly<Record<string, string>>
      /** With the project's secret, so that the receiver knows whose it is. */
      readonly isSigned?: true
      /** To the operator's own gateway, which may well be on the operator's own network. */
      readonly isOwn?: true
    }
  | ({ readonly by: 'mail' } & Mail)
  /** To the local sink; a webhook is answered with a status. */
  | { readonly by: 'sink'; readonly status?: number }

export interface Mail {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly html?: string
  readonly text?: string
}

/** Where the messages of a channel leave a node. */
export interface End<Settings = never, Message = never> {
  /** The host that messages of such settings go to; undefined: this node has no end for such. */
  readonly hostOf: (settings: Settings) => string | undefined
  readonly outgoing: (id: string, message: Message) => Outgoing
}

export interface ChannelRow<Settings = never, Message = unknown, Node = never> {
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
  /** By the settings of a node; undefined: it has no end of the channel. */
  readonly end: (node: Node) => End<Settings, Message> | undefined
}

/** Ties the parts of a row to the types of its settings and of its message. */
export const channel = <const Schema extends v.GenericSchema, Message, Node extends object = object>(
  row: { readonly settings: Schema } & Omit<ChannelRow<v.InferOutput<Schema>, Message, Node>, 'settings'>,
) => row

/** The templates among some settings: those that are set. */
export const parts = (...all: readonly (readonly [string, string | undefined, TemplateForm])[]): readonly Part[] =>
  all.flatMap(([setting, source, form]) => (source === undefined ? [] : [{ setting, source, form }]))
