// Mail that the server itself sends to the people who run it: no message of a distribution, so it is neither recorded nor kept.
import { randomUUID } from 'node:crypto'
import type { DeliveryConfig } from '../config.ts'
import { createSmtp } from './smtp.ts'

const TIMEOUT_MS = 10_000

export interface Mailer {
  /** Resolves to whether the mail server took it; never rejects. */
  send(mail: { readonly to: string; readonly subject: string; readonly text: string }): Promise<boolean>
  close(): void
}

/** Undefined where no mail server is set. */
export const createMailer = ({
  smtpUrl,
  emailFrom,
}: Pick<DeliveryConfig, 'smtpUrl' | 'emailFrom'>): Mailer | undefined => {
  if (smtpUrl === undefined) return undefined
  const smtp = createSmtp({ url: smtpUrl, timeoutMs: TIMEOUT_MS, maxConnections: 1 })
  return {
    send: async (mail) => (await smtp.send(`own_${randomUUID()}`, { from: emailFrom, ...mail })).kind === 'sent',
    close: smtp.close,
  }
}
