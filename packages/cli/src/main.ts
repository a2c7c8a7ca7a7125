#!/usr/bin/env node
// The entry point: nothing but the compile cache is set up before the code is loaded through it.
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Below the home directory, never in a shared one: who can write here decides what is executed.
const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
enableCompileCache(join(cacheHome, 'caisson', 'compile'))

const { main } = await import('./program.ts')
const { flush } = await import('./output/flush.ts')
const exitCode = await main(process.argv.slice(2), {
  entry: import.meta.filename,
  // src/ and dist/ lie side by side: the same way leads to the services from both.
  servicesDir: join(import.meta.dirname, '../../../services'),
  demoSource: join(import.meta.dirname, '../demo/inside.c'),
})
await flush(process.stdout, process.stderr)
process.exit(exitCode)
