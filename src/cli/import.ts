// `tributary import`: tracks the lines of a file as events of a running server.

import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as v from 'valibot'
import { errorText } from '../domain/errorText.ts'
import { type Alone, cardsOf, customers, vouchersOf } from '../import/alone.ts'
import { CheckError, InputError, Interrupted, KeyError, ServerError } from '../import/errors.ts'
import { type MappingFile, parseMappingFile, parseMetadataOption } from '../import/mappingFile.ts'
import { createProgressView } from '../import/progress.ts'
import { FILE_FORMATS, formatOf } from '../import/records.ts'
import { refusedPathFor } from '../import/refused.ts'
import { type Report, runImport } from '../import/run.ts'
import { THOUSANDS_SIGNS } from '../import/values.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'
import { interruptible } from './interrupt.ts'

const Options = v.object({
  ...ConnectionOptions.entries,
  event: v.optional(v.string()),
  eventColumn: v.optional(v.string()),
  customers: v.optional(v.boolean(), false),
  vouchers: v.optional(v.string()),
  cards: v.optional(v.string()),
  mapping: v.optional(v.string()),
  customer: v.optional(v.string()),
  id: v.optional(v.string()),
  idPrefix: v.optional(v.string()),
  time: v.optional(v.string()),
  timeFormat: v.optional(v.string()),
  timeZone: v.optional(v.string()),
  metadata: v.optional(v.string()),
  metadataColumn: v.optional(v.string()),
  decimalSign: v.optional(v.string()),
  thousandsSign: v.optional(v.string()),
  format: v.optional(v.picklist(FILE_FORMATS)),
  delimiter: v.optional(v.string()),
  createSchema: v.optional(v.boolean(), false),
  dryRun: v.optional(v.boolean(), false),
  refused: v.optional(v.string()),
  batch: v.number(),
  inFlight: v.number(),
  retryFor: v.number(),
  json: v.optional(v.boolean(), false),
})
type Options = v.InferOutput<typeof Options>

const HELP = `
Defaults: the customer's source_id is the column "source_id", the time the column "occurred_at" if there is one (else the
time of arrival), metadata every column that is neither. CSV cells are strings unless --metadata or the mapping file
gives them a type; JSON values stay as they are. Empty cells are left out. An event without an id of its own gets one
from its line and what the line says, so that running an import again records only what is missing.

With --vouchers and --cards a column called customer (its source_id), active, quantity, amount (of gift vouchers, minor units), points
(on the card in the end), start_date, expiration_date, category or additional_info says that of the code; all others are its metadata.

Types: string, number, boolean, money (whole minor units: 12.50 becomes 1250, 1,234.50 becomes 123450), date, datetime,
json (a text that holds JSON), any (as it is).
Time formats: iso, unix, unix-ms, or tokens such as "dd.LL.yyyy HH:mm".

Exit codes: 0 done; 1 unforeseen failure; 2 the command, file or mapping cannot be used; 3 the server does not answer;
4 the key is refused; 5 done, but lines were refused, or all would be and nothing was sent; 130 interrupted.

Examples:
  tributary import orders.csv --event purchase --customer email --time paid_at --create-schema
  tributary import orders.csv --event purchase --customer household_id --time transaction_timestamp \\
      --metadata 'quantity:number,sales_value:money=amount,*'
  tributary import people.csv --customers
  tributary import codes.csv --vouchers "Summer sale"
  tributary import cards.csv --cards Club
  tributary import clicks.ndjson --mapping clicks.json`

const number = new Intl.NumberFormat('en')

const readMapping = (path: string): MappingFile => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new InputError(`Mapping ${path} cannot be read: ${errorText(error)}`)
  }
  return parseMappingFile(path, text)
}

