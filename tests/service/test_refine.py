# SPDX-License-Identifier: Apache-2.0
"""Effort follows the load: made in a hurry while there is a backlog, and again when nothing waits."""
import os
import signal


from support import judge
from support.client import Client
from support.pictures import jpeg
from support.process import codec_at_work, wait_until

# any job that waits makes a hurry
HASTY = {"name": "hasty", "busy_seconds": 0, "variants": [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg"},
    {"name": "webp", "format": "webp", "effort": 6, "effort_busy": 0}]}
ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LOG_LEVEL": "debug"}
COUNT = 8


def upload_all(client, count=COUNT):
    slug = client.product()["slug"]
    ids = []
    for seed in range(count):
        answer = client.upload(slug, jpeg(1000, 800, seed))
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return slug, ids


def to_refine(stack):
    return stack.query("SELECT count(*) FROM image WHERE to_refine")[0][0]


def wait_refined(stack):
    wait_until(lambda: to_refine(stack) == 0, seconds=120, what="the refinements")


def hurried_names(stack):
    return [name for name, in stack.query("SELECT stored_name FROM variant") if "-b." in name]


def assert_nothing_is_left(stack):
    wait_until(lambda: not stack.queue_left(), seconds=60, what="an empty queue")
    wait_until(lambda: not stack.query("SELECT id FROM tombstone"), seconds=60, what="the janitor")
    rows = stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
    assert [name for name in stack.media_files() if not name.startswith(".tmp/")] == sorted(row[0] for row in rows)


def test_a_backlog_is_made_in_a_hurry_and_refined_after_it(new_stack, profile_file):
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(HASTY)}, workers=0)
    client = Client(stack)
    slug, ids = upload_all(client)
    stack.start_worker()
    before = {}
    for image_id in ids:
        before[image_id] = client.wait_ready(slug, image_id, seconds=120)
    hurried = [image for image in before.values() if "-b." in image["webp_url"]]
    assert len(hurried) >= 2, "nobody was in a hurry"
    wait_refined(stack)
    for image in hurried:
        after = client.image(slug, image["id"])
        assert after["status"] == "ready" and after["attempts"] == 1
        assert after["thumbnail_url"] == image["thumbnail_url"]
        assert after["webp_url"].replace("-r.", "-b.") == image["webp_url"]
        assert after["variants"]["webp"]["bytes"] < image["variants"]["webp"]["bytes"]
        answer = client.get(after["webp_url"])
        assert answer.status_code == 200 and len(answer.content) == after["variants"]["webp"]["bytes"]
        assert judge.opened(answer.content).size == (1000, 800)
    assert hurried_names(stack) == []
    assert_nothing_is_left(stack)
    client.close()


def test_refinements_survive_redis_and_workers(new_stack, profile_file):
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(HASTY)}, workers=0)
    client = Client(stack)
    slug, ids = upload_all(client)
    stack.start_worker()
    wait_until(lambda: to_refine(stack) >= 2, seconds=60, what="images in a hurry")
    stack.redis_server.kill()
    stack.kill_worker(stack.workers[0])
    stack.redis_server.start()
    stack.start_worker()
    for image_id in ids:
        client.wait_ready(slug, image_id, seconds=120)
    wait_refined(stack)
    assert_nothing_is_left(stack)
    client.close()


def test_a_refinement_that_kills_its_codec_leaves_the_image_as_it_is(new_stack, profile_file):
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(HASTY), "PIXMILL_MAX_CRASHES": 1}, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    ids = [client.upload(slug, jpeg(2600, 2000, seed)).json()["id"] for seed in range(3)]
    worker = stack.start_worker()
    for image_id in ids:
        client.wait_ready(slug, image_id, seconds=120)
    assert to_refine(stack) >= 1

    os.kill(wait_until(lambda: codec_at_work(worker), seconds=60, what="a refinement"), signal.SIGKILL)
    wait_refined(stack)
    assert {status for status, in stack.query("SELECT status FROM image")} == {"ready"}
    assert len(hurried_names(stack)) == 1
    letter, = stack.query("SELECT job, reason, crashes FROM dead_letter")
    assert letter[0].endswith(".r") and letter[1:] == ("codec_crashed", 1)
    assert_nothing_is_left(stack)
    client.close()


def test_a_refinement_of_another_generation_or_profile_changes_nothing(new_stack, profile_file):
    stack = new_stack({**ENV, "PIXMILL_PROFILE": profile_file(HASTY)}, workers=0)
    client = Client(stack)
    slug, ids = upload_all(client, 4)
    stack.start_worker()
    for image_id in ids:
        client.wait_ready(slug, image_id, seconds=120)
    stack.stop_worker(stack.workers[0])
    wait_until(lambda: to_refine(stack) >= 1, what="an image in a hurry")
    owed, = stack.query("SELECT id FROM image WHERE to_refine ORDER BY id LIMIT 1")[0]
    stack.query("UPDATE image SET generation = 2, status = 'pending', changed_at = now() WHERE id = %s", owed)
    stack.start_worker(env={"PIXMILL_PROFILE": ""})
    image = wait_until(lambda: (lambda found: found if found["status"] == "ready" else None)(client.image(slug, owed)),
                       seconds=60, what="generation 2")
    assert "-g2." in image["webp_url"]
    wait_refined(stack)
    profiles = dict(stack.query("SELECT id, profile FROM image"))
    assert profiles.pop(owed) == "default-1"
    assert all(name.startswith("hasty-") for name in profiles.values())
    assert_nothing_is_left(stack)
    client.close()
