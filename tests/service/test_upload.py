# SPDX-License-Identifier: Apache-2.0
"""Uploads: forms and raw bodies, every refusal, and bodies that come in an unkind way."""
import hashlib
import io
import json
import signal
import socket
import threading

import pytest

from support import pictures
from support.client import Client
from support.process import wait_until

STACK_WORKERS = 0
STACK_ENV = {"PIXMILL_MAX_BODY_BYTES": 8 << 20, "PIXMILL_BODY_IDLE_TIMEOUT": 2000}
MAX_FILE = 5242880


@pytest.fixture(scope="module")
def slug(stack):
    with_key = Client(stack)
    made = with_key.product("Uploads")["slug"]
    with_key.close()
    return made


@pytest.fixture
def kept_files(stack):
    """Files before the test; what it refuses must leave nothing, temporary files neither."""
    before = stack.media_files()
    rows = stack.query("SELECT count(*) FROM image")
    yield before
    wait_until(lambda: stack.media_files() == before, what="nothing kept")
    assert stack.query("SELECT count(*) FROM image") == rows


def padded(data, size):
    """A JPEG of exactly `size` bytes: bytes after its end are no concern of its head."""
    return data + b"\0" * (size - len(data))


def refused(answer, code, status=400, field="image"):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    body = answer.json()
    assert body["code"] == code, body
    if field:
        assert body["errors"][field] and all(isinstance(text, str) for text in body["errors"][field])
    return body


def form(*parts, boundary="----b0undary"):
    """The bytes of a form: (name, value) or (name, file name, bytes)."""
    out = b""
    for part in parts:
        disposition = f'form-data; name="{part[0]}"' + (f'; filename="{part[1]}"' if len(part) == 3 else "")
        value = part[-1] if isinstance(part[-1], bytes) else part[-1].encode()
        out += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=----b0undary"}


def test_a_form_is_stored_as_it_came(client, stack, slug):
    data = pictures.jpeg(800, 600, seed=1)
    answer = client.upload(slug, data, name="Mug.JPEG", alt_text="A mug, grün", caption="", is_primary="true", order="3")
    assert answer.status_code == 201, answer.text
    image = answer.json()
    assert image["status"] == "pending" and image["error"] is None and image["variants"] == {}
    assert image["thumbnail_url"] is None and image["width"] is None
    assert (image["alt_text"], image["caption"], image["is_primary"], image["order"]) == ("A mug, grün", "", True, 3)
    assert (image["format"], image["bytes"]) == ("jpeg", len(data))
    assert image["sha256"] == hashlib.sha256(data).hexdigest()
    assert answer.headers["Location"] == f"{stack.url}/api/products/{slug}/images/{image['id']}/"
    assert client.get(answer.headers["Location"]).json() == image
    assert client.get(image["image_url"], key=False).content == data
    name = image["image_url"].split("/media/")[1]
    assert name in stack.media_files() and name.startswith("products/") and name.endswith(".jpg")
    [(key,)] = stack.query("SELECT k.name FROM image i JOIN api_key k ON k.id = i.api_key WHERE i.id = %s", image["id"])
    assert key == "tests"


@pytest.mark.parametrize("kind, extension", [("PNG", "png"), ("WEBP", "webp"), ("JPEG", "jpg")])
def test_a_raw_body_is_the_image(client, slug, kind, extension):
    data = pictures.encoded(pictures.picture(300, 300, seed=2), kind)
    # the declared type is not believed, either way
    for declared in (f"image/{kind.lower()}", "image/gif", "application/octet-stream"):
        answer = client.upload_raw(slug, data, content_type=declared, alt_text="raw", order=7, is_primary=0)
        assert answer.status_code == 201, answer.text
        image = answer.json()
        assert (image["format"], image["alt_text"], image["order"], image["is_primary"]) == (kind.lower(), "raw", 7, False)
        assert image["image_url"].endswith("." + extension)
        assert client.get(image["image_url"]).content == data


def test_a_new_primary_takes_the_mark(client):
    client.product("Primaries", slug="primaries")
    first, second = (client.upload("primaries", pictures.jpeg(seed=i), is_primary="1").json()["id"] for i in (1, 2))
    product = client.get("/api/products/primaries/").json()
    assert {image["id"]: image["is_primary"] for image in product["images"]} == {first: False, second: True}
    assert product["primary_image"]["id"] == second


