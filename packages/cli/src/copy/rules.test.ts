import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api/error'
import { parseEndpoint } from './endpoint.ts'
import { followLinks } from './links.ts'
import { placeCopy, placeStream, type Target } from './rules.ts'

const reasonOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof CaissonError) return error.reason
    throw error
  }
  return 'done'
}

test('a side of a copy is a container, a path of the host, or a stream', () => {
  assert.deepEqual(parseEndpoint('-'), { kind: 'stream' })
  assert.deepEqual(parseEndpoint('web:/etc'), { kind: 'container', container: 'web', path: '/etc' })
  assert.deepEqual(parseEndpoint('web:etc:x'), { kind: 'container', container: 'web', path: '/etc:x' })
  for (const path of ['/a:b', './a:b', '../a:b', 'plain', '.'])
    assert.deepEqual(parseEndpoint(path), { kind: 'host', path })
  for (const text of ['', 'web:', ':/etc'])
    assert.equal(
      reasonOf(() => parseEndpoint(text)),
      'USAGE',
    )
})

test('a copy goes where docker cp puts it', () => {
  const file = { path: '/s/file', isDirectory: false }
  const directory = { path: '/s/dir', isDirectory: true }
  const content = { path: '/s/dir/.', isDirectory: true }
  const free = (path: string): Target => ({ path, kind: undefined })
  const dir = (path: string): Target => ({ path, kind: 'directory' })
  const other = (path: string): Target => ({ path, kind: 'other' })
  const cases = [
    [file, free('/t/new'), '/t', 'new'],
    [file, other('/t/old'), '/t', 'old'],
    [file, dir('/t'), '/t', 'file'],
    [file, dir('/t/'), '/t/', 'file'],
    [directory, free('/t/new'), '/t', 'new'],
    [directory, free('/t/new/'), '/t', 'new'],
    [directory, dir('/t'), '/t', 'dir'],
    [content, free('/t/new'), '/t', 'new'],
    [content, dir('/t'), '/t', undefined],
    [{ path: '/', isDirectory: true }, dir('/t'), '/t', undefined],
    [{ path: '.', isDirectory: true }, dir('/t'), '/t', undefined],
    [file, free('new'), '.', 'new'],
  ] as const
  for (const [source, target, into, name] of cases)
    assert.deepEqual(placeCopy(source, target), { directory: into, name }, `${source.path} to ${target.path}`)
  assert.equal(
    reasonOf(() => placeCopy(file, free('/t/new/'))),
    'DIRECTORY_NOT_FOUND',
  )
  assert.equal(
    reasonOf(() => placeCopy(file, other('/t/old/'))),
    'NOT_A_DIRECTORY',
  )
  assert.equal(
    reasonOf(() => placeCopy(directory, other('/t/old'))),
    'NOT_A_DIRECTORY',
  )
  assert.equal(placeStream(dir('/t')), '/t')
  assert.equal(
    reasonOf(() => placeStream(free('/t'))),
    'NOT_A_DIRECTORY',
  )
})

test('links at the end of a target are followed, also to where nothing is, and a loop is refused', async () => {
  const links: Readonly<Record<string, string>> = {
    '/a/one': 'two',
    '/a/two': '../b/three',
    '/abs': '/b/file',
    '/loop': '/loop',
  }
  const look = async (path: string) =>
    path === '/b/file'
      ? { isDirectory: false, linkTarget: '' }
      : links[path]
        ? { isDirectory: false, linkTarget: links[path] }
        : undefined
  assert.deepEqual(await followLinks('/a/one', look), { path: '/b/three', found: undefined })
  assert.equal((await followLinks('/abs', look)).path, '/b/file')
  await assert.rejects(followLinks('/loop', look), /links lead on/)
})