/** The mapping file with what the options say over it. */
const mappingOf = (options: Options): MappingFile => {
  const file: MappingFile = options.mapping === undefined ? {} : readMapping(options.mapping)
  const timeColumn =
    options.time ?? (typeof file.occurred_at === 'string' ? file.occurred_at : file.occurred_at?.column)
  const timeFormat = options.timeFormat ?? (typeof file.occurred_at === 'object' ? file.occurred_at.format : undefined)
  const merged = {
    ...file,
    event: options.eventColumn === undefined ? (options.event ?? file.event) : { column: options.eventColumn },
    metadata_column: options.metadataColumn ?? file.metadata_column,
    decimal_sign: options.decimalSign ?? file.decimal_sign,
    thousands_sign: options.thousandsSign ?? file.thousands_sign,
    customer: options.customer ?? file.customer,
    ...(options.id === undefined ? {} : { id: options.id.split(',').map((column) => column.trim()) }),
    id_prefix: options.idPrefix ?? file.id_prefix,
    ...(timeColumn === undefined
      ? {}
      : { occurred_at: timeFormat === undefined ? timeColumn : { column: timeColumn, format: timeFormat } }),
    time_zone: options.timeZone ?? file.time_zone,
    ...(options.metadata === undefined ? {} : parseMetadataOption(options.metadata)),
  }
  // Once more through the schema: options are held to the same bounds as the file.
  return parseMappingFile(options.mapping ?? 'from the options', JSON.stringify(merged))
}

/** What the lines are, where they are no events. */
const aloneOf = (options: Options): Alone | undefined => {
  const kinds = [
    ...(options.customers ? [customers] : []),
    ...(options.vouchers === undefined ? [] : [vouchersOf(options.vouchers)]),
    ...(options.cards === undefined ? [] : [cardsOf(options.cards)]),
  ]
  if (kinds.length > 1) throw new CliError('Only one of --customers, --vouchers and --cards can be given', EXIT.usage)
  return kinds[0]
}

const summary = (file: string, report: Report, what: string | undefined, dryRun: boolean): string => {
  const { recorded, repeated, refused, unclear, seconds, event } = report
  const rate = number.format(Math.round((recorded + repeated + refused) / Math.max(seconds, 0.001)))
  const called = typeof event === 'object' ? `what its column "${event.column}" says` : `"${event}"`
  const lines = [
    `${dryRun ? 'Tried' : 'Imported'} ${file} as ${what ?? called} in ${seconds.toFixed(1)} s (${rate}/s)`,
    `  ${dryRun ? 'would be recorded' : 'recorded'}  ${number.format(recorded)}`,
    `  repeated  ${number.format(repeated)}${repeated > 0 ? '  (were there already)' : ''}`,
    `  refused   ${number.format(refused)}${report.refusedFile === undefined ? '' : `  (see ${report.refusedFile})`}`,
  ]
  if (unclear > 0)
    lines.push(
      `  Of the repeated, ${number.format(unclear)} were sent more than once, as the server was busy or an answer was lost: this run may have recorded them.`,
    )
  if (report.unreadableFrom !== undefined)
    lines.push(
      `  From line ${report.unreadableFrom} on the file cannot be read: a quote opens there that is never closed.`,
    )
  return `${lines.join('\n')}\n`
}

const GO_ON = 'Run the same command again to go on: what is recorded is found and not doubled.'

/** Whether the same command can come further another time, perhaps with another key. */
const mayHelp = (error: Error): boolean => error instanceof ServerError || error instanceof KeyError

const codeOf = (error: Error): number => {
  if (error instanceof InputError) return EXIT.usage
  if (error instanceof ServerError) return EXIT.unreachable
  if (error instanceof KeyError) return EXIT.key
  if (error instanceof CheckError) return EXIT.refused
  return error instanceof Interrupted ? EXIT.interrupted : EXIT.failed
}

const startHint = (error: Error): string =>
  error instanceof ServerError ? '\nIs the server running? Start it with "npm start", or name another with --url.' : ''

