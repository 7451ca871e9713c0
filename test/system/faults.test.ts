// The application's own tests once more, with engines that answer as servers in trouble do, at random: here from one seed,
// or that of FAULTS_SEED. A long run has all of them from seeds that are printed, and with engines that are killed and started
// again in the middle.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnOwnServers } from '../skip.ts'
import { isSoak } from '../soak.ts'

const test = suite('the application on engines in trouble')
const root = join(import.meta.dirname, '..')

/** Tests of whole nodes that ask only what holds on servers in trouble too. */
const ALL = ['system/tracking', 'system/segments', 'loyalty/http', 'referrals/http']
const RUNS: readonly (readonly [string, readonly string[]])[] = isSoak
  ? [
      ['random', ALL],
      ['kill', ALL],
      ['random,kill', ALL],
    ]
  : [['random', ['system/tracking']]]

const run = (faults: string, parts: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'run.ts'), ...parts], {
      env: {
        ...process.env,
        FAULTS: faults,
        SOAK: '',
        ...(isSoak ? {} : { FAULTS_SEED: process.env.FAULTS_SEED ?? '20261' }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.on('close', (code) => resolve(`${output}\nended with ${code}`))
  })

for (const [faults, parts] of RUNS)
  test(`FAULTS=${faults}: ${parts.join(', ')}`, async () => {
    const output = await run(faults, parts)
    assert.match(output, /\n[1-9]\d* passed, 0 failed\n\nended with 0$/, output)
  })

runOnOwnServers(test)
