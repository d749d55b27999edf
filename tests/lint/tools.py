# SPDX-License-Identifier: Apache-2.0
"""clang-format, clang-tidy, cppcheck and shellcheck over the tree. clang-tidy's good answers are kept by content in build/."""
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

from tree import Problem, files, first_line, sources, text_of

OURS = ("common/", "api/", "worker/")
LOCAL_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def run(argv, root):
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)


def told(done, limit=60):
    """What a tool said, as problems: one a line that looks like path:line, else its last lines."""
    text = (done.stdout + done.stderr).strip()
    lines = [line for line in text.splitlines() if re.match(r"^\S+:\d+", line)] or text.splitlines()[-5:]
    return [Problem(line) for line in lines[:limit]] or [Problem(f"{done.args[0]} ended with {done.returncode}")]


def check_format(root):
    """Every .c and .h is as clang-format would write it."""
    paths = sources(root)
    if not paths:
        return []
    done = run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=0", *paths], root)
    if done.returncode == 0:
        return []
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", done.stderr, re.M)))
    return [Problem(f"{path}: not as clang-format -i would write it") for path in bad] or told(done)


def content_of(root, path, seen):
    """Hash input of a file and everything of ours that it includes."""
    if path in seen:
        return
    seen.add(path)
    text = text_of(root, path) if (Path(root) / path).is_file() else ""
    for target in LOCAL_INCLUDE.findall(text or ""):
        content_of(root, target, seen)


def fingerprint(root, path, command):
    seen = set()
    content_of(root, path, seen)
    whole = hashlib.sha256()
    whole.update(command.encode())
    for name in [".clang-tidy", "common/base/banned.h", *sorted(seen)]:
        file = Path(root) / name
        whole.update(name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b"") + b"\0")
    return whole.hexdigest()


def tidy_one(root, build, path, command, cache):
    mark = cache / fingerprint(root, path, command)
    if mark.exists():
        return []
    done = run(["clang-tidy", "--quiet", "-p", str(build), path], root)
    if done.returncode == 0:
        mark.touch()
        return []
    lines = [line for line in done.stdout.splitlines() if re.search(r": (error|warning):", line)]
    return [Problem(line.replace(f"{root}/", "")) for line in lines] or told(done)


def check_tidy(root, build=None):
    """clang-tidy with the rules of .clang-tidy over every compiled file of ours."""
    build = Path(build or Path(root) / "build" / "dev")
    if not (build / "compile_commands.json").is_file():
        return [Problem(f"{build}/compile_commands.json is missing: build first")]
    version = run(["clang-tidy", "--version"], root).stdout
    cache = build / "lint-cache"
    cache.mkdir(exist_ok=True)
    jobs = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if path.startswith(OURS):
            jobs[path] = version + entry.get("command", "")
    if not jobs:
        return [Problem("clang-tidy: no compiled file of ours")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = pool.map(lambda item: tidy_one(root, build, item[0], item[1], cache), sorted(jobs.items()))
        return sorted({told_line for answer in answers for told_line in answer})


def check_cppcheck(root, build=None):
    folders = [name for name in ("common", "api", "worker") if (Path(root) / name).is_dir()]
    kept = Path(build or Path(root) / "build" / "dev") / "cppcheck"
    kept.mkdir(parents=True, exist_ok=True)
    done = run(["cppcheck", "--enable=warning,performance,portability", "--error-exitcode=2", "--inline-suppr", "--quiet",
                "--std=c11", "--library=posix", "--suppress=missingIncludeSystem", "--suppress=readdirCalled", "-D_GNU_SOURCE", "-I.",
                f"-j{os.cpu_count() or 1}", f"--cppcheck-build-dir={kept}", *folders], root)
    return [] if done.returncode == 0 else told(done)


def check_shell(root):
    """Every shell script, with the parts that it sources."""
    paths = [path for path in files(root) if re.match(r"#!.*\b(ba)?sh\b", first_line(root, path))]
    if not paths:
        return []
    done = run(["shellcheck", "-x", "-a", "-P", ".", "-f", "gcc", *paths], root)
    return [] if done.returncode == 0 else told(done)
