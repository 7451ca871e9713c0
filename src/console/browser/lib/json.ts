// JSON that somebody writes on a page.
import { InexactJson, parseExactly } from '../../../exactJson.ts'

/** What a text says, or why it says nothing that could be sent. */
export type Written = { readonly value: unknown; readonly fault?: never } | { readonly fault: string }

/** Reads what was written so far. */
export const readJson = (text: string): Written => {
  try {
    return { value: parseExactly(text) }
  } catch (error) {
    return { fault: error instanceof InexactJson ? error.message : 'This is not JSON yet' }
  }
}
