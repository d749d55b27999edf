# SPDX-License-Identifier: Apache-2.0
"""Redis forgets: killed and started empty, flushed, put back to an old file, without its scripts, full, or replaced by a replica
that had not seen the last writes. PostgreSQL knows what is owed, so nothing is lost and uploads are answered 2xx all the while."""
import time

import pytest

from support.oracle import Oracle
from support.process import wait_until
from support.proxy import Proxy
from support.servers import Redis, Stack
from support.uploads import Uploads, row_of, upload_one

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_REDIS_CONNECT_TIMEOUT_MS": 500,
             "PIXMILL_REDIS_TIMEOUT_MS": 500, "PIXMILL_LOG_LEVEL": "debug"}
STACK_WORKERS = 2


@pytest.fixture(scope="module")
def oracle(stack):
    return Oracle(stack, "Redis forgets")


@pytest.fixture
def uploads(oracle, minutes):
    """More uploads than the workers manage, so that there is something to forget. None is refused, and all are made. The long form
    judges after every test, not only at the end of the module."""
    with Uploads(oracle, clients=4, pause=0.01) as made:
        made.wait(10)
        yield made
        made.wait(5)
    assert not made.refused, made.told()
    took = upload_one(oracle)
    print(f"{made.told()}; one more was ready in {took:.2f} s")
    wait_until(lambda: oracle.owed() == 0, 120, "all settled")
    if minutes:
        oracle.judge()


def wait_work(oracle):
    """Waits until Redis knows of work, which it can forget then."""
    wait_until(oracle.redis_left, what="jobs in Redis")


def rounds(minutes, short):
    """Counts up to `short`, or as long as the long form shall take."""
    end = time.monotonic() + 60 * minutes
    count = 0
    while count < short or time.monotonic() < end:
        yield count
        count += 1


def test_killed_and_started_empty(stack, oracle, uploads, minutes):
    for _ in rounds(minutes, 2):
        wait_work(oracle)
        stack.redis_server.kill()
        uploads.wait(5)
        stack.redis_server.start()
        uploads.wait(5)


def test_flushed_under_load(stack, oracle, uploads, minutes):
    for _ in rounds(minutes, 5):
        wait_work(oracle)
        stack.redis().flushall()
        uploads.wait(3)


def test_put_back_to_an_old_file(stack, oracle, uploads, minutes):
    """What the file knows was done long ago, and of what is owed now it knows nothing."""
    redis = stack.redis_server
    for _ in rounds(minutes, 1):
        wait_work(oracle)
        redis.client().save()
        uploads.wait(30)
        redis.kill()
        redis.start()
        (redis.folder / "dump.rdb").unlink()
        uploads.wait(5)


def test_scripts_are_flushed_again_and_again(stack, uploads, minutes):
    redis = stack.redis()
    count = 0
    goal = uploads.answered + (30 if not minutes else minutes * 600)
    while uploads.answered < goal:
        redis.script_flush()
        count += 1
        time.sleep(0.002)
    print(f"{count} times")


def test_memory_is_full(stack, oracle, uploads, minutes):
    """Redis refuses to store anything; uploads are taken all the same, and made when it has memory again."""
    redis = stack.redis()
    for _ in rounds(minutes, 2):
        redis.config_set("maxmemory", 1)
        uploads.wait(10)
        upload = oracle.upload()
        time.sleep(0.3)
        assert row_of(oracle, upload) == ("pending",), "a job went through a Redis without memory"
        redis.config_set("maxmemory", 0)
        wait_until(lambda upload=upload: row_of(oracle, upload) == ("ready",), 60, "work goes on")


def test_nothing_was_lost(oracle):
    report = oracle.judge()
    assert report.lost == 0 and report.accepted > 0


class Pair:
    """A master and its replica; programs reach the one that is pointed at."""

    def __init__(self, home):
        self.master, self.replica = Redis(home), Redis(home)
        self.master.start()
        self.replica.start()
        self.link = Proxy(self.master.socket)
        self.front = Proxy(self.master.socket)
        self.master.client().config_set("repl-diskless-sync-delay", 0)
        self.replica.client().replicaof("127.0.0.1", self.link.port)
        wait_until(lambda: self.replica.client().info("replication").get("master_link_status") == "up", what="the replica")

    def fail_over(self):
        """The master dies; the replica is the master from now on, as it is."""
        self.master.kill()
        self.replica.client().replicaof("NO", "ONE")
        self.front.point_at(self.replica.socket)

    def close(self):
        for part in (self.front, self.link):
            part.close()
        for server in (self.master, self.replica):
            server.stop()


@pytest.fixture
def pair(home):
    made = Pair(home)
    yield made
    made.close()


def test_a_replica_is_promoted_that_missed_the_last_writes(home, pg, pair):
    stack = Stack(home, pg, pair.master, {**STACK_ENV, "PIXMILL_REDIS_URL": f"redis://127.0.0.1:{pair.front.port}"})
    try:
        stack.start(STACK_WORKERS)
        oracle = Oracle(stack, "a replica is promoted")
        with Uploads(oracle, clients=4, pause=0.01) as uploads:
            uploads.wait(20)
            wait_work(oracle)
            pair.link.refuse()
            uploads.wait(20)
            pair.fail_over()
            stack.redis_server = pair.replica
            uploads.wait(10)
        assert not uploads.refused, uploads.told()
        upload_one(oracle)
        assert oracle.judge().lost == 0
    finally:
        stack.stop()
