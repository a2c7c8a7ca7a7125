import { notFound } from '@caisson/api/error'
import { PortMapping } from '@caisson/api/network'
import { EXIT_OK } from '../exit-code.ts'
import { containerSide, hostSide } from '../output/port.ts'
import { parsePort } from '../parse/network.ts'
import type { Action } from '../spec.ts'

/** Lists what a container publishes, or where one port of it is. */
export const port: Action = async ({ engine, out, signal }, args) => {
  const [container = '', wanted] = args
  const { sandbox, name } = await (await engine.containers()).get({ container }, { signal })
  const ports = sandbox?.ports ?? []
  if (wanted === undefined) {
    out.list(
      ports,
      [
        { head: 'CONTAINER PORT', cell: containerSide },
        { head: 'HOST PORT', cell: hostSide },
      ],
      PortMapping.toJSON,
    )
    return EXIT_OK
  }
  const found = placesOf(ports, wanted)
  if (found.length === 0)
    throw notFound('published port', `${wanted} of ${name}`, 'caisson port without a port lists those that are')
  if (out.json) out.document(found.map((each) => PortMapping.toJSON(each)))
  else for (const each of found) out.line(hostSide(each))
  return EXIT_OK
}

/** One port each, also of a range. */
function placesOf(ports: readonly PortMapping[], text: string): PortMapping[] {
  const { containerPort = 0, protocol } = parsePort(text)
  return ports
    .filter((each) => each.protocol === protocol)
    .filter((each) => containerPort >= each.containerPort && containerPort < each.containerPort + each.count)
    .map((each) => ({
      ...each,
      hostPort: each.hostPort + containerPort - each.containerPort,
      containerPort,
      count: 1,
    }))
}
