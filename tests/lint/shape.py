# SPDX-License-Identifier: Apache-2.0
"""Length of files and functions, the SPDX line, words that have no place in the tree, and comments of public functions."""
import re

from tree import files, first_line, problem, sources, text_of

MOST_LINES = 500
MOST_FUNCTION_LINES = 60
SPDX = "SPDX-License-" + "Identifier: Apache-2.0"
NEEDS_SPDX = (".c", ".h", ".def", ".py", ".sh", ".lua", ".sql", "CMakeLists.txt", "Dockerfile", "docker-compose.yml")
# Generated or legal text.
LONG_IS_FINE = ("LICENSE", "openapi.yaml", "package-lock.json")

# Spelled so that this file passes its own lint.
BANNED = [
    (re.compile(r"(?<![\w.}])/w[o]rk/"), "a path of one machine"),
    (re.compile(r"(?<![\w.}])/r[o]ot/\w"), "a path of one machine"),
    (re.compile(r"\b[Ii]ssue (n[o]\. ?|#)?\d+\b"), "an issue's number: say what, not where it was asked"),
    (re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b"), "a note to oneself"),
    (re.compile(r"registry\.npmjs\.|registry-1\.docker\.|\bpypi\.org|pythonhosted\.|snapshot\.debian\.|proxy\.golang\."),
     "a registry's host"),
]
DECLARATION = re.compile(r"^[A-Za-z_][\w\s\*]*?\b(\w+)\s*\(", re.S)


def check_text(path, text):
    found = []
    lines = text.splitlines()
    if len(lines) > MOST_LINES and not path.endswith(LONG_IS_FINE):
        found.append(problem(path, len(lines), f"{len(lines)} lines; {MOST_LINES} are the most"))
    for number, line in enumerate(lines, 1):
        for pattern, why in BANNED:
            if pattern.search(line):
                found.append(problem(path, number, f"{why}: {line.strip()[:100]}"))
    return found


def check_spdx(path, text, start):
    if not (path.endswith(NEEDS_SPDX) or start.startswith("#!")):
        return []
    count = text.count(SPDX)
    if SPDX not in "\n".join(text.splitlines()[:3]):
        return [problem(path, 1, "no SPDX line at the top")]
    return [problem(path, 1, f"{count} SPDX lines")] if count != 1 else []


def check_functions(path, text):
    """clang-format puts a function's braces alone in the first column, so they can be counted without a parser."""
    found = []
    begun = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            begun = number
        elif line == "}" and begun is not None:
            length = number - begun - 1
            if length > MOST_FUNCTION_LINES:
                found.append(problem(path, begun, f"a function of {length} lines; {MOST_FUNCTION_LINES} are the most"))
            begun = None
    return found


def blocks(text):
    """(line, text) of what blank lines separate in a header, with macros' lines left out."""
    block, start, is_macro = [], 1, False
    for number, line in enumerate(text.splitlines() + [""], 1):
        was_macro = is_macro
        is_macro = (line.lstrip().startswith("#") or was_macro) and line.rstrip().endswith("\\")
        if line.lstrip().startswith("#") or was_macro:
            line = ""
            if block:
                continue
        if line.strip():
            if not block:
                start = number
            block.append(line)
        elif block:
            yield start, "\n".join(block)
            block = []


def check_comments(path, text):
    """A declaration, or a group of them without blank lines between, has a comment before it."""
    found = []
    in_comment = False
    for start, block in blocks(text):
        begins_inside = in_comment
        in_comment = block.rfind("/*") > block.rfind("*/")
        if begins_inside or block.lstrip().startswith(("/*", "//", "typedef", "struct", "enum", "union", "}")):
            if not re.match(r"^struct\s+\w+\s*\**\s*\w+\(", block):
                continue
        match = DECLARATION.match(block)
        if match and "{" not in block.partition("(")[0]:
            found.append(problem(path, start, f"{match.group(1)} has no comment"))
    return found


def check(root):
    found = []
    for path in files(root):
        text = text_of(root, path)
        if text is None:
            continue
        found += check_text(path, text)
        found += check_spdx(path, text, first_line(root, path))
    for path in sources(root):
        text = text_of(root, path) or ""
        if path.endswith(".c"):
            found += check_functions(path, text)
        elif not path.startswith("tests/"):
            found += check_comments(path, text)
    return found
