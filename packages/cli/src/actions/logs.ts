import type { Partially } from '@caisson/api'
import { fromTimestamp, toTimestamp } from '@caisson/api'
import { type LogsRequest, type Output, OutputStream } from '@caisson/api/container'
import type { Context } from '../context.ts'
import type { OptionValues } from '../option-values.ts'
import { rfc3339Nano } from '../output/units.ts'
import { parseInteger } from '../parse/numbers.ts'
import { parseTime } from '../parse/time.ts'
import { followLogs } from '../recover.ts'
import type { Action } from '../spec.ts'
import { LineSplitter, LineStamper } from '../terminal/lines.ts'
import { writeOutput } from '../terminal/write-output.ts'

/** Shows what a container wrote. */
export const logs: Action = async (context, args, options) => {
  const [container = ''] = args
  const containers = await context.engine.containers()
  const request = logsRequest(container, options, context.out.json)
  const { write, end } = writerFor(context, options)
  await followLogs(containers, request, context.out, write, context.signal)
  end()
  return 0
}

function logsRequest(container: string, options: OptionValues, json: boolean): Partially<LogsRequest> {
  const nowNs = BigInt(Date.now()) * 1_000_000n
  const time = (name: string) => options.parsed(name, (value) => toTimestamp(parseTime(`--${name}`, value, nowNs)))
  const tail = options.text('tail')
  return {
    container,
    follow: options.flag('follow'),
    tail: tail === undefined || tail === 'all' ? undefined : parseInteger('--tail', tail, 0),
    since: time('since'),
    until: time('until'),
    noStdout: options.maybeFlag('stdout') === false,
    noStderr: options.maybeFlag('stderr') === false,
    times: json || options.flag('timestamps'),
  }
}

interface LogWriter {
  readonly write: (output: Output) => Promise<void>
  readonly end: () => void
}

function writerFor({ out }: Context, options: OptionValues): LogWriter {
  if (out.json) {
    const lines = new LineSplitter<OutputStream>(({ stream, timeNs, line }) =>
      out.record({ stream: streamName(stream), time: rfc3339Nano(timeNs), line }),
    )
    return {
      write: async ({ stream, time, data }) => lines.add(stream, fromTimestamp(time), data),
      end: () => lines.end(),
    }
  }
  if (!options.flag('timestamps')) return { write: (output) => writeOutput(out, output), end: () => {} }
  const stamper = new LineStamper()
  return {
    write: (output) => {
      const stamp = `${rfc3339Nano(fromTimestamp(output.time))} `
      return writeOutput(out, { ...output, data: stamper.stamp(output.stream, stamp, output.data) })
    },
    end: () => {},
  }
}

function streamName(stream: OutputStream): string {
  return stream === OutputStream.STDERR ? 'stderr' : 'stdout'
}
