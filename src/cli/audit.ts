// `tributary audit`: states as of a point, comparisons, explanations, exports and seals, asked of a running server with the key
// of an auditor. Only `import-log` writes, and only into stores that no server holds.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import * as v from 'valibot'
import type { ClockReport, EarlyDecision } from '../audit/clock.ts'
import { ImportRefused, importLines } from '../audit/export.ts'
import { ExportExists, linesOfFile, writeExport } from '../audit/exportFile.ts'
import type { LawReport } from '../audit/laws/index.ts'
import { Block, checkSeal, Seal, sealOf } from '../audit/seal.ts'
import type { Verification } from '../audit/verify.ts'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { factRegistry } from '../domain/registry.ts'
import { startEngines } from '../engines/start.ts'
import { createCodec } from '../eventstore/codec.ts'
import { createEventStore } from '../eventstore/index.ts'
import type { Connection } from '../import/client.ts'
import { masterKeyPath } from '../privacy/masterKey.ts'
import { ask, askLines } from './asking.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const auditor = (options: unknown): Connection => connectionFor(v.parse(ConnectionOptions, options), 'auditor')

/** A path with the parameters that were given. */
const pathOf = (path: string, query: Readonly<Record<string, string | number | undefined>>): string => {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? path : `${path}?${given}`
}

/** Progress on a terminal: one line that is written over; else nothing, so that logs stay short. */
const progressLine = () => {
  const isTty = process.stderr.isTTY === true
  return {
    tell: (progress: unknown) => {
      if (isTty) process.stderr.write(`\r\x1b[K${JSON.stringify(progress).slice(0, 100)}`)
    },
    end: () => {
      if (isTty) process.stderr.write('\r\x1b[K')
    },
  }
}

const runOf = async (connection: Connection, path: string, body?: unknown): Promise<unknown> => {
  const progress = progressLine()
  try {
    return await askLines(connection, path, { onProgress: progress.tell, ...(body === undefined ? {} : { body }) })
  } finally {
    progress.end()
  }
}

const readJson = <T>(file: string, schema: v.GenericSchema<unknown, T>, what: string): T => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new CliError(`There is no file ${file} to read`, EXIT.usage)
  }
  try {
    return v.parse(schema, JSON.parse(text))
  } catch {
    throw new CliError(`${file} is no ${what}`, EXIT.usage)
  }
}

/** The laws for people: one line each, then every violation that is named. */
const lawLines = ({ laws, violations, facts, position }: LawReport): readonly string[] => [
  `Checked up to position ${position ?? 'none'}: ${laws.length} laws over ${facts} facts`,
  ...laws.map(
    ({ name, says, violations: broken }) =>
      `  ${name.padEnd(30)} ${broken === 0 ? 'holds' : `BROKEN ${broken} times`}  ${says}`,
  ),
  ...violations.flatMap(({ law, details, streams, facts: ids }) => [
    `${law}: ${details}`,
    `    streams ${streams.join(', ')}`,
    `    facts ${ids.join(', ')}`,
  ]),
]

type Told = Pick<EarlyDecision, 'type' | 'stream' | 'fact' | 'decided_for' | 'right_time' | 'stays'>
const decisionLine = ({ type, stream, fact, decided_for, right_time, stays }: Told): string =>
  `${type} of ${stream} for ${decided_for} at ${right_time} (${fact})${stays === undefined ? '' : `: ${stays}`}`

const TakenBack = v.object({
  data: v.array(
    v.looseObject({
      outcome: v.string(),
      type: v.string(),
      stream: v.string(),
      fact: v.string(),
      decided_for: v.string(),
      right_time: v.string(),
      stays: v.exactOptional(v.string()),
    }),
  ),
})

const clockLines = ({ periods, counts, decisions, facts, holds }: ClockReport): readonly string[] => [
  `${facts} facts, ${periods.length} times at which a clock was wrong`,
  ...periods.map(
    ({ kind, from, to, records, step_seconds, right_time }) =>
      `  ${kind} by ${step_seconds} s: ${records} facts, positions ${from} to ${to}, until ${right_time}`,
  ),
  ...Object.entries(counts).map(([type, count]) => `  ${count} × ${type} for a time that had not come`),
  ...decisions.map(decisionLine),
  holds ? 'Nothing was decided for a time that had not come.' : 'Take back what can be taken back with --take-back.',
]

