// `tributary migrate`: moves a running project over its public API into this one, and says what came of it.
import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import * as v from 'valibot'
import { TributaryError } from '../client/errors.ts'
import { InputError } from '../import/errors.ts'
import { type MigrateReport, migrate } from '../migrate/run.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { connectionFor, DEFAULT_URL } from './connection.ts'
import { CliError, EXIT } from './exit.ts'
import { interruptible } from './interrupt.ts'

const Options = v.object({
  from: v.string(),
  appId: v.string(),
  token: v.string(),
  project: v.optional(v.string()),
  managementId: v.optional(v.string()),
  managementToken: v.optional(v.string()),
  to: v.string(),
  toAppId: v.optional(v.string()),
  toToken: v.optional(v.string()),
  keyFile: v.optional(v.string()),
  state: v.string(),
  rate: v.optional(v.number()),
  retryFor: v.number(),
  report: v.optional(v.string()),
})
type Options = v.InferOutput<typeof Options>

const HELP = `
Reads customers, event schemas, campaigns, promotions and loyalty programs, codes and cards with what is left on them, publications, orders,
redemptions, events, segments, validation rules, rewards, tiers and earning rules, in an order in which nothing is rewarded twice.
Customers are known by their source_id, codes by their code, events by their id; what has an id of the server's own gets a new one,
and what names it follows. Then it compares: every code and card, the customers of each segment, how many customers there are.

Run it into an empty project. When it ended early, run the same command again: it goes on from --state. A source that says "too many
requests" is asked again when it says; --rate keeps below its bound from the beginning.

Exit codes: 0 all came over and is alike; 1 unforeseen failure; 2 the command or the state cannot be used; 3 a server does not
answer; 4 a key is refused; 5 done, but something could not come over or is not alike; 130 interrupted.

Example:
  tributary migrate --from https://api.voucherify.io --app-id "$APP_ID" --token "$TOKEN" --rate 90`

const number = new Intl.NumberFormat('en')
const WIDTH = 24

const summary = (report: MigrateReport): string => {
  const { counts, reasons, notes, comparison, refusedFile, differencesFile } = report
  const lines = [
    `${''.padEnd(WIDTH)}${['read', 'moved', 'there', 'refused'].map((word) => word.padStart(10)).join('')}`,
  ]
  for (const [kind, { read, moved, there, refused }] of Object.entries(counts)) {
    lines.push(
      `${kind.padEnd(WIDTH)}${[read, moved, there, refused].map((n) => number.format(n).padStart(10)).join('')}`,
    )
    for (const [reason, n] of Object.entries(reasons[kind] ?? {})) lines.push(`  ${number.format(n)} × ${reason}`)
  }
  if (Object.values(counts).some(({ refused }) => refused > 0)) lines.push(`What could not come over: ${refusedFile}`)
  if (notes.length > 0) lines.push('To know:', ...notes.map((note) => `  ${note}`))
  const compared = Object.entries(comparison.compared).map(([kind, n]) => `${number.format(n)} ${kind}`)
  lines.push(
    comparison.differences === 0
      ? `Compared ${compared.join(', ')}: no difference`
      : `Compared ${compared.join(', ')}: ${number.format(comparison.differences)} differ (${differencesFile})`,
    ...comparison.examples.slice(0, 10).map(({ what, before, now }) => `  ${what}: ${before}, here ${now}`),
  )
  return `${lines.join('\n')}\n`
}

const failureOf = (error: unknown): unknown => {
  if (error instanceof InputError) return new CliError(error.message, EXIT.usage)
  if (!(error instanceof TributaryError)) return error
  const goOn = 'Run the same command again to go on.'
  if (error.status === 401 || error.status === 403) return new CliError(`A key is refused: ${error.message}`, EXIT.key)
  return error.status === 0 || error.status === 429 || error.status >= 500
    ? new CliError(`Ended before the end: ${error.message}\n${goOn}`, EXIT.unreachable)
    : error
}

