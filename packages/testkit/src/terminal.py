# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own, as a person would.

Standard input is a JSON list of steps: {"wait": "text"} waits until the text was shown, {"type": "text"} types,
{"size": [rows, columns]} resizes. Standard output is what the terminal showed; the exit code is the command's.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

steps = json.load(sys.stdin)
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
shown = b""
searched = 0
deadline = time.monotonic() + float(os.environ.get("TERMINAL_TIMEOUT", "60"))
while time.monotonic() < deadline:
    while steps:
        step = steps[0]
        if "wait" in step:
            at = shown.find(step["wait"].encode(), searched)
            if at < 0:
                break
            searched = at + len(step["wait"])
        elif "type" in step:
            os.write(fd, step["type"].encode())
        else:
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *step["size"], 0, 0))
            os.kill(pid, signal.SIGWINCH)
            time.sleep(0.3)
        steps.pop(0)
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
else:
    shown += b"\n(gave up waiting; steps left: " + json.dumps(steps).encode() + b")\n"
    os.kill(pid, signal.SIGKILL)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
