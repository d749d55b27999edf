# SPDX-License-Identifier: Apache-2.0
"""Images are let to the codecs by the memory that their headers announce."""
from support.client import Client
from support.pictures import jpeg
from support.process import wait_until


def test_a_small_budget_makes_images_wait_but_loses_none(new_stack):
    # every image announces more than this, so no two are at work at once
    stack = new_stack({"PIXMILL_CODECS": 2, "PIXMILL_MEMORY_BUDGET": 1, "PIXMILL_LOG_LEVEL": "debug"})
    client = Client(stack)
    slug = client.product()["slug"]
    ids = [client.upload(slug, jpeg(900, 700, seed)).json()["id"] for seed in range(6)]
    for image_id in ids:
        image = client.wait_ready(slug, image_id)
        assert image["attempts"] == 1
    client.close()


def test_a_header_behind_much_else_is_found(new_stack):
    stack = new_stack({"PIXMILL_CODECS": 1})
    client = Client(stack)
    slug = client.product()["slug"]
    data = jpeg(640, 480, 1)
    # four comments of nearly 64 KiB before the frame: more than is read at once
    comments = b"".join(b"\xff\xfe\xff\xf0" + bytes(0xffee) for _ in range(4))
    answer = client.upload(slug, data[:2] + comments + data[2:])
    assert answer.status_code == 201, answer.text
    assert client.wait_ready(slug, answer.json()["id"])["width"] == 640
    client.close()


def test_a_codec_past_its_ceiling_is_replaced(new_stack):
    # codecs of a sanitizer build start with more than this
    stack = new_stack({"PIXMILL_CODECS": 1, "PIXMILL_CODEC_CEILING_BYTES": 67108864})
    client = Client(stack)
    slug = client.product()["slug"]
    worker = stack.workers[0]
    before = wait_until(lambda: worker.children(), what="a codec")
    image_id = client.upload(slug, jpeg(4000, 3000, 1, quality=60)).json()["id"]
    client.wait_ready(slug, image_id)
    wait_until(lambda: worker.children() and set(worker.children()).isdisjoint(before), what="another codec")
    client.wait_ready(slug, client.upload(slug, jpeg(640, 480, 2)).json()["id"])
    client.close()
