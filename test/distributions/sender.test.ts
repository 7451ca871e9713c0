// The sender of e-mails: one address and nothing that a mail server could read as a second one.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isMailSender } from '../../src/domain/channels/mailSender.ts'

test('one address, alone or with a name', () => {
  for (const good of [
    'tributary@localhost',
    'a.b+c@shop.example',
    'Shop <a@shop.example>',
    '"Shop, Inc." <a@shop.example>',
    'Zoë <z@shop.example>',
  ])
    assert.ok(isMailSender(good), good)
})

test('two addresses, line breaks, groups, comments and halves are refused', () => {
  for (const bad of [
    'a@shop.example, b@shop.example',
    'a@shop.example b@shop.example',
    'Shop, Inc. <a@shop.example>',
    '<a@shop.example> <b@shop.example>',
    'a@shop.example\r\nBcc: b@shop.example',
    'Shop <a@shop.example',
    'friends: a@shop.example;',
    'a@shop.example (comment)',
    '@shop.example',
    'shop',
    '',
  ])
    assert.not.ok(isMailSender(bad), bad)
})

test('a sender has at most 320 characters', () => {
  const of = (length: number) => `${'a'.repeat(length - '@example.com'.length)}@example.com`
  assert.equal([isMailSender(of(320)), isMailSender(of(321))], [true, false])
})

test.run()
