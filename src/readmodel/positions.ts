// A position in the log as a checkpoint holds it: text of one length, so that text order is log order and nothing is lost to a double.

export const textOf = (position: bigint | undefined): string | null =>
  position === undefined ? null : position.toString().padStart(20, '0')
