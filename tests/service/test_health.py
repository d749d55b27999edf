# SPDX-License-Identifier: Apache-2.0
"""/healthz of a worker that takes nothing: rightly so, or not; and connections to Redis that only look alive."""
import time

import requests

from support.pictures import jpeg
from support.process import wait_until
from support.proxy import Proxy
from support.servers import free_port

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_LOG_LEVEL": "debug"}
STACK_WORKERS = 0
STUCK_SECONDS = 5  # HEALTH_STUCK_MS


def watched_worker(stack, env=None):
    """A worker, and a function that gives (status, JSON) of its /healthz."""
    port = free_port()
    worker = stack.start_worker(env={"PIXMILL_HEALTH_LISTEN": f"127.0.0.1:{port}", **(env or {})})

    def look():
        answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
        return answer.status_code, answer.json()

    def is_well():
        try:
            status, body = look()
        except requests.ConnectionError:
            return False
        return status == 200 and body["codecs"] == 1
    wait_until(is_well, what="a worker that is well")
    return worker, look


def upload(client):
    slug = client.product()["slug"]
    answer = client.upload(slug, jpeg(300, 300, 1))
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def test_a_pause_by_operators_is_no_fault(stack, client):
    worker, look = watched_worker(stack)
    stack.query("UPDATE control SET is_paused = true")
    wait_until(lambda: look()[1]["paused"], what="a pause")
    image = upload(client)
    wait_until(lambda: look()[1]["backlog"] == 1, what="a backlog")
    end = time.monotonic() + STUCK_SECONDS + 2
    try:
        while time.monotonic() < end:
            status, body = look()
            assert (status, body["paused"], body["backlog"]) == (200, True, 1)
    finally:
        stack.query("UPDATE control SET is_paused = false")
    client.wait_ready(*image)
    stack.stop_worker(worker)


def test_a_worker_that_gets_nothing_though_jobs_wait_is_unwell(stack, client):
    """The take fails, and the counts do not: it alone pops from lists."""
    worker, look = watched_worker(stack)
    redis = stack.redis()
    redis.execute_command("ACL", "SETUSER", "default", "-lpop")
    image = upload(client)
    status, body = wait_until(lambda: look()[0] == 503 and look(), what="503")
    assert status == 503 and body["status"] == "failing" and body["backlog"] == 1
    redis.execute_command("ACL", "SETUSER", "default", "+lpop")
    client.wait_ready(*image)
    wait_until(lambda: look()[0] == 200, what="200")
    stack.stop_worker(worker)


def test_connections_that_only_look_alive_are_made_anew(stack, client):
    with Proxy(str(stack.redis_socket)) as proxy:
        worker, look = watched_worker(stack, {"PIXMILL_REDIS_URL": f"redis://127.0.0.1:{proxy.port}"})
        upload_and_wait(client)
        for _ in range(2):
            assert proxy.half_open() >= 2
            upload_and_wait(client)
            assert look()[0] == 200
        stack.stop_worker(worker)


def test_a_black_hole_is_left_when_it_ends(stack, client):
    with Proxy(str(stack.redis_socket)) as proxy:
        worker, look = watched_worker(stack, {"PIXMILL_REDIS_URL": f"redis://127.0.0.1:{proxy.port}"})
        proxy.black_hole()
        image = upload(client)
        accepted = proxy.accepted
        wait_until(lambda: proxy.accepted > accepted, what="another connection")
        assert look()[0] == 200, "a Redis that is away is no fault of the worker"
        proxy.heal()
        client.wait_ready(*image)
        stack.stop_worker(worker)


def upload_and_wait(client):
    client.wait_ready(*upload(client))
