// Ends a process together with the npm that started it.
import { processTime } from './line/time.ts'

/** Asked for at once: who is told to stop early may lose its parent before it begins to look. */
const parent = process.ppid

/**
 * Calls back once when the process that started this one is gone, if that was npm. npm runs a script in a shell, and a
 * shell that is told to stop does not tell its child: without this, `npm start` that gets SIGTERM would leave the server
 * behind, with its port and its data directory.
 */
export const onOrphaned = (then: () => void): void => {
  if (process.env.npm_lifecycle_event === undefined) return
  const stop = processTime.onTick(() => {
    if (process.ppid !== parent) {
      stop()
      then()
    }
    return 'calm'
  })
}
