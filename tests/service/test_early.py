# SPDX-License-Identifier: Apache-2.0
"""Small variants are there while the large one is still made; and nothing is left over of those that come to nothing."""
import os
import signal

import pytest
from PIL import Image

from support import judge
from support.blurhash import decoded
from support.client import Client
from support.pictures import encoded, jpeg
from support.process import codec_at_work, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LOG_LEVEL": "debug"}


@pytest.fixture(scope="module")
def big():
    """A picture whose WebP takes so long that a client sees what is there before; it lies on its side."""
    return jpeg(3600, 2600, 3, quality=85, orientation=6)


def upload(client, data):
    slug = client.product()["slug"]
    answer = client.upload(slug, data)
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def wait_shown(client, slug, image_id):
    """The image's JSON at the first sight of a thumbnail."""
    def shown():
        image = client.image(slug, image_id)
        return image if image["thumbnail_url"] else None
    return wait_until(shown, what="a thumbnail")


def assert_disk_is_rows(stack):
    wait_until(lambda: not stack.query("SELECT id FROM tombstone"), seconds=60, what="the janitor")
    rows = stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
    assert stack.media_files() == sorted(row[0] for row in rows)


def test_thumbnail_and_medium_are_seen_before_the_webp(stack, client, big):
    slug, image_id = upload(client, big)
    image = wait_shown(client, slug, image_id)
    assert image["status"] == "processing"
    assert (image["width"], image["height"]) == (2600, 3600)
    assert {name: (made["width"], made["height"]) for name, made in image["variants"].items()} == {
        "thumbnail": (144, 200), "medium": (578, 800)}
    assert image["webp_url"] is None and image["processed_at"] is None
    for made in image["variants"].values():
        answer = client.get(made["url"])
        assert answer.status_code == 200
        assert judge.opened(answer.content).size == (made["width"], made["height"])
    ready = client.wait_ready(slug, image_id)
    assert ready["attempts"] == 1
    for name in ("thumbnail", "medium"):
        assert ready["variants"][name] == image["variants"][name]
    assert ready["webp_url"]
    assert_disk_is_rows(stack)


def test_a_codec_that_dies_after_it_was_seen(stack, client, big):
    slug, image_id = upload(client, big)
    image = wait_shown(client, slug, image_id)
    os.kill(wait_until(lambda: codec_at_work(stack.workers[0]), what="a codec at work"), signal.SIGKILL)
    ready = client.wait_ready(slug, image_id)
    assert ready["attempts"] == 2
    assert ready["thumbnail_url"] == image["thumbnail_url"]
    assert_disk_is_rows(stack)


def test_a_worker_that_dies_after_it_was_seen(stack, client, big):
    slug, image_id = upload(client, big)
    image = wait_shown(client, slug, image_id)
    stack.kill_worker(stack.workers[0])
    assert client.get(image["thumbnail_url"]).status_code == 200
    stack.start_worker()
    ready = client.wait_ready(slug, image_id)
    assert ready["thumbnail_url"] == image["thumbnail_url"]
    assert_disk_is_rows(stack)


def test_an_image_that_fails_after_it_was_seen_shows_nothing(new_stack, big):
    stack = new_stack({**STACK_ENV, "PIXMILL_MAX_CRASHES": 1})
    client = Client(stack)
    slug, image_id = upload(client, big)
    wait_shown(client, slug, image_id)
    os.kill(wait_until(lambda: codec_at_work(stack.workers[0]), what="a codec at work"), signal.SIGKILL)
    image = client.wait_settled(slug, image_id)
    assert image["status"] == "failed"
    assert image["variants"] == {} and image["thumbnail_url"] is None
    assert_disk_is_rows(stack)
    client.close()


def test_a_row_that_moves_on_after_it_was_seen(stack, client, big):
    slug, image_id = upload(client, big)
    first = wait_shown(client, slug, image_id)
    stack.query("UPDATE image SET generation = 2, status = 'pending', changed_at = now() WHERE id = %s", image_id)
    between = client.image(slug, image_id)
    assert between["thumbnail_url"] == first["thumbnail_url"]
    image = client.wait_ready(slug, image_id)
    assert all("-g2." in made["url"] for made in image["variants"].values())
    assert_disk_is_rows(stack)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_blurhash_and_dominant_colour(stack, client, kind):
    picture = Image.new("RGB", (640, 400), (200, 40, 40))
    picture.paste((40, 60, 200), (480, 0, 640, 400))
    slug, image_id = upload(client, encoded(picture, kind, quality=95))
    image = client.wait_ready(slug, image_id)
    seen = decoded(image["blurhash"], 32, 20)
    assert abs(judge.patches(seen)[0] - (200, 40, 40)).max() < 60
    assert abs(judge.patches(seen)[1] - (40, 60, 200)).max() < 60
    colour, = stack.query("SELECT dominant_colour FROM image WHERE id = %s", image_id)[0]
    found = tuple(bytes.fromhex(colour[1:]))
    assert max(abs(a - b) for a, b in zip(found, (200, 40, 40))) < 8, colour


def test_a_stop_while_the_row_that_shows_them_is_held_up(stack, client, big):
    """The codec is through by then, and must not be taken for one at work: the worker waited for its second answer for ever."""
    slug, image_id = upload(client, big)
    worker = stack.workers[0]
    wait_until(lambda: codec_at_work(worker), what="a codec at work")
    connection = stack.db()
    connection.autocommit = False
    connection.cursor().execute("SELECT id FROM image WHERE id = %s FOR UPDATE", (image_id,))
    wait_until(lambda: codec_at_work(worker) is None, what="the end of its work")
    worker.send(signal.SIGTERM)
    wait_until(lambda: any(line["message"] == "stopping" for line in worker.log_lines()), what="the stop")
    connection.close()
    assert worker.popen.wait(30) == 0
    stack.workers.remove(worker)
    stack.past.append(worker)
    stack.start_worker()
    client.wait_ready(slug, image_id)
    assert_disk_is_rows(stack)
