/** A server that answers and can never do: its version or its kind is not what this program needs. */
export class UnusableServer extends Error {
  override readonly name = 'UnusableServer'
}
