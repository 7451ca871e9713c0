// Runs test files one after the other in this process, as uvu's own command line does, and tells the runner (run.ts) where each
// begins and ends: what nearly all of them import takes longer to load than most tests take to run.
//   node filesProcess.js [--bail] FILE ...     (built files; --bail: up to the first test that fails, which makes the exit code 1)
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { BEGINS, ENDS } from './files.ts'

/** Of this process and of those that it started and that have ended; Linux counts these in hundredths of a second (proc(5)). */
const processorSeconds = (): number => {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }
}

// Read by uvu when it is loaded: its tests then wait to be asked.
Object.assign(globalThis, { UVU_DEFER: 1, UVU_INDEX: 0 })
const { exec, queue } = await import('./uvu.ts')

const bail = process.argv[2] === '--bail'
let before = 0
for (const file of process.argv.slice(bail ? 3 : 2)) {
  console.log(BEGINS + file)
  queue.splice(0, queue.length, [null])
  try {
    await import(pathToFileURL(file).href)
    await exec(bail)
  } catch (error) {
    console.error(error)
    if (bail) process.exit(1)
    process.exitCode = 1
  }
  const now = processorSeconds()
  console.log(`${ENDS}${process.exitCode ?? 0} ${(now - before).toFixed(1)}`)
  before = now
}
// How the files went is told; that this process came to its end is left.
process.exitCode = 0
if (bail) process.exit()
