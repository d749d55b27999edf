# SPDX-License-Identifier: Apache-2.0
"""Over load: what is refused, before its body is read, and what it is told about coming again."""
import socket

import pytest

from support import pictures
from support.client import Client
from support.process import wait_until

STACK_WORKERS = 0
MOST = 3_000_000
STACK_ENV = {"PIXMILL_MAX_UPLOAD_BYTES": MOST}


@pytest.fixture
def slug(client):
    return client.product()["slug"]


class Raw:
    """A connection that sends what it is told to, and keeps all that comes."""

    def __init__(self, stack, slug):
        self.stack, self.slug = stack, slug
        self.socket = socket.create_connection(("127.0.0.1", stack.port), timeout=60)
        self.source = self.socket.makefile("rb")

    def begin(self, *fields):
        head = [f"POST /api/products/{self.slug}/images/ HTTP/1.1", "Host: test", f"Authorization: Bearer {self.stack.key}",
                "Content-Type: image/jpeg", *fields]
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n")

    def chunk(self, data):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self):
        """Status and header fields of the next answer; its body is read over."""
        status = int(self.source.readline().split()[1])
        fields = {}
        while (line := self.source.readline().strip()):
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        fields["body"] = self.source.read(int(fields.get("Content-Length", 0)))
        return status, fields

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.close()
        self.socket.close()


def refused(status, fields, code="overloaded", expected=503):
    assert status == expected and f'"code":"{code}"'.encode() in fields["body"]
    assert 1 <= int(fields["Retry-After"]) <= 60


def test_announced_bytes_are_counted(stack, slug):
    with Raw(stack, slug) as first, Raw(stack, slug) as second, Raw(stack, slug) as small:
        first.begin("Content-Length: 2000000", "Expect: 100-continue")
        assert first.answer()[0] == 100
        second.begin("Content-Length: 1000001", "Expect: 100-continue")
        refused(*second.answer())  # and no 100 before it: the body is never sent
        assert second.source.read() == b"", "the connection ends, since its body will not come"
        small.begin("Content-Length: 1000000", "Expect: 100-continue")
        assert small.answer()[0] == 100
    with Raw(stack, slug) as again:

        def is_let_in():
            again.begin("Content-Length: 1000001", "Expect: 100-continue")
            return again.answer()[0] == 100
        # the two are gone as soon as the api has seen it
        wait_until(lambda: stack.begun_uploads() == 0, what="the end of the others")
        assert is_let_in()
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing kept")
    assert stack.media_files() == []


def test_bytes_that_were_not_announced_are_counted_as_they_come(stack, slug):
    data = pictures.jpeg()
    with Raw(stack, slug) as announced, Raw(stack, slug) as chunked:
        announced.begin(f"Content-Length: {MOST - len(data) - 100}")
        wait_until(lambda: stack.begun_uploads() == 1, what="the upload has begun")
        chunked.begin("Transfer-Encoding: chunked")
        chunked.chunk(data)
        wait_until(lambda: stack.begun_uploads() == 2, what="the second has begun")
        chunked.chunk(b"x" * 101)
        refused(*chunked.answer())
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing kept")
    assert stack.media_files() == []


def test_a_body_over_the_limit_is_let_in_alone(stack, slug):
    with Raw(stack, slug) as large:
        large.begin(f"Content-Length: {MOST + 1}", "Expect: 100-continue")
        assert large.answer()[0] == 100
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing kept")


def test_a_body_that_is_never_read_is_no_load(stack, slug):
    with Raw(stack, slug) as other, Raw(stack, slug) as huge:
        other.begin("Content-Length: 100", "Expect: 100-continue")
        assert other.answer()[0] == 100
        huge.begin("Content-Length: 10000000000000", "Expect: 100-continue")
        status, fields = huge.answer()
        assert status in (400, 413) and b'"code":"file_too_large"' in fields["body"], "coming again would not help"
    wait_until(lambda: stack.begun_uploads() == 0, what="nothing kept")


def test_a_key_over_its_rate_gets_429(new_stack):
    stack = new_stack({"PIXMILL_KEY_RATE": 1}, workers=0)
    client = Client(stack)
    slug = client.product()["slug"]
    other = Client(stack, stack.create_key("other", "upload"))
    with Raw(stack, slug) as raw:
        statuses = []
        while 429 not in statuses:  # each takes a turn, however slow the machine is
            raw.begin("Content-Length: 0")
            statuses.append((told := raw.answer())[0])
            assert len(statuses) < 1000
        refused(*told, code="rate_limited", expected=429)
        assert set(statuses) == {400, 429}
        raw.begin("Content-Length: 100", "Expect: 100-continue")
        status, fields = raw.answer()
        if status == 429:  # where the second is not over already: no 100 came before it
            refused(status, fields, code="rate_limited", expected=429)
        else:
            assert status == 100
    assert other.upload(slug, pictures.jpeg()).status_code == 201
    assert client.get("/api/products/").status_code == 200, "only uploads are counted"
    other.close()
    client.close()
