# SPDX-License-Identifier: Apache-2.0
"""What the api does while PostgreSQL, Redis or the disk is away. Its PostgreSQL is its own: it is stopped here."""
import hashlib
import os
import signal
import time

import pytest

from support import pictures
from support.client import Client
from support.process import Process, service_user, wait_until
from support.servers import Postgres, Redis, Stack

DATABASE_MS = 1000
REDIS_MS = 500


@pytest.fixture(scope="module")
def stack(home):
    postgres, redis = Postgres(home), Redis(home)
    postgres.start()
    redis.start()
    made = Stack(home, postgres, redis, {"PIXMILL_DATABASE_TIMEOUT_MS": DATABASE_MS, "PIXMILL_REDIS_CONNECT_TIMEOUT_MS": REDIS_MS,
                                         "PIXMILL_REDIS_TIMEOUT_MS": REDIS_MS})
    try:
        made.start()
        yield made
    finally:
        made.stop()
        redis.stop()
        postgres.stop()


@pytest.fixture
def slug(client):
    return client.product()["slug"]


@pytest.fixture
def no_database(stack):
    """PostgreSQL is down during the test, and up and used again after it."""
    stack.postgres.stop()
    yield
    stack.postgres.start()
    stack.wait_ready()


@pytest.fixture
def no_redis(stack):
    stack.redis_server.stop()
    yield
    if stack.redis_server.process is None:
        stack.redis_server.start()
    probe = Client(stack)
    wait_until(lambda: probe.get("/readyz").json()["queue"] == "up", what="the queue")
    probe.close()


def unavailable(answer, code):
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert answer.json()["code"] == code
    assert int(answer.headers["Retry-After"]) > 0


def pending_uploads(stack):
    """Files that are neither an original nor a variant of a row."""
    rows = {name for (name,) in stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")}
    return [name for name in stack.media_files() if name not in rows]


def test_without_redis_an_upload_is_taken_and_made_later(client, stack, slug, no_redis):
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "degraded", "database": "up", "storage": "up", "queue": "down"}
    answers = []
    for i in range(3):
        start = time.monotonic()
        answers.append(client.upload(slug, pictures.jpeg(seed=i)))
        # the connect deadline, and as much again for a machine that is busy with other tests
        assert time.monotonic() - start < 2 * REDIS_MS / 1000 + 3
    assert [answer.status_code for answer in answers] == [201] * 3
    # their pushes went on without them, and must have failed before it is the reconciler's turn
    def given_up():
        return {line["image"] for line in stack.api.log_lines() if line["level"] == "warn" and "reconciler" in line["message"]}
    wait_until(lambda: given_up() >= {answer.json()["id"] for answer in answers}, what="the pushes given up")
    stack.redis_server.start()
    for answer in answers:
        client.wait_ready(slug, answer.json()["id"], seconds=120)


def test_without_postgresql_nothing_is_taken_or_kept(client, stack, slug, no_database):
    before = stack.media_files()
    unavailable(client.upload(slug, pictures.jpeg()), "database_unavailable")
    unavailable(client.upload_raw(slug, pictures.jpeg()), "database_unavailable")
    unavailable(client.post("/api/products/", json={"name": "x"}), "database_unavailable")
    unavailable(client.get("/api/products/"), "database_unavailable")
    unavailable(client.get("/media/products/2026/01/31/x.jpg"), "database_unavailable")
    assert stack.media_files() == before
    ready = client.get("/readyz")
    assert ready.status_code == 503 and int(ready.headers["Retry-After"]) > 0
    assert ready.json()["status"] == "unready" and ready.json()["database"] == "down"
    assert client.get("/healthz").status_code == 200


def processes_of(process):
    """Every process of a server, its own and those of its connections."""
    return [process.pid, *process.children()]


@pytest.mark.parametrize("way", ["down", "hanging"])
def test_probes_do_not_wait_for_the_database(home, stack, way):
    """Its deadline is far off; a probe's is not."""
    patient = Stack(home, stack.postgres, stack.redis_server, {"PIXMILL_DATABASE_TIMEOUT_MS": 120000})
    frozen = []
    try:
        patient.start(workers=0)
        if way == "down":
            stack.postgres.stop()
        else:
            frozen = processes_of(stack.postgres.process)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
        probe = Client(patient, timeout=30)
        for _ in range(2):
            ready = probe.get("/readyz")
            assert ready.status_code == 503 and int(ready.headers["Retry-After"]) > 0
            assert ready.json() == {"status": "unready", "database": "down", "storage": "up", "queue": "up"}
            assert probe.get("/healthz").status_code == 200
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        frozen = []
        if way == "down":
            stack.postgres.start()
        patient.wait_ready()
        probe.close()
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        if stack.postgres.process is None:
            stack.postgres.start()
        patient.stop()
        stack.wait_ready()


def test_a_database_that_goes_during_the_body_leaves_no_file(client, stack, slug):
    data = pictures.jpeg(900, 900)

    def pieces():
        yield data[:1000]
        wait_until(stack.begun_uploads, what="the upload's file")
        stack.postgres.stop()
        yield data[1000:]
    try:
        answer = client.post(f"/api/products/{slug}/images/", data=pieces(), headers={"Content-Type": "image/jpeg"})
        unavailable(answer, "database_unavailable")
    finally:
        stack.postgres.start()
    stack.wait_ready()
    # no row can name it, and once the database has said so, the file goes
    wait_until(lambda: not pending_uploads(stack), what="nothing kept")
    assert stack.query("SELECT count(*) FROM image i JOIN product p ON p.id = i.product WHERE p.slug = %s", slug) == [(0,)]


