import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS } from './commands/index.ts'
import { commandHelp, overview } from './help.ts'
import { buildProgram } from './program.ts'

const VISIBLE = COMMANDS.filter((spec) => spec.hidden !== true)

test('every command has a description, an example that the parser takes, and exit codes', () => {
  for (const spec of VISIBLE) {
    const page = commandHelp(spec)
    for (const title of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXAMPLES', 'EXIT CODES'])
      assert.match(page, new RegExp(`^${title}$`, 'm'), spec.name)
    assert.ok(spec.examples.length > 0, `${spec.name} has no example`)
    assert.ok(
      page.split('\n').every((line) => line.length <= 120),
      `${spec.name} has a line that is too long`,
    )
  }
})

test('every plain example is a command line that is understood', async () => {
  for (const spec of VISIBLE)
    for (const { command } of spec.examples) {
      const words = command.split(' ')
      if (words[0] !== 'caisson' || /[|$'"]/.test(command)) continue
      let understood = ''
      const program = buildProgram((chosen) => {
        understood = chosen.name
      })
      await program.parseAsync(['node', ...words])
      assert.equal(understood, spec.name, command)
    }
})

test('no name stands for two commands', () => {
  const names = COMMANDS.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])])
  assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted())
})

test('the overview lists every command but the hidden ones', () => {
  const text = overview(COMMANDS)
  for (const spec of VISIBLE) assert.match(text, new RegExp(`^ {4}${spec.name} `, 'm'))
  assert.doesNotMatch(text, /supervise/)
  assert.match(overview(COMMANDS, 'image'), /^ {4}image ls /m)
  assert.doesNotMatch(overview(COMMANDS, 'image'), /^ {4}run /m)
})
