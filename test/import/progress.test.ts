// Pace and time left, and the plain lines where there is no terminal.
import { Writable } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createProgressView, paceOf, spellSeconds } from '../../src/import/progress.ts'

test('rate and time left follow from two samples', () => {
  const from = { at: 1_000, bytes: 0, lines: 0 }
  assert.equal(paceOf(from, { at: 3_000, bytes: 500, lines: 100 }, 2_000), { rate: 50, left: 6 })
  assert.equal(paceOf(from, { at: 3_000, bytes: 0, lines: 0 }, 2_000), { rate: 0, left: undefined })
  assert.equal(paceOf(from, from, 2_000), { rate: 0, left: undefined })
})

test('seconds are spelled for people', () => {
  assert.equal([0.2, 59, 61, 3_600, 7_620].map(spellSeconds), ['1 s', '59 s', '1 min 01 s', '1 h 00 min', '2 h 07 min'])
})

test('without a terminal a line every five seconds, by the pace of late', () => {
  let text = ''
  let now = 0
  const stream = new Writable({
    write: (chunk, _, done) => {
      text += String(chunk)
      done()
    },
  })
  const view = createProgressView({ stream, isTty: false, now: () => now })
  const at = (ms: number, lines: number) => {
    now = ms
    view.update({ recorded: lines, repeated: 0, refused: 0, unclear: 0, bytes: lines * 10, total: 100_000 })
  }
  at(0, 0)
  at(2_000, 1_000)
  at(5_000, 2_500)
  at(6_000, 3_000)
  view.note('waiting')
  view.note('waiting')
  at(10_000, 5_000)
  view.stop()
  assert.is(text, '2,500 lines (25%), 500/s, about 15 s left\nwaiting\n5,000 lines (50%), 500/s, about 10 s left\n')
})

test.run()
