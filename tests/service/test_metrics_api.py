# SPDX-License-Identifier: Apache-2.0
"""/metrics of the api: well-formed by an independent parser, and right by what it counts."""
import math
import socket
from urllib.parse import urlsplit

import requests

from support import pictures
from support.client import Client
from support.metrics import Metrics, line, moved
from support.process import wait_until
from support.servers import free_port

UPLOAD = "/api/products/{slug}/images/"


def read(stack):
    return Metrics(stack.url + "/metrics")


def known(stack):
    """A reading that knows the queue, or None."""
    metrics = read(stack)
    return None if math.isnan(metrics.get("pixmill_queue_leased_jobs")) else metrics


def test_every_line_is_well_formed(client, stack):
    client.get("/api/products/")
    metrics = read(stack)
    metrics.check_histograms()
    metrics.check_documented()
    assert all(name.startswith("pixmill_") for name in metrics.families)
    assert metrics.get("pixmill_build_info", program="pixmill-api", version="0.1.0") == 1
    for mark in ("# HELP ", "# TYPE "):
        named = [text.split()[2] for text in metrics.text.splitlines() if text.startswith(mark)]
        assert len(named) == len(set(named)) == len(metrics.families)
    assert 0 <= metrics.get("pixmill_loop_lag_seconds") < 60
    for dependency in ("redis", "postgresql"):
        assert metrics.get("pixmill_dependency_up", dependency=dependency) == 1


def test_needs_no_key_and_takes_both_slashes(stack):
    assert requests.get(stack.url + "/metrics/", timeout=10).status_code == 200
    assert requests.head(stack.url + "/metrics", timeout=10).status_code == 200
    assert requests.post(stack.url + "/metrics", timeout=10).status_code == 405


def test_counters_move_by_what_was_done(client, stack):
    slug = client.product()["slug"]
    before = read(stack)
    photo = client.upload(slug, pictures.jpeg(), "photo.jpg")
    small = client.upload(slug, pictures.jpeg(width=20, height=20), "small.jpg")
    assert (photo.status_code, small.status_code, small.json()["code"]) == (201, 400, "too_small")
    shown = client.get(f"/api/products/{slug}/")
    after = read(stack)
    steps = moved(before, after)
    sent_to = {"route": UPLOAD, "method": "POST"}
    assert steps.pop(line("pixmill_http_requests_total", **sent_to, status="2xx")) == 1
    assert steps.pop(line("pixmill_http_requests_total", **sent_to, status="4xx")) == 1
    assert steps.pop(line("pixmill_http_request_duration_seconds_count", route=UPLOAD)) == 2
    assert steps.pop(line("pixmill_http_refusals_total", code="too_small")) == 1
    assert steps.pop(line("pixmill_http_requests_total", route="/api/products/{slug}/", method="GET", status="2xx")) == 1
    assert steps.pop(line("pixmill_http_request_duration_seconds_count", route="/api/products/{slug}/")) == 1
    # the reading before is itself counted in the one after
    assert steps.pop(line("pixmill_http_requests_total", route="/metrics", method="GET", status="2xx")) == 1
    assert steps.pop(line("pixmill_http_request_duration_seconds_count", route="/metrics")) == 1
    assert steps.pop(line("pixmill_http_received_bytes_total")) == sum(
        int(answer.request.headers["Content-Length"]) for answer in (photo, small))
    assert steps.pop(line("pixmill_http_sent_bytes_total")) == len(before.text) + sum(
        len(answer.content) for answer in (photo, small, shown))
    assert {name for name, _ in steps} <= {"pixmill_queue_finished_total"}, steps


def test_addresses_do_not_become_labels(client, stack):
    before = read(stack)
    for path in ("/no/such/page-7", "/api/products/no-such-product-7/", "/media/no/such-7.jpg"):
        assert client.get(path).status_code == 404
    after = read(stack)
    assert "such" not in after.text
    steps = moved(before, after)
    assert steps[line("pixmill_http_requests_total", route="", method="GET", status="4xx")] == 1
    assert steps[line("pixmill_http_requests_total", route="/media/{name*}", method="GET", status="4xx")] == 1
    assert steps[line("pixmill_http_refusals_total", code="not_found")] == 3


def test_what_the_http_layer_refuses_is_counted_too(stack):
    before = read(stack)
    with socket.create_connection(("127.0.0.1", urlsplit(stack.url).port), timeout=10) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nNo Host\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 400")
    steps = moved(before, read(stack))
    assert steps[line("pixmill_http_refusals_total", code="bad_request")] == 1


