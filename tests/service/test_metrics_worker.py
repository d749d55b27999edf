# SPDX-License-Identifier: Apache-2.0
"""/metrics of a worker, beside its /healthz: well-formed by an independent parser, and right by what it counts."""
import os
import signal

import pytest
import requests

from support.client import Client
from support.metrics import Metrics, line, moved
from support.pictures import jpeg
from support.process import codec_at_work, wait_until
from support.servers import free_port

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LEASE_MS": 1000, "PIXMILL_LOG_LEVEL": "debug"}
STACK_ENV = ENV
STACK_WORKERS = 0
VARIANTS = {"thumbnail", "medium", "webp"}
STAGES = {"read": 1, "codec": 1, "decode": 1, "store": 3, "commit": 1}
# a busy machine may take again, look again or be away at any time
AT_ANY_TIME = {"pixmill_take_seconds_count"}


class Watched:
    """A worker with /metrics of its own."""

    def __init__(self, stack, env=None):
        self.port = free_port()
        self.worker = stack.start_worker(env={"PIXMILL_HEALTH_LISTEN": f"127.0.0.1:{self.port}", **(env or {})})
        wait_until(self.is_there, what="/metrics of the worker")
        wait_until(lambda: self.read().get("pixmill_codecs") == 1, seconds=60, what="a codec")

    def is_there(self):
        try:
            return self.read()
        except requests.ConnectionError:
            return None

    def read(self):
        return Metrics(f"http://127.0.0.1:{self.port}/metrics")

    def after(self, before, **results):
        """The reading when so many more jobs than before have ended in these results, and none is in hand."""
        def has_ended():
            metrics = self.read()
            counts = {word: metrics.get("pixmill_jobs_total", result=word) - before.get("pixmill_jobs_total", result=word)
                      for word in results}
            return metrics if counts == results and metrics.get("pixmill_jobs_in_hand") == 0 else None
        return wait_until(has_ended, seconds=60, what=f"jobs that ended with {results}")


@pytest.fixture(scope="module")
def watched(stack):
    return Watched(stack)


def upload(client, data):
    slug = client.product()["slug"]
    answer = client.upload(slug, data)
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def steps_between(before, after):
    return {key: value for key, value in moved(before, after).items() if key[0] not in AT_ANY_TIME}


def test_every_line_is_well_formed(watched):
    metrics = watched.read()
    metrics.check_histograms()
    metrics.check_documented()
    assert all(name.startswith("pixmill_") for name in metrics.families)
    assert metrics.get("pixmill_build_info", program="pixmill-worker", version="0.1.0") == 1
    assert metrics.labels("pixmill_codec_deaths_total", "cause") == {
        "start", "exit", "signal", "limit", "deadline", "frame"}
    assert metrics.get("pixmill_codec_memory_budget_bytes") > metrics.get("pixmill_codec_memory_bytes") == 0
    for dependency in ("database", "storage"):
        assert metrics.get("pixmill_breaker_open", dependency=dependency) == 0
    assert 0 <= metrics.get("pixmill_loop_lag_seconds") < 60
    # whatever else is asked is the health check
    answer = requests.get(f"http://127.0.0.1:{watched.port}/metrics-of-others", timeout=10)
    assert answer.headers["Content-Type"] == "application/json" and answer.json()["status"] == "ok"


def test_one_upload_is_counted_once_everywhere(watched, client):
    before = watched.read()
    data = jpeg(1200, 900)
    slug, image_id = upload(client, data)
    image = client.wait_ready(slug, image_id)
    steps = steps_between(before, watched.after(before, ok=1))
    expected = {line("pixmill_jobs_total", result="ok"): 1, line("pixmill_jobs_taken_total"): 1,
                line("pixmill_job_wait_seconds_count"): 1, line("pixmill_job_run_seconds_count"): 1,
                line("pixmill_originals_read_bytes_total"): len(data),
                line("pixmill_variants_stored_bytes_total"): sum(made["bytes"] for made in image["variants"].values()),
                **{line("pixmill_stage_seconds_count", stage=stage): count for stage, count in STAGES.items()},
                **{line("pixmill_encode_seconds_count", variant=name): 1 for name in VARIANTS}}
    assert steps == expected


