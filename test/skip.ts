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

/**
 * To be called before a node is started on the given log: it needs one of its own, since all definitions are in one stream of
 * it. A file that is run alone has that of an empty server.
 */
export const needsOwnLog = (): void => {
  if (process.env.TESTS_ALONE !== '1')
    skipFile('its nodes need an event log of their own: alone, it runs on the empty server of EVENTSTORE_URL')
}
