import type { Writable } from 'node:stream'
import pc from 'picocolors'
import type { Format } from './format.ts'
import { formatTable } from './table.ts'

/** A column of a table: its heading and what it shows of an item. */
export interface Column<T> {
  readonly head: string
  readonly cell: (item: T) => string
}

export interface OutputOptions {
  readonly stdout: Writable
  readonly stderr: Writable
  readonly format: Format
  readonly colors: boolean
}

/** Where a command writes to: results on standard output, remarks on standard error. */
export class Output {
  readonly format: Format
  readonly stdout: Writable
  readonly stderr: Writable
  readonly colors: ReturnType<typeof pc.createColors>

  constructor(options: OutputOptions) {
    this.format = options.format
    this.stdout = options.stdout
    this.stderr = options.stderr
    this.colors = pc.createColors(options.colors)
  }

  get json(): boolean {
    return this.format === 'json'
  }

  /** A line of result. */
  line(text: string): void {
    this.stdout.write(`${text}\n`)
  }

  /** A remark for people; never part of the result. */
  note(text: string): void {
    this.stderr.write(`${text}\n`)
  }

  /** One JSON document. */
  document(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** One JSON document on a line: a message of a stream. */
  record(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value)}\n`)
  }

  /** Items as a table, or as one JSON array. */
  list<T>(items: readonly T[], columns: readonly Column<T>[], toJson: (item: T) => unknown = (item) => item): void {
    if (this.json) this.document(items.map(toJson))
    else this.table(items, columns)
  }

  table<T>(items: readonly T[], columns: readonly Column<T>[]): void {
    const head = columns.map((column) => column.head)
    this.line(
      formatTable(
        head,
        items.map((item) => columns.map((column) => column.cell(item))),
      ),
    )
  }
}