def test_times_add_up(watched, client):
    """A stage is a part of the run, and the parts of a codec's work are parts of its stage."""
    before = watched.read()
    slug, image_id = upload(client, jpeg(1200, 900, seed=3))
    client.wait_ready(slug, image_id)
    after = watched.after(before, ok=1)

    def grown(name, **labels):
        return after.get(f"{name}_sum", **labels) - before.get(f"{name}_sum", **labels)
    run, codec = grown("pixmill_job_run_seconds"), grown("pixmill_stage_seconds", stage="codec")
    encode = sum(grown("pixmill_encode_seconds", variant=name) for name in VARIANTS)
    assert 0 < grown("pixmill_stage_seconds", stage="decode") + encode <= codec <= run
    assert 0 < grown("pixmill_stage_seconds", stage="commit") < run


def test_a_corrupt_image_is_counted_by_its_code(watched, client):
    before = watched.read()
    slug, image_id = upload(client, jpeg(1200, 900, seed=1)[:-2000])
    assert client.wait_settled(slug, image_id)["error"]["code"] == "corrupt_image"
    after = watched.after(before, corrupt_image=1)
    steps = steps_between(before, after)
    assert steps[line("pixmill_jobs_total", result="corrupt_image")] == 1
    assert line("pixmill_jobs_retried_total") not in steps and line("pixmill_jobs_total", result="ok") not in steps
    assert line("pixmill_stage_seconds_count", stage="decode") not in steps
    assert after.total("pixmill_codec_deaths_total") == before.total("pixmill_codec_deaths_total")


def test_a_killed_codec_is_counted_by_its_cause(watched, client):
    before = watched.read()
    slug, image_id = upload(client, jpeg(4000, 3000, seed=2))
    pid = wait_until(lambda: codec_at_work(watched.worker), what="a codec at work")
    busy = watched.read()
    os.kill(pid, signal.SIGKILL)
    assert client.wait_ready(slug, image_id)["attempts"] == 2
    steps = steps_between(before, watched.after(before, ok=1, codec_crashed=1))
    assert steps[line("pixmill_codec_deaths_total", cause="signal")] == 1
    assert steps[line("pixmill_jobs_retried_total")] == 1
    assert steps[line("pixmill_jobs_taken_total")] == 2
    assert steps[line("pixmill_job_wait_seconds_count")] == 1  # the second attempt was told to wait
    assert sum(value for (name, _), value in steps.items() if name == "pixmill_codec_deaths_total") == 1
    # what was told while it was at work, where the reading came in time
    if busy.get("pixmill_codecs_busy"):
        assert busy.get("pixmill_jobs_in_hand") == 1 and busy.get("pixmill_codec_memory_bytes") > 12_000_000


def test_a_lost_lease_is_counted(watched, stack, client):
    before = watched.read()
    slug, image_id = upload(client, jpeg(4000, 3000, seed=4))
    pid = wait_until(lambda: codec_at_work(watched.worker), what="a codec at work")
    os.kill(pid, signal.SIGSTOP)  # so that it is not done before the loss is seen
    stack.redis().flushall()
    client.wait_ready(slug, image_id)
    steps = steps_between(before, watched.after(before, ok=1, lost=1))
    assert steps[line("pixmill_leases_lost_total")] == 1
    assert line("pixmill_jobs_retried_total") not in steps


def test_repairs_are_counted(watched, stack, client):
    before = watched.read()
    os.kill(watched.worker.pid, signal.SIGSTOP)
    try:
        uploads = [upload(client, jpeg(500, 400, seed)) for seed in range(3)]
        stack.redis().flushall()
    finally:
        os.kill(watched.worker.pid, signal.SIGCONT)
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    steps = steps_between(before, watched.after(before, ok=3))
    assert steps[line("pixmill_reconciler_rebuilds_total")] == 1
    assert steps[line("pixmill_reconciler_pushed_total")] == 3


