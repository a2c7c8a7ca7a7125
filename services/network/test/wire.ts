import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { run } from './engine.ts'

/** Frames, servers and callers in network namespaces, which are given by path. */

/** Sends Ethernet frames as they are. */
export function sendFrames(from: string, frames: readonly string[]): void {
  const script = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0))
for frame in sys.argv[1:]: s.send(bytes.fromhex(frame))
`
  run(`nsenter --net=${from} python3 -c "${script}" ${frames.join(' ')}`)
}

/** How many frames that hold these bytes reach a sandbox while `work` is done, and shortly after. */
export async function seen(by: string, bytes: string, work: () => void): Promise<number> {
  const script = `
import select, socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)); s.bind(('eth0', 0)); s.settimeout(0.1)
print('ready', flush=True)
seen = 0; end = None
while end is None or time.time() < end:
    if end is None and select.select([sys.stdin], [], [], 0)[0]: end = time.time() + 0.5
    try: frame, source = s.recvfrom(2000)
    except TimeoutError: continue
    if source[2] != 4 and bytes.fromhex('${bytes}') in frame: seen += 1
print(seen)
`
  const child = spawn('nsenter', [`--net=${by}`, 'python3', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child.stdout, 'data')
  work()
  child.stdin.end()
  await once(child, 'close')
  return Number(said.split('\n')[1])
}

/** Tells each caller its address, on a port inside; listens when it resolves. The caller ends it. */
export async function serveAt(path: string, port: number): Promise<ChildProcess> {
  const script = `
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('0.0.0.0', ${port})); s.listen()
print('ready', flush=True)
while True:
    c, who = s.accept(); c.sendall(who[0].encode()); c.close()
`
  const child = spawn('nsenter', [`--net=${path}`, 'python3', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

/** What is said on a port; '' when nobody answers. */
export function call(from: string | undefined, address: string, port: number): string {
  const script = `import socket; s = socket.create_connection(('${address}', ${port}), 1); print(s.recv(100).decode())`
  const command = ['python3', '-c', script]
  const [program = '', ...rest] = from === undefined ? command : ['nsenter', `--net=${from}`, ...command]
  return spawnSync(program, rest, { encoding: 'utf8' }).stdout.trim()
}
