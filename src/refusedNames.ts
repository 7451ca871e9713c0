// Names that nobody may send, in a body or a query: what JavaScript or a document store would read as something else.

const REFUSED: ReadonlySet<string> = new Set([
  // They reach an object's prototype in careless code.
  '__proto__',
  'constructor',
  'prototype',
  // The driver of the document store takes an object that has it for one of its own types.
  '_bsontype',
])

/** Whether a property or parameter of this name is refused. No document store takes a NUL character in a name. */
export const isRefusedName = (name: string): boolean => REFUSED.has(name) || name.includes('\u0000')
