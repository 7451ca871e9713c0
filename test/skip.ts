// Files that cannot run on what they are given say so, and count as skipped.

/** What begins the lines that the runner reads: why a file is skipped, and the seconds of processor time that it took. */
export const SKIPPED = 'THIS FILE IS SKIPPED: '
export const COST = 'PROCESSOR SECONDS: '

/** Ends a test file before its tests begin. */
export const skipFile = (why: string): never => {
  console.log(SKIPPED + why)
  process.exit(0)
}

/** Whether there are given servers: tests cannot stop them, nor look into them from within. */
export const areGiven = Boolean(process.env.EVENTSTORE_URL || process.env.MONGODB_URL)

/** Runs a suite whose servers are its own, and says so where there are given ones. */
export const runOnOwnServers = (suite: { run(): void }): void => {
  if (areGiven) skipFile('it stops and starts its servers')
  suite.run()
}