def test_fields_may_follow_the_file_and_unknown_ones_are_ignored(client, slug):
    body = form(("csrf", "x" * 100000), ("caption", "before"), ("image", "a.jpg", pictures.jpeg()), ("alt_text", "after"), ("more", "y"))
    answer = client.post(f"/api/products/{slug}/images/", data=body, headers=FORM_TYPE)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["alt_text"], answer.json()["caption"]) == ("after", "before")


def test_a_chunked_body_of_small_pieces(client, slug):
    data = pictures.jpeg(900, 700, seed=5)
    body = form(("image", "a.jpg", data))

    def pieces():
        for at in range(0, len(body), 97):
            yield body[at:at + 97]
    answer = client.post(f"/api/products/{slug}/images/", data=pieces(), headers=FORM_TYPE)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_file_of_exactly_the_limit(client, slug):
    data = padded(pictures.jpeg(), MAX_FILE)
    for answer in (client.upload(slug, data), client.upload_raw(slug, data)):
        assert answer.status_code == 201, answer.text
        assert answer.json()["bytes"] == MAX_FILE


# refusals

def gif(width=300, height=300):
    sink = io.BytesIO()
    pictures.picture(width, height).convert("P").save(sink, "GIF")
    return sink.getvalue()


CASES = {
    "no_file": [b""],
    "unsupported_format": [gif(), b"<html></html>" * 100, b"%PDF-1.4 " * 100, b"\0" * 1000, b"x"],
    "too_small": [pictures.jpeg(199, 300), pictures.encoded(pictures.picture(300, 199), "PNG"),
                  pictures.encoded(pictures.picture(50, 50), "WEBP")],
    "too_large": [pictures.encoded(pictures.picture(5001, 300), "PNG"), pictures.jpeg(300, 5001)],
    "invalid_image": [pictures.jpeg()[:100], pictures.encoded(pictures.picture(), "PNG")[:20]],
    "file_too_large": [padded(pictures.jpeg(), MAX_FILE + 1)],
}


@pytest.mark.parametrize("code, data", [pytest.param(code, data, id=f"{code}-{i}") for code in CASES for i, data in enumerate(CASES[code])])
def test_files_are_refused_by_what_they_are(client, slug, kept_files, code, data):
    refused(client.upload(slug, data, name="picture.jpg"), code)
    # an empty raw body is no body at all
    refused(client.upload_raw(slug, data, content_type="image/jpeg"), code)


@pytest.mark.parametrize("name", ["picture.gif", "picture", "picture.jpg.exe", "picture.svg", ".jpg.txt"])
def test_names_of_other_types_are_refused(client, slug, kept_files, name):
    refused(client.upload(slug, pictures.jpeg(), name=name, content_type="image/jpeg"), "unsupported_extension")


@pytest.mark.parametrize("parts", [
    [("alt_text", "x")],
    [("image", "not a file")],
    [("image", "", b"")],
    [("photo", "a.jpg", b"x")],
    [],
])
def test_forms_without_a_file(client, slug, kept_files, parts):
    answer = client.post(f"/api/products/{slug}/images/", data=form(*parts), headers=FORM_TYPE)
    refused(answer, "no_file")


def test_two_files_are_one_too_many(client, slug, kept_files):
    body = form(("image", "a.jpg", pictures.jpeg()), ("image", "b.jpg", pictures.jpeg()))
    refused(client.post(f"/api/products/{slug}/images/", data=body, headers=FORM_TYPE), "invalid")


def test_fields_are_checked(client, slug, kept_files):
    answer = client.upload(slug, pictures.jpeg(), alt_text="ä" * 201, caption="x" * 5000, is_primary="maybe", order="first")
    assert set(refused(answer, "invalid", field=None)["errors"]) == {"alt_text", "caption", "is_primary", "order"}
    answer = client.upload_raw(slug, pictures.jpeg(), alt_text="x" * 201, order=-1)
    assert set(refused(answer, "invalid", field=None)["errors"]) == {"alt_text", "order"}
    assert client.upload("nothing-there", pictures.jpeg()).status_code == 404


def test_other_bodies_are_refused(client, slug, kept_files):
    path = f"/api/products/{slug}/images/"
    refused(client.post(path, json={"image": "x"}), "unsupported_media_type", 415, None)
    refused(client.post(path, data=b"x"), "unsupported_media_type", 415, None)
    refused(client.post(path, data=b"x", headers={"Content-Type": "multipart/form-data"}), "bad_request", 400, None)
    refused(client.post(path, data=form(("image", "a.jpg", pictures.jpeg()))[:-4], headers=FORM_TYPE), "bad_request", 400, None)
    refused(client.post(path, data=b"garbage", headers=FORM_TYPE), "bad_request", 400, None)


