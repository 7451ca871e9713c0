// `tributary demo`: fills an empty project with a shop's year, to look at.
import * as v from 'valibot'
import { fillWithDemo, NotEmpty, type Sender } from '../demo/run.ts'
import { createClient, reasonIn } from '../import/client.ts'
import { ask, failureOf } from './asking.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { ConnectionOptions, connectionFor, withConnection } from './connection.ts'
import { CliError, EXIT } from './exit.ts'

const Options = v.object({ ...ConnectionOptions.entries, customers: v.number(), events: v.number() })

export const demoCommand: Subcommand = (program) => {
  withConnection(program.command('demo'))
    .summary("fill an empty project with a shop's year, to look at")
    .description(
      "Sends a shop's year to a running server, by the public API: customers, events, a loyalty program, referrals, codes and " +
        'messages. Refuses on a project that has customers.',
    )
    .option('--customers <n>', 'how many customers', wholeNumber(10, 100_000), 2_000)
    .option('--events <n>', 'how many events in all', wholeNumber(100, 2_000_000), 60_000)
    .action(async (given: unknown) => {
      const { customers, events, ...options } = v.parse(Options, given)
      const connection = connectionFor(options, 'admin')
      // A server that is not there is told at once.
      await ask(connection, 'GET', '/v1/customers?limit=1')
      const started = performance.now()
      // A server that has more to do than it can do soon says so, and is asked again.
      const client = createClient({ connection, retryForMs: 120_000, signal: new AbortController().signal })
      const send: Sender = async (method, path, body) => {
        const answer = await client.send(method, path, body === undefined ? undefined : JSON.stringify(body))
        if (answer.status < 300) return answer.body
        throw new CliError(`${path}: ${reasonIn(answer.body) ?? `the server answers ${answer.status}`}`, EXIT.usage)
      }
      let told = ''
      try {
        await fillWithDemo(send, {
          customers,
          events,
          now: Date.now(),
          onProgress: (done, total, what) => {
            const line = `${what} ${Math.floor((100 * done) / total)} %`
            if (line !== told && process.stderr.isTTY) process.stderr.write(`\r${line}          `)
            told = line
          },
        })
      } catch (error) {
        throw error instanceof NotEmpty ? new CliError(error.message, EXIT.usage) : failureOf(error)
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      process.stdout.write(
        `${process.stderr.isTTY ? '\n' : ''}A shop's year is there: ${customers} customers, ${events} events, in ${seconds} s.\n`,
      )
    })
}