const run = async (file: string, options: Options): Promise<void> => {
  const view = createProgressView({ stream: process.stderr, isTty: process.stderr.isTTY === true, now: Date.now })
  const alone = aloneOf(options)
  let report: Report
  try {
    report = await interruptible((signal) =>
      runImport({
        file,
        format: options.format ?? formatOf(file),
        delimiter: options.delimiter ?? (/\.tsv$/i.test(file) ? '\t' : ','),
        mapping: mappingOf(options),
        connection: connectionFor(options, 'integrator'),
        alone,
        schemaConnection: options.createSchema && !alone ? connectionFor(options, 'admin') : undefined,
        dryRun: options.dryRun,
        refusedPath: options.refused ?? refusedPathFor(file),
        inFlight: options.inFlight,
        batchSize: options.batch,
        retryForMs: options.retryFor * 1000,
        signal,
        onProgress: view.update,
        onNote: view.note,
      }),
    )
  } catch (error) {
    if (!(error instanceof Error) || error instanceof CliError || codeOf(error) === EXIT.failed) throw error
    const message = error instanceof Interrupted ? 'Interrupted before anything was sent.' : error.message
    throw new CliError(message + startHint(error), codeOf(error))
  } finally {
    view.stop()
  }
  const { ended, ...counts } = report
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ...counts, ended: ended.kind })}\n`
      : summary(file, report, alone?.what, options.dryRun),
  )
  switch (ended.kind) {
    case 'complete':
      process.exitCode = report.refused > 0 ? EXIT.refused : EXIT.ok
      return
    case 'interrupted':
      throw new CliError(`Interrupted before the end of the file. ${GO_ON}`, EXIT.interrupted)
    case 'failed':
      if (codeOf(ended.error) === EXIT.failed) throw ended.error
      throw new CliError(
        `Ended before the end of the file: ${ended.error.message}${mayHelp(ended.error) ? `\n${GO_ON}` : ''}`,
        codeOf(ended.error),
      )
    default:
      return ended satisfies never
  }
}

const oneCharacter = (text: string): string => {
  const character = text === '\\t' || text === 'tab' ? '\t' : text
  if (character.length !== 1) throw new InvalidArgumentError('It must be one character, or "tab".')
  return character
}

export const importCommand: Subcommand = (program: Command) => {
  const command = program
    .command('import')
    .summary('track the lines of a CSV or NDJSON file as events')
    .description(
      'Tracks the lines of a CSV file (with a header line) or of a file with one JSON object a line as events.',
    )
    .argument('<file>', 'the file; .ndjson, .jsonl and .json hold JSON lines, anything else is CSV')
    .option('--event <name>', 'what the events are called')
    .option('--event-column <column>', 'column of what each event is called')
    .option('--customers', 'the lines are customers, not events: columns called like the profile make it')
    .option('--vouchers <campaign>', 'the lines are codes of this campaign: a column "code", and what it says of each')
    .option('--cards <program>', 'the lines are cards of this loyalty program: columns "code", "customer" and "points"')
    .option('--mapping <path>', 'JSON file that says which columns become what; options go before it')
    .option('--customer <column>', "column of the customer's source_id")
    .option('--id <columns>', 'columns whose values, joined by "-", are the id of an event')
    .option('--id-prefix <text>', 'put before the ids (default: the name of the event and "-")')
    .option('--time <column>', 'column of the time at which it happened')
    .option('--time-format <format>', 'how times are written')
    .option('--time-zone <zone>', 'IANA zone of times that name none (default: UTC)')
    .option('--metadata <columns>', 'COLUMN[:TYPE][=PROPERTY], comma-separated; * for all other columns')
    .option('--metadata-column <column>', 'column that holds an object (in CSV its JSON) of metadata')
    .addOption(new Option('--decimal-sign <sign>', 'before the fraction of numbers').choices(['.', ',']))
    .addOption(new Option('--thousands-sign <sign>', 'between thousands of numbers').choices(THOUSANDS_SIGNS))
    .addOption(new Option('--format <format>', 'format of the file, whatever its name').choices(FILE_FORMATS))
    .addOption(new Option('--delimiter <character>', 'between the cells of a CSV line').argParser(oneCharacter))
    .option('--create-schema', 'make the event schema from the columns where there is none (needs an admin key)')
    .option('--dry-run', 'ask what would be recorded, record nothing')
    .option('--refused <path>', 'where refused lines go with their reasons (default: FILE.refused.ndjson)')
    .option('--batch <events>', 'events in one request', wholeNumber(1, 1_000), 1_000)
    .option('--in-flight <batches>', 'requests at once', wholeNumber(1, 32), 4)
    .option('--retry-for <seconds>', 'how long to wait for a server that does not answer', wholeNumber(0, 86_400), 600)
    .option('--json', 'print the counts as one line of JSON')
    .addHelpText('after', HELP)
  withConnection(command).action((file: string, options: unknown) => run(file, v.parse(Options, options)))
}
