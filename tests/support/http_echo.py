# SPDX-License-Identifier: Apache-2.0
"""pixmill-http-echo as a process, and a client that writes raw bytes: what no HTTP library would send."""
import os
import shutil
import socket

from support.process import SANITIZER_EXIT, Process, wait_until
from support.servers import bin_dir


class Echo:
    """The server of tests/support/echo/echo.c; settings are its NAME=NUMBER words."""

    def __init__(self, home, **settings):
        self.folder = home.folder("echo")
        program = self.folder / "pixmill-http-echo"
        shutil.copy2(bin_dir() / "pixmill-http-echo", program)
        program.chmod(0o755)
        env = {"PATH": "/usr/bin:/bin", "ASAN_OPTIONS": f"exitcode={SANITIZER_EXIT}",
               "UBSAN_OPTIONS": f"halt_on_error=1:exitcode={SANITIZER_EXIT}"}
        words = [f"{name}={value}" for name, value in settings.items()]
        self.process = Process("pixmill-http-echo", [program, *words], self.folder / "log", env)
        self.port = wait_until(self._port, what="the port of pixmill-http-echo")

    def _port(self):
        assert self.process.is_alive(), f"pixmill-http-echo ended:\n{self.process.log_text()}"
        first, newline, _ = self.process.log_text().partition("\n")
        return int(first) if newline and first.isdigit() else None

    def connect(self, **options):
        return Raw(self.port, **options)

    def ask(self, data, method="GET"):
        """Sends bytes on a connection of their own and returns the one answer."""
        with self.connect() as raw:
            raw.send(data)
            return raw.answer(method)

    def has_logged(self, message, **fields):
        return any(line.get("message") == message and all(line.get(name) == value for name, value in fields.items())
                   for line in self.process.log_lines())

    def is_sanitized(self):
        """True where it was built with AddressSanitizer, whose shadow and quarantine make memory incomparable."""
        return b"__asan_init" in (self.folder / "pixmill-http-echo").read_bytes()

    def stop(self):
        self.process.stop()
        self.process.check()


class Answer:
    """status (int), reason, headers (list of (name, value)), body."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        version, status, self.reason = lines[0].split(" ", 2)
        assert version == "HTTP/1.1"
        self.status = int(status)
        self.headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.body = body

    def get(self, name):
        """The value of a field; None where absent. No field of ours comes twice."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Raw:
    """One TCP connection."""

    def __init__(self, port, receive_bytes=None, timeout=60):
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_bytewise(self, data):
        for i in range(len(data)):
            self.socket.sendall(data[i:i + 1])

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def head(self):
        """The next answer's head, without the empty line."""
        while b"\r\n\r\n" not in self.buffer:
            assert self._more(), f"the connection ended inside a head: {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def answer(self, method="GET"):
        """The next whole answer."""
        answer = Answer(self.head(), b"")
        length = answer.get("Content-Length")
        has_body = method != "HEAD" and answer.status >= 200 and answer.status not in (204, 304)
        wanted = int(length) if has_body else 0
        assert not has_body or length is not None
        while len(self.buffer) < wanted:
            assert self._more(), f"the connection ended inside a body, {len(self.buffer)} of {wanted} bytes"
        answer.body, self.buffer = self.buffer[:wanted], self.buffer[wanted:]
        return answer

    def rest(self):
        """Everything until the server closes; a reset counts as a fault."""
        while self._more():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def is_ended(self):
        """Waits for the end; True where nothing more came before it."""
        return self.rest() == b""

    def shut(self):
        """Says that we send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def close(self):
        self.socket.close()


def descriptors(process):
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))
