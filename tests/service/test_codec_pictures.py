# SPDX-License-Identifier: Apache-2.0
"""Pictures that the tests draw, through a real pixmill-codec: likeness, orientation, colour, alpha, sizes, profiles."""
import io
import struct
import zlib

import numpy
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageFont

from support import judge
from support.codec import DEFAULT_PROFILE, codec_process
from support.pictures import encoded, jpeg, picture

LIKE = 0.98
TINY = {"min_side_px": 1}
# the default's boxes in a format that loses nothing, so that only the resizing is judged
LOSSLESS = [{"name": f"s{side}", "width": side, "height": side, "format": "png"} for side in (200, 800)]


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    with codec_process(tmp_path_factory.mktemp("codec")) as made:
        yield made


def zone_plate(width, height):
    """Every frequency in every direction: what aliases here aliases anywhere."""
    down, across = numpy.mgrid[0:height, 0:width]
    squares = (across - width / 2) ** 2 + (down - height / 2) ** 2
    waves = 127.5 + 127.5 * numpy.cos(numpy.pi * squares / max(width, height))
    return Image.fromarray(waves.astype(numpy.uint8)).convert("RGB")


def screenshot(width, height):
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for top in range(4, height, 14):
        line = f"The quick brown fox {top} jumps over the lazy dog; " * (width // 200 + 1)
        draw.text((4, top), line, fill=(top * 7 % 160, 20, 60), font=ImageFont.load_default())
    return image


def noise_photo(width, height):
    """Shapes under a fine grain, as a camera's sensor adds it."""
    grain = numpy.random.default_rng(7).normal(0, 12, (height, width, 3))
    pixels = numpy.asarray(picture(width, height, 3)).astype(float) + grain
    return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


@pytest.mark.parametrize("image", [zone_plate(1600, 1600), zone_plate(2999, 1999), zone_plate(801, 700),
                                   screenshot(1280, 800), screenshot(2560, 1600), noise_photo(2400, 1800),
                                   noise_photo(900, 1300)],
                         ids=["zone-1600", "zone-2999", "zone-801", "text-1280", "text-2560", "photo-2400", "photo-900"])
def test_as_sharp_as_a_full_lanczos(codec, image):
    result = codec.run(encoded(image, "PNG", compress_level=1), "png", {"max_file_bytes": 64 << 20}, LOSSLESS)
    assert result.error is None, result.sentence
    for name, data in result.variants.items():
        made = judge.opened(data)
        likeness = judge.ssim(made, image.resize(made.size, Image.LANCZOS))
        assert likeness >= LIKE, f"{name}: {likeness:.4f}"


@pytest.mark.parametrize("name", ["valid/jpeg/2569067123_aca715a2ee_o.jpg", "valid/jpeg/gain-map.jpg",
                                  "valid/jpeg/harvesters.jpeg", "valid/png/50020484-00001.png",
                                  "valid/png/ridiculously-fast.png", "valid/webp/4.webp"])
def test_photos_are_as_sharp_as_a_full_lanczos(codec, images_dir, name):
    data = (images_dir / name).read_bytes()
    reference = judge.opened(data).convert("RGB")
    lossless = codec.run(data, judge.kind_of(data), profile=LOSSLESS)
    lossy = codec.run(data, judge.kind_of(data))
    for variant, quality, pixels in (("thumbnail", 85, "s200"), ("medium", 90, "s800")):
        made = judge.opened(lossless.variants[pixels])
        wanted = reference.resize(made.size, Image.LANCZOS)
        assert judge.ssim(made, wanted) >= LIKE
        # what JPEG takes away at this quality is no fault of ours: as much is taken from the reference
        as_jpeg = judge.opened(encoded(wanted, "JPEG", quality=quality, subsampling=2))
        ours = judge.ssim(judge.opened(lossy.variants[variant]), wanted)
        assert ours >= min(LIKE, judge.ssim(as_jpeg, wanted) - 0.005)


def quarters(width, height):
    """Four colours by which each corner can be told."""
    image = Image.new("RGB", (width, height))
    colour = iter(((220, 30, 30), (30, 200, 60), (40, 60, 220), (240, 220, 40)))
    for top in (0, height // 2):
        for left in (0, width // 2):
            image.paste(next(colour), (left, top, left + width // 2, top + height // 2))
    return image


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 65535])
def test_orientation(codec, kind, orientation):
    upright = quarters(400, 240)
    undo = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
            6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    result = codec.run(encoded(stored, kind, exif=exif_of(orientation), quality=95), kind.lower())
    assert result.error is None, result.sentence
    assert result.head == stored.size and result.size == upright.size
    for name in ("thumbnail", "medium", "webp"):
        image = judge.opened(result.variants[name])
        for found, wanted in zip(judge.patches(image), judge.patches(upright)[:4]):
            assert abs(found - wanted).max() < 12, name


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff",
                                  b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 30, b"Exif\0\0" + b"\xff" * 9000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_upright(codec, kind, exif):
    result = codec.run(encoded(quarters(300, 220), kind, exif=exif), kind.lower())
    assert result.error is None, result.sentence
    assert result.size == (300, 220)


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (5000, 12), (5000, 13), (1, 1), (2, 3), (201, 200), (200, 200),
                                  (801, 3), (999, 1001), (1601, 1599)])
def test_sizes_are_those_of_pillow(codec, size):
    result = codec.run(encoded(Image.new("RGB", size, (9, 120, 200)), "PNG"), "png", TINY)
    assert result.error is None, result.sentence
    assert result.order == ["thumbnail", "medium", "webp"]
    for name, side in (("thumbnail", 200), ("medium", 800)):
        made = judge.opened(result.variants[name])
        assert made.size == result.sizes[name] == judge.thumbnail_size(size, (side, side))
        assert abs(judge.patches(made)[4] - (9, 120, 200)).max() < 8
    assert judge.opened(result.variants["webp"]).size == size


def test_a_side_beyond_webp_never_reaches_libwebp(codec):
    wide = {"max_side_px": 20000, "min_side_px": 1}
    result = codec.run(encoded(Image.new("RGB", (16384, 4)), "PNG"), "png", wide)
    assert result.error == "too_large" and "16383" in result.sentence
    assert codec.run(encoded(Image.new("RGB", (16383, 4)), "PNG"), "png", wide).error is None


def png_16_bit(samples, colour_type):
    """A 300 x 220 PNG of 16 bits with the same sample values everywhere."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    row = b"\0" + struct.pack(f">{len(samples)}H", *samples) * 300
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 220, 16, colour_type, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * 220)) + chunk(b"IEND", b""))


def clear_palette():
    """A picture of palette entry 0, of two."""
    image = Image.new("P", (300, 220), 0)
    image.putpalette([200, 10, 10, 10, 200, 10])
    image.putpixel((150, 40), 1)
    return image


@pytest.mark.parametrize("data, wanted", [
    (png_16_bit((0x8000,), 0), (128, 128, 128)),
    (png_16_bit((0xffff, 0x4000, 0x0000), 2), (255, 64, 0)),
    (png_16_bit((0x2000, 0x8000), 4), (144, 144, 144)),
    (png_16_bit((0xffff, 0x0000, 0x0000, 0x8000), 6), (255, 127, 127)),
    (encoded(Image.new("1", (300, 220), 1), "PNG"), (255, 255, 255)),
    (encoded(Image.new("L", (300, 220), 77), "PNG"), (77, 77, 77)),
    (encoded(Image.new("LA", (300, 220), (0, 64)), "PNG"), (191, 191, 191)),
    (encoded(Image.new("RGBA", (300, 220), (0, 0, 255, 128)), "PNG"), (127, 127, 255)),
    (encoded(Image.new("RGBA", (300, 220), (9, 9, 9, 0)), "PNG"), (255, 255, 255)),
    (encoded(Image.new("RGB", (300, 220), (10, 200, 30)), "PNG", transparency=(10, 200, 30)), (255, 255, 255)),
    (encoded(Image.new("L", (300, 220), 77), "PNG", transparency=77), (255, 255, 255)),
    (encoded(clear_palette(), "PNG", transparency=0), (255, 255, 255)),
    (encoded(Image.new("RGBA", (300, 220), (0, 0, 255, 128)), "WEBP", lossless=True, exact=True), (127, 127, 255)),
    (encoded(Image.new("L", (300, 220), 77), "JPEG"), (77, 77, 77)),
    (encoded(Image.new("CMYK", (300, 220), (0, 0, 0, 0)), "JPEG"), (255, 255, 255)),
], ids=["grey-16", "rgb-16", "la-16", "rgba-16", "1-bit", "grey", "la", "rgba", "clear", "rgb+trns", "grey+trns",
        "palette+trns", "webp-alpha", "jpeg-grey", "jpeg-cmyk-white"])
def test_every_kind_of_pixel_becomes_srgb_on_white(codec, data, wanted):
    result = codec.run(data, judge.kind_of(data))
    assert result.error is None, result.sentence
    for name, made in result.variants.items():
        image = judge.opened(made)
        assert image.mode == "RGB", name
        for found in judge.patches(image):
            assert abs(found - wanted).max() < 5, f"{name}: {found}"


def test_a_profile_of_another_colour_space_is_ignored(codec):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode, colour in (("L", 100), ("RGB", (100, 100, 100)), ("CMYK", (0, 0, 0, 155))):
        for profile in (srgb, srgb[:200], b"nonsense", srgb[:16] + b"GRAY" + srgb[20:], srgb[:16] + b"CMYK" + srgb[20:]):
            result = codec.run(encoded(Image.new(mode, (300, 220), colour), "JPEG", icc_profile=profile, quality=95), "jpeg")
            assert result.error is None, result.sentence
            grey = judge.patches(judge.opened(result.variants["webp"]))[4]
            assert abs(grey - 100).max() < (45 if mode == "CMYK" else 5)


def test_no_metadata_gets_out(codec):
    exif = exif_of(1)
    exif[0x010e] = "a secret place"
    exif.get_ifd(0x8825)[1] = "N"
    image = picture(500, 400)
    for kind in ("JPEG", "PNG", "WEBP"):
        options = {"exif": exif, "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
        data = encoded(image, kind, **options)
        assert b"a secret place" in data
        result = codec.run(data, kind.lower(), profile=DEFAULT_PROFILE + LOSSLESS)
        for name in ("thumbnail", "medium"):
            assert judge.jpeg_fault(result.variants[name]) is None
        assert judge.webp_fault(result.variants["webp"]) is None
        for made in result.variants.values():
            assert b"secret" not in made and b"Exif" not in made and b"eXIf" not in made and b"iCCP" not in made


def test_a_profile_may_keep_alpha_or_choose_a_background(codec):
    clear = Image.new("RGBA", (400, 300), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 200, 300))
    profile = [{"name": "kept", "width": 100, "height": 100, "format": "webp", "keeps_alpha": True},
               {"name": "black", "width": 100, "height": 100, "format": "jpeg", "background": (0, 0, 0)},
               {"name": "green", "width": 0, "height": 0, "format": "jpeg", "background": (0, 255, 0)}]
    result = codec.run(encoded(clear, "PNG"), "png", profile=profile)
    assert result.error is None, result.sentence
    kept = judge.opened(result.variants["kept"])
    assert kept.mode == "RGBA" and kept.size == (100, 75)
    assert kept.getpixel((80, 40))[3] == 0 and kept.getpixel((20, 40))[3] == 255
    assert abs(judge.patches(judge.opened(result.variants["black"]))[1] - (0, 0, 0)).max() < 5
    assert abs(judge.patches(judge.opened(result.variants["green"]))[1] - (0, 255, 0)).max() < 5
    assert result.sizes["green"] == (400, 300)


def test_cover_cuts_to_the_box(codec):
    image = Image.new("RGB", (1200, 400), (128, 128, 128))
    ImageDraw.Draw(image).ellipse((900, 60, 1180, 340), fill=(255, 0, 0), outline=(0, 0, 0), width=12)
    profile = [{"name": "square", "width": 200, "height": 200, "format": "jpeg", "fit": "cover"},
               {"name": "wide", "width": 2000, "height": 100, "format": "png", "fit": "cover"}]
    result = codec.run(encoded(image, "PNG"), "png", profile=profile)
    assert result.error is None, result.sentence
    square = judge.opened(result.variants["square"])
    assert square.size == (200, 200) and result.sizes["wide"] == (1200, 100)
    # the only thing to be seen is at the right
    red = numpy.asarray(square).astype(int)
    assert ((red[:, :, 0] > 200) & (red[:, :, 1] < 60)).mean() > 0.2


def test_limits_of_the_job_hold(codec):
    data = jpeg(640, 480)
    assert codec.run(data, "jpeg", {"max_side_px": 639}).error == "too_large"
    assert codec.run(data, "jpeg", {"min_side_px": 481}).error == "too_small"
    assert codec.run(data, "jpeg", {"max_pixels": 640 * 480 - 1}).error == "too_large"
    assert codec.run(data, "jpeg", {"max_pixels": 640 * 480}).error is None
    assert codec.run(data, "jpeg", {"max_file_bytes": len(data) - 1}).error == "file_too_large"
    assert codec.run(data, "png").error == "unsupported_format"
    progressive = encoded(picture(640, 480), "JPEG", progressive=True)
    assert codec.run(progressive, "jpeg", {"max_scans": 2}).error == "too_large"
    assert codec.run(progressive, "jpeg").error is None
    frames = [picture(300, 300, seed) for seed in range(5)]
    for kind in ("PNG", "WEBP"):
        sink = io.BytesIO()
        frames[0].save(sink, kind, save_all=True, append_images=frames[1:])
        assert codec.run(sink.getvalue(), kind.lower(), {"max_frames": 4}).error == "too_large"
        result = codec.run(sink.getvalue(), kind.lower(), {"max_frames": 5})
        first = judge.patches(frames[0])
        for found, wanted in zip(judge.patches(judge.opened(result.variants["webp"])), first):
            assert abs(found - wanted).max() < 10


def test_fail_on(codec):
    """Trailing parts may be missing where the caller says so; pixels may not."""
    data = encoded(picture(300, 300), "PNG")
    without_end = data[:-12]
    assert codec.run(without_end, "png").error == "corrupt_image"
    assert codec.run(without_end, "png", fail_on="error").error is None
    assert codec.run(data[:-400], "png", fail_on="error").error == "corrupt_image"
    photo = jpeg(640, 480)
    assert codec.run(photo[:len(photo) // 2], "jpeg", fail_on="error").error == "corrupt_image"
