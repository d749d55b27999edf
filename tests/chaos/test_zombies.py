# SPDX-License-Identifier: Apache-2.0
"""Workers that were believed dead and wake up, and workers whose clocks are wrong: what others did meanwhile stays as it is."""
import contextlib
import datetime
import hashlib
import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from support.oracle import Oracle
from support.process import REPO, Process, codec_at_work, wait_until
from support.uploads import Uploads, row_of, upload_one

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LOG_LEVEL": "debug"}
STACK_WORKERS = 1
LEASE_S = 0.6


@pytest.fixture(scope="module")
def oracle(stack):
    return Oracle(stack, "zombies and clocks")


@contextlib.contextmanager
def frozen(worker, with_codecs):
    """SIGSTOP to a worker, and to its codecs too; SIGCONT at the end."""
    pids = [worker.pid] + (worker.children() if with_codecs else [])
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            # a codec whose worker has ended is gone
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def big_picture(oracle):
    """One that keeps a codec busy for long enough to be caught at it."""
    return oracle.picture(width=3200, height=2400, quality=80)


def ask_again(oracle, upload):
    """Asks for an image again: its generation grows, and work on the last one counts no more."""
    oracle.stack.query("UPDATE image SET generation = generation + 1, status = 'pending', changed_at = now() WHERE id = %s", upload.image)


def ask_again_for_all(stack):
    """The same for all that is being worked on."""
    stack.query("UPDATE image SET generation = generation + 1, status = 'pending', changed_at = now() WHERE status = 'processing'")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Snapshot:
    """All that can be seen of the images up to an id: rows, and the bytes of the files that they name."""

    def __init__(self, stack, upto):
        self.images = stack.query("SELECT * FROM image WHERE id <= %s ORDER BY id", upto)
        self.variants = stack.query("SELECT * FROM variant WHERE image <= %s ORDER BY image, name", upto)
        names = [name for name, in stack.query("SELECT stored_name FROM image WHERE id <= %s "
                                               "UNION ALL SELECT stored_name FROM variant WHERE image <= %s", upto, upto)]
        self.files = {name: digest(stack.media_dir / name) for name in names}


def assert_unchanged(stack, before, upto):
    after = Snapshot(stack, upto)
    assert after.images == before.images
    assert after.variants == before.variants
    assert after.files == before.files
    # what has a tombstone will be removed: none may name what a row names
    assert {name for name, in stack.query("SELECT stored_name FROM tombstone")}.isdisjoint(after.files)


def is_insight(line):
    return line["message"] in ("a lease was lost", "a row has moved on", "a job is not owed any more")


@pytest.mark.parametrize("is_newer", [False, True], ids=["same-generation", "newer-generation"])
@pytest.mark.parametrize("with_codecs", [False, True], ids=["codecs-run-on", "codecs-too"])
def test_a_worker_wakes_up_after_another_was_faster(stack, oracle, with_codecs, is_newer):
    upload = oracle.upload(big_picture(oracle))
    zombie = stack.workers[0]
    wait_until(lambda: codec_at_work(zombie), what="a codec at work")
    with frozen(zombie, with_codecs):
        insights = sum(map(is_insight, zombie.log_lines()))
        if is_newer:
            ask_again(oracle, upload)
        other = stack.start_worker()
        wait_until(lambda: row_of(oracle, upload) == ("ready",), 60, "the other worker")
        assert row_of(oracle, upload, "generation") == (2 if is_newer else 1,)
        before = Snapshot(stack, upload.image)
    wait_until(lambda: sum(map(is_insight, zombie.log_lines())) > insights, 60, "the zombie's insight")
    stack.stop_worker(other)
    # it lives on, and its one codec is through with the old image when it has made another
    later = oracle.upload()
    wait_until(lambda: row_of(oracle, later) == ("ready",), 60, "work of the worker that woke up")
    assert_unchanged(stack, before, upload.image)


