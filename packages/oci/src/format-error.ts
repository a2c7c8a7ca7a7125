/**
 * Something that is not what the OCI specifications (or Docker's twins of them) allow.
 *
 * `reason` is a stable UPPER_SNAKE word, `subject` names what was read (a reference, a digest, "manifest.layers[2]").
 */
export class OciFormatError extends Error {
  readonly reason: string
  readonly subject: string

  constructor(reason: string, subject: string, message: string) {
    super(message)
    this.name = 'OciFormatError'
    this.reason = reason
    this.subject = subject
  }
}

const SHOWN_CHARACTERS = 80

/** A hostile string in a form that is safe to show: quoted, escaped and cut. */
export function shown(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
  return JSON.stringify(cut)
}
