# SPDX-License-Identifier: Apache-2.0
"""Pictures that tests draw themselves, for where no folder of test images is at hand."""
import io

from PIL import Image, ImageDraw


def picture(width=640, height=480, seed=0, mode="RGB"):
    """A PIL image with a gradient, shapes and four corners of different colours; other seeds give other pictures."""
    ramp = Image.linear_gradient("L").resize((width, height))
    image = Image.merge("RGB", (ramp, ramp.rotate(180), Image.new("L", (width, height), (seed * 37) % 256)))
    draw = ImageDraw.Draw(image)
    for i in range(12):
        left = (seed * 53 + i * 97) % width
        top = (seed * 31 + i * 61) % height
        colour = ((i * 40 + seed) % 256, (200 - i * 15) % 256, (seed * 11 + i * 25) % 256)
        draw.ellipse((left, top, left + width // 6, top + height // 6), fill=colour)
    side = max(8, min(width, height) // 8)
    corners = {(0, 0): (220, 30, 30), (width - side, 0): (30, 200, 60), (0, height - side): (40, 60, 220),
               (width - side, height - side): (240, 220, 40)}
    for (left, top), colour in corners.items():
        draw.rectangle((left, top, left + side - 1, top + side - 1), fill=colour)
    return image.convert(mode)


def encoded(image, kind="JPEG", **options):
    """The bytes of a PIL image; options go to its save()."""
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def jpeg(width=640, height=480, seed=0, orientation=None, quality=90):
    """A JPEG's bytes, with an EXIF orientation where one is given."""
    options = {"quality": quality}
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    return encoded(picture(width, height, seed), "JPEG", **options)
