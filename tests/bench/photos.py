# SPDX-License-Identifier: Apache-2.0
"""Photos for benchmarks: cut to size from a Debian package of camera pictures, or drawn with noise where it is missing."""
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy
from PIL import Image

from support.pictures import picture

FOLDER = Path("/usr/share/backgrounds")  # Debian: lomiri-wallpapers-16.04
LARGE = ("Dragonfly_by_Bolly", "sunset_by_Aitzol_Berasategi", "seeding_by_Clements_Engelhardt")  # 12 MP and more
OTHERS = ("picosdeeuropa_by_Aitzol_Berasategi", "life_by_Aitzol_Berasategi", "Bridge_by_Sander_Klootwijk")


@dataclass
class Group:
    """Photos of one size and format, in files."""
    name: str
    kind: str  # as the codec's support has it: jpeg, png, webp
    megapixels: float
    paths: list
    rounds: int


def drawn(megapixels, seed):
    """A picture with grain of several sizes: no photo, but not as easy for a codec as plain shapes."""
    width = int(math.sqrt(megapixels * 1e6 * 4 / 3)) // 2 * 2
    height = width * 3 // 4
    pixels = numpy.asarray(picture(width, height, seed)).astype(numpy.int16)
    noise = numpy.random.default_rng(seed)
    for step, strength in ((1, 4), (4, 8), (16, 12)):
        grain = noise.normal(0, strength, (height // step + 1, width // step + 1, 1))
        pixels = pixels + grain.repeat(step, 0).repeat(step, 1)[:height, :width].astype(numpy.int16)
    return Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8))


def scaled(image, megapixels):
    factor = math.sqrt(megapixels * 1e6 / (image.width * image.height))
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.LANCZOS)


def sources():
    """Names of the photos at hand and where they are; empty where the package is not installed."""
    paths = {name: FOLDER / f"{name}.jpg" for name in LARGE + OTHERS}
    return paths if all(path.is_file() for path in paths.values()) else {}


def save(image, kind, path):
    options = {"jpeg": {"quality": 88, "subsampling": 2}, "png": {}, "webp": {"quality": 90, "method": 2}}[kind]
    image.save(path, kind.upper(), **options)
    return path


def make(folder, is_short):
    """(groups, where the pictures are from), written into folder."""
    found = sources()
    plan = [("12 MP JPEG", "jpeg", 12.0, 3, 3), ("2 MP JPEG", "jpeg", 2.0, 6, 5), ("0.3 MP JPEG", "jpeg", 0.3, 6, 9),
            ("2 MP PNG", "png", 2.0, 3, 3), ("2 MP WebP", "webp", 2.0, 3, 3)]
    cache = {}
    groups = []
    for name, kind, megapixels, count, rounds in plan:
        count, rounds = (1, 1) if is_short else (count, rounds)
        paths = []
        for i in range(count):
            key = ((LARGE + OTHERS)[i], megapixels)
            if key not in cache:
                cache[key] = (scaled(Image.open(found[key[0]]).convert("RGB"), megapixels) if found
                              else drawn(megapixels, i))
            paths.append(save(cache[key], kind, folder / f"{key[0]}-{megapixels:g}.{kind}"))
        groups.append(Group(name, kind, megapixels, paths, rounds))
    origin = (f"camera pictures of {FOLDER} (Debian: lomiri-wallpapers-16.04), scaled" if found
              else "DRAWN pictures with noise, no photos: lomiri-wallpapers-16.04 is not installed")
    return groups, origin


def opened(path_or_bytes):
    image = Image.open(io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else path_or_bytes)
    image.load()
    return image.convert("RGB")
