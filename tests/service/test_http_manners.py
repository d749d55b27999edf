# SPDX-License-Identifier: Apache-2.0
"""The manners of HTTP/1.1, spoken over raw sockets."""
import os
import re
from email.utils import parsedate_to_datetime

import pytest

from support.http_echo import Echo, descriptors
from support.process import give, wait_until

GET = b"GET /path?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def picture(home):
    folder = give(home.path / "http-files", 0o755)
    path = folder / "picture"
    path.write_bytes(os.urandom(300_000))
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def echo(home, picture):
    made = Echo(home, file=picture, max_body_bytes=16_000_000)
    yield made
    made.stop()


def post(path, body, *fields):
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: " + str(len(body)).encode() + b"\r\n"
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def chunked(path, *chunks):
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def test_answer_has_what_every_answer_has(echo):
    answer = echo.ask(GET)
    assert answer.status == 200 and answer.reason == "OK"
    assert answer.body == b"GET\n/path\nq=1\nx\n-\n-1\n"
    assert parsedate_to_datetime(answer.get("Date")).tzinfo is not None
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert answer.get("Content-Type") == "text/plain"
    assert answer.get("Connection") is None
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", answer.get("X-Request-Id"))


@pytest.mark.parametrize("given, is_taken", [
    ("abc.DEF_1-2", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("a/b", False), ("", False)])
def test_request_id(echo, given, is_taken):
    answer = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + given.encode() + b"\r\n\r\n")
    assert (answer.get("X-Request-Id") == given) is is_taken
    assert answer.get("X-Request-Id")


def test_keep_alive(echo):
    with echo.connect() as raw:
        for _ in range(3):
            raw.send(GET)
            assert raw.answer().status == 200


def test_bytewise_request(echo):
    with echo.connect() as raw:
        raw.send_bytewise(b"\r\n" + post(b"/echo", b"hello") + GET)
        assert raw.answer().body == b"hello"
        assert raw.answer().status == 200


def test_bytewise_chunks(echo):
    with echo.connect() as raw:
        raw.send_bytewise(chunked(b"/echo", b"hello", b" ", b"world" * 10))
        assert raw.answer().body == b"hello " + b"world" * 10


def test_pipelined_requests_are_answered_in_order(echo):
    with echo.connect() as raw:
        slow_first = b"GET /wait?ms=50 HTTP/1.1\r\nHost: x\r\n\r\n"
        requests = slow_first + b"".join(post(b"/echo", b"body %d" % i) for i in range(200)) + chunked(b"/sink", b"ab", b"c")
        raw.send(requests + GET)
        assert raw.answer().body == b"waited"
        for i in range(200):
            assert raw.answer().body == b"body %d" % i
        assert raw.answer().body.startswith(b"3 ")
        assert raw.answer().status == 200


def test_pipelined_behind_an_unread_body(echo):
    """A short body that the handler did not want is read over, and is not taken for the next request."""
    with echo.connect() as raw:
        raw.send(post(b"/early", NEXT_LOOKALIKE) + GET)
        assert raw.answer().status == 400
        shown = raw.answer()
        assert shown.status == 200 and b"/path" in shown.body


NEXT_LOOKALIKE = b"GET /inside HTTP/1.1\r\nHost: x\r\n\r\n"


def test_connection_close(echo):
    with echo.connect() as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n" + GET)
        answer = raw.answer()
        assert answer.status == 200 and answer.get("Connection") == "close"
        assert raw.is_ended()


def test_http_1_0(echo):
    with echo.connect() as raw:
        raw.send(b"GET /old HTTP/1.0\r\n\r\n")
        answer = raw.answer()
        assert answer.body.startswith(b"GET\n/old\n\n-\n") and answer.get("Connection") == "close"
        assert raw.is_ended()


