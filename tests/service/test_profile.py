# SPDX-License-Identifier: Apache-2.0
"""Profiles of an operator's own: from a file, through codecs, to the rows."""

import numpy
import pytest
from PIL import Image

from support import judge
from support.client import Client
from support.codec import codec_process
from support.pictures import encoded, jpeg, picture

SHOP = {"name": "shop", "busy_seconds": 3600, "variants": [
    {"name": "webp", "format": "webp", "quality": 80, "background": None},
    {"name": "thumbnail", "fit": "cover", "width": 120, "height": 90, "format": "jpeg", "quality": 80,
     "background": "#1020f0"},
    {"name": "cut", "width": 300, "height": 300, "format": "png", "background": None},
    {"name": "small", "width": 150, "format": "webp", "min_ssim": 0.99, "quality": 40},
    {"name": "copy", "format": "png", "skip_if_larger": True},
]}


def upload(client, data):
    slug = client.product()["slug"]
    answer = client.upload(slug, data)
    assert answer.status_code == 201, answer.text
    return client.wait_ready(slug, answer.json()["id"])


def fetched(client, image, name):
    answer = client.get(image["variants"][name]["url"])
    assert answer.status_code == 200
    return judge.opened(answer.content)


def logo():
    """A disc on nothing, off the middle: what is cropped to has to hold it."""
    image = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    image.paste((250, 40, 30, 255), (700, 100, 800, 200))
    return image


def test_a_profile_from_a_file(new_stack, profile_file):
    stack = new_stack({"PIXMILL_PROFILE": profile_file(SHOP), "PIXMILL_CODECS": 1})
    client = Client(stack)
    image = upload(client, encoded(logo(), "PNG"))
    assert set(image["variants"]) == {"thumbnail", "cut", "small", "webp"}
    assert image["thumbnail_url"] and image["webp_url"] and image["medium_url"] is None

    thumbnail = fetched(client, image, "thumbnail")
    assert thumbnail.size == (120, 90) and thumbnail.mode == "RGB"
    assert abs(judge.patches(thumbnail)[0] - (0x10, 0x20, 0xf0)).max() < 12
    pixels = numpy.asarray(thumbnail.convert("RGB")).astype(int)
    assert (abs(pixels - (250, 40, 30)).max(axis=2) < 30).any(), "the crop has missed the disc"
    cut = fetched(client, image, "cut")
    assert (cut.format, cut.mode, cut.size) == ("PNG", "RGBA", (300, 100))
    assert cut.getpixel((2, 2))[3] == 0 and cut.getpixel((250, 50))[3] == 255
    webp = fetched(client, image, "webp")
    assert (webp.format, webp.mode, webp.size) == ("WEBP", "RGBA", (900, 300))
    assert fetched(client, image, "small").size == (150, 50)

    identity, = stack.query("SELECT profile FROM image WHERE id = %s", image["id"])[0]
    assert identity.startswith("shop-") and len(identity) == len("shop-") + 32
    # one that was left out leaves no file
    stored = stack.query("SELECT stored_name FROM variant UNION SELECT stored_name FROM image")
    assert sorted(row[0] for row in stored) == [name for name in stack.media_files() if not name.startswith(".tmp/")]
    client.close()


def test_what_is_larger_than_the_original_is_left_out(tmp_path):
    data = jpeg(640, 480, 4, quality=40)
    profile = [{"name": "copy", "width": 0, "height": 0, "format": "png", "skip_if_larger": True},
               {"name": "also", "width": 0, "height": 0, "format": "png"},
               {"name": "less", "width": 0, "height": 0, "format": "jpeg", "quality": 5, "skip_if_larger": True}]
    with codec_process(tmp_path) as codec:
        result = codec.run(data, "jpeg", profile=profile)
        assert result.error is None, result.sentence
        assert result.left_out == ["copy"]
        assert len(result.variants["also"]) > len(data) > len(result.variants["less"])
        # the direct path does the same
        direct = codec.run(data, "jpeg", profile=[{**profile[2], "name": "more", "quality": 100}, profile[2]])
        assert direct.left_out == ["more"] and list(direct.variants) == ["less"]


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_quality_is_raised_until_it_is_alike_enough(tmp_path, kind):
    reference = picture(500, 400, 9)
    data = encoded(reference, "PNG")
    plain = {"name": "v", "width": 0, "height": 0, "format": kind, "quality": 30}
    with codec_process(tmp_path) as codec:
        sizes, alike = [], []
        # all of them by libvips: what asks for a likeness does not take the direct path
        for min_ssim in (1, 500, 999, 1000):
            result = codec.run(data, "png", profile=[{**plain, "min_ssim": min_ssim}])
            assert result.error is None, result.sentence
            sizes.append(len(result.variants["v"]))
            alike.append(judge.ssim(judge.opened(result.variants["v"]), reference))
        # what is reached at once costs nothing; what is never reached ends after three raises
        assert sizes[0] == sizes[1] < sizes[2] <= sizes[3]
        assert alike[3] > alike[0]
        most = codec.run(data, "png", profile=[{**plain, "quality": 45, "min_ssim": 1}])
        assert sizes[3] == len(most.variants["v"])


def test_a_profile_that_is_wrong_ends_the_worker_with_its_field(stack, profile_file):
    path = profile_file({**SHOP, "variants": [{"name": "v", "format": "avif"}]})
    for options in (["--check-config"], []):
        done = stack.run("pixmill-worker", *options, env={"PIXMILL_PROFILE": path}, check=False)
        assert done.returncode in (1, 2)
        assert "variants[0].format: avif" in done.stderr and str(path) in done.stderr
    stack.run("pixmill-worker", "--check-config", env={"PIXMILL_PROFILE": profile_file(SHOP)})
