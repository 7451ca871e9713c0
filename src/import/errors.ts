// What ends an import early, by whose business it is: the file and its mapping, the server, the key.

/** The file, the mapping or an option cannot be used; the message says what to mend. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

/** The server cannot be reached, or was unavailable for longer than the import waits. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
}

/** The server refuses the key: 401 or 403. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

/** Every one of the first events would be refused, so nothing was sent. */
export class CheckError extends Error {
  override readonly name = 'CheckError'
}

/** The import was asked to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}
