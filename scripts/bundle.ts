// Bundles the executables with esbuild: node scripts/bundle.ts [cli|image-store|network|runtime|registry ...]; without a name all.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '..')

interface Target {
  /** Folder of the package, from the root of the repository. */
  readonly folder: string
  /** Entry points below the folder, by the name of the file they become in dist/. */
  readonly entries: Readonly<Record<string, string>>
  /** Folder below dist/ of chunks that are loaded when they are needed. Absent: everything is in one file. */
  readonly chunks?: string
  /** Read at each call: without white space and source map. */
  readonly isShort: boolean
}

const TARGETS: Readonly<Record<string, Target>> = {
  cli: { folder: 'packages/cli', entries: { caisson: 'src/main.ts' }, chunks: 'chunks', isShort: true },
  'image-store': { folder: 'services/image-store', entries: { main: 'src/main.ts' }, isShort: false },
  network: { folder: 'services/network', entries: { main: 'src/main.ts' }, isShort: false },
  runtime: { folder: 'services/runtime', entries: { main: 'src/main.ts' }, isShort: false },
  // Its chunks are where main.js is: packages with native code are found from there.
  registry: { folder: 'services/registry', entries: { main: 'src/main.ts' }, chunks: '.', isShort: false },
}

/** CommonJS dependencies want `require`, and some read files that lie beside their own code. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module'",
  'const require = __createRequire(import.meta.url)',
  'const __bundleDir = import.meta.dirname',
].join('\n')

/** Packages with native code, and the file that each begins with. */
const NATIVE: Readonly<Record<string, string>> = {
  'better-sqlite3': 'lib/index.js',
  '@node-rs/argon2': 'index.js',
  '@node-rs/bcrypt': 'index.js',
}

/** They stay outside of the bundle and are found where they are installed. */
function installedInPlace(outdir: string): Plugin {
  return {
    name: 'installed-in-place',
    setup({ onResolve, onLoad }) {
      for (const [name, entry] of Object.entries(NATIVE))
        onResolve({ filter: new RegExp(`^${name}$`) }, ({ resolveDir }) => {
          const folder = nearestModule(resolveDir, name)
          return { path: `${relative(outdir, folder)}/${entry}`, external: true }
        })
      onResolve({ filter: /\.node$/ }, ({ path }) => ({ path, external: true }))
      onLoad({ filter: /\/node_modules\/@grpc\/.*\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        if (!source.includes('__dirname')) return undefined
        const here = JSON.stringify(`/${relative(outdir, dirname(path))}`)
        return { contents: source.replaceAll('__dirname', `(__bundleDir + ${here})`), loader: 'js' }
      })
    },
  }
}

function nearestModule(from: string, name: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return candidate
  }
  throw new Error(`${name} is not installed above ${from}: run pnpm install`)
}

function optionsOf({ folder, entries, chunks, isShort }: Target): BuildOptions & { outdir: string; metafile: true } {
  const outdir = join(ROOT, folder, 'dist')
  return {
    absWorkingDir: join(ROOT, folder),
    entryPoints: entries,
    outdir,
    bundle: true,
    splitting: chunks !== undefined,
    chunkNames: join(chunks ?? '.', '[name]-[hash]'),
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: BANNER },
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: isShort,
    keepNames: true,
    sourcemap: isShort ? false : 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    plugins: [installedInPlace(outdir)],
  }
}

/** Chunks of former builds go only once the new ones are there: a command that runs now still finds its own. */
function removeStaleChunks(chunks: string, written: ReadonlySet<string>): void {
  if (!existsSync(chunks)) return
  for (const name of readdirSync(chunks)) if (!written.has(join(chunks, name))) rmSync(join(chunks, name))
}

async function bundle(target: Target): Promise<void> {
  const options = optionsOf(target)
  const { metafile } = await build(options)
  const written = Object.keys(metafile.outputs).map((file) => resolve(ROOT, target.folder, file))
  if (target.chunks !== undefined) removeStaleChunks(join(options.outdir, target.chunks), new Set(written))
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(TARGETS)) {
  const target = TARGETS[name]
  if (!target) throw new Error(`no such bundle: ${name}; there are ${Object.keys(TARGETS).join(', ')}`)
  const main = join(ROOT, target.folder, 'src/main.ts')
  if (existsSync(main)) await bundle(target)
  else process.stderr.write(`bundle: ${target.folder} has no src/main.ts yet\n`)
}
