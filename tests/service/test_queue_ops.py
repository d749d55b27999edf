# SPDX-License-Identifier: Apache-2.0
"""The queue's routes: what is seen, holding it, dead letters retried and dropped, and images that are made again."""
import itertools

import pytest

from support import pictures
from support.client import Client
from support.process import wait_until

STACK_WORKERS = 0
STACK_ENV = {"PIXMILL_REDIS_CONNECT_TIMEOUT_MS": 500}
PROFILE = {"name": "small", "variants": [{"name": "tiny", "width": 50, "height": 50, "format": "jpeg"}]}


def problem(answer, status, code, field=None):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.json()["code"] == code
    assert field is None or answer.json()["errors"][field]


@pytest.fixture
def slug(client):
    return client.product()["slug"]


@pytest.fixture
def no_letters(stack):
    stack.query("DELETE FROM dead_letter")


@pytest.fixture
def bury(client, stack, slug, no_letters):
    """bury(n, reason=..., days=...): fails n images and writes their letters, buried so many days ago; returns the letters' ids."""
    numbers = itertools.count(1)

    def make(count, reason="codec_crashed", days=0):
        image = client.upload(slug, pictures.jpeg()).json()["id"]
        rows = stack.query(
            "WITH made AS (INSERT INTO image (product, stored_name, format, bytes, sha256, status, error, uploaded_at) "
            "SELECT product, stored_name || '-' || %s || '-' || n, format, bytes, sha256, 'failed', %s, uploaded_at "
            "FROM image, generate_series(1, %s) n WHERE id = %s RETURNING id, generation) "
            "INSERT INTO dead_letter (job, image, generation, reason, sentence, attempts, crashes, buried_at) "
            "SELECT id || '.' || generation, id, generation, %s, 'signal 11', 1, 3, now() - make_interval(days => %s) FROM made "
            "RETURNING id", next(numbers), reason, count, image, reason, days)
        return sorted(row[0] for row in rows)
    return make


def letters(stack):
    return sorted(row[0] for row in stack.query("SELECT id FROM dead_letter"))


def queued(stack):
    """Names of the jobs that wait in the queue."""
    answer = stack.redis()
    names = set()
    for key in answer.scan_iter("*"):
        kind = answer.type(key)
        if kind == b"hash":
            names |= {name.decode() for name in answer.hkeys(key)}
        elif kind == b"string":
            names.add(key.decode())
    return names


def workers_of(client):
    answer = client.get("/api/queue/")
    return answer.json()["workers"] if answer.status_code == 200 else []


def test_workers_are_seen(new_stack):
    stack = new_stack({"PIXMILL_CODECS": 2})
    client = Client(stack)
    slug = client.product()["slug"]
    [worker] = wait_until(lambda: workers_of(client), what="the worker")
    assert worker["state"] == "working" and worker["codecs"] == 2 and worker["started_at"].endswith("Z")
    image = client.upload(slug, pictures.jpeg()).json()["id"]
    client.wait_ready(slug, image)
    wait_until(lambda: workers_of(client)[0]["taken"] >= 1, what="its count")
    wait_until(lambda: workers_of(client)[0]["jobs"] == [], what="nothing in hand")
    client.close()


def test_the_queue_is_seen(client, stack, slug):
    for seed in range(3):
        assert client.upload(slug, pictures.jpeg(seed=seed)).status_code == 201

    def seen():
        answer = client.get("/api/queue/")
        return answer.json() if answer.status_code == 200 and answer.json()["priorities"]["high"]["depth"] >= 3 else None
    queue = wait_until(seen, what="three jobs")
    assert set(queue) == {"paused", "priorities", "delayed", "in_flight", "dead", "jobs_per_second", "workers"}
    assert queue["paused"] is False and queue["in_flight"] == 0 and queue["workers"] == []
    assert set(queue["priorities"]) == {"high", "normal", "low"}
    assert queue["priorities"]["high"]["backlog_seconds"] is None, "nobody works"
    assert queue["priorities"]["low"] == {"depth": 0, "oldest_age_seconds": 0.0, "backlog_seconds": 0.0}
    assert wait_until(lambda: client.get("/api/queue/").json()["priorities"]["high"]["oldest_age_seconds"] > 0, what="an age")


