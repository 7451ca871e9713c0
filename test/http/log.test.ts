// Logs: JSON lines, and none lost when the process ends by itself or is told to.
import { spawn } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

/** Runs a program that logs, and returns its parsed lines. */
const linesOf = (program: string): Promise<readonly Record<string, unknown>[]> =>
  new Promise((resolve, reject) => {
    const source = `import { createLogger } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)}\n${program}`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', () =>
      resolve(
        output
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    )
  })

test('lines carry time, level and fields; those below the level are left out', async () => {
  const [line, ...others] = await linesOf(
    `const log = createLogger('info'); log.debug('unseen'); log.info({ requestId: 'v-1' }, 'request')`,
  )
  assert.equal(others, [])
  assert.is(line?.level, 'info')
  assert.is(line?.requestId, 'v-1')
  assert.is(line?.msg, 'request')
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT/)
})

test('no line is lost at the end of the process', async () => {
  const lines = await linesOf(
    `const log = createLogger('info'); for (let i = 0; i < 500; i++) log.info({ i }, 'line'); process.exit(0)`,
  )
  assert.is(lines.length, 500)
  assert.is(lines.at(-1)?.i, 499)
})

test.run()
