# SPDX-License-Identifier: Apache-2.0
"""Judges pictures by an independent decoder (Pillow), against the manifest of the test images.

A row of MANIFEST.tsv says what must become of a file (`verdict`, or one of `also_ok`), its size after orientation, and the mean
colours, in sRGB on white, of five blocks of a tenth of the width and height: the corners TL TR BL BR, and the centre C. `alt` is a
second set of colours that is right too, and `tol` how far a mean may be off.
"""
import csv
import io

from PIL import Image

POINTS = ("TL", "TR", "BL", "BR", "C")
SLACK = 4  # what an encoder may add to a row's own tolerance
LEAST_BLOCK = 4  # pixels a side; in smaller ones 4:2:0 alone moves a mean by more than the tolerance (Pillow's encoder does too)
BOXES = {"thumbnail": (200, "JPEG"), "medium": (800, "JPEG"), "webp": (None, "WEBP")}
MUST_BE_MET = ("valid/", "orientation/", "rejected/", "limits/")


def manifest(folder):
    """The rows, as dicts of text."""
    with open(folder / "MANIFEST.tsv", encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE))


def verdicts(row):
    """All verdicts that are right for a row; `lenient` alone is no verdict."""
    found = {row["verdict"], *row["also_ok"].split(",")} - {"", "lenient"}
    return found


def size(row):
    """Width and height after orientation."""
    return int(row["width"]), int(row["height"])


def means(image, original):
    """The mean colour of each block of an RGB image; the blocks are those of an original of that size, scaled to this one."""
    width, height = original
    block_w, block_h = max(1, width // 10), max(1, height // 10)
    corners = {
        "TL": (0, 0), "TR": (width - block_w, 0), "BL": (0, height - block_h),
        "BR": (width - block_w, height - block_h), "C": ((width - block_w) // 2, (height - block_h) // 2),
    }
    across, down = image.size[0] / width, image.size[1] / height
    found = {}
    for name, (x, y) in corners.items():
        box = (x * across, y * down, min((x + block_w) * across, image.size[0]), min((y + block_h) * down, image.size[1]))
        # a box filter over a box with parts of pixels is the mean by area
        found[name] = image.resize((1, 1), Image.Resampling.BOX, box=box).getpixel((0, 0))
    return found


def _colours(row):
    """The sets of colours that are right: a dict by point each."""
    sets = []
    if row["TL"]:
        sets.append({name: [float(part) for part in row[name].split(",")] for name in POINTS})
    if row["alt"]:
        sets.append({name: [float(part) for part in colour.split(",")]
                     for name, colour in zip(POINTS, row["alt"].split())})
    return sets


def colour_faults(image, row):
    """What is wrong with the colours of an RGB image of a row, as sentences; empty where nothing is, or none are known."""
    found = means(image, size(row))
    allowed = float(row["tol"] or 6) + SLACK
    best = None
    for expected in _colours(row):
        faults = []
        for name in POINTS:
            off = max(abs(a - b) for a, b in zip(found[name], expected[name]))
            if off > allowed:
                faults.append(f"{name} is {found[name]}, not {expected[name]} (off {off:.1f}, {allowed} allowed)")
        if best is None or len(faults) < len(best):
            best = faults
    return best or []


def fitted(width, height, box):
    """The size of a picture that fits in a square of `box` and is never enlarged."""
    if box is None or (width <= box and height <= box):
        return width, height
    scale = box / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def variant_faults(name, data, row):
    """What is wrong with the bytes of a variant of a row, as sentences."""
    box, kind = BOXES[name]
    image = Image.open(io.BytesIO(data))
    image.load()
    faults = []
    expected = fitted(*size(row), box)
    if any(abs(a - b) > (box is not None) for a, b in zip(image.size, expected)):
        faults.append(f"{name}: size {image.size}, not {expected}")
    if image.format != kind or image.mode != "RGB":
        faults.append(f"{name}: {image.format} {image.mode}, not {kind} RGB")
    kept = [key for key in ("exif", "icc_profile", "xmp", "photoshop", "comment") if image.info.get(key)]
    if kept:
        faults.append(f"{name}: metadata is left: {kept}")
    if min(image.size) < LEAST_BLOCK * 10:
        return faults
    return faults + [f"{name}: {fault}" for fault in colour_faults(image.convert("RGB"), row)]
