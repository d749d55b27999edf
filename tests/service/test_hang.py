# SPDX-License-Identifier: Apache-2.0
"""A disk that does not answer, for one worker: its jobs are made by others, and it ends well once the disk is back."""
import pytest

from support.client import Client
from support.pictures import jpeg
from support.process import wait_until
from support.servers import Stack

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_JOB_TIMEOUT_MS": 3000}


@pytest.fixture
def hanging(home, pg, redis):
    """(stack, client, hang): hang(*points) starts a worker, and from then on these points of its storage hang until the flag is gone."""
    if b"storage.begin\0" not in home.program("pixmill-worker").read_bytes():
        pytest.fail("this build has no failpoints; that of the dev preset has")
    stack = Stack(home, pg, redis, env=ENV)
    flag = stack.folder / "hang"

    def hang(*points, **env):
        stack.extra_env.update({name: str(value) for name, value in env.items()})
        worker = stack.start_worker({"PIXMILL_FAILPOINT": ",".join(f"{point}=HANG:{flag}" for point in points)})
        wait_until(lambda: any(line["message"] == "ready" for line in worker.log_lines()), what="a worker that is ready")
        flag.touch()
        return worker
    try:
        stack.start(workers=0)
        yield stack, Client(stack), hang, flag
    finally:
        flag.unlink(missing_ok=True)
        stack.stop()


def upload(client):
    slug = client.product()["slug"]
    answer = client.upload(slug, jpeg(640, 480, 1))
    assert answer.status_code == 201, answer.text
    return slug, answer.json()["id"]


def has_given_up(worker):
    return [line for line in worker.log_lines() if line["message"].startswith("the storage does not answer; the job")]


def end(stack, flag, worker):
    """The disk is back: the worker has ended what hung, and stops as it should; every file is a row's."""
    flag.unlink()
    stack.stop_worker(worker)
    wait_until(lambda: not stack.queue_left(), what="an empty queue")
    named = sorted(row[0] for row in stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant"))
    assert stack.media_files() == named


@pytest.mark.parametrize("point", ["storage.get", "storage.put"])
def test_a_job_whose_disk_hangs_is_made_by_another_worker(hanging, point):
    stack, client, hang, flag = hanging
    worker = hang(point)
    slug, image = upload(client)
    wait_until(lambda: has_given_up(worker), what="a job that was given up")
    stack.start_worker()
    client.wait_ready(slug, image)
    assert len(has_given_up(worker)) == 1
    end(stack, flag, worker)


def test_a_disk_that_is_away_counts_against_no_job(hanging):
    stack, client, hang, flag = hanging
    worker = hang("storage.get", "storage.begin", PIXMILL_MAX_CRASHES=1, PIXMILL_MAX_ATTEMPTS=1)
    slug, image = upload(client)
    wait_until(lambda: has_given_up(worker), what="a job that was given up")
    stack.start_worker()
    client.wait_ready(slug, image)
    end(stack, flag, worker)


def test_a_file_that_hangs_all_who_read_it_is_buried(hanging):
    stack, client, hang, flag = hanging
    worker = hang("storage.get", PIXMILL_MAX_CRASHES=1)
    slug, image = upload(client)
    wait_until(lambda: has_given_up(worker), what="a job that was given up")
    stack.start_worker()
    assert client.wait_settled(slug, image)["status"] == "failed"
    assert stack.query("SELECT reason, crashes FROM dead_letter WHERE image = %s", image) == [("codec_crashed", 1)]
    end(stack, flag, worker)
