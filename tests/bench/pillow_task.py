# SPDX-License-Identifier: Apache-2.0
"""The job as a Celery task does it with Pillow, in the protocol of bench_line.h. Celery's own share of a job is not in it."""
import io
import sys
import time

from PIL import Image, ImageOps


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def variant(name, image, prefix, **options):
    sink = io.BytesIO()
    image.save(sink, **options)
    say(f"variant {name} {sink.tell()}")
    if prefix != "-":
        with open(f"{prefix}.{name}", "wb") as file:
            file.write(sink.getvalue())


def small(image, side):
    copy = image.copy()
    copy.thumbnail((side, side), Image.LANCZOS)
    return copy


def run(data, method, quality, prefix):
    image = Image.open(io.BytesIO(data))
    image.load()  # a picture that can not be read whole is refused here
    image = ImageOps.exif_transpose(image)
    if image.mode != "RGB":
        image = image.convert("RGB")
    variant("thumbnail", small(image, 200), prefix, format="JPEG", quality=85, optimize=True)
    variant("medium", small(image, 800), prefix, format="JPEG", quality=90, optimize=True)
    variant("webp", image, prefix, format="WEBP", quality=int(quality), method=method)


def main():
    for line in sys.stdin:
        path, method, quality, prefix = line.split()
        with open(path, "rb") as file:
            data = file.read()
        begun = time.process_time()
        run(data, int(method), float(quality), prefix)
        say(f"done {(time.process_time() - begun) * 1e6:.0f}")


if __name__ == "__main__":
    main()
