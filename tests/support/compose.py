#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker-compose.yml, built and run for real: four workers, uploads that all become ready, nobody root, nothing writable.

Starts a Docker of its own (data, socket and process apart from the machine's) below build/compose, and stops it by its id.
Where the base image can't be pulled, one is made by debootstrap. Fails where it cannot run; it never skips.
"""
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests"))

from support.client import Client  # noqa: E402
from support.pictures import jpeg  # noqa: E402
from support.process import wait_until  # noqa: E402
from support.servers import free_port  # noqa: E402

BASE = "debian:bookworm-slim"
FOLDER = REPO / "build" / "compose"
PROJECT = "pixmilltest"
WORKERS = 4
UPLOADS = 24
# the distribution's docker and docker-compose, not what else lies in PATH
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Docker:
    """A Docker daemon of this run alone. Without iptables and a default bridge: it changes nothing outside its networks."""

    def __init__(self):
        # a socket's path is short; the folder may not be
        self.run = Path(f"/tmp/pixmill-docker-{os.getpid()}")
        self.host = f"unix://{self.run}/sock"
        self.log = FOLDER / "dockerd.log"
        self.env = {"PATH": PATH, "HOME": str(FOLDER), "LANG": "C.UTF-8", "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0",
                    "COMPOSE_DOCKER_CLI_BUILD": "0"}
        self.daemon = None

    def start(self):
        self.run.mkdir(mode=0o700)
        with open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", FOLDER / "data",
                 "--exec-root", self.run / "exec", "--pidfile", self.run / "pid", "-H", self.host],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True)
        wait_until(self.answers, 60, "the Docker daemon")

    def answers(self):
        if self.daemon.poll() is not None:
            sys.exit(f"compose: dockerd ended with {self.daemon.returncode}:\n{self.log.read_text()[-2000:]}")
        return self.call("docker", "info", check=False).returncode == 0

    def call(self, *argv, check=True, env=None, seconds=1800):
        done = subprocess.run([str(word) for word in argv], env={**self.env, **(env or {})}, cwd=REPO, text=True,
                              capture_output=True, timeout=seconds, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n"
                                 f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def stop(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(60)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait(30)
        # what the daemon leaves mounted: the network namespace of containers that share the host's
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{self.run}/"):
                subprocess.run(["umount", line.split()[1]], check=False)
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.run)], check=False)

    def need_base(self):
        """Makes sure that the base image is there: from this Docker, from a registry, or made from Debian's packages."""
        if self.call("docker", "image", "inspect", BASE, check=False).returncode == 0:
            return "kept from an earlier run"
        if self.call("docker", "pull", "-q", BASE, check=False, seconds=300).returncode == 0:
            return "pulled"
        tree = FOLDER / "debian"
        subprocess.run(["rm", "-rf", "--one-file-system", str(tree)], check=True)
        self.call("debootstrap", "--variant=minbase", "bookworm", tree)
        tar = subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", BASE], stdin=tar.stdout, env=self.env, check=True, capture_output=True)
        assert tar.wait() == 0, "tar of the base image failed"
        subprocess.run(["rm", "-rf", "--one-file-system", str(tree)], check=True)
        return "made by debootstrap"


class Project:
    """The services of docker-compose.yml in that Docker. Looks like a Stack to a Client: url and key."""

    def __init__(self, docker):
        self.docker = docker
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {"PIXMILL_PORT": str(self.port), "PIXMILL_DATABASE_PASSWORD": "a-password-of-this-test"}
        self.key = None

    def compose(self, *args, check=True):
        return self.docker.call("docker-compose", "-p", PROJECT, "-f", REPO / "docker-compose.yml", "-f",
                                REPO / "tests" / "support" / "compose.override.yml", *args, env=self.env, check=check)

    def containers(self):
        """What `docker inspect` says of every container, by service."""
        ids = self.compose("ps", "-q").stdout.split()
        found = json.loads(self.docker.call("docker", "inspect", *ids).stdout) if ids else []
        return [(entry["Config"]["Labels"]["com.docker.compose.service"], entry) for entry in found]

    def all_healthy(self):
        states = [(name, entry["State"]) for name, entry in self.containers()]
        for name, state in states:
            assert state["Status"] != "exited", f"{name} ended:\n{self.compose('logs', '--tail', '30', name).stdout}"
        return len(states) == WORKERS + 3 and all(state.get("Health", {}).get("Status") == "healthy" for _, state in states)

    def logs(self):
        return self.compose("logs", "--no-color", check=False).stdout


BEGUN = time.monotonic()


def step(text):
    print(f"compose: {text} (at {time.monotonic() - BEGUN:.0f} s)", flush=True)


def test_images():
    """Some valid images of the test set, or drawn ones where it is not at hand: (name, bytes)."""
    folder = Path(os.environ.get("PIXMILL_TEST_IMAGES") or REPO.parent / "shared" / "images")
    found = []
    if (folder / "MANIFEST.tsv").is_file():
        with open(folder / "MANIFEST.tsv", newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table, delimiter="\t"):
                if row["path"].startswith(("valid/", "orientation/")) and row["verdict"] == "accept":
                    found.append((row["path"].rpartition("/")[2], (folder / row["path"]).read_bytes()))
    found = found[::max(1, len(found) // UPLOADS)][:UPLOADS]
    return found or [(f"drawn-{seed}.jpg", jpeg(900, 700, seed)) for seed in range(UPLOADS)]


def check_confinement(project):
    """Nobody is root, nothing but volumes and /tmp can be written, no capability is left."""
    for name, entry in project.containers():
        host = entry["HostConfig"]
        assert host["ReadonlyRootfs"], f"{name}: its root file system can be written"
        assert entry["State"]["Running"], f"{name} does not run"
        shell = ["docker", "exec", entry["Id"], "sh", "-c"]
        user = project.docker.call(*shell, "id -u").stdout.strip()
        assert user != "0", f"{name} runs as root"
        assert project.docker.call(*shell, "touch /usr/x /x", check=False).returncode != 0, f"{name} can write to /"
        status = project.docker.call(*shell, "cat /proc/1/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert int(fields["CapEff"], 16) == 0, f"{name} has capabilities {fields['CapEff']}"
        assert fields["NoNewPrivs"].strip() == "1", f"{name} may gain privileges"
        assert fields["Uid"].split()[0] != "0", f"{name}: process 1 is root"


def check_uploads(project):
    """Every upload becomes ready with its variants, which can be fetched."""
    client = Client(project)
    slug = client.product("Composed")["slug"]
    begun = time.monotonic()
    ids = []
    images = test_images()
    for name, data in images:
        answer = client.upload(slug, data, name=name)
        assert answer.status_code == 201, f"{name}: {answer.status_code} {answer.text}"
        ids.append(answer.json()["id"])
    for image_id, (name, _) in zip(ids, images):
        image = client.wait_settled(slug, image_id, 120)
        assert image["status"] == "ready", f"{name}: {image['error']}"
        for variant in ("thumbnail_url", "medium_url", "webp_url"):
            fetched = client.get(image[variant])
            assert fetched.status_code == 200 and fetched.content, f"{name} {variant}: {fetched.status_code}"
    return len(ids), time.monotonic() - begun


def run(docker, project):
    step(f"base image {docker.need_base()}")
    project.compose("build")
    step("built")
    project.compose("up", "-d", "--no-build", "--scale", f"worker={WORKERS}")
    wait_until(project.all_healthy, 180, "all containers healthy")
    step(f"{WORKERS + 3} containers are healthy")
    check_confinement(project)
    step("nobody is root, no capabilities, root file systems are read-only")
    made = project.compose("exec", "-T", "api", "pixmill-api", "--create-key", "test", "--scope", "upload")
    project.key = made.stdout.strip()
    assert project.key and "\n" not in project.key, f"no key alone: {made.stdout!r}"
    count, seconds = check_uploads(project)
    step(f"{count} uploads ready in {seconds:.1f} s")
    project.compose("restart")
    wait_until(project.all_healthy, 180, "all containers healthy after a restart")
    count, seconds = check_uploads(project)
    step(f"after a restart {count} uploads ready in {seconds:.1f} s, with the key from before")


def main():
    if os.geteuid() != 0:
        sys.exit("compose: needs root, to start a Docker of its own")
    FOLDER.mkdir(parents=True, exist_ok=True)
    docker = Docker()
    project = Project(docker)
    failed = None
    try:
        docker.start()
        run(docker, project)
    except AssertionError as fault:
        failed = str(fault)
    finally:
        if docker.daemon is not None and docker.daemon.poll() is None:
            (FOLDER / "containers.log").write_text(project.logs())
            project.compose("down", "-v", check=False)
            step("taken down")
        docker.stop()
    if failed:
        print(failed)
        sys.exit(f"compose: FAILED; see {FOLDER}/containers.log and {FOLDER}/dockerd.log")
    step("passed")


if __name__ == "__main__":
    main()
