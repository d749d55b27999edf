# SPDX-License-Identifier: Apache-2.0
"""api and workers talk to Redis and PostgreSQL over a network that breaks in every way known, while uploads flow: nothing is
lost, and nobody sleeps on afterwards."""
import time

import pytest

from support.oracle import Oracle
from support.process import wait_until
from support.proxy import Proxy
from support.servers import Redis, Stack
from support.uploads import Uploads, upload_one

REDIS_MS, DATABASE_MS = 500, 1000
ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500, "PIXMILL_BACKOFF_MS": 100, "PIXMILL_REDIS_CONNECT_TIMEOUT_MS": REDIS_MS,
       "PIXMILL_REDIS_TIMEOUT_MS": REDIS_MS, "PIXMILL_DATABASE_TIMEOUT_MS": DATABASE_MS, "PIXMILL_LOG_LEVEL": "debug"}
WORKERS = 2
MEAN_BYTES = {"redis": 5000, "postgres": 20000}  # between two cuts at random
CUTS = {"redis": (100, 1000), "postgres": (30, 200)}  # in a row: short form, long form


class Net:
    """A stack whose programs reach Redis and PostgreSQL through proxies alone."""

    def __init__(self, home, postgres):
        self.redis = Redis(home)
        self.redis.start()
        self.proxies = {"redis": Proxy(self.redis.socket), "postgres": Proxy(postgres.folder / ".s.PGSQL.5432")}
        self.stack = Stack(home, postgres, self.redis, ENV)
        self.stack.extra_env.update({
            "PIXMILL_REDIS_URL": f"redis://127.0.0.1:{self.proxies['redis'].port}",
            "PIXMILL_DATABASE_URL": f"host=127.0.0.1 port={self.proxies['postgres'].port} user={postgres.user} "
                                    f"dbname={self.stack.database} sslmode=disable"})
        self.oracle = Oracle(self.stack, "a broken network")
        self.stack.start(WORKERS)

    def close(self):
        try:
            self.stack.stop()
        finally:
            for proxy in self.proxies.values():
                proxy.close()
            self.redis.stop()


@pytest.fixture(scope="module")
def net(home, pg):
    made = Net(home, pg)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["redis", "postgres"])
def name(request):
    """Which of the two networks is broken."""
    return request.param


@pytest.fixture
def proxy(net, name):
    """Its proxy; whole again afterwards."""
    yield net.proxies[name]
    net.proxies[name].heal()


@pytest.fixture
def uploads(net, minutes):
    """Uploads flow while the test runs; an upload afterwards is ready soon. The long form judges after every test, not only at the
    end of the module."""
    with Uploads(net.oracle) as made:
        made.wait(3)
        yield made
    took = upload_one(net.oracle)
    print(f"{made.told()}; one more was ready in {took:.2f} s")
    if minutes:
        net.oracle.judge()


@pytest.fixture
def hold(proxy, uploads, minutes):
    """hold(seconds): lets a fault work for a while, then heals it and lets uploads go on."""
    def wait(seconds):
        time.sleep(min(60.0, seconds * 10 * minutes) if minutes else seconds)
        proxy.heal()
        uploads.wait(3)
    return wait


def test_resets(proxy, hold):
    for _ in range(5):
        assert proxy.reset() > 0
        hold(0.1)


def test_refused_connections(proxy, hold):
    proxy.refuse()
    hold(1)


@pytest.mark.parametrize("directions", [(True, False), (False, True), (True, True)], ids=["questions", "answers", "both"])
def test_black_holes(proxy, hold, directions):
    """Longer than every deadline, so that all who wait give up."""
    proxy.black_hole(*directions)
    hold(1.5)


def test_lost_replies(proxy, uploads):
    """The command ran, and whoever asked for it does not know."""
    proxy.lose_replies(30)
    wait_until(lambda: proxy.replies_to_lose() == 0, 60, "lost replies")
    uploads.wait(3)


def test_slow_bytes(proxy, hold):
    proxy.slow(0.002)
    hold(1)


def test_half_open_connections(proxy, hold):
    assert proxy.half_open() > 0
    hold(0.5)


def test_cuts_after_few_bytes(proxy, hold):
    """Connections break while they are made: in the greeting, in a prepared statement, in a script's text."""
    for count in (1, 20, 300, 3000):
        proxy.cut_after(count)
        hold(0.3)


def test_cuts_at_random(proxy, name, hold, seed):
    proxy.cut_at_random(seed, MEAN_BYTES[name])
    hold(2)


def test_many_cuts_in_a_row(proxy, name, uploads, minutes):
    """Each as soon as somebody is connected again."""
    done = 0
    while done < CUTS[name][bool(minutes)]:
        wait_until(proxy.connections, 30, "a connection")
        done += proxy.reset() > 0
    uploads.wait(3)


def test_nothing_was_lost(net):
    report = net.oracle.judge()
    assert report.lost == 0 and report.accepted > 0
