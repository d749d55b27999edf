# SPDX-License-Identifier: Apache-2.0
"""Which folder may include which: every #include "..." of api/, worker/ and common/, and every LINKS of their CMakeLists.txt."""
import re
from pathlib import Path

from tree import files, problem, sources, text_of

BASE = {"common/base"}
CONFIG = BASE | {"common/config"}
MIDDLE = CONFIG | {"common/net", "common/job", "common/image"}
TOP = MIDDLE | {"common/queue", "common/storage", "common/db"}

# A folder without a row fails: a new room needs a decision. Each may include itself too.
MAY = {
    "common/base": set(),
    "common/config": BASE,
    "common/net": CONFIG,
    "common/job": CONFIG,
    "common/image": CONFIG,
    "common/queue": MIDDLE,
    "common/storage": MIDDLE,
    "common/db": MIDDLE,
    "api/http": CONFIG | {"common/net", "common/storage"},
    "api/route": TOP | {"api/http"},
    "api/handler": TOP | {"api/http", "api/route"},
    "api/page": BASE,
    "api": TOP | {"api/http", "api/route", "api/handler", "api/page"},
    "worker/wire": BASE | {"common/image"},
    "worker/codec": BASE | {"common/image", "worker/wire"},
    "worker": TOP | {"worker/wire"},
}
# Libraries that one folder wraps for all others.
WRAPPED = {
    "libpq-fe.h": {"common/db"},
    "hiredis/": {"common/net", "common/queue"},
    "msgpack": {"common/job"},
    "llhttp.h": {"api/http"},
    "vips/": {"worker/codec"},
    "webp/": {"worker/codec"},
    "jpeglib.h": {"worker/codec"},
    "seccomp.h": {"worker/codec"},
}
# Targets of CMakeLists.txt that are no folder of ours, and who may link them.
FOREIGN = {"llhttp": {"api/http"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
LINK = re.compile(r"\bpixmill_([a-z]+)\b")


def folder_of(path):
    """The row of a path: the longest one that is its folder or above."""
    folder = str(Path(path).parent.as_posix())
    while folder not in MAY and "/" in folder:
        folder = folder.rpartition("/")[0]
    return folder if folder in MAY else None


def check_include(root, path, line, kind, target, home):
    if kind == "<":
        for start, homes in WRAPPED.items():
            if target.startswith(start) and home not in homes:
                return problem(path, line, f"<{target}> belongs to {', '.join(sorted(homes))}")
        return None
    if target.startswith("tests/"):
        return problem(path, line, "nobody includes tests")
    if not (Path(root) / target).is_file() and "/" not in target:
        return problem(path, line, f'"{target}": includes are written from the top of the tree')
    other = folder_of(target)
    if other is None:
        return problem(path, line, f'"{target}" is in no folder that arrows.py knows')
    if other != home and other not in MAY[home]:
        return problem(path, line, f"{home} may not include {other}")
    return None


def check_links(root, path, home, targets):
    """LINKS of a folder's library obey the same arrows."""
    found = []
    text = text_of(root, path) or ""
    for call in re.finditer(r"pixmill_library\(([^)]*)\)", text):
        words = call.group(1)
        line = text[:call.start()].count("\n") + 1
        for name in LINK.findall(words.partition("LINKS")[2]):
            other = targets.get(name)
            if home in FOREIGN.get(name, ()):
                continue
            if other is None:
                found.append(problem(path, line, f"LINKS pixmill_{name}: no such folder"))
            elif other != home and other not in MAY[home]:
                found.append(problem(path, line, f"{home} may not link {other}"))
    return found


def check(root):
    found = []
    targets = {folder.rpartition("/")[2]: folder for folder in MAY if "/" in folder}
    for path in sources(root, folders=("common/", "api/", "worker/")):
        home = folder_of(path)
        if home is None:
            found.append(problem(path, 1, "its folder has no row in arrows.py"))
            continue
        text = text_of(root, path) or ""
        for match in INCLUDE.finditer(text):
            line = text[:match.start()].count("\n") + 1
            told = check_include(root, path, line, match.group(1), match.group(2), home)
            if told:
                found.append(told)
    for path in files(root):
        home = folder_of(path)
        if path.endswith("/CMakeLists.txt") and home and path.startswith(("common/", "api/", "worker/")):
            found += check_links(root, path, home, targets)
    return found
