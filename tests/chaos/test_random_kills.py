# SPDX-License-Identifier: Apache-2.0
"""api, workers and codecs are killed at moments that nobody chose, while clients go on uploading.

The short form kills 40 times, the long one (--minutes N) for so long: 5 minutes are about 1,000 kills. --seed N repeats the same choices,
though not the same moments.
"""
import contextlib
import json
import os
import random
import signal
import threading
import time

from support.oracle import Oracle
from support.servers import Stack

# The limit of crashes is for images that kill; here every image has the bad luck of being there.
ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_MAX_CRASHES": 100,
       "PIXMILL_DATABASE_TIMEOUT_MS": 2000, "PIXMILL_ORPHAN_GRACE_MS": 4000, "PIXMILL_JANITOR_MS": 500}
# any job that waits makes a hurry, so that there are refinements too
HASTY = {"name": "hasty", "busy_seconds": 0, "variants": [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg"},
    {"name": "medium", "width": 800, "height": 800, "format": "jpeg"},
    {"name": "webp", "format": "webp", "effort_busy": 0}]}
SHORT_KILLS = 40
WORKERS = 2
CLIENTS = 3
MOST_OWED = 40  # the load is kept up, and not piled up
PAUSE_S = 0.3  # most between two kills
CUT_SHARE = 0.05  # of the uploads, which must end as corrupt
AGAIN_SHARE = 0.1  # as often one that was accepted is asked for again


class Load:
    """Clients that upload for as long as it is open."""

    def __init__(self, oracle, seed):
        self.oracle = oracle
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(random.Random(f"{seed} {number}"),)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def run(self, choice):
        mine = []
        while not self.is_over.is_set():
            if self.oracle.owed() > MOST_OWED:
                self.is_over.wait(0.05)
                continue
            data = self.oracle.picture(width=choice.randrange(300, 900), height=choice.randrange(300, 900))
            is_cut = choice.random() < CUT_SHARE
            made = self.oracle.upload(data[:len(data) * 2 // 3] if is_cut else data, expects="corrupt_image" if is_cut else None)
            mine.append(made)
            again = choice.choice(mine)
            if choice.random() < AGAIN_SHARE and again.image is not None:
                self.oracle.reprocess(again)
            if made.status is None:
                self.is_over.wait(0.02)


def kill_api(stack, choice):
    del choice
    stack.kill_api()
    stack.start_api()


def kill_worker(stack, choice):
    stack.kill_worker(choice.choice(stack.workers))
    stack.start_worker()


def kill_codec(stack, choice):
    codecs = choice.choice(stack.workers).children()
    if codecs:
        with contextlib.suppress(ProcessLookupError):
            os.kill(choice.choice(codecs), signal.SIGKILL)


KILLS = (kill_api, kill_worker, kill_worker, kill_codec, kill_codec)


def test_random_kills_under_load(home, pg, redis, minutes, seed):
    profile = home.folder("profile") / "hasty.json"
    profile.write_text(json.dumps(HASTY))
    profile.chmod(0o644)
    stack = Stack(home, pg, redis, {**ENV, "PIXMILL_PROFILE": profile})
    choice = random.Random(seed)
    try:
        stack.start(WORKERS)
        oracle = Oracle(stack, f"random kills, seed {seed}")
        oracle.slug()
        end = time.monotonic() + minutes * 60
        with Load(oracle, seed):
            while len(oracle.kills) < SHORT_KILLS or time.monotonic() < end:
                time.sleep(choice.uniform(0, PAUSE_S))
                kill = choice.choice(KILLS)
                oracle.killed()
                kill(stack, choice)
        report = oracle.judge()
    finally:
        stack.stop()
    assert report.accepted > 0 and report.lost == 0
    # the load was there, and the kills were felt
    assert report.unanswered + report.repeated > 0
