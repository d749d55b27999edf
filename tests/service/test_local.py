# SPDX-License-Identifier: Apache-2.0
"""deploy/local as its user sees it: one folder, private servers, what died comes back, nothing foreign is touched."""
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from support.pictures import jpeg
from support.process import REPO, wait_until
from support.servers import free_port

LOCAL = REPO / "deploy" / "local"
# the first `up` builds a release
SECONDS = 900


def local(*args, data=None, code=0, env=None):
    """Runs deploy/local; asserts its exit code; returns its output, both streams."""
    argv = [str(LOCAL), *map(str, args)] + (["--data", str(data)] if data else [])
    done = subprocess.run(argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS, check=False, env={**os.environ, **(env or {})})
    assert done.returncode == code, f"{args} ended with {done.returncode}, expected {code}:\n{done.stdout}"
    return done.stdout


def pid_of(data, name):
    """The recorded process id, where that process lives."""
    pid, start = (data / "run" / f"{name}.pid").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert fields[19] == start
    return int(pid)


def pids(data):
    return {path.stem: pid_of(data, path.stem) for path in (data / "run").glob("*.pid")}


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Machine:
    """One data folder, removed at the end; port is its own."""

    def __init__(self, data):
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def up(self, *args, **options):
        return local("up", "--port", self.port, *args, data=self.data, **options)

    def remove(self):
        if (self.data / "kind").exists():
            local("reset", "--yes", data=self.data)


@pytest.fixture(scope="module")
def machine():
    folder = Path(tempfile.mkdtemp(prefix="pixmill-local-", dir="/tmp"))
    folder.chmod(0o755)
    made = Machine(folder / "data")
    try:
        made.up()
        yield made
        made.remove()
        assert not made.data.exists()
    finally:
        made.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(machine):
    """The machine with everything up, as the default is."""
    machine.up("--workers", 1)
    return machine


def test_up_prints_url_and_key_and_is_ready(running):
    said = running.up()
    key = (running.data / "api-key").read_text().strip()
    assert f"{running.url}/" in said
    assert key and key in said
    assert requests.get(running.url + "/readyz", timeout=10).status_code == 200
    made = requests.post(running.url + "/api/products/", json={"name": "Key test"}, timeout=10,
                         headers={"Authorization": f"Bearer {key}"})
    assert made.status_code == 201, made.text


def test_secrets_and_sockets_are_for_the_owner_alone(running):
    assert stat.S_IMODE((running.data / "api-key").stat().st_mode) == 0o600
    for name in ("redis.sock", ".s.PGSQL.5432"):
        path = running.data / "run" / name
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for name in ("media", "log", "run", "pg"):
        assert (running.data / name).stat().st_mode & 0o007 == 0, name
    assert running.data.stat().st_mode & 0o006 == 0


def test_nothing_listens_on_the_network_but_the_api(running):
    own = set(pids(running.data).values())
    inodes = set()
    for pid in own:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.add(fields[1])
    assert listening == {f"0100007F:{running.port:04X}"}


def test_processes_have_their_names_and_no_root(running):
    found = {name: Path(f"/proc/{pid}/comm").read_text().strip() for name, pid in pids(running.data).items()}
    assert found["api"] == "pixmill-api"
    assert found["worker-1"] == "pixmill-worker"
    worker = pid_of(running.data, "worker-1")
    children = Path(f"/proc/{worker}/task/{worker}/children")
    codecs = wait_until(lambda: children.read_text().split(), 20, "codecs of the worker")
    assert {Path(f"/proc/{pid}/comm").read_text().strip() for pid in codecs} == {"pixmill-codec"}
    for pid in [*pids(running.data).values(), *map(int, codecs)]:
        uid = int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                       if line.startswith("Uid:")).split()[1])
        assert uid != 0
        assert os.geteuid() == 0 or uid == os.geteuid()


def test_up_twice_changes_nothing(running):
    before = pids(running.data)
    running.up()
    assert pids(running.data) == before


@pytest.mark.parametrize("name", ["worker-1", "api", "redis", "postgres"])
def test_up_brings_back_what_died_and_leaves_the_rest(running, name):
    before = pids(running.data)
    os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: is_gone(before[name]), 20, f"the end of {name}")
    said = local("status", data=running.data, code=1)
    assert "not running" in said
    running.up()
    after = pids(running.data)
    assert after[name] != before[name]
    del after[name], before[name]
    assert after == before
    local("status", data=running.data)


def test_workers_grow_and_shrink(running):
    first = pid_of(running.data, "worker-1")
    running.up("--workers", 3)
    assert set(pids(running.data)) == {"postgres", "redis", "api", "worker-1", "worker-2", "worker-3"}
    running.up()
    assert len(pids(running.data)) == 6
    running.up("--workers", 1)
    assert set(pids(running.data)) == {"postgres", "redis", "api", "worker-1"}
    assert pid_of(running.data, "worker-1") == first


def test_down_stops_everything_and_keeps_the_data(running):
    key = (running.data / "api-key").read_text()
    headers = {"Authorization": f"Bearer {key.strip()}"}
    made = requests.post(running.url + "/api/products/", json={"name": "Kept"}, headers=headers, timeout=10).json()
    before = pids(running.data)
    local("down", data=running.data)
    assert all(is_gone(pid) for pid in before.values())
    assert not list((running.data / "run").glob("*.pid"))
    local("down", data=running.data)
    running.up()
    assert (running.data / "api-key").read_text() == key
    kept = requests.get(f"{running.url}/api/products/{made['slug']}/", timeout=10)
    assert kept.status_code == 200 and kept.json()["id"] == made["id"]


