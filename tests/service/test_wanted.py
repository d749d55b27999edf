# SPDX-License-Identifier: Apache-2.0
"""Profiles that are asked for with an image, whatever the worker's own is."""
import json

from support.client import Client
from support.pictures import jpeg
from support.process import wait_until

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_LOG_LEVEL": "debug"}
SHOP = {"name": "shop", "variants": [
    {"name": "thumbnail", "fit": "cover", "width": 120, "height": 90, "format": "jpeg"},
    {"name": "copy", "format": "png"}]}
# any job that waits makes a hurry
HASTY = {"name": "hasty", "busy_seconds": 0, "variants": [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg"},
    {"name": "webp", "format": "webp", "effort": 6, "effort_busy": 0}]}


def keep(stack, identity, text):
    stack.query("INSERT INTO profile (identity, json) VALUES (%s, %s)", identity, text)


def ask_again(stack, image_id, identity):
    """As a request to make it again does it; the reconciler finds it."""
    return stack.query("UPDATE image SET status = 'pending', generation = generation + 1, error = NULL, "
                       "error_sentence = NULL, wanted_profile = %s, class = 1, changed_at = now() WHERE id = %s "
                       "RETURNING generation", identity, image_id)[0][0]


def settled(stack, image_id):
    def look():
        status, profile = stack.query("SELECT status, profile FROM image WHERE id = %s", image_id)[0]
        return (status, profile) if status in ("ready", "failed") else None
    return wait_until(look, seconds=60, what="the image")


def variants(stack, image_id):
    return {name: stored for name, stored in
            stack.query("SELECT name, stored_name FROM variant WHERE image = %s", image_id)}


def assert_nothing_is_left(stack):
    wait_until(lambda: not stack.queue_left(), seconds=60, what="an empty queue")
    wait_until(lambda: not stack.query("SELECT id FROM tombstone"), seconds=60, what="the janitor")
    rows = stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
    assert [name for name in stack.media_files() if not name.startswith(".tmp/")] == sorted(row[0] for row in rows)


def test_an_image_is_made_again_by_the_profile_that_is_asked_for(new_stack):
    stack = new_stack(ENV)
    client = Client(stack)
    slug = client.product()["slug"]
    image_id = client.upload(slug, jpeg(1000, 800, 1)).json()["id"]
    client.wait_ready(slug, image_id)
    first = variants(stack, image_id)
    assert set(first) == {"thumbnail", "medium", "webp"}

    keep(stack, "shop", json.dumps(SHOP))
    assert ask_again(stack, image_id, "shop") == 2
    status, identity = settled(stack, image_id)
    assert status == "ready" and identity.startswith("shop-")
    second = variants(stack, image_id)
    assert set(second) == {"thumbnail", "copy"} and all("-g2." in name for name in second.values())
    image = client.image(slug, image_id)
    assert (image["variants"]["thumbnail"]["width"], image["variants"]["thumbnail"]["height"]) == (120, 90)
    # what the new profile does not have is gone, file and all
    buried = [name for name, in stack.query("SELECT stored_name FROM tombstone")]
    assert set(buried) | set(stack.media_files()) >= set(first.values())
    assert_nothing_is_left(stack)

    ask_again(stack, image_id, None)
    assert settled(stack, image_id) == ("ready", "default-1")
    assert set(variants(stack, image_id)) == {"thumbnail", "medium", "webp"}
    assert_nothing_is_left(stack)
    client.close()


def test_a_profile_that_can_not_be_read_is_told_to_operators(new_stack):
    stack = new_stack(ENV)
    client = Client(stack)
    slug = client.product()["slug"]
    image_id = client.upload(slug, jpeg(1000, 800, 1)).json()["id"]
    client.wait_ready(slug, image_id)
    first = variants(stack, image_id)

    keep(stack, "newer", json.dumps({**SHOP, "variants": [{"name": "v", "format": "avif"}]}))
    ask_again(stack, image_id, "newer")
    assert settled(stack, image_id)[0] == "failed"
    assert client.image(slug, image_id)["error"]["code"] == "bad_configuration"
    letter, = stack.query("SELECT job, reason, sentence FROM dead_letter")
    assert letter[:2] == (f"{image_id}.2", "bad_configuration")
    assert "variants[0].format: avif" in letter[2]
    # what was made before is shown still
    assert variants(stack, image_id) == first
    assert_nothing_is_left(stack)
    client.close()


def test_what_was_made_in_a_hurry_is_refined_by_the_profile_that_made_it(new_stack):
    stack = new_stack(ENV, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    ids = [client.upload(slug, jpeg(1000, 800, seed)).json()["id"] for seed in range(6)]
    keep(stack, "any", json.dumps(HASTY))
    stack.query("UPDATE image SET wanted_profile = 'any'")
    stack.start_worker()
    identity = settled(stack, ids[0])[1]
    assert identity.startswith("hasty-")
    for image_id in ids:
        client.wait_ready(slug, image_id, seconds=120)
    hurried = [image_id for image_id in ids if "-b." in variants(stack, image_id)["webp"]]
    assert hurried, "nobody was in a hurry"
    wait_until(lambda: not stack.query("SELECT id FROM image WHERE to_refine"), seconds=120, what="the refinements")
    # nobody knows what made them: their rows name a profile that is kept under another name
    assert all("-b." in variants(stack, image_id)["webp"] for image_id in hurried)

    keep(stack, identity, json.dumps(HASTY))
    stack.query("UPDATE image SET to_refine = true, changed_at = now() WHERE id = ANY (%s)", hurried)
    wait_until(lambda: not stack.query("SELECT id FROM image WHERE to_refine"), seconds=120, what="the refinements")
    for image_id in hurried:
        assert "-r." in variants(stack, image_id)["webp"]
        assert stack.query("SELECT profile, status FROM image WHERE id = %s", image_id) == [(identity, "ready")]
    assert_nothing_is_left(stack)
    client.close()
