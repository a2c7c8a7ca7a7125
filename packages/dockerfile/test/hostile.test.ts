import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomNumbers } from '@caisson/testkit/random'
import {
  DockerfileError,
  evaluateStage,
  IgnoreMatcher,
  initialState,
  lintDockerfile,
  openScope,
  parseDockerfile,
  parseIgnoreFile,
  planBuild,
} from '../src/index.ts'
import { decode, readCorpus } from './corpus-file.ts'

const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 4)
const LIMIT_MS = 5_000
const target = { os: 'linux', architecture: 'amd64' }

/** All that a builder does with a file before it runs anything. */
function readAll(text: string): void {
  const dockerfile = parseDockerfile(text)
  lintDockerfile(dockerfile, { target })
  const scope = openScope(dockerfile, { target })
  const { order } = planBuild(dockerfile, scope)
  for (const index of order) {
    const stage = dockerfile.stages[index]
    if (stage !== undefined) evaluateStage(dockerfile, stage, scope, initialState())
  }
}

/** Whether it was refused; anything but a typed error with a place inside of the file fails. */
function isRefused(text: string): boolean {
  const begun = performance.now()
  try {
    readAll(text)
    return false
  } catch (error) {
    assert.ok(error instanceof DockerfileError, `${String(error)} for ${JSON.stringify(text.slice(0, 500))}`)
    const lines = text.split('\n').length
    assert.ok(error.line === undefined || (error.line >= 1 && error.line <= lines), `line ${error.line} of ${lines}`)
    assert.doesNotMatch(error.message, /\n\s+at /)
    return true
  } finally {
    assert.ok(performance.now() - begun < LIMIT_MS, `slow: ${JSON.stringify(text.slice(0, 200))}`)
  }
}

const PIECES = [
  '\\',
  '\n',
  '$',
  '${',
  '}',
  '"',
  "'",
  '<<EOF',
  '[',
  '","',
  '#',
  '--',
  '=',
  '`',
  '\r',
  '\t',
  ':',
  '/',
  '*',
  '?',
  '!',
]
const files = readCorpus().flatMap(({ cases }) => cases.map(({ dockerfile }) => decode(dockerfile)))

function mutate(next: (below: number) => number): string {
  const pick = (): string => files[next(files.length)] ?? ''
  let text = pick()
  for (let n = 1 + next(6); n > 0; n--) {
    const [from, to] = [next(text.length + 1), next(text.length + 1)].sort((a, b) => a - b) as [number, number]
    const inserted = [PIECES[next(PIECES.length)] ?? '', pick(), text.slice(from, to), ''][next(4)] ?? ''
    text = text.slice(0, from) + inserted + text.slice(next(2) === 0 ? from : Math.min(to, from + next(12)))
  }
  return text
}

test(`survives ${SECONDS} s of mutated files (seed ${SEED})`, (context) => {
  const next = randomNumbers(SEED)
  const end = performance.now() + SECONDS * 1000
  let [count, refused] = [0, 0]
  while (performance.now() < end) {
    count++
    if (isRefused(mutate(next))) refused++
  }
  context.diagnostic(`${count} files, ${refused} refused`)
  assert.ok(count > 50 && refused > 0 && refused < count)
})

test('survives mutated .dockerignore files', () => {
  const next = randomNumbers(SEED)
  for (let n = 0; n < 5_000; n++) {
    const characters = Array.from({ length: next(20) }, () => 'ab/*?[]^-!\\. #\n'[next(15)] ?? '')
    try {
      new IgnoreMatcher(parseIgnoreFile(characters.join(''))).mayKeepBelow('a/b/ab')
    } catch (error) {
      assert.ok(error instanceof DockerfileError, String(error))
    }
  }
})

const MEGABYTE = 1_048_576
const fill = (unit: string, head = 'FROM scratch\n'): string =>
  head + unit.repeat(Math.floor((MEGABYTE - head.length - 10) / unit.length))

