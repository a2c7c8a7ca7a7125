import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { LineReader } from '../lex/logical-lines.ts'
import type { Marker } from './find-markers.ts'
import type { Heredoc } from './heredoc.ts'

/** Takes the documents that the markers call for out of the lines that follow. Throws HEREDOC_UNTERMINATED. */
export function takeHeredocs(
  reader: LineReader,
  markers: readonly Marker[],
): { heredocs: Heredoc[]; lastLine?: number } {
  let lastLine: number | undefined
  const heredocs = markers.map((marker) => {
    const parts: string[] = []
    for (let line = reader.takeLine(); ; line = reader.takeLine()) {
      if (line === undefined) throw unterminated(marker)
      lastLine = line.number
      if ((marker.stripTabs ? line.text.replace(/^\t+/, '') : line.text) === marker.name) break
      parts.push(line.text + line.ending)
    }
    return { ...marker, content: parts.join('') }
  })
  return { heredocs, ...(lastLine !== undefined && { lastLine }) }
}

function unterminated(marker: Marker): DockerfileError {
  const message = `the heredoc ${shown(marker.name)} has no end; put ${shown(marker.name)} alone on a line after it`
  return new DockerfileError('HEREDOC_UNTERMINATED', message, marker.range)
}
