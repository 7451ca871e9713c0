// `tributary audit`: states as of a point, comparisons, explanations, exports and seals, asked of a running server with the key
// of an auditor. Only `import-log` writes, and only into stores that no server holds.
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import * as v from 'valibot'
import type { ClockReport } from '../audit/clock.ts'
import type { LawReport } from '../audit/laws/index.ts'
import { Block, sealOf } from '../audit/seal.ts'
import type { Verification } from '../audit/verify.ts'
import type { Connection } from '../import/client.ts'
import { ask, askLines, type LineListener } from './asking.ts'
import { exportTo, importLog, operatorIn, pathOf, print, readJson, say, verifySeal } from './auditFiles.ts'
import { clockLines, decisionLine, lawLines, NOTHING_EARLY, reportOf, TakenBack } from './auditReports.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

const auditor = (options: unknown): Connection => connectionFor(v.parse(ConnectionOptions, options), 'auditor')

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

const runOf = async (connection: Connection, path: string, listener: LineListener = {}): Promise<unknown> => {
  const progress = progressLine()
  try {
    return await askLines(connection, path, { onProgress: progress.tell, ...listener })
  } finally {
    progress.end()
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
    .option('--json', 'print the report as JSON; with --take-back a line of it for each decision')
    .action(async (options: { readonly takeBack?: boolean; readonly json?: boolean }) => {
      if (options.takeBack) {
        const admin = connectionFor(v.parse(ConnectionOptions, options), 'admin')
        let decisions = 0
        const onLine = (line: string): void => {
          decisions += 1
          if (options.json) return void process.stdout.write(`${line}\n`)
          const one = v.parse(TakenBack, JSON.parse(line))
          process.stdout.write(`${one.outcome.padEnd(15)} ${decisionLine(one)}\n`)
        }
        await runOf(admin, '/v1/clock/take-back', { body: {}, onLine })
        if (decisions === 0 && !options.json) process.stdout.write(`${NOTHING_EARLY}\n`)
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
      print(await runOf(auditor(options), '/v1/audit/simulations', { body: { ...draft, from, to } }))
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