/** The report for people. */
const reportOf = ({
  projections,
  position,
  facts,
  seconds,
  one_in,
  holds,
  finished,
  laws,
}: Verification & { readonly laws?: LawReport }): string => {
  const rows = projections.map(
    ({ name, documents, equal, different, missing, extra, unfinished }) =>
      `  ${name.padEnd(22)} ${String(documents).padStart(9)} documents  ${String(equal).padStart(9)} equal  ` +
      `${different} different  ${missing} missing  ${extra} extra${unfinished ? `  UNFINISHED: ${unfinished}` : ''}`,
  )
  const details = projections.flatMap(({ name, differing, missing_ids, extra_ids }) => [
    ...differing.map(({ id, fields }) =>
      [
        `${name} ${id}`,
        ...fields.map(
          ({ path, live, rebuilt }) =>
            `    ${path}: served ${JSON.stringify(live)}, rebuilt ${JSON.stringify(rebuilt)}`,
        ),
      ].join('\n'),
    ),
    ...missing_ids.map((id) => `${name} ${id}: is not served`),
    ...extra_ids.map((id) => `${name} ${id}: is served, and does not follow from the stream`),
  ])
  const verdict = holds
    ? laws
      ? 'What is served follows from the stream, and its laws hold.'
      : 'What is served follows from the stream.'
    : finished && laws && !laws.holds
      ? 'The laws of the stream do NOT hold.'
      : finished
        ? 'What is served does NOT follow from the stream.'
        : 'Unfinished: not everything could be compared.'
  const whole = one_in === 1 ? '' : `, one document in ${one_in}`
  return [
    `Compared at position ${position ?? 'none'}: ${facts} facts in ${seconds.toFixed(1)} s${whole}`,
    ...rows,
    ...details,
    ...(laws ? lawLines(laws) : []),
    verdict,
    '',
  ].join('\n')
}

const verifySeal = async (connection: Connection, file: string): Promise<void> => {
  const kept = readJson(file, Seal, 'seal')
  const until = kept.blocks.at(-1)?.position
  const blocks: Block[] = []
  if (until !== undefined)
    await askLines(connection, pathOf('/v1/audit/seal', { until }), {
      onLine: (line) => void blocks.push(v.parse(Block, JSON.parse(line))),
    })
  const check = await checkSeal(
    (async function* () {
      yield* blocks
    })(),
    kept,
  )
  if (check.holds) {
    process.stdout.write(`The seal holds: ${check.events} events are as they were sealed.\n`)
    return
  }
  throw new CliError(
    `The seal is broken at block ${check.block} (events ${check.from + 1} to ${check.upTo} of the log): ${check.why}.`,
    EXIT.failed,
  )
}

const keyFileOf = (file: string): string => `${file}.key`

/** Where the caller is the operator too, the key that the export leaves out goes into a file of its own beside it. */
const keepKey = async (operator: Connection | undefined, file: string): Promise<void> => {
  if (operator === undefined) {
    say(
      "The project's key is not in it. To restore it, give that key as PROJECT_KEY, or export with an admin's key file.",
    )
    return
  }
  const { key } = v.parse(v.object({ key: v.string() }), await ask(operator, 'GET', '/v1/audit/project-key'))
  // The master key stays with whoever runs the server: it is taken from its folder, never asked for.
  const master = masterKeyPath(process.env.DATA_DIR || './data')
  const masters = existsSync(master) ? readFileSync(master, 'utf8') : ''
  writeFileSync(keyFileOf(file), `${key}\n${masters}`, { mode: 0o600 })
  if (masters === '') say('The master key of personal data is not in it: restore it with the same MASTER_KEY_FILE')
  say(`The project's key, which restoring it needs, is in ${keyFileOf(file)}: keep it to yourself`)
}

