# SPDX-License-Identifier: Apache-2.0
"""The table of settings in README.md is what the program prints. `docs.py --write` puts it there."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tree import Problem  # noqa: E402

BEGIN = "<!-- settings: made by pixmill-api --config-doc -->\n"
END = "<!-- end of settings -->\n"


def printed(root):
    """What the built program says, or None where it is not built."""
    program = Path(root) / "build" / "dev" / "bin" / "pixmill-api"
    if not program.is_file():
        return None
    return subprocess.run([program, "--config-doc"], check=True, capture_output=True, text=True).stdout


def parts(text):
    """What stands before the table, the table, and what stands after it; None where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    return (before + begin, table, end + after) if begin and end else None


def check(root, table=None):
    table = printed(root) if table is None else table
    if table is None:
        return [Problem("build/dev/bin/pixmill-api is not built")]
    found = parts((Path(root) / "README.md").read_text())
    if found is None:
        return [Problem("README.md: the marks around the table of settings are gone")]
    if found[1] != table:
        return [Problem("README.md: the table of settings is old; run tests/lint/docs.py --write")]
    return []


def write(root):
    path = Path(root) / "README.md"
    before, _, after = parts(path.read_text())
    path.write_text(before + printed(root) + after)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: docs.py --write")
    write(Path(__file__).resolve().parents[2])
