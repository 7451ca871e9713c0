// A fact as one row of its family's table: what it says, what it makes of the customer, and what it is called outside.
import type * as v from 'valibot'
import type { PersonalParts } from '../personal.ts'
import type { ActivityCategory } from './activity.ts'

/** A fact as an event of its customer, which conditions and triggers can ask for. */
export interface Happening {
  readonly type: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** `Part` is what the family keeps of a customer. Whatever a row leaves out, the fact does not do. */
export interface FactRow<Part, S extends v.GenericSchema = v.GenericSchema> {
  /** Of the schema, from 1; `upcasters[1]` makes data of version 2 of such of version 1. */
  readonly version: number
  readonly upcasters?: Readonly<Record<number, (data: unknown) => unknown>>
  readonly schema: S
  /** What of it is a person's. */
  readonly personal?: PersonalParts
  /** Total, and without any rule: facts are never judged again. */
  evolve?(part: Part, data: v.InferOutput<S>): Part
  /** The type of its entry in the activity log, for families whose facts all show in one way. */
  readonly event?: string
  /** `EFFECT` where it is left out. */
  readonly category?: ActivityCategory
  happening?(data: v.InferOutput<S>): Happening | undefined
}

type Table = Readonly<Record<string, { readonly schema: v.GenericSchema }>>

export type DataIn<T extends Table, K extends keyof T> = v.InferOutput<T[K]['schema']>
/** The facts of a table: type and data, told apart by the type. */
export type FactIn<T extends Table> = {
  [K in keyof T & string]: { readonly type: K; readonly data: DataIn<T, K> }
}[keyof T & string]

/** Makes rows of a family that keeps a `Part`. */
export const rowsOf =
  <Part>() =>
  <S extends v.GenericSchema>(schema: S, row: Partial<Omit<FactRow<Part, S>, 'schema'>> = {}): FactRow<Part, S> => ({
    version: 1,
    schema,
    ...row,
  })

/** The part after a fact of the table. */
export const evolveBy =
  <Part>(table: Readonly<Record<string, FactRow<Part>>>) =>
  (part: Part, { type, data }: { readonly type: string; readonly data: unknown }): Part =>
    table[type]?.evolve?.(part, data) ?? part
