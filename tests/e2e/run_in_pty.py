"""Runs a program in a pseudo-terminal of its own, as its session's leader: python3 run_in_pty.py PROGRAM [ARGUMENT...]

What the program prints goes to standard output. Each line of standard input is a command in JSON: {"write": "text"} types,
{"size": [rows, columns]} changes the size, {"signal": number} sends a signal. Whether the program stops or ends, it is said as
[pty: stopped MODE] or [pty: ended CODE MODE], where MODE is cooked or raw; {"mode": 1} asks for it, as [pty: mode MODE].
"""

import fcntl, json, os, pty, select, signal, struct, sys, termios

# The end of a child interrupts nothing by itself: a byte in a pipe does.
woken, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGCHLD, lambda number, frame: None)
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])


def size(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def say(what):
    flags = termios.tcgetattr(master)[3]
    mode = "cooked" if flags & termios.ICANON and flags & termios.ECHO else "raw"
    os.write(1, f"[pty: {what} {mode}]".encode())


def copy():
    """Whether there was something to copy."""
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    os.write(1, data)
    return len(data) > 0


def obey(line):
    command = json.loads(line)
    if "write" in command:
        os.write(master, command["write"].encode())
    if "size" in command:
        size(*command["size"])
    if "signal" in command:
        os.kill(pid, command["signal"])
    if "mode" in command:
        say("mode")


size(24, 80)
pending = b""
sources = [0, master, woken]
while True:
    ready, _, _ = select.select(sources, [], [])
    if master in ready and not copy():
        sources.remove(master)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            sources.remove(0)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            obey(line)
    if woken in ready:
        os.read(woken, 64)
        done, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if done and os.WIFSTOPPED(status):
            say("stopped")
        elif done:
            while select.select([master], [], [], 0)[0] and copy():
                pass
            say(f"ended {os.waitstatus_to_exitcode(status)}")
            break
