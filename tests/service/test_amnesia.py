# SPDX-License-Identifier: Apache-2.0
"""Redis forgets: emptied, killed, set back to an old file. PostgreSQL knows what is owed, and the queue is made again from it."""
import signal

import pytest

from support.client import Client
from support.pictures import jpeg
from support.process import codec_at_work, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 3000, "PIXMILL_LOG_LEVEL": "debug"}
LOST = "the queue has lost its epoch; all that is owed is pushed again"
REBUILT = "the queue is rebuilt"


@pytest.fixture(scope="module")
def big():
    """A picture that keeps a codec busy for long enough to be caught at it."""
    return jpeg(3600, 2600, 3, quality=85)


def upload(client, data):
    slug = client.product()["slug"]
    answer = client.upload(slug, data)
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def lines(worker, message):
    return [line for line in worker.log_lines() if line["message"] == message]


def wait_rebuilt(worker, times):
    wait_until(lambda: len(lines(worker, REBUILT)) == times, what=f"{times} rebuilds")


def wait_busy(worker):
    wait_until(lambda: codec_at_work(worker), what="a codec at work")


def wait_empty(stack):
    wait_until(lambda: not stack.queue_left(), what="an empty queue")


def attempts(stack, image_id):
    return stack.query("SELECT attempts FROM image WHERE id = %s", image_id)[0][0]


def test_an_emptied_redis_is_noticed_and_filled_again(stack, client, big):
    worker = stack.workers[0]
    wait_rebuilt(worker, 1)
    uploads = [upload(client, big) for _ in range(4)]
    wait_busy(worker)
    stack.redis().flushall()
    wait_rebuilt(worker, 2)
    end = lines(worker, REBUILT)[-1]
    assert end["images"] >= 1 and end["pushed"] >= 1 and end["ms"] >= 0
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    wait_empty(stack)
    assert len(lines(worker, LOST)) == 2
    assert all(line["level"] == "warn" for line in lines(worker, LOST))


def test_a_killed_redis_comes_back_empty_and_is_filled_again(stack, client, big):
    worker = stack.workers[0]
    before = len(lines(worker, REBUILT))
    uploads = [upload(client, big) for _ in range(3)]
    wait_busy(worker)
    stack.redis_server.kill()
    uploads.append(upload(client, jpeg(400, 300, 5)))
    stack.redis_server.start()
    wait_rebuilt(worker, before + 1)
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    wait_empty(stack)


def test_an_old_file_of_redis_is_set_right(stack, client):
    """It has a job that is done by now, and lacks one that is owed."""
    stack.stop_worker(stack.workers[0])
    done = upload(client, jpeg(500, 400, 7))
    stack.redis().save()
    worker = stack.start_worker()
    client.wait_ready(*done)
    wait_empty(stack)
    stack.stop_worker(worker)
    owed = upload(client, jpeg(500, 400, 8))
    stack.redis_server.kill()
    stack.redis_server.start()
    left = stack.redis().hkeys("{pixmill}:jobs")
    assert left == [f"{done[1]}.1".encode()], "the file is not the old one"
    worker = stack.start_worker()
    client.wait_ready(*owed)
    wait_empty(stack)
    assert attempts(stack, done[1]) == 1
    assert len(lines(worker, LOST)) == 1
    stack.redis().flushall()
    (stack.redis_server.folder / "dump.rdb").unlink()


def test_a_pause_outlives_an_emptied_redis(stack, client):
    worker = stack.workers[0]
    redis = stack.redis()
    stack.query("UPDATE control SET is_paused = true")
    before = len(lines(worker, REBUILT))
    redis.flushall()
    wait_rebuilt(worker, before + 1)
    assert redis.exists("{pixmill}:paused")
    slug, image_id = upload(client, jpeg(400, 300, 9))
    assert redis.hlen("{pixmill}:jobs") == 1
    # a whole sweep later it has still not been taken
    before = len(lines(worker, REBUILT))
    redis.flushall()
    wait_rebuilt(worker, before + 1)
    assert attempts(stack, image_id) == 0 and redis.hlen("{pixmill}:jobs") == 1
    stack.query("UPDATE control SET is_paused = false")
    client.wait_ready(slug, image_id)
    assert not redis.exists("{pixmill}:paused")
    wait_empty(stack)


def test_a_rebuild_that_dies_is_taken_over(new_stack):
    stack = new_stack({**STACK_ENV, "PIXMILL_LEASE_MS": 1500}, workers=0)
    client = Client(stack)
    uploads = [upload(client, jpeg(300, 300, i)) for i in range(3)]
    stack.redis().flushall()
    dying = stack.start_worker(env={"PIXMILL_FAILPOINT": "reconciler.marking"})
    wait_until(lambda: not dying.is_alive(), what="the end of the first worker")
    assert lines(dying, LOST) and not lines(dying, REBUILT)
    dying.expected_exit = (-signal.SIGKILL,)
    stack.workers.remove(dying)
    stack.past.append(dying)
    assert stack.redis().exists("{pixmill}:sweep"), "it died before it had the sweep"
    worker = stack.start_worker()
    wait_rebuilt(worker, 1)
    for slug, image_id in uploads:
        client.wait_ready(slug, image_id)
    client.close()


def test_an_image_whose_push_was_lost_is_found(stack, client):
    slug, image_id = upload(client, jpeg(300, 300, 10))
    client.wait_ready(slug, image_id)
    wait_empty(stack)
    stack.query("UPDATE image SET generation = 2, status = 'pending', changed_at = now() WHERE id = %s", image_id)
    image = client.wait_ready(slug, image_id)
    assert all("-g2." in made["url"] for made in image["variants"].values())
    assert lines(stack.workers[0], "owed images were not in the queue")
