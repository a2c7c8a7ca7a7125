import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * A file of the corpus holds cases: `=== title`, the Dockerfile, and for each view of it `--- view options` with what it
 * shows. In Dockerfiles `␍` is a carriage return, `␉` a tab, `␠` a space, `␀` a NUL and `⌁` a byte order mark.
 */
export interface Case {
  readonly title: string
  readonly dockerfile: string
  readonly views: readonly View[]
}

export interface View {
  /** "eval arg:VERSION=2" */
  readonly header: string
  readonly expected: string
}

export const CORPUS = join(import.meta.dirname, 'corpus')

export function readCorpus(): { topic: string; path: string; cases: Case[] }[] {
  return globSync('*.txt', { cwd: CORPUS })
    .sort()
    .map((file) => join(CORPUS, file))
    .map((path) => ({ topic: basename(path, '.txt'), path, cases: readCases(readFileSync(path, 'utf8')) }))
}

export function writeCases(cases: readonly Case[], show: (view: View, dockerfile: string) => string): string {
  const texts = cases.map(({ title, dockerfile, views }) => {
    const shown = views.map((view) => `--- ${view.header}\n${show(view, decode(dockerfile))}`)
    return `=== ${title}\n${dockerfile}${shown.join('')}`
  })
  return texts.join('\n')
}

export function decode(dockerfile: string): string {
  const characters: Readonly<Record<string, string>> = { '␍': '\r', '␉': '\t', '␠': ' ', '␀': '\0', '⌁': '\ufeff' }
  return dockerfile.replace(/[␍␉␠␀⌁]/g, (character) => characters[character] ?? character)
}

function readCases(text: string): Case[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [head = '', ...views] = part.split(/^--- /m)
      const [title, dockerfile] = cutLine(head)
      return {
        title,
        dockerfile,
        views: views.map((view) => {
          const [header, expected] = cutLine(view)
          return { header, expected: expected.replace(/\n*$/, expected === '' ? '' : '\n') }
        }),
      }
    })
}

function cutLine(text: string): [line: string, rest: string] {
  const end = text.indexOf('\n')
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)]
}
