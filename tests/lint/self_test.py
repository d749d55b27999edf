# SPDX-License-Identifier: Apache-2.0
"""Shows of every lint that it can fail: each is run over a small tree with one fault, and over the same tree without it."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import arrows
import banned
import docs
import linked
import shape
import tools
from tree import text_of

SPDX_C = "// SPDX-License-" + "Identifier: Apache-2.0\n"
CLEAN = {
    "common/base/err.h": SPDX_C + "/* Says nothing. */\nint err_none(void);\n",
    "common/base/err.c": SPDX_C + '#include "common/base/err.h"\n\nint err_none(void)\n{\n    return 0;\n}\n',
    "worker/codec/main.c": SPDX_C + '#include "common/base/err.h"\n\nint main(void)\n{\n    return err_none();\n}\n',
}
# lint, path, text, a word of the problem that must be told
FAULTS = [
    (arrows.check, "worker/codec/x.c", SPDX_C + '#include "common/queue/queue.h"\n', "may not include"),
    (arrows.check, "worker/codec/x.c", SPDX_C + "#include <libpq-fe.h>\n", "belongs to"),
    (arrows.check, "api/x.c", SPDX_C + '#include "worker/wire/wire.h"\n', "may not include"),
    (arrows.check, "worker/x.c", SPDX_C + '#include "api/http/parse.h"\n', "may not include"),
    (arrows.check, "common/base/x.c", SPDX_C + '#include "common/net/loop.h"\n', "may not include"),
    (arrows.check, "common/base/x.c", SPDX_C + '#include "err.h"\n', "from the top"),
    (arrows.check, "common/base/x.c", SPDX_C + '#include "tests/support/x.h"\n', "nobody includes tests"),
    (arrows.check, "common/attic/x.c", SPDX_C, "no row"),
    (arrows.check, "worker/codec/CMakeLists.txt",
     "pixmill_library(pixmill_codec SOURCES a.c\n    LINKS pixmill_base pixmill_db)\n", "may not link"),
    (shape.check, "common/base/x.c", SPDX_C + "\n" * 500, "lines"),
    (shape.check, "common/base/x.c", SPDX_C + "int f(void)\n{\n" + "    f();\n" * 61 + "}\n", "function of"),
    (shape.check, "common/base/x.c", "int x;\n", "no SPDX"),
    (shape.check, "common/base/x.c", SPDX_C + SPDX_C, "2 SPDX"),
    (shape.check, "common/base/x.c", SPDX_C + "// see /w" + "ork/main\n", "path of one machine"),
    (shape.check, "common/base/x.c", SPDX_C + "// as iss" + "ue 12 asks\n", "issue"),
    (shape.check, "common/base/x.c", SPDX_C + "// TO" + "DO later\n", "note to oneself"),
    (shape.check, "deploy/x.sh", "#!/bin/sh\n" + "# SPDX-License-" + "Identifier: Apache-2.0\ncurl https://py" + "pi.org\n",
     "registry"),
    (shape.check, "common/base/x.h", SPDX_C + "#ifndef X_H\n#define X_H\n\nint x_bare(int a);\n\n#endif\n", "x_bare has no"),
    (shape.check, "common/base/x.h", SPDX_C + "\nstruct x *x_made(void);\n", "x_made has no"),
    (tools.check_format, "common/base/x.c", SPDX_C + "int  f(void){return 0;}\n", "x.c: not as"),
    (tools.check_cppcheck, "common/base/x.c", SPDX_C + "int f(void)\n{\n    int a[2] = {0, 0};\n    return a[2];\n}\n", "bounds"),
    (tools.check_shell, "deploy/x.sh", "#!/bin/bash\nrm -rf $1/x\n", "SC"),
]


def write(root, path, text):
    target = Path(root) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def clean_tree(repo):
    root = tempfile.mkdtemp(prefix="pixmill-lint-")
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(Path(repo) / name, root)
    for path, text in CLEAN.items():
        write(root, path, text)
    return root


def expect(name, problems, word):
    if word is None:
        return [] if not problems else [f"{name}: found fault with a clean tree: {problems[0]}"]
    return [] if any(word in line for line in problems) else [f"{name}: did not see '{word}' in {list(problems)}"]


def compile_bad(root, source, program):
    """A program that calls into a library it must not have."""
    write(root, "bad.c", source)
    subprocess.run(["cc", "-o", f"{root}/{program}", f"{root}/bad.c", "-Wl,--no-as-needed", "-lpq"], check=True)


def test_linked(repo):
    root = clean_tree(repo)
    try:
        compile_bad(root, "int queue_push(void) { return 1; }\nint main(void) { return queue_push(); }\n", "codec")
        problems = linked.check(root, f"{root}/codec")
        return (expect("linked", problems, "linked with libpq") + expect("linked", problems, "holds queue_push") +
                expect("linked", linked.check(root), "is not built"))
    finally:
        shutil.rmtree(root)


def test_docs():
    root = Path(tempfile.mkdtemp(prefix="pixmill-lint-"))
    try:
        readme = root / "README.md"
        readme.write_text(f"Text.\n{docs.BEGIN}| a |\n{docs.END}More.\n")
        faults = expect("docs", docs.check(root, "| a |\n"), None) + expect("docs", docs.check(root, "| b |\n"), "is old")
        readme.write_text("No marks.\n")
        return faults + expect("docs", docs.check(root, "| a |\n"), "marks")
    finally:
        shutil.rmtree(root)


def test_banned(repo):
    """The header itself, one that bans nothing, and one that trips over a macro."""
    root = clean_tree(repo)
    try:
        text = text_of(repo, banned.HEADER)
        faults = []
        for header, word in ((text, None), (text.replace("#pragma GCC poison", "//"), "bans nothing"),
                             (text.replace("#undef sprintf\n", ""), "clang -O2 -D_FORTIFY_SOURCE=2"),
                             (text.replace("#endif", "#pragma GCC poison wchar_t\n#endif"), "wchar_t")):
            write(root, banned.HEADER, header)
            faults += expect("banned", banned.check(root), word)
        return faults
    finally:
        shutil.rmtree(root)


def test_tidy(repo):
    root = clean_tree(repo)
    try:
        bad = "int f(int *p);\nint f(int *p)\n{\n    if (!p)\n        return *p;\n    else\n        return 1;\n}\n"
        write(root, "common/base/x.c", SPDX_C + bad)
        build = Path(root) / "build" / "dev"
        build.mkdir(parents=True)
        write(root, "build/dev/compile_commands.json", (
            f'[{{"directory": "{build}", "command": "cc -std=c11 -I{root} -c {root}/common/base/x.c",'
            f' "file": "{root}/common/base/x.c"}}]'))
        return expect("clang-tidy", tools.check_tidy(root), "NullDereference")
    finally:
        shutil.rmtree(root)


def run(repo):
    """Sentences of what a lint failed to see; empty where all of them can fail."""
    faults = []
    for lint in (arrows.check, shape.check, tools.check_format, tools.check_cppcheck, tools.check_shell):
        root = clean_tree(repo)
        faults += expect(lint.__module__, lint(root), None)
        shutil.rmtree(root)
    for lint, path, text, word in FAULTS:
        root = clean_tree(repo)
        write(root, path, text)
        faults += expect(f"{lint.__module__}.{lint.__name__} {path}", lint(root), word)
        assert text_of(root, path) == text
        shutil.rmtree(root)
    return faults + test_linked(repo) + test_docs() + test_banned(repo) + test_tidy(repo)
