# SPDX-License-Identifier: Apache-2.0
"""What the built codec is linked with: no database, no queue, no network, neither as a library nor as code of ours."""
import subprocess
from pathlib import Path

from tree import Problem

LIBRARIES = ("libpq", "libhiredis", "libcurl", "libuv")
# First words of public functions, from the libraries that the codec must not hold.
WORDS = ("PQ", "redisAsync", "curl_", "uv_", "queue_", "storage_", "db_", "loop_", "config_load")


def needed(program):
    """Names of the shared libraries that a program asks for itself."""
    text = subprocess.run(["readelf", "-d", str(program)], check=True, capture_output=True, text=True).stdout
    return [line.partition("[")[2].partition("]")[0] for line in text.splitlines() if "(NEEDED)" in line]


def symbols(program):
    text = subprocess.run(["nm", str(program)], check=True, capture_output=True, text=True).stdout
    return [line.split()[-1] for line in text.splitlines() if line.strip()]


def check(root, program=None):
    program = Path(program or Path(root) / "build" / "dev" / "bin" / "pixmill-codec")
    if not program.is_file():
        return [Problem(f"{program} is not built")]
    found = [Problem(f"pixmill-codec: linked with {name}") for name in needed(program) if name.startswith(LIBRARIES)]
    found += [Problem(f"pixmill-codec: holds {name}") for name in symbols(program) if name.startswith(WORDS)]
    return found
