# SPDX-License-Identifier: Apache-2.0
"""Limits and deadlines of the HTTP layer: what is too large, too slow or too many is cut, and the rest goes on."""
import os
import selectors
import socket
import time

import pytest

from support.http_echo import Echo, descriptors
from support.process import give, wait_until

GET = b"GET /path HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT_MS = 150  # a deadline that is waited for
CALM_MS = 1500  # one that must not pass while a slow client goes on, on a busy machine too
FAR_MS = 600_000


@pytest.fixture
def new_echo(home):
    made = []

    def make(**settings):
        made.append(Echo(home, **settings))
        return made[-1]

    yield make
    for echo in made:
        echo.stop()


@pytest.fixture(scope="module")
def echo(home):
    made = Echo(home, max_header_bytes=12_000, max_headers=10)
    yield made
    made.stop()


def get_with(*fields, target=b"/"):
    return b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n"


# ---- sizes ----

def test_head_at_its_limit(echo):
    empty = len(get_with(b"X: "))
    assert echo.ask(get_with(b"X: " + b"a" * (12_000 - empty))).status == 200
    assert echo.ask(get_with(b"X: " + b"a" * (12_001 - empty))).status == 431


def test_fields_at_their_limit(echo):
    assert echo.ask(get_with(*[b"X: y"] * 9)).status == 200
    assert echo.ask(get_with(*[b"X: y"] * 10)).status == 431


def test_target_at_its_limit(echo):
    assert echo.ask(get_with(target=b"/" + b"a" * 8191)).status == 200
    assert echo.ask(get_with(target=b"/" + b"a" * 8192)).status == 414


def test_target_larger_than_a_head(new_echo):
    echo = new_echo(max_header_bytes=1024)
    assert echo.ask(get_with(target=b"/" + b"a" * 2000)).status == 414


@pytest.mark.parametrize("endless, status", [
    (b"GET /" + b"a" * 1000, 414), (b"GET / HTTP/1.1\r\nX: " + b"a" * 1000, 431), (b"A" * 1000, 431)])
def test_endless_head_is_answered_while_it_comes(echo, endless, status):
    """Refused as soon as the limit is passed, without waiting for an end that never comes."""
    with echo.connect() as raw:
        raw.send(endless)
        for _ in range(100):
            raw.send(b"a" * 1000)
        answer = raw.answer()
        assert answer.status == status and answer.get("Connection") == "close"
        assert raw.is_ended()


# ---- deadlines ----

def test_slow_head_gets_408(new_echo):
    """Also where bytes come all the time: the deadline counts from the first."""
    echo = new_echo(header_timeout_ms=SHORT_MS)
    with echo.connect() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        answer = raw.answer()
        assert answer.status == 408 and answer.get("Connection") == "close"
        assert raw.is_ended()
    with echo.connect() as raw:
        raw.socket.settimeout(0.01)
        raw.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        data = b""
        while not data:
            raw.send(b"a")
            try:
                data = raw.socket.recv(65536)
            except TimeoutError:
                continue
        assert data.startswith(b"HTTP/1.1 408 ")


def test_silent_client_is_closed_without_an_answer(new_echo):
    echo = new_echo(header_timeout_ms=SHORT_MS, keep_alive_timeout_ms=FAR_MS)
    for data in (b"", b"\r\n"):
        with echo.connect() as raw:
            raw.send(data)
            assert raw.is_ended()


def test_idle_connection_is_closed_without_an_answer(new_echo):
    echo = new_echo(keep_alive_timeout_ms=SHORT_MS, header_timeout_ms=FAR_MS)
    with echo.connect() as raw:
        raw.send(GET)
        assert raw.answer().status == 200
        assert raw.is_ended()


def test_paused_body_gets_408(new_echo):
    echo = new_echo(body_idle_timeout_ms=SHORT_MS)
    for head in (b"Content-Length: 10\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\na\r\n"):
        with echo.connect() as raw:
            raw.send(b"POST /sink HTTP/1.1\r\nHost: x\r\n" + head + b"12345")
            answer = raw.answer()
            assert answer.status == 408 and answer.get("Connection") == "close"
            assert raw.is_ended()
    assert echo.has_logged("a body was aborted", bytes=5)


def test_slow_body_that_does_not_pause_is_taken(new_echo):
    """The deadline is for a pause, not for the whole: together these bytes take longer than it."""
    echo = new_echo(body_idle_timeout_ms=CALM_MS)
    with echo.connect() as raw:
        raw.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n")
        start = time.monotonic()
        for i in range(20):
            raw.send(b"x")
            wait_until(lambda i=i: time.monotonic() - start > (i + 1) * CALM_MS / 1000 / 15, what="the next byte's turn")
        assert raw.answer().body.startswith(b"20 ")


@pytest.mark.parametrize("path", [b"/big?bytes=20000000", b"/file"])
def test_client_that_takes_nothing_is_cut(new_echo, home, path):
    folder = give(home.path / "http-big", 0o755)
    file = folder / "file"
    file.write_bytes(bytes(20_000_000))
    file.chmod(0o644)
    echo = new_echo(write_timeout_ms=SHORT_MS, file=file)
    before = descriptors(echo.process)
    with echo.connect(receive_bytes=4096) as raw:
        raw.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.head()
        wait_until(lambda: descriptors(echo.process) == before, what="the end of a client that takes nothing")