def test_an_insert_whose_answer_was_lost_keeps_its_file_where_the_row_is(client, stack, slug):
    """The row is locked away from the api until its deadline has passed; then it is there, by another's hand."""
    connection = stack.db()
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("LOCK TABLE image IN SHARE ROW EXCLUSIVE MODE")
    before = set(pending_uploads(stack))
    data = pictures.jpeg(seed=9)
    unavailable(client.upload(slug, data), "database_unavailable")
    [name] = set(pending_uploads(stack)) - before
    cursor.execute("INSERT INTO image (product, stored_name, format, bytes, sha256) "
                   "SELECT id, %s, 'jpeg', %s, %s FROM product WHERE slug = %s",
                   (name, len(data), hashlib.sha256(data).digest(), slug))
    connection.commit()
    connection.close()
    # another such file, without a row, is asked for later than this one: when it is gone, this one was judged
    def lost():
        yield data[:1000]
        stack.postgres.stop()
        yield data[1000:]
    answer = client.post(f"/api/products/{slug}/images/", data=lost(), headers={"Content-Type": "image/jpeg"})
    unavailable(answer, "database_unavailable")
    stack.postgres.start()
    stack.wait_ready()
    wait_until(lambda: not pending_uploads(stack), what="the file without a row gone")
    assert name in stack.media_files()
    assert client.get(f"/media/{name}").content == data


def test_a_disk_that_takes_nothing_is_503(client, stack, slug):
    if service_user() is None and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    before = stack.media_files()
    rows = stack.query("SELECT count(*) FROM image")
    modes = {}
    for folder in [stack.media_dir, *(path for path in stack.media_dir.rglob("*") if path.is_dir())]:
        modes[folder] = folder.stat().st_mode
    for folder in modes:
        folder.chmod(0o500)
    try:
        unavailable(client.upload(slug, pictures.jpeg()), "storage_unavailable")
        ready = client.get("/readyz")
        assert ready.status_code == 503 and ready.json()["storage"] == "down" and ready.json()["database"] == "up"
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    stack.wait_ready()
    assert stack.media_files() == before and stack.query("SELECT count(*) FROM image") == rows
    assert client.upload(slug, pictures.jpeg()).status_code == 201


def test_it_starts_without_its_servers_and_serves_when_they_come(client, stack, slug):
    stack.stop_api()
    stack.postgres.stop()
    stack.redis_server.stop()
    log = stack.folder / "api-alone.log"

    stack.api = Process("pixmill-api", [stack.home.program("pixmill-api")], log, stack.env())
    def answers():
        try:
            return client.get("/healthz").status_code == 200
        except OSError:
            return False
    try:
        wait_until(answers, what="/healthz")
        assert client.get("/readyz").status_code == 503
    finally:
        stack.postgres.start()
        stack.redis_server.start()
    stack.wait_ready()
    image = client.upload(slug, pictures.jpeg())
    assert image.status_code == 201
    client.wait_ready(slug, image.json()["id"], seconds=120)


def test_while_redis_is_away_nobody_waits_for_it(home, stack):
    """Its deadline is far off: only knowing that it is away lets uploads through."""
    redis = Redis(home)
    redis.start()
    patient = Stack(home, stack.postgres, redis, {"PIXMILL_REDIS_CONNECT_TIMEOUT_MS": 60000, "PIXMILL_REDIS_TIMEOUT_MS": 60000})
    hasty = Client(patient, key="", timeout=30)
    try:
        patient.start(workers=0)
        hasty.key = patient.key
        product = hasty.product()["slug"]
        redis.kill()
        wait_until(lambda: hasty.get("/readyz").json()["queue"] == "down", what="the loss is noticed")
        answers = [hasty.upload(product, pictures.jpeg(seed=i)) for i in range(5)]
        assert [answer.status_code for answer in answers] == [201] * 5
    finally:
        hasty.close()
        patient.stop()
        redis.stop()


def test_a_redis_that_hangs_holds_an_upload_no_longer_than_a_connection_may_take(home, stack):
    redis = Redis(home)
    redis.start()
    hasty = Stack(home, stack.postgres, redis, {"PIXMILL_REDIS_CONNECT_TIMEOUT_MS": 300, "PIXMILL_REDIS_TIMEOUT_MS": 60000})
    try:
        hasty.start(workers=0)
        with_deadline = Client(hasty, timeout=30)
        product = with_deadline.product()["slug"]
        redis.process.send(signal.SIGSTOP)
        assert with_deadline.upload(product, pictures.jpeg()).status_code == 201
        redis.process.send(signal.SIGCONT)
        # the push went on without its client, and arrived
        wait_until(lambda: redis.client().keys("*"), what="the job in the queue")
        with_deadline.close()
    finally:
        redis.process.send(signal.SIGCONT)
        hasty.stop()
        redis.stop()
