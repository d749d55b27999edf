# SPDX-License-Identifier: Apache-2.0
"""The broken network itself: a fault that does not happen would prove nothing."""
import socket
import threading
import time

import pytest

from support.proxy import Proxy


class Echo:
    """Says in capitals what it hears; remembers it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.heard = b""
        self.ended = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                server, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(server,), daemon=True).start()

    def serve(self, server):
        try:
            while data := server.recv(1000):
                self.heard += data
                server.sendall(data.upper())
        except OSError:
            pass
        self.ended += 1
        server.close()


@pytest.fixture
def echo():
    made = Echo()
    yield made
    made.listener.close()


@pytest.fixture
def proxy(echo):
    with Proxy(echo.address) as made:
        yield made


@pytest.fixture
def client(proxy):
    with connect(proxy) as made:
        yield made


def received(client, count):
    data = b""
    while len(data) < count and (piece := client.recv(count - len(data))):
        data += piece
    return data


def connect(proxy):
    made = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    made.sendall(b"hello")
    assert received(made, 5) == b"HELLO"
    return made


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def assert_reset(client):
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def assert_silent(client, seconds=0.2):
    client.settimeout(seconds)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(10)


def test_forwards_what_is_large(proxy, client):
    data = bytes(range(97, 123)) * 40000
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    assert received(client, len(data)) == data.upper()
    sender.join()
    assert (proxy.accepted, proxy.cuts, proxy.connections()) == (1, 0, 1)


def test_an_end_is_passed_on(proxy, echo, client):
    client.close()
    until(lambda: echo.ended == 1 and proxy.connections() == 0)


def test_reset(proxy, echo, client):
    with connect(proxy) as second:
        assert proxy.reset(1) == 1
        assert_reset(client)
        second.sendall(b"x")
        assert second.recv(1) == b"X"
    until(lambda: echo.ended == 2)
    connect(proxy).close()


def test_refuse(proxy, client):
    proxy.refuse()
    assert_reset(client)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    connect(proxy).close()


@pytest.mark.parametrize("side", ["to_server", "to_client"])
def test_black_hole(proxy, echo, client, side):
    proxy.black_hole(**{"to_server": side == "to_server", "to_client": side == "to_client"})
    client.sendall(b"abc")
    assert_silent(client)
    assert echo.heard == (b"hello" if side == "to_server" else b"helloabc")
    late = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    late.sendall(b"late")
    assert_silent(late)
    proxy.heal()
    assert received(client, 3) == b"ABC"
    assert received(late, 4) == b"LATE"
    late.close()


def test_a_client_that_gives_up_in_a_black_hole_is_not_missed_until_it_ends(proxy, echo, client):
    proxy.black_hole()
    client.close()
    time.sleep(0.1)
    assert echo.ended == 0
    proxy.heal()
    until(lambda: echo.ended == 1)


def test_half_open(proxy, echo, client):
    assert proxy.half_open() == 1
    until(lambda: echo.ended == 1)
    client.sendall(b"x" * 100000)
    assert_silent(client)
    assert proxy.connections() == 1
    connect(proxy).close()
    client.close()
    until(lambda: proxy.connections() == 0)


def test_a_lost_reply(proxy, echo, client):
    proxy.lose_replies(1)
    client.sendall(b"abc")
    assert_reset(client)
    assert echo.heard == b"helloabc"
    assert (proxy.replies_to_lose(), proxy.cuts) == (0, 1)
    connect(proxy).close()


def test_slow_bytes(proxy, client):
    proxy.slow(0.01)
    start = time.monotonic()
    client.sendall(b"abcdefghij")
    assert client.recv(1) == b"A"
    assert received(client, 9) == b"BCDEFGHIJ"
    assert time.monotonic() - start >= 0.08


def test_cut_after(proxy, echo, client):
    proxy.cut_after(8)
    client.sendall(b"abcdefghijkl")
    with pytest.raises(ConnectionResetError):
        while client.recv(100):
            pass
    until(lambda: echo.heard == b"helloabcdefgh")
    proxy.heal()
    connect(proxy).close()


def test_cut_at_random(proxy):
    proxy.cut_at_random(seed=7, mean_bytes=40)
    lengths = set()
    for _ in range(20):
        got = 0
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            try:
                while True:
                    client.sendall(b"a")
                    got += len(client.recv(1)) or 1
            except OSError:
                lengths.add(got)
    assert len(lengths) > 5
    assert proxy.cuts == 20


def test_point_at(proxy, client):
    other = Echo()
    proxy.point_at(other.address)
    connect(proxy).close()
    assert other.heard == b"hello"
    client.sendall(b"x")
    assert client.recv(1) == b"X"
    other.listener.close()
