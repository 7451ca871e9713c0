// Statements of updates and deletes from what a client sent, whatever it calls their parts.
import { eachField } from '../bson.ts'
import { CommandError, failedToParse } from '../errors.ts'
import { parseSelection, parseUpdateStatement, type Selection, type UpdateStatement } from '../statements.ts'
import type { Doc, Maybe, Value } from '../values.ts'
import type { Table } from './schema.ts'
import type { Variables } from './variables.ts'

/** Refuses a raw statement that has a field twice, or one which is not in its table. */
export const checkNames = (path: string, table: Table, raw: Buffer): void => {
  const seen = new Set<string>()
  eachField(raw, (_type, from, to) => {
    const name = raw.toString('utf8', from, to)
    if (!table.options.has(name)) throw new CommandError(40415, `BSON field '${path}.${name}' is an unknown field.`)
    if (seen.has(name)) throw new CommandError(40413, `BSON field '${path}.${name}' is a duplicate field`)
    seen.add(name)
    return false
  })
}

/** An update ready to be run, of one document or of all that match. */
export interface ParsedUpdate {
  readonly statement: UpdateStatement
  readonly multi: boolean
}

/** A delete ready to be run, of one document or of all that match. */
export interface ParsedDelete {
  readonly selection: Selection
  readonly multi: boolean
}

interface UpdateOptions {
  readonly multi: boolean
  readonly upsert: boolean
  readonly hint: Maybe
  readonly arrayFilters: readonly Doc[]
}

/** An update of what the query finds by operators, a replacement or a pipeline. */
export const parseChange = (
  query: Doc,
  update: Buffer | readonly Value[],
  { multi, upsert, hint, arrayFilters }: UpdateOptions,
  variables: Variables,
): ParsedUpdate => {
  const selection = parseSelection(query, { hint, variables })
  const statement = parseUpdateStatement(selection, { update, arrayFilters }, { upsert })
  if (multi && statement.update.replacement)
    throw failedToParse('multi update is not supported for replacement-style update')
  return { statement, multi }
}

/** Parses a statement when it is asked for, and keeps it until another one is. */
export const lazily = <Given, Parsed>(
  given: readonly Given[],
  parse: (one: Given) => Parsed,
): ((index: number) => Parsed) => {
  let last: { readonly index: number; readonly parsed: Parsed } | undefined
  return (index) => {
    if (last?.index !== index) last = { index, parsed: parse(given[index]!) }
    return last.parsed
  }
}
