import { once } from 'node:events'
import { basename, resolve } from 'node:path'
import { failedPrecondition, invalid, notFound } from '@caisson/api/error'
import { openArchive } from '../archive-input.ts'
import type { Context } from '../context.ts'
import { type Endpoint, parseEndpoint } from '../copy/endpoint.ts'
import { followLinks } from '../copy/links.ts'
import { isContent, placeCopy, placeStream, type Source, type Target } from '../copy/rules.ts'
import { type CopyOptions, containerSide, hostSide, type Side } from '../copy/sides.ts'
import { decimalBytes } from '../output/units.ts'
import type { Action } from '../spec.ts'

/** Copies files between a container and this host, or between containers. */
export const cp: Action = async (context, args, options) => {
  const [from, to] = [parseEndpoint(args[0] ?? ''), parseEndpoint(args[1] ?? '')]
  if (from.kind !== 'container' && to.kind !== 'container')
    throw invalid('one of the two must be in a container: CONTAINER:PATH', { reason: 'USAGE' })
  const leftOut: string[] = []
  const copyOptions = {
    archive: options.flag('archive'),
    signal: context.signal,
    leftOut: (path: string) => void leftOut.push(path),
  }
  const copy = new Copy(context, copyOptions, options.flag('followLink'))
  await copy.run(from, to)
  for (const path of leftOut) context.out.note(`left out, for it is no file, directory or link: ${path}`)
  if (context.out.json && to.kind !== 'stream') context.out.document({ bytes: copy.bytes, to: args[1] })
  else if (!options.flag('quiet') && to.kind !== 'stream')
    context.out.note(`copied ${decimalBytes(copy.bytes)} to ${args[1]}`)
  return 0
}

class Copy {
  /** Of the tar that went over. */
  bytes = 0
  readonly #context: Context
  readonly #options: CopyOptions
  readonly #follow: boolean

  constructor(context: Context, options: CopyOptions, follow: boolean) {
    this.#context = context
    this.#options = options
    this.#follow = follow
  }

  async run(from: Endpoint, to: Endpoint): Promise<void> {
    if (from.kind === 'stream' && to.kind === 'container') return await this.#unpack(to)
    if (from.kind === 'stream') throw invalid('a tar goes into a container: CONTAINER:PATH', { reason: 'USAGE' })
    const side = await this.#side(from)
    const source = await this.#source(side, from.path)
    if (to.kind === 'stream') return await this.#pack(side, source)
    const toSide = await this.#side(to)
    const { directory, name } = placeCopy(source, await target(toSide, to.path))
    await this.#checkDirectory(toSide, directory)
    await toSide.write(directory, this.#counted(side.read(source.path, name, this.#follow)))
  }

  async #unpack(to: Extract<Endpoint, { kind: 'container' }>): Promise<void> {
    const side = await this.#side(to)
    await side.write(placeStream(await target(side, to.path)), this.#counted(openArchive('-').chunks))
  }

  async #pack(side: Side, source: Source): Promise<void> {
    if (process.stdout.isTTY)
      throw failedPrecondition('TERMINAL', 'a tar would be written to the terminal: redirect standard output')
    const name = isContent(source) ? undefined : basename(source.path)
    for await (const chunk of side.read(source.path, name, this.#follow))
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
  }

  async #side(endpoint: Exclude<Endpoint, { kind: 'stream' }>): Promise<Side> {
    if (endpoint.kind === 'host') return hostSide(this.#options)
    return containerSide(await this.#context.engine.containers(), endpoint.container, this.#options)
  }

  async #source(side: Side, path: string): Promise<Source> {
    const found = await side.look(path, this.#follow)
    if (!found) throw notFound('file', path)
    // ".." and "dir/.." have no name of their own.
    return { path: basename(path) === '..' ? resolve(path) : path, isDirectory: found.isDirectory }
  }

  async #checkDirectory(side: Side, path: string): Promise<void> {
    const found = await side.look(path, true)
    if (!found?.isDirectory) throw notFound('directory', path, 'make it first')
  }

  async *#counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length
      yield chunk
    }
  }
}

/** Links at the end of a target lead to what is meant. */
async function target(side: Side, path: string): Promise<Target> {
  const { path: real, found } = await followLinks(path, (at) => side.look(at, false))
  return { path: real, kind: found && (found.isDirectory ? 'directory' : 'other') }
}
