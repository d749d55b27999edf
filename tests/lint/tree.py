# SPDX-License-Identifier: Apache-2.0
"""The files that lints look at, and how a problem is told."""
import os
from pathlib import Path

# Made by builds and runs; never part of the project.
SKIPPED = {"build", ".git", ".pixmill", "__pycache__", ".pytest_cache", ".cache", "node_modules"}
# Bytes that tests feed to parsers: not text of ours.
DATA = ("tests/fuzz/corpus/",)


class Problem(str):
    """One sentence: path:line: what."""


def problem(path, line, text):
    return Problem(f"{path}:{line}: {text}")


def files(root):
    """Paths of all files of the project, relative to root, as text with /."""
    found = []
    for folder, names, entries in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        for entry in entries:
            path = (Path(folder) / entry).relative_to(root).as_posix()
            if not path.startswith(DATA):
                found.append(path)
    return sorted(found)


def sources(root, suffixes=(".c", ".h"), folders=("common/", "api/", "worker/", "tests/")):
    return [path for path in files(root) if path.endswith(suffixes) and path.startswith(folders)]


def text_of(root, path):
    """The file's text, or None where it is not text."""
    data = (Path(root) / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def first_line(root, path):
    with open(Path(root) / path, "rb") as file:
        return file.readline(200).decode(errors="replace")