/** What is being done, on a terminal in one line that changes. */
const progressView = (stream: NodeJS.WriteStream) => {
  let step = ''
  let shownAt = 0
  return {
    step(name: string): void {
      step = name
      stream.write(stream.isTTY ? `\r\x1b[K${name} …` : `${name} …\n`)
    },
    update(kind: string, read: number): void {
      const now = Date.now()
      if (now - shownAt < (stream.isTTY ? 200 : 10_000)) return
      shownAt = now
      stream.write(
        stream.isTTY ? `\r\x1b[K${step}: ${number.format(read)} ${kind}` : `  ${number.format(read)} ${kind}\n`,
      )
    },
    note(text: string): void {
      stream.write(`${stream.isTTY ? '\r\x1b[K' : ''}${text}\n`)
    },
    end(): void {
      if (stream.isTTY) stream.write('\r\x1b[K')
    },
  }
}

const run = async (options: Options): Promise<void> => {
  if (!URL.canParse(options.from) || !/^https?:$/.test(new URL(options.from).protocol))
    throw new CliError(`--from must be an http or https address, not ${options.from}`, EXIT.usage)
  const { toAppId, toToken, keyFile } = options
  const to = connectionFor(
    {
      url: options.to,
      keyFile,
      appId: toAppId,
      token: toToken,
    },
    'admin',
  )
  const { project, managementId, managementToken } = options
  const given = [project, managementId, managementToken].filter((one) => one !== undefined).length
  if (given !== 0 && given !== 3)
    throw new CliError('--project, --management-id and --management-token go together', EXIT.usage)
  const management =
    project === undefined || managementId === undefined || managementToken === undefined
      ? undefined
      : { project, id: managementId, token: managementToken }
  const view = progressView(process.stderr)
  let report: MigrateReport
  try {
    report = await interruptible((signal) =>
      migrate({
        from: { url: options.from, appId: options.appId, token: options.token, rate: options.rate, management },
        to,
        stateFile: options.state,
        retryForMs: options.retryFor * 1000,
        signal,
        onStep: view.step,
        onProgress: view.update,
        onRetry: (who, reason, waitMs) => view.note(`${who}: ${reason}; again in ${Math.ceil(waitMs / 1000)} s`),
      }).catch((error) => {
        throw signal.aborted
          ? new CliError('Interrupted. Run the same command again to go on.', EXIT.interrupted)
          : error
      }),
    )
  } catch (error) {
    throw failureOf(error)
  } finally {
    view.end()
  }
  process.stdout.write(summary(report))
  if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`)
  const isWhole =
    report.comparison.differences === 0 && Object.values(report.counts).every(({ refused }) => refused === 0)
  process.exitCode = isWhole ? EXIT.ok : EXIT.refused
}

export const migrateCommand: Subcommand = (program: Command) => {
  program
    .command('migrate')
    .summary('move a running project over its public API into this one')
    .description('Moves a project of Voucherify, or of another Tributary, over its public v1 API into this one.')
    .requiredOption('--from <url>', 'where the API of the project to be moved is, such as https://api.voucherify.io')
    .addOption(new Option('--app-id <id>', 'id of its API key').env('MIGRATE_APP_ID').makeOptionMandatory())
    .addOption(new Option('--token <token>', 'token of its API key').env('MIGRATE_TOKEN').makeOptionMandatory())
    .option(
      '--project <id>',
      'its id, with a key of its Management API, which alone tells the event schemas of Voucherify',
    )
    .option('--management-id <id>', 'id of that key')
    .addOption(new Option('--management-token <token>', 'token of that key').env('MIGRATE_MANAGEMENT_TOKEN'))
    .addOption(new Option('--to <url>', 'where this server listens').default(DEFAULT_URL).env('TRIBUTARY_URL'))
    .option('--key-file <path>', 'keys.json to take the admin key of this server from (default: DATA_DIR/keys.json)')
    .addOption(new Option('--to-app-id <id>', 'id of the admin key, with --to-token').env('TRIBUTARY_APP_ID'))
    .addOption(new Option('--to-token <token>', 'token of the admin key, with --to-app-id').env('TRIBUTARY_TOKEN'))
    .option('--state <path>', 'what is remembered of the move, to go on with', 'migrate.state.json')
    .option(
      '--rate <requests>',
      'requests a minute to the old project at most (default: as many as it takes)',
      wholeNumber(1, 100_000),
    )
    .option('--retry-for <seconds>', 'how long to wait for a server that does not answer', wholeNumber(0, 86_400), 600)
    .option('--report <path>', 'write the report as JSON too')
    .addHelpText('after', HELP)
    .action((options: unknown) => run(v.parse(Options, options)))
}
