# SPDX-License-Identifier: Apache-2.0
"""The worker from outside: images go in over HTTP, and codecs, workers and Redis are killed meanwhile."""
import os
import signal

import pytest
import requests

from support.client import Client
from support.pictures import jpeg
from support.process import codec_at_work, is_codec_at_work, wait_until
from support.servers import free_port

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LOG_LEVEL": "debug"}


def wait_empty(stack):
    wait_until(lambda: not stack.queue_left(), what="an empty queue")


def assert_disk_is_rows(stack):
    """Every stored file is named by a row, and every name of a row is a file."""
    rows = stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
    names = sorted(row[0] for row in rows)
    assert names == sorted(set(names))
    assert stack.media_files() == names


def letters(stack, image_id):
    return stack.query("SELECT reason, image, generation, attempts, crashes FROM dead_letter WHERE job = %s",
                       f"{image_id}.1")


def test_makes_three_variants_and_leaves_nothing_in_redis(stack, client):
    product = client.product()
    answer = client.upload(product["slug"], jpeg(640, 480, 1))
    assert answer.status_code == 201, answer.text
    image = client.wait_ready(product["slug"], answer.json()["id"])
    assert {name: (made["width"], made["height"]) for name, made in image["variants"].items()} == {
        "thumbnail": (200, 150), "medium": (640, 480), "webp": (640, 480)}
    assert (image["width"], image["height"]) == (640, 480)
    assert image["attempts"] == 1
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_a_truncated_image_fails_once_and_for_good(stack, client):
    product = client.product()
    whole = jpeg(800, 600, 2)
    answer = client.upload(product["slug"], whole[:len(whole) * 2 // 3])
    assert answer.status_code == 201, answer.text
    image = client.wait_settled(product["slug"], answer.json()["id"])
    assert image["status"] == "failed"
    assert image["error"]["code"] == "corrupt_image"
    assert image["attempts"] == 1
    assert image["variants"] == {}
    wait_empty(stack)
    assert_disk_is_rows(stack)


@pytest.fixture(scope="module")
def big():
    """A picture that keeps a codec busy for long enough to be caught at it."""
    return jpeg(3600, 2600, 3, quality=85)


def upload(client, data):
    slug = client.product()["slug"]
    answer = client.upload(slug, data)
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def status_of(stack, image_id):
    return stack.query("SELECT status FROM image WHERE id = %s", image_id)[0][0]


def wait_status(stack, image_id, status):
    wait_until(lambda: status_of(stack, image_id) == status, what=f"image {image_id} {status}")


def busy_codec(worker):
    """The process id of the worker's codec, once it holds a job."""
    return wait_until(lambda: codec_at_work(worker), what="a codec at work")


def test_a_killed_codec_costs_one_attempt(stack, client, big):
    slug, image_id = upload(client, big)
    os.kill(busy_codec(stack.workers[0]), signal.SIGKILL)
    image = client.wait_ready(slug, image_id)
    assert image["attempts"] == 2
    assert any("signal 9" in str(line.get("error")) for line in stack.workers[0].log_lines())
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_an_image_that_kills_every_codec_is_quarantined(stack, client, big):
    slug, image_id = upload(client, big)
    killed = set()
    while status_of(stack, image_id) != "failed":
        for pid in stack.workers[0].children():
            try:
                if pid not in killed and is_codec_at_work(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
            except OSError:
                continue
    image = client.image(slug, image_id)
    assert image["error"]["code"] == "codec_crashed"
    assert len(killed) == 3
    # the letter is there as soon as the row has failed
    assert letters(stack, image_id) == [("codec_crashed", image_id, 1, 0, 3)]
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_an_image_that_takes_too_long(new_stack, big):
    stack = new_stack({**STACK_ENV, "PIXMILL_JOB_TIMEOUT_MS": 100, "PIXMILL_MAX_ATTEMPTS": 2})
    client = Client(stack)
    slug, image_id = upload(client, big)
    image = client.wait_settled(slug, image_id)
    assert image["error"]["code"] == "processing_timeout"
    assert image["attempts"] == 2
    assert letters(stack, image_id) == [("processing_timeout", image_id, 1, 2, 0)]
    assert_disk_is_rows(stack)
    client.close()


def test_a_killed_worker_is_replaced_by_another(stack, client, big):
    slug, image_id = upload(client, big)
    first = stack.workers[0]
    codecs = first.children()
    busy_codec(first)
    second = stack.start_worker()
    stack.kill_worker(first)
    for pid in codecs:
        wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), what="the end of a codec without a worker")
    image = client.wait_ready(slug, image_id)
    assert image["attempts"] == 2
    assert second.is_alive()
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_a_worker_that_was_frozen_changes_nothing_when_it_wakes(stack, client, big):
    slug, image_id = upload(client, big)
    frozen = stack.workers[0]
    busy_codec(frozen)
    frozen.send(signal.SIGSTOP)
    other = stack.start_worker()
    image = client.wait_ready(slug, image_id)
    before = stack.query("SELECT processed_at FROM image WHERE id = %s", image_id)
    frozen.send(signal.SIGCONT)
    wait_until(lambda: any(line["message"] in ("a lease was lost", "a row has moved on")
                           for line in frozen.log_lines()), what="the frozen worker's insight")
    stack.stop_worker(frozen)
    assert stack.query("SELECT processed_at FROM image WHERE id = %s", image_id) == before
    for made in image["variants"].values():
        assert client.get(made["url"]).status_code == 200
    assert other.is_alive()
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_a_drain_gives_back_what_was_not_begun(stack, client, big):
    uploads = [upload(client, big) for _ in range(4)]
    worker = stack.workers[0]
    busy_codec(worker)
    stack.stop_worker(worker)
    assert stack.redis().zcard("{pixmill}:leases") == 0
    assert stack.redis().hlen("{pixmill}:lost") == 0
    assert [status for status, in stack.query("SELECT status FROM image WHERE status = 'processing'")] == []
    left = [image_id for _, image_id in uploads if status_of(stack, image_id) == "pending"]
    assert left, "all were finished before the drain: nothing was tried"
    stack.start_worker()
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_a_drain_without_grace_gives_back_what_is_at_work(stack, client, big):
    stack.stop_worker(stack.workers[0])
    worker = stack.start_worker(env={"PIXMILL_GRACE_MS": 0})
    slug, image_id = upload(client, big)
    busy_codec(worker)
    stack.stop_worker(worker)
    assert status_of(stack, image_id) == "pending"
    assert stack.redis().zcard("{pixmill}:leases") == 0
    stack.start_worker()
    client.wait_ready(slug, image_id)
    wait_empty(stack)


def test_redis_may_come_back_empty(stack, client, big):
    uploads = [upload(client, big) for _ in range(3)]
    busy_codec(stack.workers[0])
    stack.redis_server.kill()
    uploads.append(upload(client, jpeg(400, 300, 5)))
    stack.redis_server.start()
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_the_database_may_be_restarted(stack, client, big):
    uploads = [upload(client, big) for _ in range(2)]
    busy_codec(stack.workers[0])
    stack.postgres.restart()
    for slug, image_id in uploads:
        wait_status(stack, image_id, "ready")
    wait_empty(stack)
    assert_disk_is_rows(stack)


def folders_of(path):
    return [path] + [entry for entry in path.rglob("*") if entry.is_dir()]


def test_a_storage_outage_burns_no_attempt(stack, client):
    stack.stop_worker(stack.workers[0])
    slug, image_id = upload(client, jpeg(500, 400, 6))
    folders = folders_of(stack.media_dir)
    modes = {folder: folder.stat().st_mode & 0o777 for folder in folders}
    try:
        for folder in folders:
            folder.chmod(0o555)
        worker = stack.start_worker(env={"PIXMILL_MAX_ATTEMPTS": 1})
        wait_until(lambda: any(line.get("dependency") == "storage" for line in worker.log_lines()) or
                   not worker.is_alive(), what="an open breaker")
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    if not worker.is_alive():
        pytest.fail(worker.log_text())
    client.wait_ready(slug, image_id)
    stack.stop_worker(worker)
    stack.start_worker()
    wait_empty(stack)
    assert_disk_is_rows(stack)


def test_a_row_that_moves_on_meanwhile(stack, client, big):
    slug, image_id = upload(client, big)
    busy_codec(stack.workers[0])
    stack.query("UPDATE image SET generation = 2, status = 'pending', changed_at = now() WHERE id = %s", image_id)
    image = client.wait_ready(slug, image_id)
    assert all("-g2." in made["url"] for made in image["variants"].values())
    wait_empty(stack)
    # the files of generation 1 have tombstones, which have a grace time
    wait_until(lambda: not stack.query("SELECT id FROM tombstone"), seconds=60, what="the janitor")
    assert_disk_is_rows(stack)


def test_a_job_of_an_unknown_version_leaves_a_letter(stack):
    redis = stack.redis()
    payload = b"h:0:" + bytes([0x81, 0xA1]) + b"v" + bytes([99])
    push = redis.pipeline(transaction=True)
    push.hset("{pixmill}:jobs", "77.1", payload)
    push.rpush("{pixmill}:line:h:0", "77.1")
    push.rpush("{pixmill}:ring:h", "0")
    push.hincrby("{pixmill}:counts", "h", 1)
    push.execute()
    wait_empty(stack)
    assert stack.query("SELECT reason, image FROM dead_letter WHERE job = '77.1'") == [("unknown_job", None)]
    assert stack.workers[0].is_alive()


def test_an_image_whose_job_is_of_an_unknown_version_is_pushed_again_in_one_that_is_known(new_stack, big):
    stack = new_stack(STACK_ENV, workers=0)
    client = Client(stack)
    slug, image_id = upload(client, big)
    stack.redis().hset("{pixmill}:jobs", f"{image_id}.1", b"h:0:" + bytes([0x81, 0xA1]) + b"v" + bytes([99]))
    stack.start_worker()
    client.wait_ready(slug, image_id, seconds=60)
    assert letters(stack, image_id) == [("unknown_job", None, None, 0, 0)]
    wait_empty(stack)
    client.close()


def test_options(stack):
    assert "usage:" in stack.run("pixmill-worker", "--help").stdout
    assert stack.run("pixmill-worker", "--version").stdout.startswith("pixmill-worker ")
    assert "PIXMILL_LEASE_MS=600\n" in stack.run("pixmill-worker", "--print-config").stdout
    stack.run("pixmill-worker", "--check-config")
    assert stack.run("pixmill-worker", "--nonsense", check=False).returncode == 2
    wrong = stack.run("pixmill-worker", "--check-config", env={"PIXMILL_CODECS": "many", "PIXMILL_LEASE_MS": "1"},
                      check=False)
    assert wrong.returncode == 2
    assert "PIXMILL_CODECS" in wrong.stderr and "PIXMILL_LEASE_MS" in wrong.stderr


def test_a_part_that_can_not_be_opened_ends_the_worker(stack):
    for name, value in {"PIXMILL_REDIS_URL": "redis://:bad:port", "PIXMILL_STORAGE_DIR": "/proc/nowhere",
                        "PIXMILL_HEALTH_LISTEN": "127.0.0.1:1"}.items():
        done = stack.run("pixmill-worker", env={name: value}, check=False)
        assert done.returncode == 1, (name, done.stderr)
        assert "can not start" in done.stderr


def health(stack, port):
    """(exit code of --check-health, status of /healthz, its JSON); None while nobody listens."""
    env = {"PIXMILL_HEALTH_LISTEN": f"127.0.0.1:{port}"}
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
    except requests.ConnectionError:
        return None
    return stack.run("pixmill-worker", "--check-health", env=env, check=False).returncode, answer.status_code, answer.json()


def test_health_of_a_worker(stack):
    port = free_port()
    env = {"PIXMILL_HEALTH_LISTEN": f"127.0.0.1:{port}"}
    assert stack.run("pixmill-worker", "--check-health", env=env, check=False).returncode == 1
    worker = stack.start_worker(env=env)
    code, status, body = wait_until(lambda: health(stack, port), what="an answer")
    assert (code, status, body["status"]) == (0, 200, "ok")
    stack.stop_worker(worker)


def test_health_of_a_worker_without_codecs(stack):
    port = free_port()
    worker = stack.start_worker(env={"PIXMILL_HEALTH_LISTEN": f"127.0.0.1:{port}",
                                     "PIXMILL_CODEC_PATH": "/nonexistent/pixmill-codec"})

    def is_unwell():
        answer = health(stack, port)
        return answer is not None and answer[:2] == (1, 503)

    wait_until(is_unwell, what="503")
    stack.stop_worker(worker)


@pytest.mark.parametrize("begun, status", [(0, "ready"), (5, "failed")])
def test_a_lease_that_nobody_had_is_no_death(new_stack, begun, status):
    """Redis leased it again and again, and each answer was lost: only leases under which work was begun count."""
    stack = new_stack(workers=0)
    client = Client(stack)
    image = client.upload(client.product()["slug"], jpeg(300, 300), "photo.jpg").json()["id"]
    stack.query("UPDATE image SET attempts = %s WHERE id = %s", begun, image)
    stack.redis().hset("{pixmill}:lost", f"{image}.1", 9)
    stack.start_worker()
    wait_until(lambda: stack.query("SELECT status FROM image")[0][0] in ("ready", "failed"), what="its end")
    assert stack.query("SELECT status FROM image") == [(status,)]
    client.close()