def test_http_1_0_keep_alive(echo):
    with echo.connect() as raw:
        for _ in range(2):
            raw.send(b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert raw.answer().get("Connection") == "keep-alive"


def test_head(echo, picture):
    with echo.connect() as raw:
        for path, length in ((b"/big?bytes=1000", 1000), (b"/file", picture.stat().st_size)):
            raw.send(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = raw.answer("HEAD")
            assert answer.status == 200 and answer.get("Content-Length") == str(length)
        raw.send(GET)
        assert raw.answer().body.startswith(b"GET\n"), "a body came after HEAD"


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_body(echo, status):
    with echo.connect() as raw:
        raw.send(b"GET /status?status=%d HTTP/1.1\r\nHost: x\r\n\r\n" % status + GET)
        answer = raw.answer()
        assert answer.status == status and answer.get("Content-Length") is None
        assert raw.answer().status == 200


@pytest.mark.parametrize("target, path, query, host", [
    (b"/", b"/", b"", b"x"),
    (b"/a%20b/%C3%A9?c=%20", "/a b/é".encode(), b"c=%20", b"x"),
    (b"/a//b/../c", b"/a//b/../c", b"", b"x"),
    (b"/?", b"/", b"", b"x"),
    (b"/a?b?c", b"/a", b"b?c", b"x"),
    (b"http://Other.example:81/a?b", b"/a", b"b", b"Other.example:81"),
    (b"HTTP://other?b", b"/", b"b", b"other"),
    (b"https://[::1]:81/", b"/", b"", b"[::1]:81"),
])
def test_targets(echo, target, path, query, host):
    answer = echo.ask(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200, answer
    assert answer.body.split(b"\n")[:4] == [b"GET", path, query, host]


def test_options_star(echo):
    answer = echo.ask(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200 and answer.body.startswith(b"OPTIONS\n/\n")


def test_other_methods_reach_the_handler(echo):
    assert echo.ask(b"PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n").body.startswith(b"OTHER\n")


def test_repeated_fields_are_joined(echo):
    answer = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Many: a \r\nx-many:b\r\nX-MANY:\t c\t\r\n\r\n")
    assert answer.body.split(b"\n")[4] == b"a, b, c"


def test_100_continue_comes_when_the_body_is_wanted(echo):
    with echo.connect() as raw:
        raw.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
        assert raw.head() == b"HTTP/1.1 100 Continue"
        raw.send(b"hello")
        assert raw.answer().body == b"hello"
        raw.send(GET)
        assert raw.answer().status == 200


def test_100_continue_is_left_out_where_the_body_is_there(echo):
    with echo.connect() as raw:
        raw.send(post(b"/echo", b"hello", b"Expect: 100-continue"))
        assert raw.answer().body == b"hello"


def test_100_continue_does_not_come_before_a_refusal(echo):
    """The client may then leave the body out or send it: nobody could tell where the next request begins."""
    with echo.connect() as raw:
        raw.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = raw.answer()
        assert answer.status == 400 and answer.get("Connection") == "close"
        assert raw.is_ended()


def test_100_continue_does_not_come_for_a_body_that_is_too_large(echo):
    with echo.connect() as raw:
        raw.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n")
        assert raw.answer().status == 413


def test_expectation_on_1_0_is_ignored(echo):
    with echo.connect() as raw:
        raw.send(b"POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        raw.send(b"hello")
        assert raw.answer().body == b"hello"


def test_other_expectation(echo):
    answer = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\nExpect: a-pony\r\n\r\n")
    assert answer.status == 417


def test_large_bodies(echo):
    body = os.urandom(9_000_000)
    total = 0
    for byte in body:
        total = (total * 31 + byte) & 0xffffffff
    with echo.connect() as raw:
        raw.send(post(b"/sink", body))
        assert raw.answer().body == b"%d %d" % (len(body), total)
        raw.send(chunked(b"/sink", *(body[i:i + 70_001] for i in range(0, len(body), 70_001))))
        assert raw.answer().body == b"%d %d" % (len(body), total)
        raw.send(chunked(b"/echo", *(body[i:i + 7] for i in range(0, 70_000, 7))))
        assert raw.answer().body == body[:70_000]


def test_large_answer_to_a_slow_reader(echo):
    with echo.connect(receive_bytes=4096) as raw:
        raw.send(b"GET /big?bytes=5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.answer().body == b"b" * 5_000_000


def test_file(echo, picture):
    with echo.connect(receive_bytes=4096) as raw:
        for _ in range(2):
            raw.send(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = raw.answer()
            assert answer.get("Content-Type") == "image/jpeg"
            assert answer.body == picture.read_bytes()


def test_file_that_is_shorter_than_promised(echo, picture):
    """The client must be able to tell that the body is not whole."""
    with echo.connect() as raw:
        raw.send(b"GET /file?extra=10 HTTP/1.1\r\nHost: x\r\n\r\n")
        raw.head()
        assert raw.rest() == picture.read_bytes()


def test_early_refusal_can_be_read_by_a_client_that_goes_on_sending(echo):
    """The rest of the body is read over, so that no RST takes the answer away."""
    for path, word in ((b"/early", b"early"), (b"/first", b"first")):
        with echo.connect() as raw:
            raw.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
            for _ in range(80):
                raw.send(b"x" * 100_000)
            answer = raw.answer()
            assert answer.status == 400 and answer.body == word and answer.get("Connection") == "close"
            assert raw.is_ended()


def test_body_over_the_limit(echo):
    for head in (b"Content-Length: 17000000", b"Transfer-Encoding: chunked"):
        with echo.connect() as raw:
            raw.send(b"POST /sink HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
            chunk = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"
            for _ in range(17):
                raw.send(chunk)
            answer = raw.answer()
            assert answer.status == 413 and answer.get("Connection") == "close"
            assert raw.is_ended()


def test_client_that_sends_no_more_gets_its_answer(echo):
    with echo.connect() as raw:
        raw.send(b"GET /wait?ms=20 HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
        raw.shut()
        assert raw.answer().body == b"waited"
        assert raw.answer().status == 200
        assert raw.is_ended()


def test_clients_that_vanish_leave_nothing(echo):
    """In every moment of a request, with FIN and with RST; then the server still serves, and holds no descriptor of theirs."""
    before = descriptors(echo.process)
    moments = [
        b"",
        b"GET / HT",
        post(b"/sink", b"x" * 300_000)[:-1],
        chunked(b"/sink", b"x" * 300_000)[:-3],
        post(b"/echo", b"hello")[:-2],
        b"GET /wait?ms=30 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /big?bytes=9000000 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
        b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        GET * 500,
    ]
    for end in ("close", "reset"):
        for data in moments:
            for _ in range(3):
                raw = echo.connect(receive_bytes=4096)
                raw.send(data)
                getattr(raw, end)()
    wait_until(lambda: descriptors(echo.process) == before, what="descriptors as before")
    assert echo.ask(GET).status == 200
    assert echo.has_logged("a body was aborted")


def test_client_that_leaves_in_a_body_is_told_to_the_handler(echo):
    with echo.connect() as raw:
        raw.send(post(b"/sink", b"x" * 12_345)[:-1])
        raw.shut()
        wait_until(lambda: echo.has_logged("a body was aborted", bytes=12_344), what="the abort in the log")
        assert raw.is_ended(), "nobody is there to be answered"


def test_whoever_is_sent_away_for_now_is_told_when_to_come_again(echo):
    for status, is_told in ((503, True), (429, True), (500, False), (404, False)):
        answer = echo.ask(b"GET /status?status=%d HTTP/1.1\r\nHost: x\r\n\r\n" % status)
        assert answer.status == status
        assert (answer.get("Retry-After") is not None) == is_told