def test_a_breaker_is_told_while_it_is_open(watched, stack, client):
    before = watched.read()
    folders = [stack.media_dir] + [entry for entry in stack.media_dir.rglob("*") if entry.is_dir()]
    modes = {folder: folder.stat().st_mode & 0o777 for folder in folders}
    os.kill(watched.worker.pid, signal.SIGSTOP)
    slug, image_id = upload(client, jpeg(500, 400, 6))
    try:
        for folder in folders:
            folder.chmod(0o555)
        os.kill(watched.worker.pid, signal.SIGCONT)
        wait_until(lambda: watched.read().get("pixmill_breaker_open", dependency="storage") == 1, what="an open breaker")
        assert watched.read().get("pixmill_worker_paused") == 1
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
        os.kill(watched.worker.pid, signal.SIGCONT)
    client.wait_ready(slug, image_id)
    after = watched.after(before, ok=1)
    assert after.get("pixmill_breaker_open", dependency="storage") == 0
    steps = steps_between(before, after)
    assert steps[line("pixmill_breaker_trips_total", dependency="storage")] >= 1
    assert line("pixmill_breaker_trips_total", dependency="database") not in steps


def test_hurry_and_refinements_are_counted(new_stack, profile_file):
    profile = {"name": "hasty", "busy_seconds": 0, "variants": [
        {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg"},
        {"name": "webp", "format": "webp", "effort": 6, "effort_busy": 0}]}
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(profile)}, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    for seed in range(6):
        assert client.upload(slug, jpeg(1000, 800, seed)).status_code == 201
    watched = Watched(stack)

    def is_over():
        metrics = watched.read()
        done = metrics.total("pixmill_refinements_total")
        return metrics if metrics.get("pixmill_jobs_total", result="ok") == 6 + done and done > 0 and \
            done == metrics.get("pixmill_images_hurried_total") else None
    metrics = wait_until(is_over, seconds=120, what="the refinements")
    assert metrics.get("pixmill_images_hurried_total") >= 2
    assert metrics.get("pixmill_refinements_total", kept="true") > 0
    client.close()


def trace_of(stack, watched, headers):
    """(trace that the api logged, trace that the worker logged) of one upload with these headers."""
    client = Client(stack)
    slug = client.product()["slug"]
    name = f"trace-{os.urandom(4).hex()}"
    answer = client.post(f"/api/products/{slug}/images/", data=jpeg(seed=9),
                         headers={"Content-Type": "image/jpeg", "X-Request-Id": name, **headers})
    assert answer.status_code == 201
    image = answer.json()["id"]

    def done():
        return next((found for found in watched.worker.log_lines()
                     if found["message"] == "an image is done" and found["image"] == image), None)
    line_of_worker = wait_until(done, what="the worker's line")
    assert line_of_worker["job"] == f"{image}.1"
    line_of_api = next(found for found in stack.api.log_lines() if found.get("request") == name)
    client.close()
    return line_of_api["trace"], line_of_worker["trace"]


def test_a_trace_goes_from_the_upload_into_the_workers_log(watched, stack):
    given = os.urandom(16).hex()
    parent = f"00-{given}-{os.urandom(8).hex()}-01"
    assert trace_of(stack, watched, {"traceparent": parent}) == (given, given)
    # a version of the future is taken for what is known of it
    assert trace_of(stack, watched, {"TraceParent": "42" + parent[2:] + "-more"}) == (given, given)


@pytest.mark.parametrize("parent", [None, "ff-{}-{}-01", "00-{}-{}-01-more", "00-{}-{}", "garbage"])
def test_without_a_good_trace_a_new_one_begins(watched, stack, parent):
    given = os.urandom(16).hex()
    headers = {} if parent is None else {"traceparent": parent.format(given, os.urandom(8).hex())}
    of_api, of_worker = trace_of(stack, watched, headers)
    assert of_api == of_worker != given
    assert len(of_api) == 32 and set(of_api) <= set("0123456789abcdef") and set(of_api) != {"0"}