def test_client_that_takes_slowly_is_served(new_echo):
    """Each byte that is taken starts the deadline anew."""
    echo = new_echo(write_timeout_ms=CALM_MS)
    with echo.connect(receive_bytes=4096) as raw:
        raw.send(b"GET /big?bytes=8000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        start = time.monotonic()
        total = 0
        turn = 0
        while total < 8_000_000:
            wanted = 400_000
            while wanted > 0 and total < 8_000_000:
                data = raw.socket.recv(min(65536, wanted))
                assert data, f"cut after {total} bytes"
                total += len(data)
                wanted -= len(data)
            turn += 1
            wait_until(lambda turn=turn: time.monotonic() - start > turn * CALM_MS / 1000 / 10, what="the next turn")


# ---- counts ----

def test_max_connections(new_echo):
    echo = new_echo(max_connections=3)
    held = [echo.connect() for _ in range(3)]
    for raw in held:
        raw.send(GET)
        assert raw.answer().status == 200
    for _ in range(5):
        with echo.connect() as surplus:
            surplus.send(GET)
            answer = surplus.answer()
            assert answer.status == 503 and answer.body == b"overloaded"
            assert int(answer.get("Retry-After")) >= 1
            assert answer.get("Connection") == "close"
            assert surplus.is_ended()
    held[0].send(GET)
    assert held[0].answer().status == 200, "those that were there are not harmed"
    held.pop().close()

    def has_room():
        with echo.connect() as raw:
            raw.send(GET)
            return raw.answer().status == 200
    wait_until(has_room, what="room for one more")
    for raw in held:
        raw.close()


def test_surplus_clients_are_bounded(new_echo):
    """Clients that are refused and stay nevertheless do not pile up: over a bound they are closed unheard."""
    echo = new_echo(max_connections=1)
    before = descriptors(echo.process)
    with echo.connect() as held:
        held.send(GET)
        assert held.answer().status == 200
        surplus = [echo.connect() for _ in range(300)]
        wait_until(lambda: descriptors(echo.process) <= before + 1 + 65, what="a bound")
        heard = 0
        for raw in surplus:
            try:
                heard += raw.socket.recv(1024).startswith(b"HTTP/1.1 503 ")
            except ConnectionResetError:
                pass
            raw.close()
        assert 1 <= heard < 300
        held.send(GET)
        assert held.answer().status == 200


def slow_uploads(echo, clients, body, watch):
    """Each client sends a piece at a time, all in turn; `watch` is called on the way. Returns the answers' bodies."""
    piece = 20_000
    raws = [echo.connect() for _ in range(clients)]
    for raw in raws:
        raw.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), piece):
        for raw in raws:
            raw.send(body[start:start + piece])
        watch()
    answers = [raw.answer().body for raw in raws]
    for raw in raws:
        raw.close()
    return answers


def test_200_slow_uploads_in_little_memory(new_echo):
    echo = new_echo(max_body_bytes=10_000_000)
    body = os.urandom(5_000_000 if not echo.is_sanitized() else 500_000)
    peak = 0

    def watch():
        nonlocal peak
        peak = max(peak, echo.process.resident_bytes())
    answers = slow_uploads(echo, 200, body, watch)
    assert len(set(answers)) == 1 and answers[0].startswith(b"%d " % len(body))
    if not echo.is_sanitized():
        assert peak < 64 << 20, f"{peak} bytes for 200 clients"
        print(f"200 clients: {peak / 2**20:.1f} MiB")


def test_a_flood_waits_for_a_slow_handler(new_echo):
    """Reading stops while a handler has not answered: what a client pipelines stays in its own socket."""
    echo = new_echo()
    with echo.connect() as raw:
        raw.send(b"GET /wait?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: echo.has_logged("a request waits"), what="the request at the handler")
        before = echo.process.resident_bytes()
        raw.socket.setblocking(False)
        sent = 0
        selector = selectors.DefaultSelector()
        selector.register(raw.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while not any(event & selectors.EVENT_READ for _, event in selector.select(10)):
            try:
                sent += raw.socket.send(GET * 1000)
            except BlockingIOError:
                continue
            assert sent < 500_000_000, "the server reads on"
        grown = echo.process.resident_bytes() - before
        assert echo.is_sanitized() or grown < 4 << 20, f"{grown} bytes more after {sent} were sent"


# ---- going down ----

def test_close_ends_idle_clients_and_lets_requests_end(home):
    echo = Echo(home)
    idle = echo.connect()
    idle.send(GET)
    assert idle.answer().status == 200
    busy = echo.connect()
    busy.send(b"GET /wait?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n")
    body = echo.connect()
    body.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
    wait_until(lambda: echo.has_logged("a request waits"), what="the request at the handler")
    echo.process.send(15)
    assert idle.is_ended()
    body.send(b"llo")
    for raw in (busy, body):
        answer = raw.answer()
        assert answer.status == 200 and answer.get("Connection") == "close"
        assert raw.is_ended()
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", echo.port), timeout=10) as late:
        late.sendall(GET)
        assert late.recv(100), "nobody listens"
        raise AssertionError("a closing listener took a client")
    echo.process.popen.wait(30)
    echo.process.check()
    assert echo.has_logged("closed")


def test_grace_ends(home):
    """Who does not end in the time of grace is cut: heads, bodies, answers; a handler is waited for."""
    echo = Echo(home, grace_ms=100)
    head, body, write, wait = (echo.connect(receive_bytes=4096) for _ in range(4))
    head.send(b"GET / HT")
    body.send(b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
    write.send(b"GET /big?bytes=20000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert write.head()
    wait.send(b"GET /wait?ms=600 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: echo.has_logged("a request waits"), what="the request at the handler")
    echo.process.send(15)
    for raw in (head, body, wait):
        assert raw.is_ended()
    echo.process.popen.wait(30)
    echo.process.check()
    assert echo.has_logged("a body was aborted", bytes=2)
    assert echo.has_logged("closed")
    for raw in (head, body, write, wait):
        raw.close()
