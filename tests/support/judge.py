# SPDX-License-Identifier: Apache-2.0
"""Judges pictures with Pillow and numpy, which share no code with the codec: rows of MANIFEST.tsv, structure, likeness."""
import csv
import io
import struct

import numpy
from PIL import Image

# the contract's words for the manifest's verdicts
VERDICTS = {
    "accept": {None},
    "lenient": {None},
    "corrupt": {"corrupt_image", "invalid_image"},
    "reject": {"unsupported_format", "no_file", "invalid_image"},
    "too-small": {"too_small"},
    "too-large-pixels": {"too_large"},
    "too-large-bytes": {"file_too_large"},
}
POINTS = ("TL", "TR", "BL", "BR", "C")
TOLERANCE = 4  # above a row's own, for lossy encoding


def manifest(folder):
    """The rows of MANIFEST.tsv as dicts."""
    with open(folder / "MANIFEST.tsv", newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def kind_of(data):
    """The format by signature; "jpeg" where it is none, so that a codec gets to refuse it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "jpeg"


def allowed_words(row):
    """The error words (None: accepted) that a row allows."""
    words = set()
    for verdict in [row["verdict"], *filter(None, row["also_ok"].split(","))]:
        words |= VERDICTS[verdict]
    return words


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def patches(image):
    """The mean colours of the corners and the centre, each a tenth of the sides."""
    pixels = numpy.asarray(image.convert("RGB")).astype(float)
    height, width, _ = pixels.shape
    down, across = max(1, height // 10), max(1, width // 10)
    top, left = (height - down) // 2, (width - across) // 2
    areas = (pixels[:down, :across], pixels[:down, width - across:], pixels[height - down:, :across],
             pixels[height - down:, width - across:], pixels[top:top + down, left:left + across])
    return [area.mean((0, 1)) for area in areas]


def colours(text):
    return [numpy.array([float(number) for number in point.split(",")]) for point in text.split()]


def colour_fault(row, image):
    """What is wrong with the colours of an image made from a row's file; None where nothing is."""
    if not row["TL"]:
        return None
    found = patches(image)
    best = None
    for reference in (" ".join(row[name] for name in POINTS), row["alt"]):
        if reference:
            worst = max(abs(a - b).max() for a, b in zip(found, colours(reference)))
            best = worst if best is None else min(best, worst)
    limit = float(row["tol"]) + TOLERANCE
    return None if best <= limit else f"colours are {best:.1f} away, {limit:g} are allowed"


def jpeg_segments(data):
    """The (marker, content) pairs of a JPEG before its scan."""
    segments, at = [], 2
    while True:
        assert data[at] == 0xFF
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        segments.append((marker, data[at + 4:at + 2 + length]))
        if marker == 0xDA:
            return segments
        at += 2 + length


def jpeg_fault(data):
    """What is wrong with a JPEG of ours: baseline, 4:2:0, no metadata, ends with EOI."""
    segments = jpeg_segments(data)
    frames = [content for marker, content in segments if marker == 0xC0]
    others = [hex(marker) for marker, _ in segments if marker not in (0xC0, 0xC4, 0xDA, 0xDB, 0xE0)]
    if len(frames) != 1 or others:
        return f"not a plain baseline JPEG: {others}"
    factors = [frames[0][7 + 3 * i] for i in range(frames[0][5])]
    if factors != [0x22, 0x11, 0x11]:
        return f"not 4:2:0: {factors}"
    if [content for marker, content in segments if marker == 0xE0 and len(content) != 14]:
        return "more than a JFIF header in APP0"
    return None if data.endswith(b"\xff\xd9") else "no EOI at the end"


def webp_fault(data):
    """What is wrong with a WebP of ours without alpha: one VP8 chunk and nothing else."""
    length, kind, chunk = struct.unpack_from("<I", data, 4)[0], data[12:16], struct.unpack_from("<I", data, 16)[0]
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or kind != b"VP8 ":
        return f"not a plain WebP: {kind}"
    if length + 8 != len(data) or 12 + 8 + chunk + (chunk & 1) != len(data):
        return "more than one chunk"
    return None


def thumbnail_size(size, box):
    """What Pillow's own thumbnail makes of a size."""
    image = Image.new("1", size)
    image.thumbnail(box)
    return image.size


def _blurred(pixels):
    weights = numpy.exp(-(numpy.arange(-5, 6) ** 2) / 4.5)
    weights /= weights.sum()
    for axis in (0, 1):
        count = pixels.shape[axis] - 10
        pixels = sum(weight * numpy.take(pixels, range(i, i + count), axis) for i, weight in enumerate(weights))
    return pixels


def ssim(image, reference):
    """Structural similarity of the luma (Wang et al. 2004: Gaussian of 1.5, 11 x 11)."""
    a, b = (numpy.asarray(one.convert("L")).astype(float) for one in (image, reference))
    assert a.shape == b.shape
    mean_a, mean_b = _blurred(a), _blurred(b)
    spread_a = _blurred(a * a) - mean_a * mean_a
    spread_b = _blurred(b * b) - mean_b * mean_b
    both = _blurred(a * b) - mean_a * mean_b
    c1, c2 = 2.55 ** 2, 7.65 ** 2
    return float(((2 * mean_a * mean_b + c1) * (2 * both + c2) /
                  ((mean_a ** 2 + mean_b ** 2 + c1) * (spread_a + spread_b + c2))).mean())
