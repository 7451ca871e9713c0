// The sender of an e-mail: one address, alone or with a name before it.

/** `shop@example.com` or `My Shop <shop@example.com>`: no second address, no line break, no comment or group of RFC 5322. */
const ONE_ADDRESS =
  /^(?:(?:"[^"\\\r\n]*"|[^"<>()@,;:\\[\]\r\n]*)\s*<([^<>\s@,;:"]+@[^<>\s@,;:"]+)>|[^<>\s@,;:"()]+@[^<>\s@,;:"()]+)$/

/** The rule in the words of an error. */
export const MAIL_SENDER_RULE = 'must be one e-mail address, alone or as Name <address>'

/** Whether an e-mail may say that it comes from this: at most 320 characters, one address. */
export const isMailSender = (text: string): boolean => text.length <= 320 && ONE_ADDRESS.test(text)