def test_workers_freeze_at_any_moment(stack, oracle, minutes, seed):
    """One at a time, for longer than a lease, in the middle of whatever it does; and what is at work is asked for again meanwhile."""
    draw = random.Random(seed)
    other = stack.start_worker()
    end = time.monotonic() + 60 * minutes
    rounds = 0
    with Uploads(oracle, clients=3, pause=0.02) as uploads:
        while rounds < 4 or time.monotonic() < end:
            uploads.wait(5)
            time.sleep(draw.uniform(0, 0.1))
            victim, with_codecs = draw.choice(stack.workers), draw.random() < 0.5
            with frozen(victim, with_codecs):
                for _ in range(40):
                    ask_again_for_all(stack)
                    time.sleep(LEASE_S * draw.uniform(1.1, 2) / 40)
            rounds += 1
    took = upload_one(oracle)
    wait_until(lambda: oracle.owed() == 0, 60, "all settled")
    # each shows what was made for its own generation, by the row and by the file's name
    assert stack.query("SELECT i.id, i.generation, v.stored_name FROM image i JOIN variant v ON v.image = i.id "
                       "WHERE i.generation <> v.generation "
                       "OR i.generation <> substring(v.stored_name FROM '-g([0-9]+)[^/]*$')::bigint") == []
    print(f"{rounds} rounds; {uploads.told()}; one more was ready in {took:.2f} s")
    stack.stop_worker(other)


class Clocks:
    """Starts workers whose clock is off. They are of the release build, since a sanitizer's runtime does not go with libfaketime; how
    time passes is not changed, only what time it is."""

    def __init__(self, stack):
        self.stack = stack
        self.program = REPO / "build" / "release" / "bin" / "pixmill-worker"
        self.library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
        assert self.library, "no libfaketime (Debian: faketime)"
        assert self.program.exists(), f"{self.program} is not built"

    def start(self, seconds):
        folder = self.stack.home.path / "release"
        if not folder.exists():
            folder.mkdir(mode=0o755)
            for name in ("pixmill-worker", "pixmill-codec"):
                shutil.copy2(self.program.parent / name, folder / name)
                (folder / name).chmod(0o755)
        worker = Process("pixmill-worker", [folder / "pixmill-worker"], self.stack.folder / f"worker{seconds:+d}.log", self.stack.env({
            "LD_PRELOAD": self.library, "FAKETIME": f"{seconds:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}))
        self.stack.workers.append(worker)
        return worker


HOUR = 3600


@pytest.fixture(scope="module")
def clocks(stack):
    return Clocks(stack)


@pytest.mark.parametrize("hours", [-1, 1], ids=["behind", "ahead"])
def test_a_worker_whose_clock_is_an_hour_off(stack, oracle, clocks, hours):
    """Beside one whose clock is right: leases, delays and all that is swept go by the clocks of Redis, PostgreSQL and the storage."""
    right = stack.workers[0]
    wrong = clocks.start(hours * HOUR)
    with Uploads(oracle, clients=3, pause=0.02) as uploads:
        uploads.wait(20)
        wait_until(lambda: done_by(wrong), 60, "work of the one whose clock is wrong")
        # each must see that the other one is gone, and not before it is
        for victim in (right, wrong):
            with frozen(victim, with_codecs=False):
                uploads.wait(5)
                time.sleep(LEASE_S * 1.5)
        uploads.wait(5)
    upload_one(oracle)
    assert abs(time_of(wrong) - time.time() - hours * HOUR) < HOUR / 2
    stack.stop_worker(wrong)


def test_a_worker_far_ahead_takes_nothing_for_left_over(stack, oracle, clocks):
    """An upload that is on its way while the worker starts, and sweeps, is a file without a name or without a row, but no old one."""
    with half_an_upload(stack, oracle.slug(), oracle.picture()) as rest:
        wait_until(lambda: stack.begun_uploads() == 1, what="an upload on its way")
        ahead = clocks.start(48 * HOUR)
        wait_until(lambda: any(line["message"] == "ready" for line in ahead.log_lines()), 60, "the worker")
        later = oracle.upload()
        wait_until(lambda: row_of(oracle, later) == ("ready",), 60, "work")
        assert rest() == 201
    stack.stop_worker(ahead)


def done_by(worker):
    return any(line["message"] == "an image is done" for line in worker.log_lines())


def time_of(worker):
    """What time it is for a worker, by its last log line."""
    return datetime.datetime.fromisoformat(worker.log_lines()[-1]["time"].replace("Z", "+00:00")).timestamp()


@contextlib.contextmanager
def half_an_upload(stack, slug, data):
    """Sends the first half of a picture; gives a function that sends the rest and returns the answer's status."""
    host, port = stack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(f"POST /api/products/{slug}/images/ HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                       f"Authorization: Bearer {stack.key}\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        client.sendall(data[:len(data) // 2])

        def rest():
            client.sendall(data[len(data) // 2:])
            return int(client.recv(4096).split()[1])
        yield rest


def test_nothing_was_lost(oracle):
    report = oracle.judge()
    assert report.lost == 0 and report.accepted > 0
