import type { RandomNumbers } from '@caisson/testkit/random'

const NAMES = ['a', 'b', 'c', 'd e', 'ü', '-f', 'n'.repeat(120), '.hidden', "q'q"] as const

/**
 * A shell script of random acts in a tree: what a container may do to its root. Acts that make no sense where they are
 * done fail, and the script goes on.
 */
export function randomScript(random: RandomNumbers, acts: number): string {
  const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)] as T
  const path = (): string => quoted(Array.from({ length: 1 + random(3) }, () => pick(NAMES)).join('/'))
  const makers: readonly (() => string)[] = [
    () => `mkdir -p ./${path()}`,
    () => `mkdir -p ./${path()}`,
    // Writing to a pipe would wait for a reader.
    () => `p=./${path()}; [ -p "$p" ] || echo ${random(1000)} > "$p"`,
    () => `p=./${path()}; [ -p "$p" ] || head -c ${random(5000)} /dev/urandom > "$p"`,
    () => `p=./${path()}; [ -p "$p" ] || echo more >> "$p"`,
    () => `rm -rf ./${path()}`,
    () => `rm -f ./${path()}`,
    () => `mv -T ./${path()} ./${path()}`,
    () => `ln -T ./${path()} ./${path()}`,
    () => `ln -sfT ${path()} ./${path()}`,
    () => `mkfifo ./${path()}`,
    () => `chmod ${pick(['600', '755', '4711', '1777', '2775', '000'])} ./${path()}`,
    () => `chown -h ${random(65536)}:${random(65536)} ./${path()}`,
    () => `touch -h -d @${random(2_000_000_000)}.${random(1_000_000)} ./${path()}`,
    () => `p=./${path()}; rm -rf "$p"; mkdir "$p"; echo ${random(1000)} > "$p/new"`,
    () => `p=./${path()}; rm -rf "$p"; echo ${random(1000)} > "$p"`,
    () => `p=./${path()}; [ -p "$p" ] || truncate -s ${random(100_000)} "$p"`,
    () => `cp -a ./${path()} ./${path()}`,
  ]
  return Array.from({ length: acts }, () => `{ ${pick(makers)()}; } 2>/dev/null || true`).join('\n')
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