def test_every_route_needs_the_scope(stack):
    uploader = Client(stack, stack.create_key("uploads", "upload"))
    for method, path in (("GET", "/api/queue/"), ("POST", "/api/queue/pause/"), ("POST", "/api/queue/resume/"),
                         ("GET", "/api/queue/dead/"), ("DELETE", "/api/queue/dead/?all=true"),
                         ("POST", "/api/queue/dead/retry/"), ("POST", "/api/queue/dead/1/retry/"),
                         ("DELETE", "/api/queue/dead/1/")):
        problem(uploader.call(method, path), 403, "forbidden")
        problem(uploader.call(method, path, key=False), 401, "unauthorized")
    uploader.close()
    operator = Client(stack, stack.create_key("operates", "operate"))
    problem(operator.post("/api/images/1/reprocess/"), 403, "forbidden")
    operator.close()


# holding the queue

def test_paused_and_resumed(client, stack, slug):
    for path, is_paused in (("pause", True), ("pause", True), ("resume", False)):
        answer = client.post(f"/api/queue/{path}/")
        assert answer.status_code == 200 and answer.json() == {"paused": is_paused, "in_effect": True}
        assert stack.query("SELECT is_paused FROM control") == [(is_paused,)]
        assert wait_until(lambda: client.get("/api/queue/"), what="the queue").json()["paused"] is is_paused
        assert client.upload(slug, pictures.jpeg()).status_code == 201


def test_a_paused_queue_hands_nothing_out(new_stack):
    stack = new_stack()
    client = Client(stack)
    slug = client.product()["slug"]
    assert client.post("/api/queue/pause/").status_code == 200
    image = client.upload(slug, pictures.jpeg()).json()

    def waits():
        queue = client.get("/api/queue/").json()
        return queue["priorities"]["high"]["oldest_age_seconds"] > 2 and queue["in_flight"] == 0
    wait_until(waits, what="a job that an idle worker has left for seconds")
    assert client.image(slug, image["id"])["status"] == "pending"
    assert client.post("/api/queue/resume/").status_code == 200
    client.wait_ready(slug, image["id"])
    client.close()


