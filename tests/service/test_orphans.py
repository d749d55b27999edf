# SPDX-License-Identifier: Apache-2.0
"""Files that nobody knows of go; what a row, a tombstone or an owed image has, may yet have, or has just got, stays."""
import os
import uuid

from support.client import Client
from support.pictures import jpeg
from support.process import run_as_service, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_JANITOR_MS": 300, "PIXMILL_ORPHAN_GRACE_MS": 100, "PIXMILL_DATABASE_TIMEOUT_MS": 1000,
             "PIXMILL_LOG_LEVEL": "debug"}


def put(stack, name):
    """Stores a file as the programs' user would."""
    path = stack.media_dir / name
    run_as_service(["/bin/mkdir", "-p", path.parent])
    run_as_service(["/usr/bin/tee", path])
    return path


def original(day="2026/01/31"):
    return f"products/{day}/{uuid.uuid4()}.jpg"


def variant_of(name, generation, folder="webp", mark=""):
    stem = name.removeprefix("products/").rpartition(".")[0]
    return f"products/{folder}/{stem}-g{generation}{mark}.webp"


def ready_image(stack, client):
    """(id, stored name) of an image that is done."""
    slug = client.product()["slug"]
    image = client.upload(slug, jpeg(400, 300, 1)).json()
    client.wait_ready(slug, image["id"])
    return image["id"], stack.query("SELECT stored_name FROM image WHERE id = %s", image["id"])[0][0]


def wait_gone(paths):
    wait_until(lambda: not any(path.exists() for path in paths), what="the removal of orphans")


def wait_round(stack):
    """A whole round begins after now, and ends: it removes a file that is put now."""
    wait_gone([put(stack, original())])


def test_files_that_nobody_knows_of_are_removed(stack, client):
    _, name = ready_image(stack, client)
    before = stack.media_files()
    paths = [put(stack, file) for file in (
        original(), original("2025/12/01"), variant_of(original(), 1), variant_of(original(), 3, "thumbnail", "-b"),
        variant_of(name, 1, "nosuch"), variant_of(name, 1, "webp", "-r"))]
    wait_gone(paths)
    assert [file for file in stack.media_files() if not file.startswith(".tmp/")] == before


def test_files_that_somebody_knows_of_stay(stack, client):
    image_id, name = ready_image(stack, client)
    rows = {file for file, in stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")}
    buried = put(stack, original())
    stack.query("INSERT INTO tombstone (stored_name, created_at) VALUES (%s, now() + interval '1 hour')",
                str(buried.relative_to(stack.media_dir)))
    foreign = [put(stack, file) for file in ("products/readme.txt", "lost.jpg", "products/2026/01/31/photo.jpg")]
    wait_round(stack)
    wait_round(stack)
    assert buried.exists() and all(path.exists() for path in foreign)
    assert rows <= set(stack.media_files())
    assert image_id and name in rows
    stack.query("DELETE FROM tombstone WHERE stored_name = %s", str(buried.relative_to(stack.media_dir)))
    wait_gone([buried])


def test_variants_of_an_owed_image_stay_until_it_is_settled(stack, client):
    image_id, name = ready_image(stack, client)
    stack.query("UPDATE control SET is_paused = true")
    try:
        wait_until(lambda: stack.redis().exists("{pixmill}:paused"), what="a pause")
        stack.query("UPDATE image SET status = 'pending', generation = 2, changed_at = now() WHERE id = %s", image_id)
        old = put(stack, variant_of(name, 1, "other"))
        owed = [put(stack, variant_of(name, 2)), put(stack, variant_of(name, 2, "other", "-b")),
                put(stack, variant_of(name, 3))]
        wait_gone([old])
        wait_round(stack)
        assert all(path.exists() for path in owed)
        stack.query("UPDATE image SET status = 'ready', to_refine = true WHERE id = %s", image_id)
        wait_round(stack)
        assert all(path.exists() for path in owed)
        stack.query("UPDATE image SET status = 'ready', to_refine = false WHERE id = %s", image_id)
        wait_gone(owed[:2])
        assert owed[2].exists()
    finally:
        stack.query("UPDATE control SET is_paused = false")


def test_a_file_that_was_just_named_stays(new_stack):
    stack = new_stack({**STACK_ENV, "PIXMILL_ORPHAN_GRACE_MS": 3600000})
    client = Client(stack)
    path = put(stack, original())
    old = 1_000_000_000
    os.utime(path, (old, old))
    for _ in range(2):
        before = len(rounds(stack))
        wait_until(lambda before=before: len(rounds(stack)) > before, what="a round")
    assert path.exists()
    client.close()


def rounds(stack):
    return [line for line in stack.workers[0].log_lines() if line["message"] == "the storage was searched"]