def test_what_is_in_flight_is_told(client, stack):
    slug = client.product()["slug"]
    assert read(stack).get("pixmill_http_requests_in_flight") == 1  # the reading itself
    with socket.create_connection(("127.0.0.1", urlsplit(stack.url).port), timeout=30) as peer:
        body = pictures.jpeg()
        peer.sendall(f"POST /api/products/{slug}/images/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.key}\r\n"
                     f"Content-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:1000])

        def seen():
            metrics = read(stack)
            return (metrics.get("pixmill_uploads_in_flight"), metrics.get("pixmill_http_requests_in_flight")) == (1, 2)
        wait_until(seen, what="an upload in flight")
        assert read(stack).get("pixmill_http_connections") >= 2
        peer.sendall(body[1000:])
        assert peer.recv(100).startswith(b"HTTP/1.1 201")
    metrics = read(stack)
    assert metrics.get("pixmill_uploads_in_flight") == 0 and metrics.get("pixmill_http_requests_in_flight") == 1


def test_a_listener_of_its_own_serves_nothing_else(new_stack):
    port = free_port()
    stack = new_stack({"PIXMILL_METRICS_LISTEN": f"127.0.0.1:{port}"}, workers=0)
    own = f"http://127.0.0.1:{port}"
    client = Client(stack)
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics/").status_code == 404
    metrics = Metrics(own + "/metrics")
    assert metrics.get("pixmill_http_requests_total", route="/metrics", method="GET", status="4xx") == 2
    for path in ("/", "/healthz", "/readyz", "/api/products/", "/openapi.yaml"):
        assert requests.get(own + path, timeout=10).status_code == 404
    assert requests.post(own + "/metrics", timeout=10).status_code == 405
    assert requests.head(own + "/metrics", timeout=10).status_code == 200
    client.close()


def test_a_listener_that_can_not_be_had_is_told(new_stack, home):
    stack = new_stack({}, workers=0)
    taken = urlsplit(stack.url).port
    done = stack.run("pixmill-api", env={"PIXMILL_LISTEN": f"127.0.0.1:{free_port()}",
                                         "PIXMILL_METRICS_LISTEN": f"127.0.0.1:{taken}"}, check=False)
    assert done.returncode != 0 and f"can not listen on 127.0.0.1:{taken}" in done.stderr


def test_the_queue_is_told(new_stack):
    """Nobody works: what waits is told by class, and that it would wait for ever."""
    stack = new_stack({}, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    idle = wait_until(lambda: known(stack), what="a view of the queue")
    assert idle.labels("pixmill_queue_ready_jobs", "class") == {"high", "normal", "low"}
    assert all(idle.get(f"pixmill_queue_{name}", **{"class": kind}) == 0 for kind in ("high", "normal", "low")
               for name in ("ready_jobs", "oldest_seconds", "backlog_seconds"))
    for seed in range(3):
        assert client.upload(slug, pictures.jpeg(seed=seed)).status_code == 201

    def waiting():
        metrics = read(stack)
        return metrics if metrics.get("pixmill_queue_ready_jobs", **{"class": "high"}) == 3 else None
    metrics = wait_until(waiting, what="three jobs that wait")
    assert metrics.get("pixmill_queue_backlog_seconds", **{"class": "high"}) == math.inf
    assert metrics.get("pixmill_queue_backlog_seconds", **{"class": "low"}) == 0
    wait_until(lambda: read(stack).get("pixmill_queue_oldest_seconds", **{"class": "high"}) > 0, what="an age")
    for name in ("workers", "codecs", "leased_jobs", "delayed_jobs", "dead_letters", "paused", "finished_total"):
        assert metrics.get(f"pixmill_queue_{name}") == 0
    stack.query("INSERT INTO dead_letter (job, reason, sentence) VALUES ('7.1', 'codec_crashed', 'x')")
    wait_until(lambda: read(stack).get("pixmill_queue_dead_letters") == 1, what="a dead letter")
    client.close()


def test_the_backlog_is_reckoned_by_what_workers_tell(new_stack):
    stack = new_stack({"PIXMILL_CODECS": 1}, workers=1)
    client = Client(stack)
    slug = client.product()["slug"]

    def seen(condition, what):
        def met():
            metrics = read(stack)
            return metrics if condition(metrics) else None
        return wait_until(met, seconds=60, what=what)
    pool = seen(lambda metrics: metrics.get("pixmill_queue_codecs") == 1, "the worker's codec")
    assert pool.get("pixmill_queue_workers") == 1 and pool.get("pixmill_queue_capacity_per_second") > 0
    assert client.post("/api/queue/pause/").status_code == 200
    for seed in range(4):
        assert client.upload(slug, pictures.jpeg(seed=seed)).status_code == 201
    held = seen(lambda metrics: metrics.get("pixmill_queue_ready_jobs", **{"class": "high"}) == 4, "four jobs that wait")
    assert held.get("pixmill_queue_paused") == 1
    seconds = held.get("pixmill_queue_backlog_seconds", **{"class": "high"})
    assert abs(seconds * held.get("pixmill_queue_capacity_per_second") - 4) < 0.01
    assert client.post("/api/queue/resume/").status_code == 200
    seen(lambda metrics: metrics.get("pixmill_queue_finished_total") == 4, "four finished jobs")
    seen(lambda metrics: metrics.get("pixmill_queue_finished_per_second") > 0, "a rate")
    over = seen(lambda metrics: metrics.get("pixmill_queue_leased_jobs") == 0, "an empty queue")
    assert over.get("pixmill_queue_backlog_seconds", **{"class": "high"}) == 0 and over.get("pixmill_queue_paused") == 0
    client.close()


def test_a_dependency_that_is_away_is_told(new_stack):
    stack = new_stack({}, workers=0)
    wait_until(lambda: known(stack), what="a view of the queue")
    stack.redis_server.stop()
    wait_until(lambda: read(stack).get("pixmill_dependency_up", dependency="redis") == 0, what="Redis told as down")
    wait_until(lambda: math.isnan(read(stack).get("pixmill_queue_leased_jobs")), what="an old view told as unknown")
    assert math.isnan(read(stack).get("pixmill_queue_backlog_seconds", **{"class": "high"}))
    assert read(stack).get("pixmill_dependency_up", dependency="postgresql") == 1
    stack.redis_server.start()
    wait_until(lambda: read(stack).get("pixmill_dependency_up", dependency="redis") == 1, what="Redis told as up")
    wait_until(lambda: known(stack), what="a view of the queue")
