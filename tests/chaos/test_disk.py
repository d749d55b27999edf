# SPDX-License-Identifier: Apache-2.0
"""The storage is full, broken, or read-only in the middle of work: uploads are refused with 503 and leave nothing, jobs wait and burn
no attempt, and when it is back everything is made."""
import contextlib
import hashlib
import os
import subprocess

import pytest

from support.client import Client
from support.oracle import Oracle
from support.process import wait_until
from support.servers import Redis, Stack
from support.uploads import Uploads, row_of, upload_one

# one attempt: whatever were counted as one would fail an image for good
ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_MAX_ATTEMPTS": 1, "PIXMILL_LOG_LEVEL": "debug"}
DISK_BYTES = 16 << 20
# points of the storage at which a build for tests can be made to fail, as a disk of that kind does
POINTS = {"ENOSPC": ("storage.write", "storage.put"), "EDQUOT": ("storage.write", "storage.put"),
          "EIO": ("storage.write", "storage.put", "storage.commit", "storage.get"), "EROFS": ("storage.begin", "storage.put")}


@contextlib.contextmanager
def running(home, pg, title, env=None, media=None):
    """An oracle of a stack for this module alone; media(path) may put another file system there before anything runs."""
    redis = Redis(home)
    redis.start()
    stack = Stack(home, pg, redis, {**ENV, **(env or {})})
    with contextlib.ExitStack() as after:
        after.callback(redis.stop)
        if media:
            media(stack.media_dir, after)
        after.callback(stack.stop)
        stack.start(1)
        yield Oracle(stack, title)


class Switches:
    """Faults at named points, on while a file is there."""

    def __init__(self, home):
        self.folder = home.folder("faults")
        self.spec = ",".join(f"{point}={fault}:{self.folder / fault}" for fault, points in POINTS.items() for point in points)

    @contextlib.contextmanager
    def on(self, fault):
        switch = self.folder / fault
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()


@pytest.fixture(scope="module")
def switches(home):
    return Switches(home)


@pytest.fixture(scope="module")
def faulty(home, pg, switches):
    with running(home, pg, "a faulty storage", {"PIXMILL_FAILPOINT": switches.spec}) as oracle:
        yield oracle


class Disk:
    """A small file system under the media folder."""

    def __init__(self, path, after):
        self.path = path
        mode = path.stat()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700,uid={mode.st_uid},gid={mode.st_gid}", "pixmill-test", path],
            capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            pytest.skip(f"no file system can be mounted here; the faulty storage stands in: {mounted.stderr.strip()}")
        after.callback(subprocess.run, ["umount", path], check=True)

    @contextlib.contextmanager
    def full(self, free_bytes=0):
        """Nothing, or no more than free_bytes, can be stored. The filler has no name, so it is nobody's orphan."""
        filler = os.open(self.path, os.O_TMPFILE | os.O_WRONLY)
        try:
            fill(filler, free_bytes)
            yield
        finally:
            os.close(filler)

    @contextlib.contextmanager
    def read_only(self):
        """As after an error that the kernel does not trust the disk with; who has a file open for writing keeps that from being so."""
        def remount(how):
            return subprocess.run(["mount", "-o", f"remount,{how}", self.path], capture_output=True, check=False).returncode == 0
        wait_until(lambda: remount("ro"), 30, "a moment in which nobody writes")
        try:
            yield
        finally:
            assert remount("rw")


def fill(filler, free_bytes):
    """Makes an open file so large that no more is free; others write meanwhile."""
    size = 0
    for step in (1 << 20, 4 << 10):
        while os.fstatvfs(filler).f_bavail * os.fstatvfs(filler).f_bsize >= free_bytes + step:
            with contextlib.suppress(OSError):
                os.posix_fallocate(filler, size, step)
                size += step


@pytest.fixture(scope="module")
def small(home, pg):
    """(oracle, disk) of a stack whose media folder is a small file system."""
    disks = []
    with running(home, pg, "a small disk", media=lambda path, after: disks.append(Disk(path, after))) as oracle:
        yield oracle, disks[0]


def outage(oracle, fault):
    """Work is under way; the fault comes; uploads are refused and leave nothing; it goes, and everything is made."""
    stack = oracle.stack
    worker = stack.workers[0]
    with Uploads(oracle, clients=2, pause=0.01) as uploads:
        uploads.wait(8)
        with fault:
            refused = uploads.refused[503]
            wait_until(lambda: uploads.refused[503] > refused + 3, 30, "refused uploads")
            wait_until(lambda: is_away(worker), 30, "the worker's insight")
            assert_refused(stack, oracle)
        uploads.wait(5)
    took = upload_one(oracle)
    print(f"{uploads.told()}; one more was ready in {took:.2f} s")
    wait_until(lambda: oracle.owed() == 0, 60, "all settled")
    assert oracle.stack.query("SELECT id, error, error_sentence FROM image WHERE status = 'failed'") == []


def is_away(worker):
    """True while the worker believes that the storage is away."""
    told = [line["message"] for line in worker.log_lines() if line.get("dependency") == "storage"]
    return bool(told) and told[-1] != "a dependency answers again"


def assert_refused(stack, oracle):
    """Some upload finds no room, is told when to come again, and leaves no row; a file that it left would be seen by the judge."""
    client = Client(stack)

    def refused():
        data = oracle.picture()
        answer = client.upload(oracle.slug(), data)
        return (data, answer) if answer.status_code != 201 else None
    data, answer = wait_until(refused, what="a refusal")
    client.close()
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert int(answer.headers["Retry-After"]) > 0
    assert stack.query("SELECT id FROM image WHERE sha256 = %s", hashlib.sha256(data).digest()) == []


@pytest.mark.parametrize("fault", POINTS)
def test_a_faulty_storage(faulty, switches, fault):
    outage(faulty, switches.on(fault))


def test_nothing_was_lost_in_a_faulty_storage(faulty):
    report = faulty.judge()
    assert report.lost == 0 and report.failed == 0 and report.accepted > 0


def test_a_full_disk(small):
    oracle, disk = small
    outage(oracle, disk.full())


def test_a_read_only_disk(small):
    oracle, disk = small
    outage(oracle, disk.read_only())


def test_a_disk_that_is_full_for_large_files_only(small):
    """What asks whether the disk works is small and may find room; the job waits all the same, and burns no attempt."""
    oracle, disk = small
    worker = oracle.stack.workers[0]
    oracle.stack.stop_worker(worker)
    upload = oracle.upload(oracle.picture(width=1600, height=1200))
    assert upload.status == 201
    with disk.full(free_bytes=12 << 10):
        worker = oracle.stack.start_worker()
        wait_until(lambda: any(line["message"] in ("a job waits for a dependency", "a job failed") for line in worker.log_lines()), 60,
                   "a try")
        assert row_of(oracle, upload) in [("pending",), ("processing",)]
    wait_until(lambda: row_of(oracle, upload) == ("ready",), 60, "the image")


def test_nothing_was_lost_on_a_small_disk(small):
    report = small[0].judge()
    assert report.lost == 0 and report.failed == 0 and report.accepted > 0
