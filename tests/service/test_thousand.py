# SPDX-License-Identifier: Apache-2.0
"""A thousand uploads by sixteen clients, with kill -9 of codecs and of a worker in the middle: everything ends ready, nothing is
done twice, and PostgreSQL, Redis and the disk agree."""
import collections
import io
import itertools
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from support.client import Client
from support.pictures import encoded, jpeg, picture
from support.process import codec_at_work, wait_until

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_LOG_LEVEL": "debug"}
WORKERS = 2
# the built-in variants, never in a hurry: how long the backlog gets depends on the machine
PATIENT = {"name": "patient", "busy_seconds": 86400, "variants": [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg", "quality": 85},
    {"name": "medium", "width": 800, "height": 800, "format": "jpeg", "quality": 90},
    {"name": "webp", "format": "webp", "quality": 85}]}

UPLOADS = 1000
CLIENTS = 16


def mixed():
    """Small photos of all formats, orientations and shapes; each as (bytes, file name, width, height after orientation)."""
    made = []
    for seed, (width, height) in enumerate([(320, 240), (240, 320), (480, 360), (200, 200), (640, 400), (220, 500)]):
        made.append((jpeg(width, height, seed), "photo.jpg", width, height))
        made.append((jpeg(width, height, seed, orientation=6), "turned.jpeg", height, width))
        made.append((encoded(picture(width, height, seed), "PNG"), "drawing.png", width, height))
        made.append((encoded(picture(width, height, seed, "RGBA"), "WEBP", quality=80), "picture.webp", width, height))
    return made


class Load:
    """Sixteen clients that share a count of answered uploads."""

    def __init__(self, stack):
        self.stack = stack
        self.pictures = mixed()
        self.lock = threading.Lock()
        self.numbers = itertools.count()
        self.answered = {}  # id -> index of the picture

    def run_client(self):
        client = Client(self.stack)
        slug = client.product()["slug"]
        while (number := next(self.numbers)) < UPLOADS:
            data, name, _, _ = self.pictures[number % len(self.pictures)]
            answer = client.upload(slug, data, name)
            assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
            with self.lock:
                assert answer.json()["id"] not in self.answered
                self.answered[answer.json()["id"]] = number % len(self.pictures)
        client.close()

    def wait_answered(self, count):
        wait_until(lambda: len(self.answered) >= count, seconds=120, what=f"{count} uploads")


def ready_count(stack):
    return stack.query("SELECT count(*) FROM image WHERE status = 'ready'")[0][0]


def kill_a_codec(worker):
    """kill -9 of a codec that is at work."""
    def kill():
        try:
            pid = codec_at_work(worker)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            return pid is not None
        except ProcessLookupError:
            return False
    wait_until(kill, what="a codec at work")


def disturb(stack, load):
    """The accidents, each at a time when there is work to lose."""
    load.wait_answered(100)
    kill_a_codec(stack.workers[0])
    load.wait_answered(250)
    victim = stack.workers[1]
    wait_until(lambda: stack.redis().zcard("{pixmill}:leases") > 1, what="jobs at work")
    stack.kill_worker(victim)
    stack.start_worker()
    load.wait_answered(500)
    kill_a_codec(stack.workers[0])
    kill_a_codec(stack.workers[1])


def check_rows_and_disk(stack, load):
    assert stack.query("SELECT status, count(*) FROM image GROUP BY status") == [("ready", UPLOADS)]
    sizes = dict((row[0], row[1:]) for row in stack.query("SELECT id, width_px, height_px FROM image"))
    assert sizes.keys() == load.answered.keys()
    for image_id, index in load.answered.items():
        assert sizes[image_id] == load.pictures[index][2:], load.pictures[index][1]
    assert stack.query("SELECT name, count(*) FROM variant GROUP BY name ORDER BY name") == [
        ("medium", UPLOADS), ("thumbnail", UPLOADS), ("webp", UPLOADS)]
    named = dict(stack.query("SELECT stored_name, bytes FROM image UNION ALL SELECT stored_name, bytes FROM variant"))
    assert len(named) == 4 * UPLOADS
    assert set(stack.media_files()) == set(named)
    for name, size in named.items():
        assert (stack.media_dir / name).stat().st_size == size, name


def check_a_sample(stack):
    """Some variants, judged by another decoder."""
    rows = stack.query("SELECT stored_name, width_px, height_px FROM variant ORDER BY md5(stored_name) LIMIT 60")
    for name, width, height in rows:
        with Image.open(io.BytesIO((stack.media_dir / name).read_bytes())) as image:
            image.load()
            assert image.size == (width, height), name


def check_nothing_twice(stack):
    """No image was switched to ready by two workers, or twice by one."""
    done = collections.Counter()
    for worker in stack.workers + stack.past:
        done.update(line["image"] for line in worker.log_lines() if line["message"] == "an image is done")
    assert [image_id for image_id, count in done.items() if count > 1] == []


def test_a_thousand_uploads_with_accidents(new_stack, profile_file):
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(PATIENT)}, workers=WORKERS)
    load = Load(stack)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.run_client) for _ in range(CLIENTS)]
        # on this thread: a worker dies with the thread that started it
        disturb(stack, load)
        for client in clients:
            client.result()
    assert len(load.answered) == UPLOADS
    wait_until(lambda: ready_count(stack) == UPLOADS, seconds=240, what="all ready")
    wait_until(lambda: not stack.queue_left(), seconds=60, what="an empty queue")
    check_rows_and_disk(stack, load)
    check_a_sample(stack)
    check_nothing_twice(stack)
