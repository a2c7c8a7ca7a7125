import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DockerfileError } from '../dockerfile-error.ts'
import { parseIgnoreFile } from './ignore-file.ts'
import { IgnoreMatcher } from './ignore-matcher.ts'

/** Patterns, then what they leave out and what they keep: as Docker's own matcher answers. */
const CASES: readonly [patterns: string, ignored: string, kept: string][] = [
  ['**', 'file dir/file dir/a/b', ''],
  ['**/', 'file file/ dir/file', ''],
  ['**/**', 'dir/file', ''],
  ['dir/**', 'dir/file dir/dir2/file', 'dir file'],
  ['**/dir', 'dir dir/file a/dir a/b/dir a/dir/x', 'mydir a/mydir'],
  ['**/dir2/*', 'dir/dir2/file dir/dir2/file/x', 'dir2 dir/dir2'],
  ['**/dir2/**', 'dir/dir2/dir3/file', 'dir/dir2'],
  ['**file', 'file dir/file otherfile dir/otherfile', 'file.txt'],
  ['**/file*', 'dir/dir/file.txt file', 'dir/otherfile'],
  ['**file*', 'dir/dir/file.txt file', 'dir/otherfile otherfile.x'],
  ['**/**/*.txt', 'dir/dir/file.txt file.txt', 'file.txt2'],
  ['a**/*.txt', 'a/file.txt a/dir/file.txt', 'b/file.txt'],
  ['a/*.txt', 'a/file.txt', 'a/dir/file.txt'],
  ['a/*.txt**', 'a/file.txt a/file.txt.gz', 'a/file.tx'],
  ['a[b-d]e', 'ace abe ade', 'ae aae aze'],
  ['a[^b-d]e', 'aze a/e', 'ace ae'],
  ['.*', '.foo .git/config', 'foo a/.foo'],
  ['abc.def', 'abc.def', 'abcdef abcZdef'],
  ['abc?def', 'abcZdef abc☺def', 'abcdef abc/def'],
  ['**/.foo', '.foo a/.foo', 'bar.foo'],
  ['a(b)c/def', 'a(b)c/def', 'a(b)c/xyz'],
  ['a.|)$(}+{bc', 'a.|)$(}+{bc', 'aX|)$(}+{bc'],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f axbxcxdxexxx/f', 'axbxcxdxe/xxx/f'],
  ['a*b?c*x', 'abxbbxdbxebxczzx', 'abxbbxdbxebxczzy'],
  ['a\\*b', 'a*b', 'ab axb'],
  ['[\\]a]', '] a', 'b'],
  ['[\\-x]', '- x', 'a'],
  ['[a-ζ]*', 'α', 'A'],
  ['a???b', 'axyzb', 'a☺b'],
  ['docs !docs/README.md', 'docs docs/x docs/sub/README.md', 'docs/README.md'],
  ['docs/ !docs/README.md', 'docs/x', 'docs/README.md'],
  ['docs/* !docs/README.md', 'docs/x', 'docs docs/README.md'],
  ['!a.go *.go', 'a.go b.go', ''],
  ['*.go !a.go', 'b.go', 'a.go'],
  ['** !util/web util/web/foo', 'x util util/web/foo', 'util/web util/web/bar'],
  ['** !dist/*.whl', 'dist dist/a.txt', 'dist/a.whl'],
  ['*/*.md', 'a/b.md a/b.md/c', 'b.md a/b/c.md'],
  [
    'node_modules !node_modules/keep node_modules/keep/not',
    'node_modules/a node_modules/keep/not/x',
    'node_modules/keep/x',
  ],
  ['.', '', 'a .x'],
  ['../a', '', 'a'],
  ['foo/../bar', 'bar bar/x', 'foo'],
  ['./foo', 'foo', ''],
  ['foo//bar/', 'foo/bar foo/bar/x', 'foo'],
]

for (const [patterns, ignored, kept] of CASES) {
  test(`matches as Docker does: ${patterns}`, () => {
    const matcher = new IgnoreMatcher(patterns.split(' '))
    const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')
    for (const path of words(ignored)) assert.equal(matcher.ignores(path), true, `keeps ${path}`)
    for (const path of words(kept)) assert.equal(matcher.ignores(path), false, `ignores ${path}`)
  })
}

test('never leaves out the context itself', () => {
  assert.equal(new IgnoreMatcher(['**', '*']).ignores('.'), false)
})

test('refuses malformed patterns', () => {
  const bad = ['!', '[', '[^', '[^bc', 'a[', '[]a]', '[-]', '[x-]', '[-x]', '[a-b-c]', '\\', 'a/[']
  for (const pattern of bad) {
    const isRight = (error: unknown): boolean =>
      error instanceof DockerfileError && error.code === 'IGNORE_PATTERN_INVALID'
    assert.throws(() => new IgnoreMatcher([pattern]), isRight, pattern)
  }
})

test('reads comments, spaces, slashes and a byte order mark as Docker does', () => {
  const text = '\ufeff# first\n\n  a/b/  \r\n #kept\n/c\n!  /d/\n!\n\te/./f/../g\n.\n/\n'
  assert.deepEqual(parseIgnoreFile(text), ['a/b', '#kept', 'c', '!d', '!', 'e/g', '.', '/'])
})

test('says which ignored directories must be entered for what is taken back', () => {
  const matcher = new IgnoreMatcher(['**', '!a/b/*.txt', '!x/**/y'])
  for (const directory of ['a', 'a/b', 'x', 'x/1/2']) assert.equal(matcher.mayKeepBelow(directory), true, directory)
  for (const directory of ['b', 'a/c', 'a/b/c', 'y']) assert.equal(matcher.mayKeepBelow(directory), false, directory)
  assert.equal(new IgnoreMatcher(['a']).mayKeepBelow('a'), false)
  assert.equal(new IgnoreMatcher(['a']).mayKeepBelow('b'), true)
})

test('takes time that does not explode', () => {
  const begun = process.cpuUsage()
  const matcher = new IgnoreMatcher([`${'a*'.repeat(200)}b`, `${'**/a'.repeat(200)}/b`, '*'.repeat(999)])
  assert.equal(matcher.ignores('c/'.repeat(5) + 'a'.repeat(3000)), true)
  assert.equal(new IgnoreMatcher([`${'a*'.repeat(200)}b`]).ignores('a'.repeat(3000)), false)
  assert.ok(process.cpuUsage(begun).user < 10_000_000)
})
