# SPDX-License-Identifier: Apache-2.0
"""More work than there is time for: a campaign of low jobs that would take for ever, live uploads that come at random, and uploads
over every limit. What is claimed, and when, is watched in Redis itself (MONITOR)."""
import hashlib
import math
import os
import random
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.client import Client
from support.oracle import Oracle
from support.pictures import jpeg
from support.process import service_user, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 3000, "PIXMILL_LOG_LEVEL": "debug"}
STACK_WORKERS = 0
LOW = {False: 5000, True: 100000}  # jobs: short form, long form
HIGH_FIRST = 100  # live uploads that wait before the first worker starts
RATE = 4  # live uploads a second, on average
WINDOW = 20  # claims
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
BACKLOG, UPLOAD_BYTES = 50, 1 << 20
LINKS = 50000  # names of one file; ext4 has no more than 65,000


def insert_owed(stack, count):
    """Rows that are owed and not urgent, each with an original under a name of its own; many of these are one file."""
    data = jpeg(220, 200)
    names = [name for name, in stack.query(
        "INSERT INTO image (stored_name, format, bytes, sha256, class, changed_at) "
        "SELECT 'products/2020/01/01/' || gen_random_uuid() || '.jpg', 'jpeg', %s, %s, 2, now() - interval '1 hour' "
        "FROM generate_series(1, %s) RETURNING stored_name", len(data), hashlib.sha256(data).digest(), count)]
    folder = (stack.media_dir / names[0]).parent
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*list(folder.parents)[:4], folder):
        own(path)
    for at in range(0, count, LINKS):
        first = stack.media_dir / names[at]
        first.write_bytes(data)
        own(first)
        for name in names[at + 1:at + LINKS]:
            os.link(first, stack.media_dir / name)


def own(path):
    user = service_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


class Watch:
    """Every push and every claim, as Redis saw it. claims: (time, id) in their order; pushed: id -> (time, class letter)."""

    def __init__(self, redis):
        self.claims = []
        self.pushed = {}
        self._claimed = set()
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(redis.socket))
        self._connection.sendall(b"MONITOR\r\n")
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        """Lines are `+TIME [DB CLIENT] "WORD" "WORD" ...`, with all that is no plain letter escaped, until Redis is stopped."""
        for line in self._connection.makefile("r", encoding="ascii"):
            when, _, command = line.removeprefix("+").partition(" ")
            words = WORD.findall(command)
            if len(words) > 3:
                self._see(float(when), words)

    def _see(self, when, words):
        if words[0] == "HSETNX" and words[1].endswith(":jobs"):
            self.pushed.setdefault(words[2], (when, words[3][0]))
        elif words[0] == "ZADD" and words[1].endswith(":leases"):
            for job in words[3::2]:
                # the second time it is a lease that is renewed
                if job not in self._claimed:
                    self._claimed.add(job)
                    self.claims.append((when, job))

    def classes(self):
        """The class letters of all claims so far."""
        return [self.pushed[job][1] for _, job in list(self.claims)]


@pytest.fixture(scope="module")
def watch(redis):
    return Watch(redis)


@pytest.fixture(scope="module")
def oracle(stack):
    return Oracle(stack, "a campaign and live uploads")


@pytest.fixture(scope="module")
def campaign(stack, oracle, watch, minutes):
    """How many low jobs there are. A worker finds in PostgreSQL that they are owed, and Redis without them: it has to fill that
    itself. Live uploads wait there already."""
    low = LOW[bool(minutes)]
    insert_owed(stack, low)
    with ThreadPoolExecutor(4) as pool:
        assert {upload.status for upload in pool.map(lambda _: oracle.upload(), range(HIGH_FIRST))} == {201}
    start = time.monotonic()
    stack.start_worker()
    wait_until(lambda: len(watch.pushed) >= low + HIGH_FIRST, 120, "all that is owed in Redis")
    print(f"{low} owed images were in Redis after {time.monotonic() - start:.1f} s")
    return low


def test_low_keeps_its_share_while_live_uploads_wait(watch, campaign):
    """A tenth of the claims, in every window of them, as long as both wait."""
    wait_until(lambda: watch.classes().count("h") >= HIGH_FIRST, 120, "the live uploads")
    claims = watch.classes()
    # from when both are there to when the last live upload was claimed
    begin, end = claims.index("h"), len(claims) - claims[::-1].index("h")
    saturated = claims[begin:end]
    assert saturated.count("h") >= HIGH_FIRST - 1
    for at in range(len(saturated) - WINDOW):
        low = saturated[at:at + WINDOW].count("l")
        assert low >= WINDOW // 10, f"{low} of {WINDOW} claims are low"
    share = saturated.count("l") / len(saturated)
    print(f"low had {share:.0%} of {len(saturated)} claims")
    assert share <= 0.5
    assert campaign > saturated.count("l")


