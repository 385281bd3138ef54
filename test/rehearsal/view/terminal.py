"""Runs a command in a pseudo-terminal. Standard input is its keyboard, standard output its screen.

When the command has ended, a line of JSON on standard error says how, and whether the terminal is as it was.
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

columns, rows, *command = sys.argv[1:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
before = termios.tcgetattr(slave)
told, tell = os.pipe()
leader = os.fork()
if leader == 0:
    # When the leader of a session ends, the terminal loses what nobody has read yet. So it is not the command.
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    child = os.fork()
    if child == 0:
        for descriptor in range(3):
            os.dup2(slave, descriptor)
        os.closerange(3, 256)
        os.execvp(command[0], command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    # As a shell says it: whether a program that Ctrl-C ends dies of the signal or says 130 is a race.
    os.write(tell, str(code if code >= 0 else 128 - code).encode())
    signal.pause()


def show(seconds):
    """Passes on what is written within some time. Tells whether anything was."""
    if not select.select([master], [], [], seconds)[0]:
        return False
    os.write(1, os.read(master, 65536))
    return True


keyboard = [0]
while True:
    ready, _, _ = select.select([*keyboard, master, told], [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:
            keyboard = []
            os.kill(leader, signal.SIGHUP)
            sys.exit(1)
    if master in ready:
        show(0)
    if told in ready:
        code = int(os.read(told, 16))
        break
while show(0.05):
    pass
report = {"code": code, "isRestored": termios.tcgetattr(slave) == before}
os.kill(leader, signal.SIGKILL)
print(json.dumps(report), file=sys.stderr)
