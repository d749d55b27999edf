# SPDX-License-Identifier: Apache-2.0
"""The codec under valgrind: whatever a file lacks, no byte that was never written decides anything or leaves the process.

valgrind replaces the sanitizers, so this runs the release build.
"""
import subprocess

import pytest

from support import pictures
from support.codec import Codec
from support.process import REPO

PROGRAM = REPO / "build" / "release" / "bin" / "pixmill-codec"
VALGRIND_EXIT = 77
VALGRIND = ("/usr/bin/valgrind", "--quiet", "--error-exitcode=77", "--exit-on-first-error=yes", "--leak-check=no",
            "--track-origins=no")
SMALL = {"width": 240, "height": 200, "seed": 3}
CUTS = (15, 40, 65, 90, 99)


def originals():
    """Every path through the codec: planes, colours, alpha, progressive, turned, both kinds of WebP."""
    drawn = pictures.picture(240, 200, 3)
    alpha = pictures.picture(240, 200, 4, "RGBA")
    return {
        "baseline": ("jpeg", pictures.jpeg(**SMALL)),
        "turned": ("jpeg", pictures.jpeg(**SMALL, orientation=6)),
        "progressive": ("jpeg", pictures.encoded(drawn, "JPEG", quality=85, progressive=True)),
        "444": ("jpeg", pictures.encoded(drawn, "JPEG", quality=85, subsampling=0)),
        "grey": ("jpeg", pictures.encoded(drawn.convert("L"), "JPEG", quality=85)),
        "cmyk": ("jpeg", pictures.encoded(drawn.convert("CMYK"), "JPEG", quality=85)),
        "png": ("png", pictures.encoded(drawn, "PNG")),
        "png-alpha": ("png", pictures.encoded(alpha, "PNG")),
        "png-grey": ("png", pictures.encoded(drawn.convert("L").crop((0, 0, 201, 200)), "PNG")),
        "png-palette": ("png", pictures.encoded(drawn.convert("P").crop((0, 0, 239, 200)), "PNG", transparency=3)),
        "webp": ("webp", pictures.encoded(drawn, "WEBP", quality=80)),
        "webp-lossless": ("webp", pictures.encoded(alpha, "WEBP", lossless=True)),
    }


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    assert PROGRAM.is_file(), f"{PROGRAM} is not built"
    log = tmp_path_factory.mktemp("valgrind") / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIXMILL_BIN", str(PROGRAM.parent))
        made = Codec(memory_bytes=8 << 30, sandbox=False, wrapper=VALGRIND, log_path=log)
    made.wait_ready()
    yield made
    code = made.close()
    assert code == 0, f"exit {code}\n{log.read_text(errors='replace')[-4000:]}"


@pytest.mark.parametrize("name", originals())
def test_whole_and_cut_files_touch_no_byte_that_was_not_written(codec, name):
    kind, data = originals()[name]
    assert codec.run(data, kind).error is None
    for percent in CUTS:
        result = codec.run(data[:len(data) * percent // 100], kind)
        assert result.error in ("corrupt_image", "invalid_image"), f"{name} cut at {percent} %: {result}"
    # still whole: nothing of a broken file is left in what codecs keep between images
    assert codec.run(data, kind).error is None


def test_a_byte_that_was_never_written_is_seen(tmp_path):
    """The check can fail: a program that writes one is ended by valgrind."""
    source = tmp_path / "bad.c"
    source.write_text("#include <stdlib.h>\n#include <unistd.h>\n"
                      "int main(void) { char *p = malloc(8); return write(1, p, 8) != 8; }\n")
    subprocess.run(["cc", "-O0", "-o", tmp_path / "bad", source], check=True)
    done = subprocess.run([*VALGRIND, tmp_path / "bad"], capture_output=True, check=False)
    assert done.returncode == VALGRIND_EXIT