def low_before(watch, job):
    """How many low jobs and how many others were claimed between the push of a live one and its own claim; and its time. None while
    not both were seen: an upload is answered sooner than Redis has told of its push."""
    if job not in watch.pushed:
        return None
    pushed = watch.pushed[job][0]
    low = others = 0
    for when, claimed in list(watch.claims):
        if when < pushed:
            continue
        if claimed == job:
            return low, others, when - pushed
        if watch.pushed[claimed][1] == "l":
            low += 1
        else:
            others += 1
    return None


def test_live_uploads_overtake_a_campaign(stack, oracle, watch, campaign, seed, minutes):
    draw = random.Random(seed)
    uploads = []
    end = time.monotonic() + (60 * minutes or 10)
    while time.monotonic() < end:
        time.sleep(draw.expovariate(RATE))
        uploads.append(oracle.upload())
        assert uploads[-1].status == 201
    names = [f"{upload.image}.1" for upload in uploads]
    waits = [wait_until(lambda name=name: low_before(watch, name), 60, f"a claim of {name}") for name in names]
    for low, others, _ in waits:
        # one was on its turn, and one in ten is low's
        assert low <= 1 + math.ceil((low + others + 1) / 10), f"{low} low jobs and {others} others went before"
    assert stack.query("SELECT count(*) FROM image WHERE class = 2 AND status IN ('pending', 'processing')")[0][0] > 0
    ready = [upload.image for upload in uploads]
    wait_until(lambda: stack.query("SELECT count(*) FROM image WHERE id = ANY(%s) AND status = 'ready'", ready)[0][0] == len(ready), 60,
               "live uploads ready")
    tell(stack, campaign, ready, sorted(wait for _, _, wait in waits))


def tell(stack, campaign, ready, waits):
    jobs = sorted(line["decode_us"] + line["encode_us"] for line in stack.workers[0].log_lines() if line["message"] == "an image is done")
    whole = sorted(float(one) for one, in stack.query(
        "SELECT extract(epoch FROM processed_at - uploaded_at) FROM image WHERE id = ANY(%s)", ready))
    print(f"{len(waits)} live uploads beside {campaign} low jobs: push to claim p50 {share(waits, 50) * 1e3:.1f} ms p99 "
          f"{share(waits, 99) * 1e3:.1f} ms; upload to ready p50 {share(whole, 50) * 1e3:.0f} ms p99 {share(whole, 99) * 1e3:.0f} ms; "
          f"a job's time in a codec p50 {share(jobs, 50) / 1e3:.0f} ms p99 {share(jobs, 99) / 1e3:.0f} ms")


def share(ordered, percent):
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def assert_come_again(answer):
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("campaign")
def test_uploads_over_the_backlog_are_refused(stack):
    stack.stop_api()
    stack.start_api({"PIXMILL_MAX_BACKLOG": BACKLOG})
    client = Client(stack)
    slug = client.product()["slug"]
    answer, = wait_until(lambda: refused(client, slug), what="a refusal")
    assert_come_again(answer)
    assert answer.json()["code"] == "overloaded"
    assert client.get("/readyz").status_code == 200
    client.close()


def refused(client, slug):
    """What refused an upload, in a list, since an answer that is no 2xx counts as false."""
    answer = client.upload(slug, jpeg(220, 200, 5))
    return [] if answer.status_code == 201 else [answer]


def begin_upload(stack, slug, announced, sent):
    """A connection on which an upload of `announced` bytes has begun, and stays so."""
    client = socket.create_connection(("127.0.0.1", stack.port), timeout=30)
    client.sendall(f"POST /api/products/{slug}/images/ HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                   f"Authorization: Bearer {stack.key}\r\nContent-Length: {announced}\r\n\r\n".encode())
    client.sendall(jpeg(400, 300)[:sent])
    return client


def test_uploads_over_the_bytes_in_flight_are_refused_and_cost_no_memory(stack):
    stack.stop_api()
    stack.start_api({"PIXMILL_MAX_UPLOAD_BYTES": UPLOAD_BYTES})
    client = Client(stack)
    slug = client.product()["slug"]
    before = stack.api.resident_bytes()
    held = [begin_upload(stack, slug, UPLOAD_BYTES // 4, 4000) for _ in range(4)]
    wait_until(lambda: stack.begun_uploads() == 4, what="four uploads on their way")
    large = jpeg(2000, 1500)
    for _ in range(100):
        assert_come_again(client.upload(slug, large))
    grown = stack.api.resident_bytes() - before
    print(f"the api grew by {grown >> 20} MiB")
    assert grown < 64 << 20
    for connection in held:
        connection.close()
    wait_until(lambda: client.upload(slug, jpeg(220, 200, 6)).status_code == 201, what="an upload once there is room")
    client.close()
