// Whether a reader sees anything of a message: words and pictures, not elements, blanks and what is hidden.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isSeen, isSeenInHtml } from '../../src/domain/channels/seen.ts'

test('a text shows something that is more than blanks', () => {
  for (const text of ['a', ' a', '1', '.', '🎁', 'ж']) assert.ok(isSeen(text), text)
  for (const text of ['', ' ', '\n\t', '\u200b', '\u00a0']) assert.not(isSeen(text), JSON.stringify(text))
})

test('a page shows words or pictures', () => {
  const seen = [
    'a',
    '<p>a',
    '<p>a</p>',
    '<p>&nbsp;a</p>',
    '<p></p>a',
    '<img>',
    '<IMG src="x">',
    '<picture></picture>',
    '<iframe',
    '<p><button></button></p>',
    '<!---->a',
    '<!-- x -->a',
    '<!doctype html>a',
    '<style>p > a { }</style>a',
    '<head><title>x</title></head><p>a</p>',
    '1 < 2',
    '<',
    '< ',
    '<1',
    '&amp;',
  ]
  for (const html of seen) assert.ok(isSeenInHtml(html), html)
  const unseen = [
    '',
    ' \n',
    '<p></p>',
    '<p>&nbsp; &#160;&#0160;&#x200b;&ZWNJ;</p>',
    '<br/><hr>',
    '</p>',
    '<p',
    '<p title="words"',
    '<!-- words -->',
    '<!-- <img> > words -->',
    '<!-- words',
    '<!doctype html>',
    '<?xml version="1.0"?>',
    '<title>words</title>',
    '<STYLE>words</STYLE>',
    '<script>words</script> <p></p>',
    '<noscript>words</noscript>',
    '<template>words',
    '<image></image>',
  ]
  for (const html of unseen) assert.not(isSeenInHtml(html), html)
})

test.run()
