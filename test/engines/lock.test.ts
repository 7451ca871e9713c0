// A directory belongs to one process at a time, and a dead owner's lock is taken over at once and by one alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryInUse, lockDirectory } from '../../src/engines/lock.ts'

const test = suite('directory lock')

let dir = ''
const children: ChildProcess[] = []
test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'tributary-lock-'))
})
test.after.each(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const lockModule = new URL('../../src/engines/lock.ts', import.meta.url).href

/** A process that tries to lock `dir`, says `held` or `refused`, and then lives until it is killed. */
const contender = async (): Promise<{ readonly child: ChildProcess; readonly said: string }> => {
  const code = `import { lockDirectory } from ${JSON.stringify(lockModule)}
    const said = await lockDirectory(process.argv[1]).then(() => 'held', (error) => \`refused \${error.name}\`)
    process.stdout.write(said)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [chunk] = await once(child.stdout!, 'data')
  return { child, said: String(chunk) }
}

const inUse = async (): Promise<DirectoryInUse> => {
  const error = await lockDirectory(dir).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.instance(error, DirectoryInUse)
  return error as DirectoryInUse
}
const lockFiles = () => readdirSync(dir).filter((name) => name.includes('lock'))

test('a second opener in the same process is refused, and gets it after a release', async () => {
  const first = await lockDirectory(dir)
  const error = await inUse()
  assert.is(error.pid, process.pid)
  assert.match(error.message, `${dir} is in use by process ${process.pid}`)
  first.release()
  first.release()
  const second = await lockDirectory(dir)
  second.release()
  assert.equal(lockFiles(), [])
})

test('another process is refused with the owner named; killed, its lock is taken over', async () => {
  const { child, said } = await contender()
  assert.is(said, 'held')
  assert.is((await inUse()).pid, child.pid)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = await lockDirectory(dir)
  assert.is(lockFiles().length, 1)
  lock.release()
})

test('of many that find a dead owner, one gets the directory', async () => {
  const first = await contender()
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const all = await Promise.all(Array.from({ length: 4 }, contender))
  assert.equal(all.map(({ said }) => said).sort(), [
    'held',
    'refused DirectoryInUse',
    'refused DirectoryInUse',
    'refused DirectoryInUse',
  ])
})

test('in one process, of many at the same time one gets it', async () => {
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(dir)))
  const held = all.filter((one) => one.status === 'fulfilled')
  assert.is(held.length, 1)
  for (const one of held) one.value.release()
})

test('a process id that now belongs to another process is no owner', async () => {
  writeFileSync(join(dir, 'lock.7'), JSON.stringify({ pid: process.pid, started: '1', space: await ownSpace() }))
  const lock = await lockDirectory(dir)
  assert.equal(lockFiles(), ['lock.8'])
  lock.release()
})

test('a lock from before the machine was started, or of rubbish, is no lock', async () => {
  writeFileSync(join(dir, 'lock.3'), JSON.stringify({ pid: 1, started: '1', space: 'another-boot pid:[1]' }))
  ;(await lockDirectory(dir)).release()
  writeFileSync(join(dir, 'lock.3'), 'rubbish')
  ;(await lockDirectory(dir)).release()
})

test('an owner in another container is alive as long as it touches its file', async () => {
  const [boot] = (await ownSpace()).split(' ')
  const file = join(dir, 'lock.1')
  const foreign = JSON.stringify({ pid: 1, started: '1', space: `${boot} pid:[another]` })
  writeFileSync(file, foreign)
  const touching = setInterval(() => utimesSync(file, new Date(), new Date()), 500)
  await inUse()
  clearInterval(touching)
  utimesSync(file, new Date(0), new Date(0))
  ;(await lockDirectory(dir)).release()
})

/** How this process describes the space its id is valid in, taken from a lock of its own. */
const ownSpace = async (): Promise<string> => {
  const other = mkdtempSync(join(tmpdir(), 'tributary-lock-'))
  const { readFileSync } = await import('node:fs')
  const lock = await lockDirectory(other)
  const { space } = JSON.parse(readFileSync(join(other, 'lock.1'), 'utf8')) as { readonly space: string }
  lock.release()
  rmSync(other, { recursive: true, force: true })
  return space
}

test.run()
