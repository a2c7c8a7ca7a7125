import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A workspace package: its folder, and what its manifest says. */
interface Workspace {
  readonly folder: string
  readonly manifest: Manifest
}

interface Import {
  readonly file: string
  readonly folder: string
  readonly specifier: string
}

const workspaces: readonly Workspace[] = globSync(
  ['packages/*/package.json', 'services/*/package.json', 'test/package.json'],
  { cwd: root },
).map((file) => ({ folder: dirname(file), manifest: JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest }))
const imports = workspaces.flatMap(({ folder }) => importsOf(folder))

/** Packages that nothing of ours may be imported into. */
const PURE = ['packages/oci', 'packages/dockerfile']
/** Libraries that belong to one package each. */
const OWNERS = [
  { library: /^@grpc\//, owner: 'packages/api' },
  { library: /^better-sqlite3$/, owner: 'packages/service-kit' },
  { library: /^@nats-io\//, owner: 'packages/bus' },
]

function importsOf(folder: string): Import[] {
  const files = globSync([`${folder}/*.ts`, `${folder}/{src,test,native/test}/**/*.ts`], {
    cwd: root,
    exclude: (path) => /node_modules|\/gen$/.test(path),
  })
  const own =
    folder === 'test'
      ? globSync('test/**/*.ts', { cwd: root, exclude: (path) => path.includes('node_modules') })
      : files
  return own.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const found = text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|import\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    )
    return [...found].map((match) => ({ file, folder, specifier: match[1] ?? match[2] ?? match[3] ?? '' }))
  })
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function ours(specifier: string): Workspace | undefined {
  return workspaces.find(({ manifest }) => manifest.name === packageName(specifier))
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\.suite\.ts$|\/test\//.test(file)
}

function report(broken: readonly Import[]): string {
  return broken.map(({ file, specifier }) => `${file} imports ${specifier}`).join('\n')
}

test('finds the imports that it is to judge', () => {
  assert.ok(workspaces.length >= 9, `only ${workspaces.length} packages were found`)
  assert.ok(imports.some(({ folder, specifier }) => folder === 'services/runtime' && specifier === '@caisson/api'))
})

test('no service imports another service, and no package imports a service', () => {
  const broken = imports.filter(({ folder, specifier }) => {
    const target = ours(specifier)
    return target?.folder.startsWith('services/') && target.folder !== folder
  })
  assert.equal(report(broken), '')
})

test('no file reaches into another package by a relative path', () => {
  const broken = imports.filter(({ file, folder, specifier }) => {
    if (!specifier.startsWith('.')) return false
    return !join(dirname(file), specifier).startsWith(`${folder}/`)
  })
  assert.equal(report(broken), '')
})

test('pure packages import nothing of ours and no I/O', () => {
  const broken = imports.filter(
    ({ folder, file, specifier }) =>
      PURE.includes(folder) &&
      !isTest(file) &&
      (ours(specifier) !== undefined || /^node:(fs|http|https|child_process|dgram|tls)/.test(specifier)),
  )
  assert.equal(report(broken), '')
})

test('gRPC, SQLite and NATS are each imported in one package', () => {
  for (const { library, owner } of OWNERS) {
    const broken = imports.filter(({ folder, specifier }) => library.test(packageName(specifier)) && folder !== owner)
    assert.equal(report(broken), '')
  }
})

test('only the client of registries speaks HTTP to others, and only metrics are served by it', () => {
  const clients = ['packages/registry-client', 'packages/testkit', 'test']
  const broken = imports.filter(({ folder, file, specifier }) => {
    if (isTest(file) || clients.includes(folder)) return false
    if (/^(node:https|node:http2|undici|axios|got)$/.test(specifier)) return true
    return specifier === 'node:http' && folder !== 'packages/service-kit'
  })
  assert.equal(report(broken), '')
})

test('the client of registries knows errors and formats, and nothing else of ours', () => {
  const broken = imports.filter(
    ({ folder, file, specifier }) =>
      folder === 'packages/registry-client' &&
      !isTest(file) &&
      ours(specifier) !== undefined &&
      !['@caisson/api', '@caisson/oci'].includes(specifier),
  )
  assert.equal(report(broken), '')
})

test('every import of a package stands in the manifest', () => {
  const broken = imports.filter(({ folder, file, specifier }) => {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) return false
    const manifest = workspaces.find((workspace) => workspace.folder === folder)?.manifest
    if (packageName(specifier) === manifest?.name) return false
    const known = {
      ...manifest?.dependencies,
      ...(isTest(file) || /^(generate|build)/.test(file) ? manifest?.devDependencies : {}),
      ...manifest?.devDependencies,
    }
    return !Object.hasOwn(known, packageName(specifier))
  })
  assert.equal(report(broken), '')
})

test('a domain knows no transport, no database and no generated type', () => {
  const edges =
    /\/(rpc|http|web|store|adapters|main\.ts|service\.ts|config\.ts|events\.ts|clients?)(\/|$)|\/(main|service|config|events)\.ts$/
  const broken = imports.filter(
    ({ folder, file, specifier }) =>
      folder.startsWith('services/') &&
      file.startsWith(`${folder}/src/`) &&
      !isTest(file) &&
      !edges.test(file) &&
      /^(@caisson\/api\/|pino|zod|fastify)/.test(specifier),
  )
  assert.equal(report(broken), '')
})
