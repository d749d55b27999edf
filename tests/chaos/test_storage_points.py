# SPDX-License-Identifier: Apache-2.0
"""Every call of the storage that can fail, made to fail for a while in each program that makes it: uploads are refused and kept by
nobody, jobs wait, and when it is over all goes on by itself."""
import crash
import pytest
from support.oracle import Oracle
from support.process import wait_until
from support.servers import Stack

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_MAX_ATTEMPTS": 100,
       "PIXMILL_DATABASE_TIMEOUT_MS": 2000, "PIXMILL_ORPHAN_GRACE_MS": 4000, "PIXMILL_JANITOR_MS": 500,
       "PIXMILL_LOG_LEVEL": "debug"}
UPLOAD = {"storage.begin": "ENOSPC", "storage.write": "EDQUOT", "storage.commit": "EIO"}
JOB = {"storage.get": "EIO", "storage.begin": "EROFS", "storage.put": "ENOSPC", "storage.commit": "EIO"}
SWEEP = {"storage.remove": "EIO"}


class Flags:
    """A file for each point of a program; while it is there, the point fails."""

    def __init__(self, folder):
        self.folder = folder

    def spec(self, points):
        return ",".join(f"{point}={errno}:{self.folder / point}" for point, errno in points.items())

    def on(self, point):
        (self.folder / point).write_text("")

    def off(self, point):
        (self.folder / point).unlink()


@pytest.fixture(scope="module")
def of_api(home):
    return Flags(home.folder("flags"))


@pytest.fixture(scope="module")
def of_worker(home):
    return Flags(home.folder("flags"))


@pytest.fixture(scope="module")
def oracle(home, pg, redis, of_api, of_worker):
    stack = Stack(home, pg, redis, ENV)
    try:
        stack.start(workers=0)
        stack.stop_api()
        stack.start_api({"PIXMILL_FAILPOINT": of_api.spec(UPLOAD)})
        stack.start_worker({"PIXMILL_FAILPOINT": of_worker.spec({**JOB, **SWEEP})})
        oracle = Oracle(stack, "storage that fails")
        yield oracle
        report = oracle.judge()
        assert report.kept == 0 and report.lost == 0
    finally:
        stack.stop()


@pytest.mark.parametrize("point", UPLOAD)
def test_an_upload_is_refused_and_kept_by_nobody(oracle, of_api, point):
    files = oracle.stack.media_files()
    of_api.on(point)
    refused = oracle.upload()
    of_api.off(point)
    assert refused.status == 503
    wait_until(lambda: oracle.stack.begun_uploads() == 0, what="the end of the file")
    assert set(oracle.stack.media_files()) <= set(files) | oracle.row_names()
    assert oracle.upload().status == 201


@pytest.mark.parametrize("point", JOB)
def test_a_job_waits_and_goes_on(oracle, of_worker, point):
    wait_until(lambda: oracle.owed() == 0, what="the end of earlier work")
    worker = oracle.stack.workers[0]
    of_worker.on(point)
    upload = oracle.upload()
    assert upload.status == 201
    told = ("a job failed", "a job waits for a dependency")
    wait_until(lambda: any(line["message"] in told and line.get("image") == upload.image for line in worker.log_lines()),
               what="a job that could not go on")
    assert oracle.status(upload) in ("pending", "processing")
    of_worker.off(point)
    wait_until(lambda: oracle.status(upload) == "ready", 60, "the end of the job")


def test_a_tombstone_stays_until_its_file_is_gone(oracle, of_worker):
    upload = oracle.upload()
    wait_until(lambda: oracle.status(upload) == "ready", 60, "an image")
    of_worker.on("storage.remove")
    name = crash.write_tombstone(oracle.stack, upload)
    worker = oracle.stack.workers[0]
    wait_until(lambda: any(line["message"] == "a file could not be removed" for line in worker.log_lines()), 60, "the janitor")
    assert name in oracle.stack.media_files()
    assert oracle.stack.query("SELECT count(*) FROM tombstone WHERE stored_name = %s", name)[0][0] == 1
    of_worker.off("storage.remove")
    wait_until(lambda: name not in oracle.stack.media_files(), 60, "the end of the file")


def test_every_call_that_can_fail_is_tried():
    assert sorted(set(crash.points(fails=True))) == sorted({*UPLOAD, *JOB, *SWEEP})
