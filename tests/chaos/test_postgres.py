# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL is killed, its connections are ended, it is away for a while, all under load: what was answered 2xx is made, what was not
is refused with 503, and no attempt is burned."""
import time

import pytest

from support.oracle import Oracle
from support.process import wait_until
from support.servers import Postgres, Redis, Stack
from support.uploads import Uploads, upload_one

# one attempt and one crash: whatever were counted as either would fail an image for good
ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_DATABASE_TIMEOUT_MS": 1000,
       "PIXMILL_MAX_ATTEMPTS": 1, "PIXMILL_MAX_CRASHES": 1, "PIXMILL_LOG_LEVEL": "debug"}
WORKERS = 2
SIGQUIT, SIGKILL = 3, 9


@pytest.fixture(scope="module")
def stack(home):
    postgres, redis = Postgres(home), Redis(home)
    postgres.start()
    redis.start()
    made = Stack(home, postgres, redis, ENV)
    try:
        made.start(WORKERS)
        yield made
    finally:
        made.stop()
        redis.stop()
        postgres.stop()


@pytest.fixture(scope="module")
def oracle(stack):
    return Oracle(stack, "PostgreSQL is away")


@pytest.fixture
def uploads(oracle, minutes):
    """More uploads than the workers manage, so that all are in the middle of something."""
    with Uploads(oracle, clients=4, pause=0.02) as made:
        made.wait(10)
        yield made
        made.wait(5)
    took = upload_one(oracle)
    print(f"{made.told()}; one more was ready in {took:.2f} s")
    wait_until(lambda: oracle.owed() == 0, 120, "all settled")
    if minutes:
        oracle.judge()


def kill(postgres, number):
    """Ends it and all that serve connections for it, as a crash or the machine would."""
    process, postgres.process = postgres.process, None
    children = process.children()
    process.send(number)
    process.popen.wait(30)

    def is_alone():
        return not any(is_running(pid) for pid in children)
    wait_until(is_alone, 30, "the end of its children")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def first_ready_after(stack):
    """Waits for an image that gets ready from now on; returns how long it took."""
    start = time.monotonic()
    since = stack.query("SELECT now()")[0][0]
    wait_until(lambda: stack.query("SELECT 1 FROM image WHERE processed_at > %s LIMIT 1", since), 60, "an image")
    return time.monotonic() - start


@pytest.mark.parametrize("number", [SIGQUIT, SIGKILL], ids=["immediate", "killed"])
def test_killed_and_restarted(stack, oracle, uploads, minutes, number):
    times = []
    end = time.monotonic() + 60 * minutes
    while len(times) < 2 or time.monotonic() < end:
        oracle.killed()
        kill(stack.postgres, number)
        stack.postgres.start()
        times.append(first_ready_after(stack))
        uploads.wait(5)
    print("first image ready after", " ".join(f"{one:.2f}" for one in times), "s")


def test_connections_are_ended_again_and_again(stack, uploads, minutes):
    connection = stack.db()
    ended = 0
    end = time.monotonic() + (60 * minutes or 3)
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                           "WHERE datname = current_database() AND pid <> pg_backend_pid()")
            ended += cursor.fetchone()[0]
            time.sleep(0.05)
    connection.close()
    assert ended > 10
    uploads.wait(5)
    print(f"{ended} connections were ended")


def test_away(stack, oracle, uploads, minutes):
    oracle.killed()
    stack.postgres.stop()
    refused = uploads.refused[503]
    time.sleep(min(60.0, 60 * minutes) or 5)
    assert uploads.refused[503] > refused, "uploads are refused while there is no database"
    stack.postgres.start()
    took = first_ready_after(stack)
    print(f"first image ready after {took:.2f} s")


def test_no_attempt_was_burned_and_nothing_lost(stack, oracle):
    report = oracle.judge()
    assert report.lost == 0 and report.failed == 0 and report.accepted > 0
    verdicts = [line for worker in stack.workers for line in worker.log_lines() if line["message"] == "a job failed"]
    assert not verdicts, verdicts[:3]
