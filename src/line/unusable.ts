/** A server that answers and can never do: its version or its kind is not what this program needs. */
export class UnusableServer extends Error {
  override readonly name = 'UnusableServer'
}

/** What a client says of a URL, without the parts of it that it quotes: they may hold a password. */
const wordsOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/"[^"]*"/g, '…').replace(/\S*@\S*/g, '…')

/** Makes a client by the URL of a setting; one that it cannot read is the operator's to mend, and is said to be. */
export const byUrl = <Client>(setting: string, make: () => Client): Client => {
  try {
    return make()
  } catch (error) {
    throw new UnusableServer(`${setting} cannot be read: ${wordsOf(error)}`)
  }
}
