# SPDX-License-Identifier: Apache-2.0
"""Reads a BlurHash back, as its specification says (github.com/woltapp/blurhash, Algorithm.md)."""
import math

from PIL import Image

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def number(text):
    value = 0
    for character in text:
        value = value * 83 + DIGITS.index(character)
    return value


def linear(value):
    level = value / 255
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def srgb(level):
    level = min(max(level, 0), 1)
    return round(255 * (level * 12.92 if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055))


def decoded(text, width, height):
    """A PIL image of that size."""
    across, down = number(text[0]) % 9 + 1, number(text[0]) // 9 + 1
    assert len(text) == 4 + 2 * across * down
    most = (number(text[1]) + 1) / 166
    mean = number(text[2:6])
    parts = [[linear(mean >> 16), linear(mean >> 8 & 255), linear(mean & 255)]]
    for at in range(6, len(text), 2):
        value = number(text[at:at + 2])
        digits = (value // 361, value // 19 % 19, value % 19)
        parts.append([math.copysign(((digit - 9) / 9) ** 2, digit - 9) * most for digit in digits])
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            weights = [math.cos(math.pi * x * (i % across) / width) * math.cos(math.pi * y * (i // across) / height)
                       for i in range(across * down)]
            image.putpixel((x, y), tuple(srgb(sum(weight * part[c] for weight, part in zip(weights, parts)))
                                         for c in range(3)))
    return image
