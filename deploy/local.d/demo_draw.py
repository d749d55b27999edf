# SPDX-License-Identifier: Apache-2.0
"""Draws a few product photos, so that the demo needs no files: soft light, one thing on a table, every accepted format."""
import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter

ORIENTATION = 0x0112
# Shapes are drawn this much larger and scaled down, which smooths their edges.
OVERSAMPLE = 2


def backdrop(width, height, top, bottom):
    """A wall that darkens to the edges over a lighter table."""
    ramp = Image.linear_gradient("L").resize((width, height))
    wall = Image.composite(Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), ramp)
    light = ImageChops.invert(Image.radial_gradient("L")).resize((width, height)).point(lambda v: 110 + v * 145 // 255)
    return ImageChops.multiply(wall, Image.merge("RGB", (light, light, light)))


def grain(image, strength=6):
    """A camera's noise; without it a JPEG would be smaller than any photo."""
    noise = Image.effect_noise(image.size, strength * 4).point(lambda v: 128 + (v - 128) // 4)
    return ImageChops.add(image, Image.merge("RGB", (noise, noise, noise)), 1, -128)


def shaded(size, box, shape, colour):
    """A round thing: its colour, a light stripe at a third, dark at the sides. Returns (image, mask)."""
    left, top, right, bottom = box
    mask = Image.new("L", size, 0)
    shape(ImageDraw.Draw(mask))
    shade = Image.new("L", (right - left, 1))
    for x in range(right - left):
        part = x / max(1, right - left - 1)
        shade.putpixel((x, 0), int(70 + 185 * math.exp(-((part - 0.35) ** 2) / 0.08)))
    body = Image.new("L", size, 90)
    body.paste(shade.resize((right - left, bottom - top)), (left, top))
    flat = Image.new("RGB", size, colour)
    return ImageChops.multiply(flat, Image.merge("RGB", (body, body, body))), mask


def with_shadow(image, mask, thing, drop):
    shadow = ImageChops.offset(mask, drop, drop // 2).filter(ImageFilter.GaussianBlur(max(2, drop)))
    image.paste(Image.new("RGB", image.size, (20, 18, 24)), (0, 0), shadow.point(lambda v: v * 6 // 10))
    image.paste(thing, (0, 0), mask)
    return image


def text(image, words, centre, height, colour):
    """Letters of the built-in font, enlarged to `height` pixels."""
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    box = probe.textbbox((0, 0), words)
    small = Image.new("L", (box[2] + 2, box[3] + 2), 0)
    ImageDraw.Draw(small).text((1, 1), words, fill=255)
    large = small.resize((small.width * height // small.height, height), Image.LANCZOS)
    image.paste(Image.new("RGB", large.size, colour), (centre[0] - large.width // 2, centre[1] - height // 2), large)


def scene(width, height, colours, label, shape_of, oversample=OVERSAMPLE):
    """shape_of(width, height) gives (box, drawing function) in the large picture's pixels."""
    size = (width * oversample, height * oversample)
    image = backdrop(*size, *colours[:2])
    box, shape = shape_of(*size)
    thing, mask = shaded(size, box, shape, colours[2])
    image = with_shadow(image, mask, thing, size[1] // 60)
    text(image, label, ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2), size[1] // 14, colours[3])
    return grain(image.resize((width, height), Image.LANCZOS))


def mug(width, height):
    box = (width * 33 // 100, height * 28 // 100, width * 61 // 100, height * 78 // 100)

    def draw(pen):
        pen.ellipse((box[2] - width // 20, height * 38 // 100, width * 72 // 100, height * 66 // 100), outline=255,
                    width=width // 40)
        pen.rounded_rectangle(box, radius=width // 30, fill=255)
    return box, draw


def bottle(width, height):
    box = (width * 34 // 100, height * 36 // 100, width * 66 // 100, height * 92 // 100)

    def draw(pen):
        pen.rounded_rectangle(box, radius=width // 12, fill=255)
        pen.rectangle((width * 44 // 100, height * 14 // 100, width * 56 // 100, height * 40 // 100), fill=255)
        pen.rounded_rectangle((width * 42 // 100, height * 9 // 100, width * 58 // 100, height * 15 // 100),
                              radius=width // 60, fill=255)
    return box, draw


def box_of(width, height):
    box = (width * 22 // 100, height * 26 // 100, width * 78 // 100, height * 82 // 100)

    def draw(pen):
        pen.polygon([(box[0], box[1] + height // 12), (box[0] + width // 10, box[1]), (box[2], box[1]),
                     (box[2], box[3] - height // 12), (box[2] - width // 10, box[3]), (box[0], box[3])], fill=255)
    return box, draw


def lamp(width, height):
    box = (width * 30 // 100, height * 12 // 100, width * 70 // 100, height * 48 // 100)

    def draw(pen):
        pen.polygon([(width * 40 // 100, box[1]), (width * 60 // 100, box[1]), (box[2], box[3]), (box[0], box[3])], fill=255)
        pen.rectangle((width * 49 // 100, box[3], width * 51 // 100, height * 86 // 100), fill=255)
        pen.ellipse((width * 38 // 100, height * 83 // 100, width * 62 // 100, height * 91 // 100), fill=255)
    return box, draw


def logo(side):
    """A picture with transparency, as shops have for their brands."""
    image = Image.new("RGBA", (side * OVERSAMPLE, side * OVERSAMPLE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for number, colour in enumerate([(228, 87, 46, 255), (23, 190, 187, 220), (255, 201, 20, 200)]):
        angle = number * 2 * math.pi / 3
        x = side * OVERSAMPLE * (0.5 + 0.17 * math.cos(angle))
        y = side * OVERSAMPLE * (0.5 + 0.17 * math.sin(angle))
        reach = side * OVERSAMPLE * 0.27
        layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
        ImageDraw.Draw(layer).ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)
        image = Image.alpha_composite(image, layer)
    pen = ImageDraw.Draw(image)
    middle = side * OVERSAMPLE // 2
    pen.ellipse((middle - side // 5, middle - side // 5, middle + side // 5, middle + side // 5), fill=(255, 255, 255, 255))
    return image.resize((side, side), Image.LANCZOS)


def draw_all(folder):
    """Writes the pictures into the folder and returns their paths."""
    sepia = ((214, 204, 190), (150, 130, 112), (196, 74, 58), (250, 244, 236))
    sea = ((200, 218, 226), (120, 148, 164), (36, 120, 140), (236, 250, 250))
    sand = ((232, 224, 206), (176, 156, 126), (92, 84, 150), (248, 240, 220))
    dusk = ((120, 118, 140), (60, 58, 80), (236, 180, 80), (90, 50, 20))
    made = []

    def save(name, image, **options):
        path = folder / name
        image.save(path, **options)
        made.append(path)

    save("mug.jpg", scene(1600, 1200, sepia, "PIXMILL", mug), quality=92)
    save("bottle.webp", scene(1200, 1600, sea, "No. 5", bottle), quality=90)
    save("box-12mp.jpg", scene(4000, 3000, sand, "FRAGILE", box_of, oversample=1), quality=88)
    save("logo.png", logo(900))
    # as a phone stores it: the sensor's rows, and a note to turn them a quarter
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    upright = scene(1500, 2000, dusk, "LUX", lamp)
    save("lamp-turned.jpg", upright.transpose(Image.ROTATE_90), quality=90, exif=exif)
    save("mug-small.png", scene(480, 360, sepia, "PIXMILL", mug), optimize=True)
    return made
