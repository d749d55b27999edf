# SPDX-License-Identifier: Apache-2.0
"""The two ways of a picture through a real pixmill-codec: planes all the way, or pixels by libvips. A job that asks for a PNG too, which
the first can not make, goes the second way; what both make of the same file is held against each other."""
import numpy
import pytest
from PIL import Image

from support import judge
from support.codec import DEFAULT_PROFILE, codec_process
from support.pictures import encoded, picture

PIXELS = [*DEFAULT_PROFILE, {"name": "png", "width": 1, "height": 1, "format": "png"}]
FINE = [{"name": f"s{side}", "width": side, "height": side, "format": "jpeg", "quality": 100} for side in (200, 800)]
# of Y, Cb, Cr: chroma is kept as stored on the one way, made into colours (cut off where there are none) and averaged again on
# the other. A patch has 8 x 8 pixels.
MEAN, WORST_PATCH, LIKE = 2.75, 16, 0.98
DITHERED_MEAN = 3.5  # a palette's dots differ in chroma from pixel to pixel


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    with codec_process(tmp_path_factory.mktemp("codec")) as made:
        yield made


def turned(kind, size, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(*size, orientation), kind, quality=90, exif=exif)


def apart(one, other, most=MEAN):
    """What is wrong between two encoded pictures of the same image; None where nothing is."""
    a, b = (judge.opened(data).convert("RGB").convert("YCbCr") for data in (one, other))
    if a.size != b.size:
        return f"sizes {a.size}, {b.size}"
    difference = numpy.abs(numpy.asarray(a).astype(int) - numpy.asarray(b)).astype(float)
    # single samples at sharp edges of colour differ as they like; what the eye takes in at once does not
    side = min(8, *a.size)
    rows, columns = a.height // side * side, a.width // side * side
    patches = difference[:rows, :columns].reshape(rows // side, side, columns // side, side, 3).mean((1, 3))
    mean, worst = difference.mean((0, 1)).max(), patches.max()
    if mean > most or worst > WORST_PATCH:
        return f"{mean:.2f} apart in the mean, {worst:.1f} in the worst patch"
    return None


@pytest.mark.parametrize("fail_on", ["error", "truncated", "warning"])
def test_both_ways_say_the_same_of_every_row(codec, images_dir, fail_on):
    unmet, compared = {}, 0
    for row in judge.manifest(images_dir):
        data = (images_dir / row["path"]).read_bytes()
        planes, pixels = (codec.run(data, judge.kind_of(data), profile=profile, fail_on=fail_on)
                          for profile in (DEFAULT_PROFILE, PIXELS))
        faults = [f"{planes.error}, {pixels.error}"] if planes.error != pixels.error else []
        # what damage makes of chroma is no colour, which the ways cut off in their own manners
        is_sound = row["verdict"] == "accept" and "corrupt" not in row["also_ok"]
        if planes.error is None and not faults and is_sound:
            most = DITHERED_MEAN if row["colour"].startswith("P") else MEAN
            faults = [apart(planes.variants[name], pixels.variants[name], most) for name in planes.variants]
            compared += 1
        if any(faults):
            unmet[row["path"]] = faults
    assert not unmet, "\n".join(f"{path}: {faults}" for path, faults in unmet.items())
    assert compared >= 50


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(640, 480), (641, 479), (1601, 1200), (201, 200)])
def test_both_ways_turn_alike(codec, kind, orientation, size):
    data = turned(kind, size, orientation)
    planes, pixels = (codec.run(data, kind.lower(), profile=profile) for profile in (DEFAULT_PROFILE, PIXELS))
    assert (planes.error, pixels.error) == (None, None)
    assert planes.size == pixels.size == (size if orientation < 5 else size[::-1])
    for name in planes.variants:
        assert apart(planes.variants[name], pixels.variants[name]) is None


def zone_plate(width, height):
    down, across = numpy.mgrid[0:height, 0:width]
    squares = (across - width / 2) ** 2 + (down - height / 2) ** 2
    waves = 127.5 + 127.5 * numpy.cos(numpy.pi * squares / max(width, height))
    return Image.fromarray(waves.astype(numpy.uint8)).convert("RGB")


@pytest.mark.parametrize("subsampling", [0, 1, 2], ids=["444", "422", "420"])
@pytest.mark.parametrize("image", [zone_plate(1600, 1600), zone_plate(2999, 1999), zone_plate(801, 700),
                                   picture(2400, 1800, 3), picture(4000, 300, 4)],
                         ids=["zone-1600", "zone-2999", "zone-801", "picture-2400", "picture-4000"])
def test_planes_are_as_sharp_as_a_full_lanczos(codec, image, subsampling):
    data = encoded(image, "JPEG", quality=92, subsampling=subsampling, progressive=subsampling == 1)
    source = judge.opened(data).convert("RGB")
    result = codec.run(data, "jpeg", profile=FINE)
    assert result.error is None, result.sentence
    for name, made in result.variants.items():
        small = judge.opened(made)
        likeness = judge.ssim(small, source.resize(small.size, Image.LANCZOS))
        assert likeness >= LIKE, f"{name}: {likeness:.4f}"


def test_a_full_size_jpeg_of_a_webp_has_the_full_range(codec):
    """WebP's black is 16, JPEG's is 0: neither washed out nor cut off, for large and small variants in any order."""
    ramp = Image.linear_gradient("L").resize((512, 300)).convert("RGB")
    profile = [{"name": "small", "width": 100, "height": 100, "format": "jpeg"},
               {"name": "webp", "width": 200, "height": 200, "format": "webp"},
               {"name": "full", "width": 0, "height": 0, "format": "jpeg", "quality": 95},
               {"name": "full-webp", "width": 0, "height": 0, "format": "webp", "quality": 95}]
    result = codec.run(encoded(ramp, "WEBP", quality=95), "webp", profile=profile)
    assert result.error is None, result.sentence
    for name, made in result.variants.items():
        image = judge.opened(made)
        wanted = ramp.resize(image.size, Image.LANCZOS)
        assert abs(numpy.asarray(image).astype(int) - numpy.asarray(wanted)).mean() < 2, name
        assert judge.patches(image)[0].max() < 24 and judge.patches(image)[3].min() > 231, name


@pytest.mark.parametrize("profile", [DEFAULT_PROFILE, PIXELS], ids=["planes", "pixels"])
def test_each_variant_tells_how_long_it_took(codec, profile):
    result = codec.run(encoded(picture(3000, 2000), "JPEG", quality=90), "jpeg", profile=profile)
    assert result.error is None and set(result.make_us) == {variant["name"] for variant in profile}
    # the parts make up the whole, but for what is sketched and sent between them
    assert 0.5 * result.encode_us <= sum(result.make_us.values()) <= result.encode_us + 1000
    assert result.make_us["webp"] > result.make_us["thumbnail"]
