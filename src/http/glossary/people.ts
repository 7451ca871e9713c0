// What names of people who sign in, and of what they allow, mean.
export const people = {
  signs_in_with_provider: 'Whether a provider of OpenID Connect vouches for the user',
  provider: 'The provider of OpenID Connect, as a button names it',
  password_set_at: 'When the password was set last',
  link_expires_at: 'Until when the link that was made last sets a password, unless it was used',
  is_disabled: 'True: signs in no more, and all sessions end',
  user_id: 'The user who did it; null where it was no user',
  mails_links: 'Whether links that set a password are mailed',
  password: 'At least 12 characters; never told by any answer',
  current: 'The password of before',
} as const
