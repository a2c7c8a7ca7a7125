// Makes src/gen from proto/: the types, and the descriptors that reflection serves. Needs no network.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const root = join(here, '../..')
const bin = join(here, 'node_modules/.bin')
const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` }

function buf(...args: string[]): void {
  execFileSync(join(bin, 'buf'), args, { cwd: root, stdio: 'inherit', env })
}

buf('generate', '--template', join(here, 'buf.gen.yaml'), '--output', here)
mkdirSync(join(here, 'src/gen'), { recursive: true })
buf('build', '-o', join(here, 'src/gen/descriptors.binpb'))
