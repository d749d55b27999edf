# SPDX-License-Identifier: Apache-2.0
"""Every file of the folder of test images through a real pixmill-codec, judged by Pillow."""
import pytest

from support import judge
from support.codec import codec_process

# below this a tenth of a side is so few pixels that its edge decides the mean
SMALLEST_JUDGED = 100
PAYLOADS = (b"payload-marker-7f3a", b"<?php", b"<script", b"<html")


def faults_of(row, result):
    """All that is wrong with what the codec made of a row's file."""
    if result.error not in judge.allowed_words(row):
        return [f"{result.error} ({result.sentence}), where the manifest says {row['verdict']} {row['also_ok']}"]
    if result.error is not None:
        return []
    size = (int(row["width"]), int(row["height"]))
    webp = judge.opened(result.variants["webp"])
    faults = [judge.webp_fault(result.variants["webp"]), judge.colour_fault(row, webp)]
    if result.size != size or result.sizes["webp"] != size or webp.size != size:
        faults.append(f"{result.size}, {webp.size} where the manifest says {size}")
    if result.head != (int(row["stored_width"]), int(row["stored_height"])):
        faults.append(f"stored size {result.head}")
    for name, side in (("thumbnail", 200), ("medium", 800)):
        image = judge.opened(result.variants[name])
        faults.append(judge.jpeg_fault(result.variants[name]))
        if min(image.size) >= SMALLEST_JUDGED:
            faults.append(judge.colour_fault(row, image))
        if not image.size == result.sizes[name] == judge.thumbnail_size(size, (side, side)):
            faults.append(f"{name} is {image.size}")
    faults += [f"{payload} is in {name}" for name, data in result.variants.items() for payload in PAYLOADS if payload in data]
    return [fault for fault in faults if fault]


def test_every_row(images_dir, tmp_path):
    rows = judge.manifest(images_dir)
    unmet = {}
    with codec_process(tmp_path) as codec:
        for row in rows:
            data = (images_dir / row["path"]).read_bytes()
            result = codec.run(data, judge.kind_of(data))
            faults = faults_of(row, result)
            if faults:
                unmet[row["path"]] = "; ".join(faults)
    print(f"{len(rows) - len(unmet)} of {len(rows)} rows are met")
    assert not unmet, "rows not met:\n" + "\n".join(f"{path}: {fault}" for path, fault in sorted(unmet.items()))


@pytest.mark.parametrize("name", ["valid/jpeg/hibiscus.regular.jpeg", "valid/jpeg/cat.jpg", "valid/png/hibiscus.regular.png",
                                  "valid/png/benchRGB-interlace.png", "valid/webp/1.webp", "valid/webp/lossy_alpha1.webp",
                                  "valid/webp/hibiscus.regular.lossless.webp", "animated/animated-loop-3.webp"])
def test_truncated_at_every_twentieth(images_dir, tmp_path, name):
    data = (images_dir / name).read_bytes()
    with codec_process(tmp_path) as codec:
        for twentieth in range(1, 20):
            cut = data[:len(data) * twentieth // 20]
            result = codec.run(cut, judge.kind_of(data))
            # the upload already refuses what is cut within its header
            assert result.error == "corrupt_image" or (result.error == "invalid_image" and result.head is None), \
                f"{twentieth * 5} %: {result.error}"
            assert not result.variants
        # a file that is shorter than the job says
        assert codec.run(data[:-1], judge.kind_of(data), input_bytes=len(data)).error == "corrupt_image"
        assert codec.run(data, judge.kind_of(data)).error is None


def test_same_input_same_bytes(images_dir, tmp_path):
    names = ("valid/jpeg/harvesters.jpeg", "valid/png/test-pattern.png", "valid/webp/4.webp",
             "color/Channel_digital_image_CMYK_color.jpg")
    first, second = {}, {}
    for made in (first, second):
        with codec_process(tmp_path) as codec:
            for name in names if made is first else reversed(names):
                data = (images_dir / name).read_bytes()
                made[name] = codec.run(data, judge.kind_of(data)).variants
    assert first == second
