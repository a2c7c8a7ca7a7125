import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'

/** For `test(..., { skip: lacks('skopeo') })`. */
export const lacks = (program: string): false | string => !existsSync(`/usr/bin/${program}`) && `needs ${program}`

export interface ProgramRun {
  readonly input?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs a program, at most a minute. `output` is what it wrote to both, whatever its exit code. */
export function run(
  program: string,
  args: readonly string[],
  { input = '', env = {}, cwd }: ProgramRun = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: 60_000, env: { ...process.env, ...env }, cwd, maxBuffer: 64 << 20 }
    const child = execFile(program, args, options, (error, out, err) =>
      resolve({ code: error === null ? 0 : 1, output: out + err }),
    )
    child.stdin?.end(input)
  })
}
