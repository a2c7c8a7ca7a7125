import { isUtf8 } from 'node:buffer'

/**
 * Text that came from outside, made safe for a terminal: control characters become their escapes, so that no name or
 * message can move the cursor, change colours or type for the user.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, escaped)
}

/** The same for bytes that should be text. Those that are not in UTF-8 show every byte beyond ASCII as an escape. */
export function printableBytes(bytes: Buffer): string {
  return printable(isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1').replaceAll(/[\u0080-\u00ff]/g, escaped))
}

/** The same for text of several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n')
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  if (character === '\r') return '\\r'
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
