# SPDX-License-Identifier: Apache-2.0
"""A disk that takes nothing more: full, over its quota, broken, read-only. 503, and nothing is kept."""
import os
import subprocess

import pytest

from support import pictures
from support.client import Client
from support.process import service_user, wait_until
from support.servers import Stack

POINTS = ("storage.begin", "storage.write", "storage.commit")
ERRORS = {"ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded", "EIO": "Input/output error",
          "EROFS": "Read-only file system"}


def unavailable(answer):
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert answer.json()["code"] == "storage_unavailable" and int(answer.headers["Retry-After"]) > 0
    assert "errors" not in answer.json()


def has_failpoints(home):
    """Only builds for tests have them."""
    return b"PIXMILL_FAILPOINT\0" in (program := home.program("pixmill-api").read_bytes()) and b"storage.begin\0" in program


def said(stack, message):
    return [line for line in stack.api.log_lines() if line["message"].startswith(message)]


@pytest.fixture(scope="module")
def failing(home, pg, redis):
    """(stack, files): while files[point, error] exists, that point fails so."""
    if not has_failpoints(home):
        pytest.fail("this build has no failpoints; that of the dev preset has")
    stack = Stack(home, pg, redis)
    files = {(point, error): stack.folder / f"{point}-{error}" for point in POINTS for error in ERRORS}
    stack.extra_env["PIXMILL_FAILPOINT"] = ",".join(f"{point}={error}:{path}" for (point, error), path in files.items())
    try:
        stack.start(workers=0)
        yield stack, files
    finally:
        stack.stop()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("error", ERRORS)
def test_an_upload_that_can_not_be_stored_leaves_nothing(failing, point, error):
    stack, files = failing
    client = Client(stack)
    slug = client.product()["slug"]
    assert client.upload(slug, pictures.jpeg()).status_code == 201
    before, rows = stack.media_files(), stack.query("SELECT count(*) FROM image")
    told, over = len(said(stack, "the storage takes no uploads")), len(said(stack, "the storage takes uploads again"))
    files[point, error].touch()
    try:
        for _ in range(2):
            unavailable(client.upload(slug, pictures.jpeg()))
            unavailable(client.upload_raw(slug, pictures.jpeg()))
    finally:
        files[point, error].unlink()
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing is open")
    assert stack.media_files() == before and stack.query("SELECT count(*) FROM image") == rows
    # one clear line for the operator, however many are refused
    lines = said(stack, "the storage takes no uploads")[told:]
    assert len(lines) == 1 and lines[0]["level"] == "error" and ERRORS[error] in str(lines[0]["error"])
    assert client.upload(slug, pictures.jpeg()).status_code == 201
    [line] = said(stack, "the storage takes uploads again")[over:]
    assert line["refused"] == 4
    client.close()


@pytest.fixture
def small_disk(new_stack):
    """A stack whose media folder is a file system of its own of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    stack = new_stack(workers=0)
    stack.stop_api()
    user = service_user()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=2m,mode=700,uid={user.pw_uid},gid={user.pw_gid}", "tmpfs",
                              stack.media_dir], check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr}")
    try:
        stack.start_api()
        yield stack
        stack.stop_api()
    finally:
        subprocess.run(["umount", "-l", stack.media_dir], check=True)


def test_a_disk_that_gets_full_and_has_room_again(small_disk):
    stack = small_disk
    client = Client(stack)
    slug = client.product()["slug"]
    taken = {}
    for seed in range(200):
        data = pictures.jpeg(1200, 1200, seed=seed)
        answer = client.upload(slug, data)
        if answer.status_code != 201:
            break
        taken[answer.json()["image_url"]] = data
    unavailable(answer)
    assert taken
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing is open")
    assert len(stack.media_files()) == len(taken)
    assert stack.query("SELECT count(*) FROM image") == [(len(taken),)]
    for url, data in taken.items():
        assert client.get(url).content == data
    [line] = said(stack, "the storage takes no uploads")
    assert ERRORS["ENOSPC"] in str(line["error"])
    stack.query("DELETE FROM image")
    for name in stack.media_files():
        (stack.media_dir / name).unlink()
    assert client.upload(slug, data).status_code == 201
    assert len(said(stack, "the storage takes uploads again")) == 1
    client.close()


def test_a_file_system_that_is_made_read_only(small_disk):
    stack = small_disk
    client = Client(stack)
    slug = client.product()["slug"]
    assert client.upload(slug, pictures.jpeg()).status_code == 201
    before = stack.media_files()
    subprocess.run(["mount", "-o", "remount,ro", stack.media_dir], check=True)
    unavailable(client.upload(slug, pictures.jpeg()))
    ready = client.get("/readyz")
    assert ready.status_code == 503 and ready.json()["storage"] == "down"
    subprocess.run(["mount", "-o", "remount,rw", stack.media_dir], check=True)
    stack.wait_ready()
    assert stack.media_files() == before
    assert client.upload(slug, pictures.jpeg()).status_code == 201
    client.close()
