# SPDX-License-Identifier: Apache-2.0
"""common/base/banned.h works with every compiler, at every level of optimization and hardening: headers compile, a use does not."""
import re
import subprocess
from pathlib import Path

from tree import Problem

HEADER = "common/base/banned.h"
COMPILERS = (["gcc"], ["clang", "-ferror-limit=0"])
LEVELS = (["-O0"], ["-O2"], ["-O2", "-D_FORTIFY_SOURCE=1"], ["-O2", "-D_FORTIFY_SOURCE=2"], ["-O3", "-D_FORTIFY_SOURCE=3"])
# what is read after the header must not stumble over what it bans
FINE = "#include <stdio.h>\n#include <unistd.h>\n#include <wchar.h>\n#include <uv.h>\n#include <libpq-fe.h>\nint x;\n"


def compile_text(root, compiler, level, source):
    """What the compiler says; "" where it is content."""
    done = subprocess.run(
        [*compiler, "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", *level, "-I/usr/include/postgresql",
         "-include", str(Path(root) / HEADER), "-x", "c", "-fsyntax-only", "-"],
        input=source, text=True, capture_output=True, check=False)
    return done.stderr if done.returncode else ""


def names(root):
    """Every name that the header bans."""
    lines = re.findall(r"^#pragma GCC poison (.*)$", (Path(root) / HEADER).read_text(), re.MULTILINE)
    return " ".join(lines).split()


def check(root):
    problems = []
    banned = names(root)
    for compiler in COMPILERS:
        for level in LEVELS:
            how = f"{HEADER}: {compiler[0]} {' '.join(level)}"
            said = compile_text(root, compiler, level, FINE)
            if said:
                told = [line for line in said.splitlines() if "error:" in line]
                problems.append(Problem(f"{how}: {(told or said.splitlines())[0]}"))
            said = compile_text(root, compiler, level, "".join(f"{name}\n" for name in banned))
            refused = {int(line) for line in re.findall(r"^<stdin>:(\d+):.*poison", said, re.MULTILINE)}
            problems += [Problem(f"{how}: {name} is not banned") for line, name in enumerate(banned, 1) if line not in refused]
    return problems if banned else [Problem(f"{HEADER}: bans nothing")]
