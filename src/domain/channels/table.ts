// The channels that messages go out by. A new one is a file beside this one and its row here.
import { email } from './email.ts'
import { sms } from './sms.ts'
import { webhook } from './webhook.ts'

export const ROWS = { webhook, email, sms }
