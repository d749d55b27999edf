# SPDX-License-Identifier: Apache-2.0
"""One process of a test: started as an unprivileged user, stopped by its own id, its log kept and judged.

As root nothing that is tested runs as root: PostgreSQL refuses to, and a service that only works as root is a fault. Every
process dies with the test run (PR_SET_PDEATHSIG), however that ends.
"""
import ctypes
import json
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
# What a sanitizer prints; an ASan or LSan report also ends the process with SANITIZER_EXIT.
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer")
SANITIZER_EXIT = 99
HOLDS_STOP = ("pixmill-api", "pixmill-worker")


def service_user():
    """The user that servers run as: None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("neither a user postgres nor nobody: can't start servers as root")


def give(path, mode=0o700):
    """Makes a folder that belongs to the service user, and returns it."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    user = service_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(mode)
    return path


def wait_until(condition, seconds=30, what="the condition"):
    """Calls condition until it gives something true, and returns that. AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def is_codec_at_work(pid):
    """True for a pixmill-codec that holds a job: the memory files of its variants. False for one that is starting or gone."""
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() != "pixmill-codec":
            return False
        return any(os.readlink(link).startswith("/memfd:") for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def codec_at_work(worker):
    """The process id of a worker's codec that holds a job, or None."""
    return next((pid for pid in worker.children() if is_codec_at_work(pid)), None)


def _die_with_parent():
    """PR_SET_PDEATHSIG = 1: the kernel kills us when the test run is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


def _die_with_parent_and_hold_stop():
    """For programs that hold SIGTERM from the start of main until they can obey it: so it is held while they are loaded, too."""
    _die_with_parent()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def run_as_service(argv, env=None, seconds=60, check=True):
    """Runs a command to its end as the service user; returns the CompletedProcess (text)."""
    user = service_user()
    done = subprocess.run(
        [str(word) for word in argv], env=env, timeout=seconds, text=True, capture_output=True, cwd="/", check=False,
        user=user.pw_uid if user else None, group=user.pw_gid if user else None, extra_groups=[] if user else None)
    assert not check or done.returncode == 0, f"{argv[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done


class Process:
    """A running program. argv and env are what it was started with; its output is in `log`. It inherits the descriptors `kept`."""

    def __init__(self, name, argv, log, env=None, kept=()):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log = Path(log)
        user = service_user()
        with open(self.log, "ab") as sink:
            self.popen = subprocess.Popen(
                self.argv, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd="/", pass_fds=kept,
                user=user.pw_uid if user else None, group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent_and_hold_stop if name in HOLDS_STOP else _die_with_parent)
        self.expected_exit = (0,)

    @property
    def pid(self):
        return self.popen.pid

    def is_alive(self):
        return self.popen.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace")

    def log_lines(self):
        """The JSON lines of the log, as dicts; other lines are left out."""
        found = []
        for line in self.log_text().splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
        return found

    def send(self, number):
        self.popen.send_signal(number)

    def kill(self):
        """kill -9; its exit is then no fault. Returns when it is gone."""
        self.expected_exit = (-signal.SIGKILL,)
        self.popen.kill()
        self.popen.wait(30)

    def stop(self, number=signal.SIGTERM, seconds=40):
        """Asks it to end and waits; kills it after `seconds`. Call check() to judge how it ended."""
        if self.is_alive():
            self.popen.send_signal(number)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(30)
            raise AssertionError(f"{self.name} did not end within {seconds} s of signal {number}") from None
        return self.popen.returncode

    def check(self):
        """AssertionError where a sanitizer spoke, or a process ended in another way than expected."""
        text = self.log_text()
        for word in SANITIZER_WORDS:
            assert word not in text, f"{self.name}: a sanitizer's report in {self.log}:\n{_around(text, word)}"
        code = self.popen.poll()
        assert code is None or code in self.expected_exit, (
            f"{self.name} ended with {code}, expected {self.expected_exit}; the end of its log:\n{text[-3000:]}")

    def children(self):
        """Process ids of its direct children."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.pid:
                found.append(int(entry.name))
        return sorted(found)

    def resident_bytes(self):
        """Resident memory, from /proc."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


def _around(text, word):
    start = max(0, text.index(word) - 500)
    return text[start:start + 6000]
