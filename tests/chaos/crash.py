# SPDX-License-Identifier: Apache-2.0
"""Starts programs that are armed to die at a point (common/base/failpoint.h), and sees to it that they do."""
import contextlib
import re
import socket

import requests

from support.pictures import jpeg
from support.process import REPO, Process, wait_until
from support.servers import free_port

SIGKILL_EXIT = -9
POINT = re.compile(r'\bfailpoint(_fails)?\("([a-z_.]+)"')


def points(fails=False):
    """The names of all points in the sources: where a process dies, or (fails) where a call fails."""
    found = []
    for folder in ("api", "common", "worker"):
        for path in sorted((REPO / folder).rglob("*.c")):
            found += [name for kind, name in POINT.findall(path.read_text()) if bool(kind) == fails]
    return sorted(found)


class Trial:
    """A stack whose programs die one after another; what they leave is seen to by `recover` and judged by the oracle."""

    def __init__(self, stack, oracle, home):
        self.stack = stack
        self.oracle = oracle
        self.flag = home.folder("flag") / "fault"  # while it is there, calls armed with it fail

    def cut_image(self):
        data = self.oracle.picture(width=500, height=400)
        return data[:len(data) * 2 // 3]

    def large_image(self):
        """One that keeps a codec busy for a while after its small variants are stored."""
        return self.oracle.picture(width=2400, height=1800)

    def die(self, program, point, **options):
        """Starts the program armed, does what brings it to its point, and returns when it is dead there. The points of codecs end only a
        codec; its worker is ended afterwards."""
        return self.die_api(point, **options) if program == "api" else self.die_worker(point, **options)

    def die_api(self, point, spec=None, env=None, act=None):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        log = self.stack.folder / f"api-{point}-{port}.log"
        api = Process("pixmill-api", [self.stack.home.program("pixmill-api")], log, self.stack.env({
            **(env or {}), "PIXMILL_LISTEN": f"127.0.0.1:{port}", "PIXMILL_FAILPOINT": spec or point}))
        self.stack.past.append(api)
        wait_until(lambda: answers(url), what="an armed api")
        (act or upload)(self, url)
        self.wait_dead(api, point)

    def die_worker(self, point, spec=None, env=None, before=None, after=None, is_clean=False):
        if is_clean:
            self.recover()
        (before or upload)(self)
        worker = self.stack.start_worker({**(env or {}), "PIXMILL_FAILPOINT": spec or point})
        self.stack.workers.remove(worker)
        self.stack.past.append(worker)
        if after is not None:
            after(self, worker)
        if point.startswith("codec."):
            self.wait_passed(worker, point)
            worker.stop()
            worker.check()
        else:
            self.wait_dead(worker, point)

    def wait_passed(self, process, point):
        try:
            wait_until(lambda: f"failpoint: {point}\n" in process.log_text(), 30, f"{process.name} at {point}")
        except AssertionError as fault:
            if process.is_alive():
                process.kill()
            raise AssertionError(f"{fault}; its log:\n{process.log_text()[-3000:]}") from None
        self.oracle.killed()

    def wait_dead(self, process, point):
        process.expected_exit = (SIGKILL_EXIT,)
        self.wait_passed(process, point)
        process.popen.wait(30)

    def recover(self):
        """A worker without points works off what is owed, and goes."""
        worker = self.stack.start_worker()
        wait_until(lambda: self.oracle.owed() == 0, 60, "recovery")
        wait_until(lambda: any(line["message"] == "ready" for line in worker.log_lines()), what="a worker that is ready")
        self.stack.stop_worker(worker)


def answers(url):
    try:
        return requests.get(url + "/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


# what brings a program to its points

def upload(trial, url=None):
    trial.oracle.upload(url=url)


def upload_cut(trial):
    trial.oracle.upload(trial.cut_image(), expects="corrupt_image")


def upload_large(trial):
    trial.oracle.upload(trial.large_image())


def upload_doomed(trial):
    trial.oracle.upload(expects="codec_crashed")


def upload_without_product(trial, url):
    """The product goes while its image comes: the row can't be made, and the file has to go again."""
    stack = trial.stack
    name = requests.post(f"{stack.url}/api/products/", json={"name": "goes at once"}, timeout=30,
                         headers=trial.oracle.headers()).json()["slug"]
    data = jpeg(300, 300, 1)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as client:
        client.sendall((f"POST /api/products/{name}/images/ HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                        f"Authorization: Bearer {stack.key}\r\nContent-Length: {len(data)}\r\nExpect: 100-continue\r\n\r\n").encode())
        assert b" 100 " in client.recv(1000)
        stack.query("DELETE FROM product WHERE slug = %s", name)
        client.sendall(data)
        client.recv(1000)


def upload_while_rows_are_locked(trial, url):
    connection = trial.stack.db()
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE image IN SHARE MODE")
        assert trial.oracle.upload(url=url).status == 503
        # the server gives up a little later than the client; until then the row could still be made
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'image'::regclass"
        wait_until(lambda: trial.stack.query(waiting)[0][0] == 0, what="the end of the statement")
    connection.rollback()
    connection.close()


def reprocess(trial, url):
    stored = trial.oracle.upload()
    trial.recover()
    trial.oracle.reprocess(stored, url)


def retry_the_dead(trial, url):
    """What was given up on is asked for again, and is ready in the end."""
    stored = trial.oracle.upload()
    worker = trial.stack.start_worker({"PIXMILL_FAILPOINT": "codec.done", "PIXMILL_MAX_CRASHES": 1})
    wait_until(lambda: trial.oracle.status(stored) in ("failed", "ready"), what="an image that is settled")
    assert trial.oracle.status(stored) == "failed"
    trial.stack.stop_worker(worker)
    with contextlib.suppress(requests.RequestException):
        requests.post(f"{url}/api/queue/dead/retry/", json={}, timeout=30, headers=trial.oracle.headers())


def spoil_a_job(trial):
    """A job of a version that nobody knows, where one of ours was."""
    trial.oracle.upload()
    client = trial.stack.redis()
    (name, job), = client.hgetall("{pixmill}:jobs").items()
    client.hset("{pixmill}:jobs", name, b":".join(job.split(b":", 2)[:2]) + b":\x81\xa1v\x63")


def empty_redis(trial):
    """An image is owed of which the queue knows nothing."""
    trial.oracle.upload()
    trial.stack.redis().flushall()


def leave_an_orphan(trial):
    """A file whose api died before the row was made."""
    trial.die("api", "upload.renamed")


def bury_a_file(trial):
    """A file that no row names, and the tombstone that says so."""
    stored = trial.oracle.upload()
    trial.recover()
    write_tombstone(trial.stack, stored)


def write_tombstone(stack, upload):
    """A file beside the variants of a ready image that no row names, and the tombstone that says so; returns its name."""
    name, = stack.query("SELECT stored_name FROM variant WHERE image = %s AND name = 'webp'", upload.image)[0]
    name = name.replace("-g1", "-g9")
    path = stack.media_dir / name
    path.write_bytes(b"old")
    path.chmod(0o666)
    stack.query("INSERT INTO tombstone (stored_name, created_at) VALUES (%s, now() - interval '1 hour')", name)
    return name