/** A connection with an admin key, where the key file of the command has one. */
const operatorIn = (options: unknown): Connection | undefined => {
  const parsed = v.parse(ConnectionOptions, options)
  if (parsed.appId !== undefined) return undefined
  try {
    return connectionFor(parsed, 'admin')
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
}

const projectKeyFor = (file: string): string | undefined => {
  const { PROJECT_KEY: given } = process.env
  if (given) return given.trim()
  return existsSync(keyFileOf(file)) ? readFileSync(keyFileOf(file), 'utf8').split('\n')[0]?.trim() : undefined
}

/** What the key file has beside the project's key opens the personal data of the restored log. */
const restoreMasterKey = (file: string, data: string): void => {
  const [, ...masters] = existsSync(keyFileOf(file)) ? readFileSync(keyFileOf(file), 'utf8').trim().split('\n') : []
  const path = masterKeyPath(data)
  if (masters.length > 0 && !existsSync(path)) writeFileSync(path, `${masters.join('\n')}\n`, { mode: 0o600 })
}

const exportTo = async (
  connection: Connection,
  operator: Connection | undefined,
  file: string | undefined,
  { customer, from }: { readonly customer?: string; readonly from?: string },
): Promise<void> => {
  if (from !== undefined && !/^\d{1,19}$/.test(from)) throw new CliError('--from must be a position', EXIT.usage)
  const fetchAfter = (after: string | undefined, onLine: (line: string) => Promise<void>) => {
    const start = after ?? (from === undefined || BigInt(from) === 0n ? undefined : String(BigInt(from) - 1n))
    return askLines(connection, pathOf('/v1/audit/export', { customer, after: start }), { onLine })
  }
  if (file === undefined) {
    await fetchAfter(undefined, async (line) => {
      if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    })
    return
  }
  try {
    const lines = await writeExport(file, fetchAfter, (at) => say(`Going on after position ${at}`))
    say(`${lines} events written to ${file}`)
    if (customer === undefined) await keepKey(operator, file)
  } catch (error) {
    if (error instanceof ExportExists) throw new CliError(`${error.message}: name another file`, EXIT.usage)
    if (error instanceof CliError && existsSync(`${file}.part`))
      throw new CliError(`${error.message}\nRun the same command again to go on with ${file}.part.`, error.exitCode)
    throw error
  }
}

/** Those of the server that will read what is restored. */
const settings = (): Config => {
  try {
    return loadConfig(process.env)
  } catch (error) {
    throw error instanceof ConfigError ? new CliError(error.message, EXIT.usage) : error
  }
}

const importLog = async (file: string, { data }: { readonly data: string }): Promise<void> => {
  if (!existsSync(file)) throw new CliError(`There is no file ${file}`, EXIT.usage)
  const { eventStoreUrl, eventStoreNamespace: namespace } = settings()
  // Only the log is filled: the read models follow from it when a server starts.
  const engines = await startEngines({ dir: data }, { eventStoreUrl, mongodbUrl: 'none' }).catch((error: unknown) => {
    throw new CliError(
      `${error instanceof Error ? error.message : String(error)}\nStop the server first: a log is restored before it starts.`,
      EXIT.usage,
    )
  })
  const store = createEventStore({
    url: engines.eventStoreUrl,
    namespace,
    codec: createCodec(factRegistry),
  })
  try {
    restoreMasterKey(file, data)
    const appended = await importLines(store, linesOfFile(file), projectKeyFor(file))
    process.stdout.write(`${appended} events restored from ${file}\n`)
  } catch (error) {
    throw error instanceof ImportRefused ? new CliError(`${file}: ${error.message}`, EXIT.refused) : error
  } finally {
    await store.close()
    await engines.stop()
  }
}

const Definition = v.object({
  kind: v.string(),
  id: v.optional(v.string()),
  definition: v.record(v.string(), v.unknown()),
})

const failUnless = (holds: boolean): void => {
  if (!holds) process.exitCode = EXIT.failed
}
const Drifted = v.object({ drift: v.array(v.unknown()), undecided: v.optional(v.array(v.unknown()), []) })

export const auditCommand: Subcommand = (program) => {
  const audit = program
    .command('audit')
    .summary('rebuild, compare, explain and seal what was recorded')
    .description('Asks a running server with the key of an auditor, which can write nothing.')
  const asking = (name: string, summary: string): Command => withConnection(audit.command(name).description(summary))

  asking('state', 'a customer as of now, a revision or a time, folded from the stream')
    .argument('<what>', 'customer')
    .argument('<id>', 'id or source_id')
    .option('--at <point>', 'a revision of the stream, or an ISO time')
    .action(async (what: string, id: string, options: { readonly at?: string }) => {
      if (what !== 'customer') throw new CliError(`There is no state of "${what}": ask for customer`, EXIT.usage)
      const { at } = options
      const point = at === undefined ? {} : /^\d{1,18}$/.test(at) ? { revision: at } : { time: at }
      print(await ask(auditor(options), 'GET', pathOf(`/v1/audit/customers/${encodeURIComponent(id)}`, point)))
    })

  asking('explain', 'why a fact was recorded, or why a definition does or does not hold for a customer')
    .argument('[id]', 'id of an activity entry, a transaction or a message')
    .option('--customer <id>', 'id or source_id of the customer')
    .option('--definition <id>', 'a segment, validation rule, earning rule or distribution')
    .option('--event <id>', 'activity entry that an earning rule or distribution is asked about; default: the newest')
    .action(
      async (
        id: string | undefined,
        options: { readonly customer?: string; readonly definition?: string; readonly event?: string },
      ) => {
        const { customer, definition, event } = options
        print(await ask(auditor(options), 'GET', pathOf('/v1/audit/explain', { id, customer, definition, event })))
      },
    )

  asking('verify', 'rebuild read models beside the live ones and report every difference; or check a seal')
    .option('--projection <name>', 'only this read model')
    .option('--sample <documents>', 'about so many documents of each read model', wholeNumber(1, 10_000_000))
    .option('--seal <file>', 'check a seal instead')
    .option('--json', 'print the report as JSON')
    .action(
      async (options: {
        readonly projection?: string
        readonly sample?: number
        readonly seal?: string
        readonly json?: boolean
      }) => {
        const connection = auditor(options)
        const { projection, sample, seal } = options
        if (seal !== undefined) return verifySeal(connection, seal)
        const report = (await runOf(connection, pathOf('/v1/audit/verify', { projection, sample }))) as Verification
        if (options.json) print(report)
        else process.stdout.write(reportOf(report))
        failUnless(report.holds)
      },
    )

  asking('laws', 'check from the log alone what must always hold')
    .option('--json', 'print the report as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      const report = (await runOf(auditor(options), '/v1/audit/laws')) as LawReport
      if (options.json) print(report)
      else process.stdout.write(`${lawLines(report).join('\n')}\n`)
      failUnless(report.holds)
    })

  asking('clock', 'where a clock was wrong, and what was decided for times that had not come')
    .option('--take-back', 'with the admin key: give expired points back, and say why the rest stays')
    .option('--json', 'print the report as JSON')
    .action(async (options: { readonly takeBack?: boolean; readonly json?: boolean }) => {
      if (options.takeBack) {
        const admin = connectionFor(v.parse(ConnectionOptions, options), 'admin')
        const taken = v.parse(TakenBack, await ask(admin, 'POST', '/v1/clock/take-back'))
        if (options.json) print(taken.data)
        else for (const one of taken.data) process.stdout.write(`${one.outcome.padEnd(15)} ${decisionLine(one)}\n`)
        return
      }
      const report = (await runOf(auditor(options), '/v1/audit/clock')) as ClockReport
      if (options.json) print(report)
      else process.stdout.write(`${clockLines(report).join('\n')}\n`)
      failUnless(report.holds)
    })

  asking('redecide', 'decide what was recorded again and report what comes out differently')
    .option('--customer <id>', 'only this customer')
    .option('--from <time>', 'decisions from this ISO time on')
    .option('--to <time>', 'decisions before this ISO time')
    .action(async (options: { readonly customer?: string; readonly from?: string; readonly to?: string }) => {
      const connection = auditor(options)
      const { customer, from, to } = options
      const found =
        customer === undefined
          ? await runOf(connection, pathOf('/v1/audit/redecide', { from, to }))
          : await ask(
              connection,
              'GET',
              pathOf(`/v1/audit/customers/${encodeURIComponent(customer)}/redecide`, { from, to }),
            )
      print(found)
      const { drift, undecided } = v.parse(Drifted, found)
      failUnless(drift.length + undecided.length === 0)
    })

  asking('simulate', 'what a draft definition would have led to over recorded history; writes nothing')
    .requiredOption(
      '--definition <file>',
      'JSON: {"kind": "segment"|"earningRule"|"distribution", "definition": {…}}, with "id": "…" in place of that one',
    )
    .option('--from <time>', 'as if it had been made at this ISO time')
    .option('--to <time>', 'up to before this ISO time')
    .action(async (options: { readonly definition: string; readonly from?: string; readonly to?: string }) => {
      const { definition, from, to } = options
      const draft = readJson(definition, Definition, 'draft of a definition')
      print(await runOf(auditor(options), '/v1/audit/simulations', { ...draft, from, to }))
    })

  asking('export', 'the log as a line of JSON for each event; an export that broke off goes on where it stopped')
    .argument('[file]', 'compressed when its name ends in .gz; default: standard output')
    .option('--customer <id>', 'only the stream of this customer')
    .option('--from <position>', 'events from this position on')
    .action((file: string | undefined, options: { readonly customer?: string; readonly from?: string }) =>
      exportTo(auditor(options), operatorIn(options), file, options),
    )

  asking('seal', 'a hash chain over the log, to be kept elsewhere')
    .argument('[file]', 'where to write it; default: standard output')
    .action(async (file: string | undefined, options: unknown) => {
      const blocks: Block[] = []
      await askLines(auditor(options), '/v1/audit/seal', {
        onLine: (line) => void blocks.push(v.parse(Block, JSON.parse(line))),
      })
      if (file === undefined) print(sealOf(blocks))
      else writeFileSync(file, `${JSON.stringify(sealOf(blocks))}\n`)
      say(`${blocks.at(-1)?.upTo ?? 0} events sealed in ${blocks.length} blocks`)
    })

  audit
    .command('import-log')
    .description(
      'Restores an export into an empty system, before its server starts: into EVENTSTORE_URL, else into the embedded log ' +
        'of the data folder. Ids and revisions stay; run it again to go on after an interruption. The key of the project is ' +
        'taken from PROJECT_KEY, else from the file that `export` wrote beside the export.',
    )
    .argument('<file>', 'an export, compressed when its name ends in .gz')
    .option('--data <dir>', 'folder of the embedded engines', process.env.DATA_DIR || './data')
    .action(importLog)
}
