// Codes that nobody can guess and that a decision can still make twice: they follow from a voucher's id and the project's key.
import { createHmac } from 'node:crypto'
import { type CodeConfig, codeFrom } from '../codes.ts'

/**
 * The code of a voucher at an attempt (from 0; another attempt is made when a code is taken). Without the key it cannot be told
 * from the voucher's id, which is public.
 */
export const secretCode = (config: CodeConfig, key: string, voucher: string, attempt: number): string =>
  codeFrom(config, createHmac('sha256', key).update(`code\u001f${voucher}\u001f${attempt}`).digest())
