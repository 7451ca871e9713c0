// The exit codes of the command line, and the error that carries one.

export const EXIT = {
  ok: 0,
  /** Something that nobody foresaw. */
  failed: 1,
  /** The command, a file or a setting cannot be used. */
  usage: 2,
  /** The server does not answer. */
  unreachable: 3,
  /** The key is missing or may not do this. */
  key: 4,
  /** It ended, but some of what was asked was refused. */
  refused: 5,
  /** Ended by Ctrl-C, as shells count it. */
  interrupted: 130,
  /** The reader of its output has gone, as shells count it. */
  unread: 141,
} as const

/** Ends the command with this message on standard error and this code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}