def test_a_pause_without_redis_is_remembered(new_stack):
    stack = new_stack(STACK_ENV)
    client = Client(stack)
    slug = client.product()["slug"]
    stack.redis_server.stop()
    wait_until(lambda: client.get("/readyz").json()["queue"] == "down", what="the loss is noticed")
    answer = client.post("/api/queue/pause/")
    assert answer.status_code == 202
    assert answer.json()["paused"] is True and answer.json()["in_effect"] is False and answer.json()["detail"]
    assert stack.query("SELECT is_paused FROM control") == [(True,)]

    def is_unknown():
        answer = client.get("/api/queue/")
        return [answer] if answer.status_code == 503 else None
    [answer] = wait_until(is_unknown, what="what was known is too old")
    problem(answer, 503, "queue_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    stack.redis_server.start()
    # the new Redis is empty: that it is to hand out nothing it hears from a worker
    wait_until(lambda: [worker["state"] for worker in workers_of(client)] == ["paused"], 60, "the worker's reconciler")
    image = client.upload(slug, pictures.jpeg()).json()["id"]
    assert client.image(slug, image)["status"] == "pending"
    assert client.post("/api/queue/resume/").json() == {"paused": False, "in_effect": True}
    client.wait_ready(slug, image, seconds=120)
    client.close()


# dead letters

def test_letters_are_listed_in_pages(client, stack, bury):
    crashed = bury(5)
    late = bury(3, "processing_timeout", days=2)
    answer = client.get("/api/queue/dead/")
    assert answer.status_code == 200
    assert [letter["id"] for letter in answer.json()["results"]] == crashed + late
    letter = answer.json()["results"][0]
    assert set(letter) == {"id", "job", "image", "generation", "reason", "detail", "attempts", "crashes", "enqueued_at", "buried_at"}
    assert letter["reason"] == "codec_crashed" and letter["detail"] == "signal 11" and letter["crashes"] == 3
    assert letter["job"] == f"{letter['image']}.{letter['generation']}" and letter["enqueued_at"] is None

    found, url = [], "/api/queue/dead/?reason=codec_crashed&limit=2"
    while url:
        page = client.get(url).json()
        found.append([letter["id"] for letter in page["results"]])
        url = page["next"]
    assert found == [crashed[:2], crashed[2:4], crashed[4:]]
    back = client.get(page["previous"]).json()
    assert [letter["id"] for letter in back["results"]] == crashed[2:4], "the filter goes along both ways"
    some = client.get(f"/api/queue/dead/?ids={crashed[0]},{crashed[2]},{late[0]}&limit=2").json()
    assert [letter["id"] for letter in client.get(some["next"]).json()["results"]] == late[:1], "and none is added by it"


def test_letters_are_filtered(client, stack, bury):
    old = bury(2, days=10)
    new = bury(2, days=1)
    [(middle,)] = stack.query("SELECT to_char(now() - interval '5 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")

    def ids(**params):
        return [letter["id"] for letter in client.get("/api/queue/dead/", params=params).json()["results"]]
    assert ids(buried_before=middle) == old and ids(buried_after=middle) == new
    assert ids(buried_before=middle, buried_after=middle) == []
    assert ids(ids=f"{old[0]},{new[1]}") == [old[0], new[1]]
    assert ids(reason="nothing_like_it") == []
    offset = middle[:-1] + "+00:00"
    assert ids(buried_before=offset) == old


@pytest.mark.parametrize("query, field", [
    ("buried_before=yesterday", "buried_before"), ("buried_after=2026-02-30T00:00:00Z", "buried_after"), ("reason=", "reason"),
    ("reason=x'y", "reason"), ("ids=1,,2", "ids"), ("ids=0", "ids"), ("ids=", "ids"), ("resaon=codec_crashed", "resaon"),
    ("limit=0", "limit"), ("ids=" + "1," * 1000 + "1", "ids")])
def test_a_filter_that_is_misspelt_is_refused(client, stack, bury, query, field):
    bury(1)
    problem(client.get(f"/api/queue/dead/?{query}"), 400, "invalid", field)
    before = letters(stack)
    if field != "limit":
        problem(client.call("DELETE", f"/api/queue/dead/?{query}"), 400, "invalid", field)
    assert letters(stack) == before != []


def test_one_letter_is_retried(client, stack, bury):
    first, second = bury(2)
    [(image,)] = stack.query("SELECT image FROM dead_letter WHERE id = %s", first)
    answer = client.post(f"/api/queue/dead/{first}/retry/")
    assert answer.status_code == 202 and answer.json() == {"retried": 1, "queued": 1, "more": False}
    assert letters(stack) == [second]
    assert stack.query("SELECT status, generation FROM image WHERE id = %s", image) == [("pending", 2)]
    assert f"{image}.2" in queued(stack)
    for path in (f"/api/queue/dead/{first}/retry/", "/api/queue/dead/x/retry/"):
        problem(client.post(path), 404, "not_found")


def test_one_letter_is_dropped(client, stack, bury):
    first, second = bury(2)
    assert client.call("DELETE", f"/api/queue/dead/{first}/").status_code == 204
    assert letters(stack) == [second]
    problem(client.call("DELETE", f"/api/queue/dead/{first}/"), 404, "not_found")
    assert stack.query("SELECT DISTINCT status FROM image WHERE error IS NOT NULL") == [("failed",)]


def test_many_letters_are_retried_in_portions(client, stack, bury):
    """More than a portion of the database, and than a push may have."""
    crashed = bury(1203)
    others = bury(2, "processing_timeout")
    images = stack.query("SELECT image FROM dead_letter WHERE reason = 'codec_crashed'")
    done = 0
    for _ in range(100):  # each answers within its time, however slow the machine is
        answer = client.post("/api/queue/dead/retry/", json={"reason": "codec_crashed"})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["queued"] == told["retried"]
        done += told["retried"]
        if not told["more"]:
            break
    assert done == len(crashed) and letters(stack) == others
    assert stack.query("SELECT count(*) FROM image WHERE status = 'pending' AND generation = 2 AND id = ANY(%s)",
                       [image for (image,) in images]) == [(1203,)]
    assert {f"{image}.2" for (image,) in images} <= queued(stack)


def test_letters_are_retried_by_id(client, stack, bury):
    all_ids = bury(4)
    answer = client.post("/api/queue/dead/retry/", json={"ids": [all_ids[0], all_ids[3], 999999999], "reason": None})
    assert answer.json() == {"retried": 2, "queued": 2, "more": False}
    assert letters(stack) == all_ids[1:3]
    assert client.post("/api/queue/dead/retry/").json() == {"retried": 2, "queued": 2, "more": False}
    assert client.post("/api/queue/dead/retry/", json={}).json() == {"retried": 0, "queued": 0, "more": False}


@pytest.mark.parametrize("body, field", [
    ({"ids": []}, "ids"), ({"ids": ["1"]}, "ids"), ({"ids": [0]}, "ids"), ({"ids": 1}, "ids"), ({"ids": [1.5]}, "ids"),
    ({"ids": list(range(1, 1002))}, "ids"), ({"reason": 1}, "reason"), ({"raeson": "x"}, "raeson"),
    ({"buried_before": "2026"}, "buried_before")])
def test_a_wrong_body_retries_nothing(client, stack, bury, body, field):
    before = bury(1)
    problem(client.post("/api/queue/dead/retry/", json=body), 400, "invalid", field)
    assert letters(stack) == before


def test_a_body_that_is_no_object(client):
    headers = {"Content-Type": "application/json"}
    for data in (b"[1]", b"{", b'{"reason": "a", "reason": "b"}', b"null"):
        problem(client.post("/api/queue/dead/retry/", data=data, headers=headers), 400, "bad_request")
    problem(client.post("/api/queue/dead/retry/", data=b"reason=a"), 415, "unsupported_media_type")
    problem(client.post("/api/queue/dead/retry/", data=b" " * (1 << 20) + b"{}", headers=headers), 413, "file_too_large")


def test_letters_are_dropped_by_filter(client, stack, bury):
    bury(700)
    others = bury(3, "processing_timeout")
    for query in ("", "?all=false", "?all=true&reason=codec_crashed", "?all=perhaps"):
        problem(client.call("DELETE", f"/api/queue/dead/{query}"), 400, "invalid", "all")
    assert len(letters(stack)) == 703
    answer = client.call("DELETE", "/api/queue/dead/?reason=codec_crashed")
    assert answer.status_code == 200 and answer.json() == {"dropped": 700, "more": False}
    assert letters(stack) == others
    assert client.call("DELETE", "/api/queue/dead/?all=true").json() == {"dropped": 3, "more": False}
    assert letters(stack) == []


def test_a_retry_without_redis_is_left_to_the_reconciler(new_stack):
    stack = new_stack(STACK_ENV)
    client = Client(stack)
    slug = client.product()["slug"]
    image = client.upload(slug, pictures.jpeg()).json()["id"]
    client.wait_ready(slug, image)
    stack.query("UPDATE image SET status = 'failed', error = 'codec_crashed' WHERE id = %s", image)
    stack.query("INSERT INTO dead_letter (job, image, generation, reason, sentence) VALUES (%s, %s, 1, 'codec_crashed', '')",
                f"{image}.1", image)
    stack.redis_server.stop()
    answer = client.post("/api/queue/dead/retry/")
    assert answer.status_code == 200 and answer.json() == {"retried": 1, "queued": 0, "more": False}
    stack.redis_server.start()
    assert client.wait_ready(slug, image, seconds=120)["attempts"] >= 2
    client.close()


# again

def test_an_image_is_made_again(new_stack):
    stack = new_stack()
    client = Client(stack)
    slug = client.product()["slug"]
    first = client.wait_ready(slug, client.upload(slug, pictures.jpeg()).json()["id"])
    answer = client.post(f"/api/images/{first['id']}/reprocess/")
    assert answer.status_code == 202 and answer.headers["Location"].endswith(f"/images/{first['id']}/")
    again = answer.json()
    assert again["status"] == "pending" and again["thumbnail_url"] == first["thumbnail_url"]
    again = client.wait_ready(slug, first["id"])
    assert again["thumbnail_url"] != first["thumbnail_url"] and "-g2" in again["thumbnail_url"]
    assert set(again["variants"]) == set(first["variants"])
    assert client.post(f"/api/images/{first['id']}/reprocess/", json={"profile": PROFILE}).status_code == 202
    wait_until(lambda: client.image(slug, first["id"])["status"] == "ready", 60, "the profile's variants")
    other = client.image(slug, first["id"])
    assert set(other["variants"]) == {"tiny"} and max(other["variants"]["tiny"]["width"], other["variants"]["tiny"]["height"]) == 50
    client.close()


def test_a_profile_is_kept_with_the_wish(client, stack, slug, no_letters):
    image = client.upload(slug, pictures.jpeg()).json()["id"]
    stack.query("INSERT INTO dead_letter (job, image, generation, reason, sentence) VALUES (%s, %s, 1, 'codec_crashed', '')",
                f"{image}.1", image)
    answer = client.post(f"/api/images/{image}/reprocess/", json={"profile": PROFILE})
    assert answer.status_code == 202, answer.text
    [(status, generation, wanted, priority)] = stack.query(
        "SELECT status, generation, wanted_profile, class FROM image WHERE id = %s", image)
    assert (status, generation, priority) == ("pending", 2, 1) and wanted.startswith("small-")
    [(text,)] = stack.query("SELECT json::json FROM profile WHERE identity = %s", wanted)
    assert text == PROFILE
    assert letters(stack) == [] and f"{image}.2" in queued(stack)
    # the same again is another generation, and the same profile
    assert client.post(f"/api/images/{image}/reprocess/", json={"profile": PROFILE}).status_code == 202
    assert client.post(f"/api/images/{image}/reprocess/", json={"profile": None}).status_code == 202
    assert stack.query("SELECT generation, wanted_profile FROM image WHERE id = %s", image) == [(4, None)]


@pytest.mark.parametrize("body, field", [
    ({"profile": {}}, "profile"), ({"profile": 7}, "profile"), ({"profile": {**PROFILE, "colour": "red"}}, "profile"),
    ({"profile": {**PROFILE, "name": "é" * 300}}, "profile"), ({"profle": PROFILE}, "profle"),
    ({"profile": {"name": "big", "variants": [{"name": "x" * 70000}]}}, "profile")])
def test_a_wrong_profile_changes_nothing(client, stack, slug, body, field):
    image = client.upload(slug, pictures.jpeg()).json()["id"]
    problem(client.post(f"/api/images/{image}/reprocess/", json=body), 400, "invalid", field)
    assert stack.query("SELECT generation FROM image WHERE id = %s", image) == [(1,)]


def test_what_is_not_there_is_not_made_again(client):
    for path in ("/api/images/999999999/reprocess/", "/api/images/x/reprocess/"):
        problem(client.post(path), 404, "not_found")


# the backlog

def test_over_the_backlog_uploads_wait(new_stack):
    stack = new_stack({"PIXMILL_MAX_BACKLOG": 3}, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    taken = []

    def is_full():
        answer = client.upload(slug, pictures.jpeg())
        if answer.status_code == 201:
            taken.append(answer.json()["id"])
            return None
        return [answer]
    [answer] = wait_until(is_full, what="the limit")  # the queue is looked at once a second
    problem(answer, 503, "overloaded")
    assert answer.headers["Retry-After"] == "60", "nobody works"
    assert len(taken) >= 3
    problem(client.post(f"/api/images/{taken[0]}/reprocess/"), 503, "overloaded")
    assert stack.query("SELECT count(*) FROM image") == [(len(taken),)] and len(stack.media_files()) == len(taken)
    stack.start_worker()
    wait_until(lambda: client.upload(slug, pictures.jpeg()).status_code == 201, what="there is room again")
    # where the queue can not be asked, nobody is refused
    stack.stop_worker(stack.workers[0])
    stack.redis_server.stop()
    wait_until(lambda: client.get("/api/queue/").status_code == 503, what="what was known is too old")
    for seed in range(5):
        assert client.upload(slug, pictures.jpeg(seed=seed)).status_code == 201
    stack.redis_server.start()
    client.close()