def test_a_body_over_the_whole_limit_is_413(client, slug, kept_files):
    body = form(("more", "x" * (9 << 20)), ("image", "a.jpg", pictures.jpeg()))
    path = f"/api/products/{slug}/images/"
    refused(client.post(path, data=body, headers=FORM_TYPE), "file_too_large", 413, None)
    refused(client.post(path, data=iter([body]), headers=FORM_TYPE), "file_too_large", 413, None)
    refused(client.upload_raw(slug, padded(pictures.jpeg(), 9 << 20)), "file_too_large", 413, None)


def test_uploads_need_key_and_scope(client, stack, slug, kept_files):
    answer = client.post(f"/api/products/{slug}/images/", key=False, files={"image": ("a.jpg", pictures.jpeg(), "image/jpeg")})
    assert answer.status_code == 401
    operator = stack.create_key("operator", "operate")
    answer = client.post(f"/api/products/{slug}/images/", files={"image": ("a.jpg", pictures.jpeg(), "image/jpeg")},
                         headers={"Authorization": f"Bearer {operator}"})
    assert answer.status_code == 403


# over a socket

class Raw:
    """A connection that sends what it is told to."""

    def __init__(self, stack):
        self.stack = stack
        self.socket = socket.create_connection(("127.0.0.1", stack.port), timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def begin(self, slug, length, content_type="image/jpeg", *fields):
        head = [f"POST /api/products/{slug}/images/ HTTP/1.1", "Host: test", f"Authorization: Bearer {self.stack.key}",
                f"Content-Type: {content_type}", f"Content-Length: {length}", *fields]
        self.send("\r\n".join(head).encode() + b"\r\n\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """Status and JSON of the next answer."""
        with self.socket.makefile("rb") as source:
            status = int(source.readline().split()[1])
            fields = {}
            while (line := source.readline().strip()):
                name, _, value = line.decode().partition(": ")
                fields[name.lower()] = value
            body = source.read(int(fields.get("content-length", 0)))
            return status, json.loads(body) if body else None


@pytest.mark.parametrize("start, code", [
    (gif()[:64], "unsupported_format"),
    (pictures.encoded(pictures.picture(199, 300), "PNG")[:64], "too_small"),
    (pictures.encoded(pictures.picture(6000, 300), "PNG")[:64], "too_large"),
])
def test_a_refusal_does_not_wait_for_the_rest(stack, slug, kept_files, start, code):
    body = form(("image", "a.jpg", start + b"x" * 4000000))
    with Raw(stack) as raw:
        raw.begin(slug, len(body), FORM_TYPE["Content-Type"])
        raw.send(body[:body.index(start) + len(start)])
        status, told = raw.answer()
        assert (status, told["code"]) == (400, code)
    with Raw(stack) as raw:
        raw.begin(slug, 4000000)
        raw.send(start)
        status, told = raw.answer()
        assert (status, told["code"]) == (400, code)


@pytest.mark.parametrize("length, path_slug, status, code", [
    (MAX_FILE + 1, None, 400, "file_too_large"), (9 << 20, None, 413, "file_too_large"), (1000, "nothing-there", 404, "not_found")])
def test_what_the_head_tells_is_refused_before_the_body(stack, slug, kept_files, length, path_slug, status, code):
    with Raw(stack) as raw:
        raw.begin(path_slug or slug, length, "image/jpeg", "Expect: 100-continue")
        found, told = raw.answer()
        assert (found, told["code"]) == (status, code)


def test_100_continue_comes_before_the_body(stack, slug):
    data = pictures.jpeg()
    with Raw(stack) as raw:
        raw.begin(slug, len(data), "image/jpeg", "Expect: 100-continue")
        assert raw.answer() == (100, None)
        raw.send(data)
        status, image = raw.answer()
        assert status == 201 and image["bytes"] == len(data)


def test_a_client_that_leaves_keeps_nothing(stack, slug, kept_files):
    data = pictures.jpeg()
    for cut in (10, len(data) // 2, len(data) - 1):
        with Raw(stack) as raw:
            raw.begin(slug, len(data))
            raw.send(data[:cut])


def test_a_client_that_stalls_is_cut(stack, slug, kept_files):
    data = pictures.jpeg()
    with Raw(stack) as raw:
        raw.begin(slug, len(data))
        raw.send(data[:1000])
        status, told = raw.answer()
        assert (status, told["code"]) == (408, "request_timeout")


def test_many_slow_uploads_at_once_arrive_whole(stack, slug):
    """Pieces of forty bodies come in turn; each is stored as it was sent."""
    bodies = [padded(pictures.jpeg(seed=i), 200000 + i) for i in range(40)]
    raws = [Raw(stack) for _ in bodies]
    for raw, body in zip(raws, bodies):
        raw.begin(slug, len(body))
    for at in range(0, 200040, 25000):
        for raw, body in zip(raws, bodies):
            raw.send(body[at:at + 25000])
    for raw, body in zip(raws, bodies):
        with raw:
            status, image = raw.answer()
            assert status == 201, image
            assert image["sha256"] == hashlib.sha256(body).hexdigest()


def test_too_many_uploads_are_asked_to_come_again(new_stack):
    small = new_stack({"PIXMILL_MAX_UPLOADS": 2}, workers=0)
    client = Client(small)
    client.product("Busy", slug="busy")
    data = pictures.jpeg()
    raws = [Raw(small) for _ in range(2)]
    for raw in raws:
        raw.begin("busy", len(data))
        raw.send(data[:500])
    wait_until(lambda: small.begun_uploads() == 2, what="two uploads that have begun")
    answer = client.upload("busy", data)
    assert answer.status_code == 503
    assert answer.json()["code"] == "overloaded" and int(answer.headers["Retry-After"]) > 0
    assert client.get("/api/products/busy/").status_code == 200
    for raw in raws:
        with raw:
            raw.send(data[500:])
            assert raw.answer()[0] == 201
    assert client.upload("busy", data).status_code == 201
    client.close()


# stopping

def test_sigterm_lets_uploads_end_and_cuts_those_that_do_not(new_stack):
    stopping = new_stack({"PIXMILL_GRACE_MS": 3000}, workers=0)
    client = Client(stopping)
    client.product("Stops", slug="stops")
    data = pictures.jpeg()
    with Raw(stopping) as ends, Raw(stopping) as stalls, Raw(stopping) as waits:
        waits.begin("stops", len(data), "image/jpeg", "Prefer: wait=30")
        waits.send(data)
        for raw in (ends, stalls):
            raw.begin("stops", len(data))
            raw.send(data[:1000])
        wait_until(lambda: stopping.begun_uploads() == 2, what="two uploads that have begun")
        wait_until(lambda: stopping.query("SELECT count(*) FROM image") == [(1,)], what="a row")
        stopping.api.send(signal.SIGTERM)
        status, image = waits.answer()
        assert status == 201 and image["status"] == "pending"
        ends.send(data[1000:])
        assert ends.answer()[0] == 201
        wait_until(lambda: not stopping.api.is_alive(), what="the end of the api")
    stopping.stop_api()
    assert stopping.query("SELECT count(*) FROM image") == [(2,)]
    assert len(stopping.media_files()) == 2
    client.close()


# waiting

def test_prefer_wait_holds_the_answer_until_the_image_is_ready(new_stack):
    working = new_stack()
    client = Client(working)
    client.product("Waits", slug="waits")
    files = {"image": ("a.jpg", pictures.jpeg(), "image/jpeg")}
    answer = client.post("/api/products/waits/images/", files=files, headers={"Prefer": "wait=30"})
    assert answer.status_code == 201 and answer.headers["Preference-Applied"] == "wait=30"
    assert answer.json()["status"] == "ready" and answer.json()["thumbnail_url"]
    client.close()


def test_prefer_wait_ends_with_its_time(client, stack, slug):
    files = {"image": ("a.jpg", pictures.jpeg(), "image/jpeg")}
    answer = client.post(f"/api/products/{slug}/images/", files=files, headers={"Prefer": "wait=1"})
    assert answer.status_code == 201 and answer.json()["status"] == "pending"
    answer = client.get(answer.headers["Location"], headers={"Prefer": "respond-async, wait=1"})
    assert answer.status_code == 200 and answer.json()["status"] == "pending"


def test_prefer_wait_on_a_read_sees_the_change(client, stack, slug):
    image = client.upload(slug, pictures.jpeg()).json()
    found = []

    def read():
        found.append(client.get(f"/api/images/{image['id']}/", headers={"Prefer": "wait=30"}).json())
    reader = threading.Thread(target=read)
    reader.start()
    stack.query("UPDATE image SET status = 'failed', error = 'corrupt_image' WHERE id = %s", image["id"])
    reader.join(25)
    assert found and found[0]["status"] == "failed"
    assert found[0]["error"] == {"code": "corrupt_image", "detail": "The image is damaged or incomplete."}
