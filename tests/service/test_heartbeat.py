# SPDX-License-Identifier: Apache-2.0
"""What a worker tells operators of itself, through the queue."""
import signal

from support.pictures import jpeg
from support.process import codec_at_work, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_LOG_LEVEL": "debug"}


def reports(stack):
    """What each worker told last, by holder; as bytes."""
    redis = stack.redis()
    return {holder.decode(): redis.hget("{pixmill}:reports", holder) for holder in redis.zrange("{pixmill}:workers", 0, -1)}


def report_of(stack, worker):
    return next((report for holder, report in reports(stack).items() if f":{worker.pid}:" in holder), b"")


def wait_told(stack, worker, word):
    return wait_until(lambda: word in report_of(stack, worker) and report_of(stack, worker), what=f"{word} of a worker")


def test_a_worker_tells_what_it_does(stack, client):
    worker = stack.workers[0]
    wait_told(stack, worker, b"working")
    slug = client.product()["slug"]
    image = client.upload(slug, jpeg(4800, 4800, 3, quality=85)).json()
    wait_told(stack, worker, f"{image['id']}.1".encode())
    client.wait_ready(slug, image["id"])
    wait_until(lambda: f"{image['id']}.1".encode() not in report_of(stack, worker), what="an end of the job")


def test_a_pause_is_told(stack):
    worker = stack.workers[0]
    stack.query("UPDATE control SET is_paused = true")
    wait_told(stack, worker, b"paused")
    stack.query("UPDATE control SET is_paused = false")
    wait_told(stack, worker, b"working")


def test_a_stop_is_told_and_then_the_worker_is_forgotten(stack, client):
    worker = stack.workers[0]
    slug = client.product()["slug"]
    image = client.upload(slug, jpeg(4800, 4800, 4, quality=85)).json()
    wait_until(lambda: codec_at_work(worker), what="a codec at work")
    worker.send(signal.SIGTERM)
    wait_told(stack, worker, b"stopping")
    wait_until(lambda: not worker.is_alive(), what="the end of a drain")
    stack.stop_worker(worker)
    other = stack.start_worker()
    wait_told(stack, other, b"working")
    wait_until(lambda: not report_of(stack, worker), what="that the first is forgotten")
    client.wait_ready(slug, image["id"])
