// Ends a process together with the npm that started it.

const LOOK_EVERY_MS = 250

/**
 * Calls back once when the process that started this one is gone, if that was npm. npm runs a script in a shell, and a
 * shell that is told to stop does not tell its child: without this, `npm start` that gets SIGTERM would leave the server
 * behind, with its port and its data directory.
 */
export const onOrphaned = (then: () => void): void => {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    then()
  }, LOOK_EVERY_MS)
  timer.unref()
}
