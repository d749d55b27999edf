# SPDX-License-Identifier: Apache-2.0
"""Stored files over HTTP: whole, in parts, on conditions, and nothing that no row names."""
import http.client
import os
from email.utils import formatdate, parsedate_to_datetime

import pytest

from support import pictures
from support.client import Client
from support.process import give

STACK_WORKERS = 1


@pytest.fixture(scope="module")
def image(stack):
    """An image that is ready, with the bytes of its original as `data`."""
    client = Client(stack)
    client.product("Media", slug="media")
    data = pictures.jpeg(700, 500)
    made = client.wait_ready("media", client.upload("media", data).json()["id"])
    client.close()
    return made | {"data": data}


def get(client, url, **headers):
    return client.get(url, key=False, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_file_is_served_to_be_kept(client, image):
    answer = get(client, image["image_url"])
    assert answer.status_code == 200 and answer.content == image["data"]
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"].startswith('"') and parsedate_to_datetime(answer.headers["Last-Modified"])
    tags = {get(client, image[f"{name}_url"]).headers["ETag"] for name in ("image", "thumbnail", "medium", "webp")}
    assert len(tags) == 4
    assert get(client, image["webp_url"]).headers["Content-Type"] == "image/webp"


def test_head_tells_the_same_without_the_bytes(client, image):
    whole = get(client, image["image_url"])
    head = client.call("HEAD", image["image_url"], key=False)
    assert head.status_code == 200 and head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control"):
        assert head.headers[name] == whole.headers[name]


def test_conditions(client, image):
    url = image["image_url"]
    first = get(client, url)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    past = formatdate(parsedate_to_datetime(date).timestamp() - 60, usegmt=True)
    for headers, status in (
            ({"If_None_Match": tag}, 304), ({"If_None_Match": f'"x", W/{tag}'}, 304), ({"If_None_Match": "*"}, 304),
            ({"If_None_Match": '"x"'}, 200), ({"If_None_Match": '"x"', "If_Modified_Since": date}, 200),
            ({"If_Modified_Since": date}, 304), ({"If_Modified_Since": past}, 200), ({"If_Modified_Since": "whenever"}, 200),
            ({"If_Match": tag}, 200), ({"If_Match": "*"}, 200), ({"If_Match": tag, "If_None_Match": tag}, 304),
            ({"If_Unmodified_Since": date}, 200)):
        answer = get(client, url, **headers)
        assert answer.status_code == status, headers
        assert answer.headers["ETag"] == tag
        assert answer.content == (image["data"] if status == 200 else b"")
    for headers in ({"If_Match": '"x"'}, {"If_Match": f"W/{tag}"}, {"If_Unmodified_Since": past}):
        answer = get(client, url, **headers)
        assert answer.status_code == 412 and answer.json()["code"] == "precondition_failed"
        assert "Cache-Control" not in answer.headers


def test_ranges(client, image):
    url, data = image["image_url"], image["data"]
    size = len(data)
    for asked, first, last in (("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=100-", 100, size - 1), ("bytes=-5", size - 5, size - 1),
                               (f"bytes=0-{size * 2}", 0, size - 1), (f"bytes=-{size * 2}", 0, size - 1)):
        answer = get(client, url, Range=asked)
        assert answer.status_code == 206, asked
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert answer.content == data[first:last + 1]
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = get(client, url, Range=asked)
        assert answer.status_code == 416 and answer.headers["Content-Range"] == f"bytes */{size}"
        assert answer.json()["code"] == "range_not_satisfiable"
        # a refusal that a cache keeps for a year would stand in the file's place
        assert "Cache-Control" not in answer.headers and "ETag" not in answer.headers
    for asked in ("bytes=5-1", "lines=1-2", "bytes=a-b", "bytes"):
        answer = get(client, url, Range=asked)
        assert answer.status_code == 200 and answer.content == data


def test_a_range_of_another_file_is_the_whole(client, image):
    url = image["image_url"]
    first = get(client, url)
    for condition, status in ((first.headers["ETag"], 206), (first.headers["Last-Modified"], 206), ('"x"', 200),
                              ("W/" + first.headers["ETag"], 200)):
        assert get(client, url, Range="bytes=0-9", If_Range=condition).status_code == status


def test_head_has_no_ranges(client, image):
    url = image["image_url"]
    whole = client.call("HEAD", url, key=False)
    for asked in ("bytes=0-9", f"bytes={len(image['data'])}-"):
        head = client.call("HEAD", url, key=False, headers={"Range": asked})
        assert head.status_code == 200 and head.headers["Content-Length"] == whole.headers["Content-Length"]
        assert "Content-Range" not in head.headers


@pytest.mark.parametrize("change", ["shorter", "empty", "longer"])
def test_a_damaged_file_is_as_good_as_lost(client, stack, change):
    """A year is too long to keep half a picture."""
    slug = client.product()["slug"]
    image = client.wait_ready(slug, client.upload(slug, pictures.jpeg()).json()["id"])
    path = stack.media_dir / image["webp_url"].split("/media/")[1]
    size = path.stat().st_size
    assert size == image["variants"]["webp"]["bytes"]
    os.truncate(path, {"shorter": size // 2, "empty": 0, "longer": size + 1}[change])
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": f"bytes={size - 10}-"}, {"Range": "bytes=-1"}):
        answer = get(client, image["webp_url"], **headers)
        assert answer.status_code == 404 and answer.json()["code"] == "not_found", headers
        assert "Cache-Control" not in answer.headers
    assert client.call("HEAD", image["webp_url"], key=False).status_code == 404
    assert any(line["message"] == "a file has not as many bytes as its row says" for line in stack.api.log_lines())
    assert get(client, image["thumbnail_url"]).status_code == 200


def test_only_what_a_row_names_is_served(client, stack, image):
    secret = give(stack.media_dir / "products", 0o755) / "secret.jpg"
    secret.write_bytes(pictures.jpeg())
    os.chmod(secret, 0o644)
    names = ["products/secret.jpg", "", "products/", "products", ".", "../media/products/secret.jpg", "products/../products/secret.jpg",
             "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd", "/etc/passwd", "products//secret.jpg", "a" * 500, "x\\y", "nul%00"]
    try:
        for name in names:
            answer = client.get(f"/media/{name}", key=False)
            assert answer.status_code in (404, 400), name
            assert b"root:" not in answer.content
    finally:
        secret.unlink()


def test_paths_are_not_cleaned_up_into_others(stack, image):
    name = image["image_url"].split("/media/")[1]
    connection = http.client.HTTPConnection("127.0.0.1", stack.port)
    for path in (f"/media/../media/{name}", f"/media/x/../{name}", "/media/../../../../etc/passwd", f"/media/./{name}"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (404, 400), path
    connection.close()


def test_a_lost_file_is_not_found(client, stack):
    client.product("Lost", slug="lost")
    image = client.wait_ready("lost", client.upload("lost", pictures.jpeg()).json()["id"])
    (stack.media_dir / image["thumbnail_url"].split("/media/")[1]).unlink()
    answer = get(client, image["thumbnail_url"])
    assert answer.status_code == 404 and answer.json()["code"] == "not_found"
    assert str(stack.media_dir) not in answer.text
    assert any(line["message"] == "a row names a file that is not there" for line in stack.api.log_lines())
