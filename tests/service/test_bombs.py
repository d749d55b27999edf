# SPDX-License-Identifier: Apache-2.0
"""Small files that would take much: time, memory, or both. Each costs itself one attempt, and its neighbours go on."""
import struct
import zlib

import pytest
from PIL import Image

from support.codec import codec_process
from support.pictures import encoded, jpeg
from support.process import wait_until

SCANS = 2000
NEIGHBOURS = 6
# one codec, so that whoever comes after a bomb is its neighbour; no second attempt, so that its end is soon
STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_MAX_SCANS": 10000, "PIXMILL_JOB_TIMEOUT_MS": 3000,
             "PIXMILL_MAX_ATTEMPTS": 1}


def segment(marker, body):
    return struct.pack(">BBH", 0xff, marker, len(body) + 2) + body


def bits(text):
    """A scan's data from a text of 0 and 1: filled up with ones, and with 0 stuffed behind each 0xff (ITU T.81, F.1.2.3)."""
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def many_scans(width, height, scans):
    """A flat grey progressive JPEG with as many scans as one wants, up to 2,649, each legal and few bytes long: every
    coefficient of every component alone, and bit by bit (ITU T.81, G.1.2)."""
    blocks = -(-width // 8) * -(-height // 8)
    # each table has one code, "0": of DC for no difference, of AC for 2^14 blocks and so many more as 14 bits say that end here
    tables = b"".join(segment(0xc4, bytes([kind, 1] + [0] * 15 + [symbol])) for kind, symbol in ((0x00, 0), (0x10, 0xe0)))
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    made = (b"\xff\xd8" + segment(0xdb, b"\0" + b"\x10" * 64) +
            segment(0xc2, struct.pack(">BHHB", 8, height, width, 3) + components) + tables)
    nothing = bits(("0" + "1" * 14) * -(-blocks // 32767))
    plan = [(1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0)]  # component, coefficient, bits before and after
    plan += [(component, place, 0 if low == 13 else low + 1, low)
             for place in range(1, 64) for low in range(13, -1, -1) for component in (1, 2, 3)]
    for component, place, high, low in plan[:scans]:
        made += segment(0xda, bytes([1, component, 0x00, place, place, high << 4 | low]))
        made += nothing if place else bits("0" * blocks)
    return made + b"\xff\xd9"


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(name, body):
    """A PNG of 300 x 220 with one more chunk behind its header."""
    data = encoded(Image.new("RGB", (300, 220), (10, 200, 30)), "PNG")
    at = 8 + 25  # the signature and IHDR
    return data[:at] + chunk(name, body) + data[at:]


@pytest.fixture(scope="module")
def swollen():
    """512 MB of zeros, as a few hundred KB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(512))
    return packed + packer.flush()


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    with codec_process(tmp_path_factory.mktemp("codec")) as made:
        yield made


def test_scans_over_the_limit_are_never_decoded(codec):
    usual = codec.run(jpeg(400, 300), "jpeg")
    result = codec.run(many_scans(5000, 5000, SCANS), "jpeg")
    assert result.error == "too_large" and "scans" in result.sentence
    after = codec.run(jpeg(400, 300), "jpeg")
    # the picture's coefficients alone would be 150 MB
    assert after.error is None and after.peak_bytes < usual.peak_bytes + (32 << 20)


@pytest.mark.parametrize("name, body", [(b"iCCP", b"p\0\0"), (b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")])
def test_a_swollen_chunk_takes_no_memory(codec, swollen, name, body):
    usual = codec.run(jpeg(400, 300), "jpeg")
    result = codec.run(with_chunk(name, body + swollen), "png")
    # the picture itself is well, and what stands beside it is of no use to anyone
    assert result.error in (None, "corrupt_image"), result.sentence
    after = codec.run(jpeg(400, 300), "jpeg")
    assert after.error is None and after.peak_bytes < usual.peak_bytes + (64 << 20)


def test_a_picture_without_end_costs_one_attempt(stack, client):
    slug = client.product()["slug"]
    bomb = client.upload(slug, many_scans(5000, 5000, 2600), "bomb.jpg")
    assert bomb.status_code == 201, bomb.text
    neighbours = [client.upload(slug, jpeg(400, 300, seed), "photo.jpg").json()["id"] for seed in range(NEIGHBOURS)]
    wait_until(lambda: stack.query("SELECT count(*) FROM image WHERE status IN ('ready', 'failed')")[0][0] == NEIGHBOURS + 1,
               seconds=120, what="the end of all")
    rows = {row[0]: row[1:] for row in stack.query("SELECT id, status, error, attempts FROM image")}
    assert rows.pop(bomb.json()["id"]) == ("failed", "processing_timeout", 1)
    assert rows == {image: ("ready", None, 1) for image in neighbours}