test('takes time linear in the length', () => {
  const texts = [
    fill('#\n'),
    fill('\\\n'),
    fill('RUN a\n'),
    fill('a \\\n', 'FROM scratch\nRUN '),
    fill(' \\\n#x\n\n', 'FROM scratch\nRUN a'),
    fill('<<a ', 'FROM scratch\nRUN '),
    fill('<<', 'FROM scratch\nRUN '),
    fill('"<<a" ', 'FROM scratch\nCOPY '),
    fill('--a=b ', 'FROM scratch\nRUN '),
    fill('--mount=target=/a ', 'FROM scratch\nRUN '),
    fill('target=/a,', 'FROM scratch\nRUN --mount='),
    fill('[', 'FROM scratch\nRUN '),
    fill('["a",', 'FROM scratch\nCMD '),
    fill('${a:-', 'FROM scratch\nENV x='),
    fill('$a', 'FROM scratch\nENV x='),
    fill('a=b ', 'FROM scratch\nENV '),
    fill('a', 'FROM scratch\nUSER '),
    fill('\\', 'FROM scratch\nENV a='),
    fill('a ', 'FROM '),
    fill('FROM scratch\n', ''),
    fill('ONBUILD ', 'FROM scratch\n'),
    fill('1-65535 ', 'FROM scratch\nEXPOSE '),
    fill('a', '# check=skip='),
    fill('u+x,', 'FROM scratch\nCOPY --chmod='),
    fill('\tx\n', 'FROM scratch\nCOPY <<-E /x\n'),
    fill('1h', 'FROM scratch\nHEALTHCHECK --interval='),
    fill(' ', 'FROM scratch\nRUN a'),
    fill('$a ', 'FROM scratch\nCOPY '),
    fill('80/TCP ', 'FROM scratch\nEXPOSE '),
    fill('a_token=1 ', 'FROM scratch\nLABEL '),
    `FROM scratch\nLABEL ${Array.from({ length: 80_000 }, (_, n) => `a=$b${n}`).join(' ')}`,
    `ARG ${Array.from({ length: 980 }, (_, n) => `version${n}`).join(' ')}\n${'FROM a$verzion\n'.repeat(990)}`,
    `FROM a AS s0\n${Array.from({ length: 990 }, (_, n) => `FROM s${n} AS s${n + 1}\n`).join('')}`,
  ]
  for (const text of texts) isRefused(text)
})

test('ends values that double, and patterns that would take for ever', () => {
  assert.ok(isRefused(`FROM scratch\nENV a=xxxxxxxx\n${'ENV a=$a$a\n'.repeat(60)}`))
  const pattern = `${'a*'.repeat(20_000)}b`
  assert.ok(isRefused(`FROM scratch\nENV v=${'a'.repeat(100_000)}\nENV x=\${v##${pattern}}\n`))
  assert.ok(isRefused(`FROM scratch\nENV v=${'a'.repeat(100_000)}\nENV x=\${v//${pattern}/y}\n`))
})

test('refuses what is too large, too many or not UTF-8', () => {
  const codeOf = (source: string | Uint8Array): string => {
    try {
      parseDockerfile(source)
      return 'none'
    } catch (error) {
      return error instanceof DockerfileError ? error.code : String(error)
    }
  }
  assert.equal(codeOf(`FROM a\n#${'x'.repeat(MEGABYTE)}`), 'TOO_LARGE')
  assert.equal(codeOf(`FROM a\n${'RUN a\n'.repeat(10_000)}`), 'TOO_LARGE')
  assert.equal(codeOf(Uint8Array.of(0xff, 0xfe)), 'TEXT_INVALID')
  assert.equal(codeOf(new TextEncoder().encode('FROM a\n')), 'none')
  assert.equal(codeOf(''), 'EMPTY')
  const many = Array.from({ length: 1100 }, (_, n) => `ENV a${n}=1\n`).join('')
  assert.ok(isRefused(`FROM scratch\n${many}`))
})