def test_a_recycled_process_id_is_never_killed(running):
    local("down", data=running.data)
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        (running.data / "run" / "worker-1.pid").write_text(f"{bystander.pid} 1\n")
        (running.data / "run" / "api.pid").write_text(f"{bystander.pid} 1\n")
        local("down", data=running.data)
        assert bystander.poll() is None
        running.up()
        assert bystander.poll() is None
        assert bystander.pid not in pids(running.data).values()
    finally:
        bystander.kill()
        bystander.wait()


def test_demo_uploads_the_given_files_and_names_the_bad_one(running, tmp_path):
    (tmp_path / "good.jpg").write_bytes(jpeg(640, 480))
    (tmp_path / "turned.jpg").write_bytes(jpeg(640, 480, 1, orientation=6))
    (tmp_path / "bad.jpg").write_bytes(b"this is no image at all")
    said = local("demo", tmp_path / "good.jpg", tmp_path / "turned.jpg", data=running.data)
    assert "640x480" in said and "480x640" in said and "200x150" in said
    url = next(line.split()[1] for line in said.splitlines() if line.strip().startswith("thumbnail "))
    assert requests.get(url, timeout=10).headers["Content-Type"] == "image/jpeg"
    said = local("demo", tmp_path / "good.jpg", tmp_path / "bad.jpg", tmp_path / "none.jpg", data=running.data, code=1)
    assert "unsupported_format" in said and "1 ready, 2 failed" in said


def test_demo_draws_its_own_and_does_up_first(running):
    local("down", data=running.data)
    said = local("demo", "--port", running.port, data=running.data)
    assert "6 ready, 0 failed" in said
    assert "1500x2000" in said


def test_up_does_not_call_a_worker_without_codecs_ready(running):
    local("down", data=running.data)
    said = running.up(env={"PIXMILL_CODEC_PATH": "/bin/false"}, code=1)
    assert "no codec" in said or "worker-1 ended" in said
    local("down", data=running.data)
    running.up()


def test_logs_show_every_part(running):
    said = local("logs", data=running.data)
    for name in ("api.log", "worker-1.log", "postgres.log", "redis.log"):
        assert name in said


def test_reset_wants_to_be_sure(running):
    said = local("reset", data=running.data, code=1)
    assert "--yes" in said
    assert (running.data / "api-key").exists()


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    local("up", data=tmp_path, code=1)
    local("reset", "--yes", data=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_taken_port_is_said(running):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = local("up", "--port", other.getsockname()[1], data=running.data, code=1)
        assert "taken" in said
    running.up()


def test_a_folder_too_long_for_a_socket_works():
    folder = Path(tempfile.mkdtemp(prefix="pixmill-local-", dir="/tmp"))
    folder.chmod(0o755)
    machine = Machine(folder / ("long" * 30) / "data")
    try:
        machine.up()
        assert requests.get(machine.url + "/readyz", timeout=10).status_code == 200
        assert stat.S_ISSOCK((machine.data / "run" / "redis.sock").stat().st_mode)
        place = (machine.data / "run" / "redis.sock").resolve().parent
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        machine.remove()
        assert not place.exists() and not machine.data.exists()
    finally:
        machine.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has servers run as another user")
def test_root_may_keep_the_data_where_nobody_else_can_enter(tmp_path):
    hidden = Path(tempfile.mkdtemp(prefix="pixmill-hidden-", dir="/tmp"))
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    machine = Machine(hidden / "data")
    try:
        machine.up()
        assert requests.get(machine.url + "/readyz", timeout=10).status_code == 200
        assert stat.S_IMODE((machine.data / "api-key").stat().st_mode) == 0o600
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
        place = machine.data.resolve()
        machine.remove()
        assert not place.exists() and not machine.data.exists()
    finally:
        machine.remove()
        shutil.rmtree(hidden, ignore_errors=True)


def test_a_user_without_root_runs_it_all():
    """From a copy of what is built: nothing is missing, so nothing needs root."""
    if os.geteuid() != 0:
        pytest.skip("all other tests here already run without root")
    user = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="pixmill-user-", dir="/tmp"))
    try:
        copy = folder / "checkout"
        shutil.copytree(REPO / "deploy", copy / "deploy")
        # a build that is up to date without a compiler: programs, and a build.ninja with nothing to do
        shutil.copytree(REPO / "build" / "release" / "bin", copy / "build" / "release" / "bin")
        (copy / "build" / "release" / "build.ninja").write_text("build all: phony\ndefault all\n")
        (copy / "build" / "release" / "CMakeCache.txt").write_text("CMAKE_GENERATOR:INTERNAL=Ninja\nCMAKE_PROJECT_NAME:STATIC=pixmill\n"
                                                                   "CMAKE_MAKE_PROGRAM:FILEPATH=/usr/bin/ninja\n")
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(folder)], check=True)
        port = free_port()

        def as_user(*args):
            return subprocess.run([str(copy / "deploy" / "local"), *args], text=True, stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, cwd="/",
                                  user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                                  env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"})

        up = as_user("up", "--port", str(port))
        try:
            assert up.returncode == 0, up.stdout
            demo = as_user("demo")
            assert demo.returncode == 0 and "6 ready" in demo.stdout, demo.stdout
        finally:
            gone = as_user("reset", "--yes")
        assert gone.returncode == 0, gone.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
