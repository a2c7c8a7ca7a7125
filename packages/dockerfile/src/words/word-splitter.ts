import { isSpace } from './spaces.ts'

/** Cuts expanded text into words: at its spaces, but not at quoted ones. */
export class WordSplitter {
  readonly #words: string[] = []
  #word = ''

  add(text: string): void {
    let start = 0
    for (let at = 0; at < text.length; at++) {
      if (!isSpace(text[at])) continue
      this.#word += text.slice(start, at)
      this.#end()
      start = at + 1
    }
    this.#word += text.slice(start)
  }

  addQuoted(text: string): void {
    this.#word += text
  }

  words(): string[] {
    this.#end()
    return this.#words
  }

  #end(): void {
    if (this.#word !== '') this.#words.push(this.#word)
    this.#word = ''
  }
}
