// The command line within this process, as an administrator of a node calls it.
import * as assert from 'uvu/assert'
import { runCommandLine } from '../../src/cli/program.ts'
import type { TestNode } from '../system/node.ts'

/** Runs a command to its end, which must be a good one; gives what it printed. */
export const commandLine = async (
  node: Pick<TestNode, 'key'> & { readonly url: string },
  args: readonly string[],
): Promise<string> => {
  const { appId, token } = node.key('admin')
  const { write } = process.stdout
  let out = ''
  process.stdout.write = ((chunk: string) => {
    out += chunk
    return true
  }) as typeof write
  try {
    await runCommandLine([...args, '--url', node.url, '--app-id', appId, '--token', token])
  } finally {
    process.stdout.write = write
  }
  assert.is(process.exitCode ?? 0, 0, out)
  return out
}
