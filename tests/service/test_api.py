# SPDX-License-Identifier: Apache-2.0
"""Routes, keys, products, pages and problems, as the HTTP contract has them."""
import base64
import hashlib
import re
import urllib.parse

import pytest
import requests

from support import pictures
from support.client import Client
from support.process import REPO, wait_until

STACK_WORKERS = 0
STACK_ENV = {"PIXMILL_CORS_ORIGINS": "https://shop.example", "PIXMILL_TRUSTED_PROXIES": "127.0.0.1"}

IMAGE_KEYS = ("id product image image_url thumbnail_url medium_url webp_url alt_text caption is_primary order uploaded_at status "
              "error format width height bytes sha256 blurhash variants processed_at attempts").split()
PRODUCT_KEYS = ("id name slug description price image image_url image_width image_height primary_image images images_url "
                "created_at updated_at").split()


def problem(answer, status, code):
    """Asserts that an answer is that problem, and returns it."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code and body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    assert answer.headers["X-Request-Id"]
    return body


def described():
    """{path: methods} of openapi.yaml."""
    found, path = {}, None
    for line in (REPO / "api/openapi.yaml").read_text().splitlines():
        if line.startswith("components:"):
            break
        if match := re.match(r"  (/\S*):$", line):
            path = found.setdefault(match[1], set())
        elif match := re.match(r"    (get|post|put|patch|delete):$", line):
            path.add(match[1].upper())
    return found


def test_openapi_describes_exactly_the_routes(client):
    rows = re.findall(r'{HTTP_(\w+)_,\s*ROUTE_\w+,\s*"([^"]+)"', (REPO / "api/routes.c").read_text())
    table = {}
    for method, path in rows:
        table.setdefault(path.replace("*}", "}"), set()).add(method)
    assert len(rows) > 8 and described() == table
    for path, methods in table.items():
        answer = client.call("OPTIONS", path.replace("{id}", "1"), key=False)
        assert answer.status_code == 204
        assert set(answer.headers["Allow"].split(", ")) == methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    served = client.get("/openapi.yaml", key=False)
    assert served.status_code == 200 and served.text == (REPO / "api/openapi.yaml").read_text()


@pytest.mark.parametrize("path", ["/", "/api/", "/api/product/", "/api/products//", "/api/products/a/b/", "/nothing", "/api/images/"])
def test_unknown_paths(client, path):
    problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize("method, path, allow", [
    ("DELETE", "/api/products/", "GET, HEAD, POST, OPTIONS"),
    ("PATCH", "/api/products/a/images/1/", "GET, HEAD, OPTIONS"),
    ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ("LOCK", "/readyz", "GET, HEAD, OPTIONS"),
])
def test_known_paths_tell_their_methods(client, method, path, allow):
    answer = client.call(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allow


def test_a_last_slash_and_head_change_nothing(client):
    client.product("Slashes", slug="slashes")
    with_slash = client.get("/api/products/slashes/")
    assert client.get("/api/products/slashes").json() == with_slash.json()
    assert client.get("/healthz/").json()["status"] == "ok"
    head = client.call("HEAD", "/api/products/slashes/")
    assert head.status_code == 200 and head.text == ""
    assert head.headers["Content-Length"] == with_slash.headers["Content-Length"]


def test_ready_names_its_parts(client):
    assert client.get("/readyz", key=False).json() == {"status": "ok", "database": "up", "storage": "up", "queue": "up"}


def test_browsers_of_listed_origins_are_let_in(client):
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = client.call("OPTIONS", "/api/products/", key=False, headers=asks)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    answer = client.get("/api/products/", headers={"Origin": "https://shop.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    # a refusal must be readable by the page too
    answer = client.post("/api/products/", key=False, headers={"Origin": "https://shop.example"})
    assert answer.status_code == 401 and answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    answer = client.get("/api/products/", headers={"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


# keys

def test_writes_need_a_key(client):
    answer = client.post("/api/products/", json={"name": "x"}, key=False)
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/api/products/", key=False).status_code == 200


def test_wrong_keys_are_refused(client, stack):
    public = stack.key.split("_")[1]
    # the right key first: its row is then known, and must not let a wrong secret in
    assert client.post("/api/products/", json={"name": "Key"}).status_code == 201
    for key in (f"pm_{public}_{'0' * 64}", f"pm_{'0' * 16}_{'0' * 64}", stack.key[:-1], stack.key + "0", "x", stack.key.upper()):
        answer = client.post("/api/products/", json={"name": "x"}, headers={"Authorization": f"Bearer {key}"})
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    answer = client.post("/api/products/", json={"name": "x"}, headers={"Authorization": f"Basic {stack.key}"})
    problem(answer, 401, "unauthorized")


def test_a_key_needs_the_scope(client, stack):
    operator = stack.create_key("operator", "operate")
    answer = client.post("/api/products/", json={"name": "x"}, headers={"Authorization": f"Bearer {operator}"})
    problem(answer, 403, "forbidden")
    uploader = stack.create_key("uploader", "upload")
    answer = client.post("/api/products/", json={"name": "By uploader"}, headers={"Authorization": f"bearer {uploader}"})
    assert answer.status_code == 201


def test_a_revoked_key_ends_within_seconds(client, stack):
    key = stack.create_key("short", "upload")
    headers = {"Authorization": f"Bearer {key}"}
    assert client.post("/api/products/", json={"name": "First"}, headers=headers).status_code == 201
    stack.query("UPDATE api_key SET revoked_at = now() WHERE public_part = %s", key.split("_")[1])
    wait_until(lambda: client.post("/api/products/", json={}, headers=headers).status_code == 401, 15, "the key ended")


def test_keys_are_stored_as_hashes(stack):
    rows = stack.query("SELECT name, public_part, encode(sha256, 'hex') FROM api_key WHERE name = 'tests'")
    secret = stack.key.split("_")[2]
    assert rows and all(secret not in str(row) for row in rows)
    assert secret not in stack.api.log_text()


def test_closed_reads_need_any_key(new_stack):
    closed = new_stack({"PIXMILL_PUBLIC_READS": "false"}, workers=0)
    client = Client(closed)
    client.product("Secret", slug="secret")
    url = client.upload("secret", pictures.jpeg()).json()["image_url"]
    for path in ("/api/products/", "/api/products/secret/", "/api/products/secret/images/", "/api/images/1/", url):
        problem(client.get(path, key=False), 401, "unauthorized")
    operator = closed.create_key("operator", "operate")
    answer = client.get(url, headers={"Authorization": f"Bearer {operator}"})
    assert answer.status_code == 200 and answer.headers["Cache-Control"].startswith("private")
    assert client.get("/healthz", key=False).status_code == 200
    assert client.get("/readyz", key=False).status_code == 200
    client.close()


# products

def test_a_product_is_made_and_read(client):
    made = client.post("/api/products/", json={"name": "Grüner Krug", "description": "Holds 1 l.", "price": 19.9})
    assert made.status_code == 201
    body = made.json()
    assert list(body) == PRODUCT_KEYS
    assert (body["slug"], body["price"], body["description"]) == ("gruner-krug", "19.90", "Holds 1 l.")
    assert body["primary_image"] is None and body["images"] == []
    assert made.headers["Location"] == client.url + "/api/products/gruner-krug/"
    assert client.get(made.headers["Location"]).json() == body
    problem(client.get("/api/products/nothing-there/"), 404, "not_found")


def test_a_slug_is_unique(client):
    assert client.post("/api/products/", json={"name": "Twin", "slug": "Twin_1"}).json()["slug"] == "Twin_1"
    errors = problem(client.post("/api/products/", json={"name": "x", "slug": "Twin_1"}), 409, "slug_taken")["errors"]
    assert set(errors) == {"slug"}
    slugs = [client.post("/api/products/", json={"name": "Same name"}).json()["slug"] for _ in range(3)]
    assert slugs == ["same-name", "same-name-2", "same-name-3"]


@pytest.mark.parametrize("body, fields", [
    ({}, {"name"}),
    ({"name": "", "price": "-1"}, {"name", "price"}),
    ({"name": "x" * 201}, {"name"}),
    ({"name": "x", "slug": "a/b"}, {"slug"}),
    ({"name": "x", "price": "1.999"}, {"price"}),
    ({"name": ["x"], "description": 1}, {"name", "description"}),
])
def test_fields_of_a_product_are_checked(client, body, fields):
    assert set(problem(client.post("/api/products/", json=body), 400, "invalid")["errors"]) == fields


def test_bodies_that_are_no_json_object(client):
    headers = {"Content-Type": "application/json"}
    for data in (b"", b"[]", b"{", b'{"name": "\xff"}', b'{"name": "a"} x'):
        problem(client.post("/api/products/", data=data, headers=headers), 400, "bad_request")
    problem(client.post("/api/products/", data=b"name=x", headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    huge = b'{"name": "' + b"x" * (1 << 20) + b'"}'
    problem(client.post("/api/products/", data=huge, headers=headers), 413, "file_too_large")


# lists

def page_of(client, path):
    answer = client.get(path, key=False)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert list(page) == ["next", "previous", "results"]
    return page


def walk(client, path):
    """All rows of a list, page by page, and the size of each page. The way back must give the same pages."""
    pages = [page_of(client, path)]
    assert pages[0]["previous"] is None
    while pages[-1]["next"]:
        pages.append(page_of(client, pages[-1]["next"]))
    back, page = [pages[-1]], pages[-1]
    while page["previous"]:
        page = page_of(client, page["previous"])
        back.append(page)
    assert [page["results"] for page in back] == [page["results"] for page in reversed(pages)]
    # and a turn on the way back leads forward again
    for here, before in zip(back, back[1:]):
        assert page_of(client, before["next"])["results"] == here["results"]
    return [row for page in pages for row in page["results"]], [len(page["results"]) for page in pages]


def test_products_are_paged(client):
    for i in range(7):
        client.product(f"Paged {i}")
    rows, sizes = walk(client, "/api/products/?limit=3")
    assert set(sizes[:-1]) == {3} and 1 <= sizes[-1] <= 3
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids)) and len(ids) >= 7
    assert [row["id"] for row in walk(client, "/api/products/")[0]] == ids


def test_images_are_paged_by_order_then_time(client):
    client.product("Paged images", slug="paged-images")
    orders = [5, 0, 5, 2, 0, 0, 9]
    ids = {}
    for place, order in enumerate(orders):
        answer = client.upload("paged-images", pictures.jpeg(seed=place), order=order)
        assert answer.status_code == 201, answer.text
        ids[answer.json()["id"]] = (order, place)
    expected = sorted(ids, key=ids.get)
    for limit in (1, 2, 3, 6, 7, 200):
        rows, sizes = walk(client, f"/api/products/paged-images/images/?limit={limit}")
        assert [row["id"] for row in rows] == expected
        assert all(size == limit for size in sizes[:-1]) and sizes[-1] > 0
    assert all(list(row) == IMAGE_KEYS for row in rows)
    product = client.get("/api/products/paged-images/").json()
    assert [row["id"] for row in product["images"]] == expected
    assert product["primary_image"] is None
    problem(client.get("/api/products/nothing-there/images/"), 404, "not_found")


def test_pages_beside_rows_that_went(client, stack):
    client.product("Going", slug="going")
    ids = [client.upload("going", pictures.jpeg(seed=i)).json()["id"] for i in range(6)]
    path = "/api/products/going/images/"

    def seen(page):
        return [ids.index(row["id"]) for row in page["results"]]
    first = page_of(client, f"{path}?limit=2")
    last = page_of(client, page_of(client, first["next"])["next"])
    assert seen(last) == [4, 5] and last["next"] is None
    stack.query("DELETE FROM image WHERE id = ANY(%s)", ids[2:])
    # nothing after the cursor any more: back to what is left, with the very row that the cursor names
    empty = page_of(client, first["next"])
    assert seen(empty) == [] and empty["next"] is None
    assert seen(page_of(client, empty["previous"])) == [0, 1]
    left = page_of(client, last["previous"])
    assert seen(left) == [0, 1] and left["previous"] is None
    stack.query("DELETE FROM image WHERE id = ANY(%s)", ids[:1])
    stack.query("UPDATE image SET sort_order = 9 WHERE id = %s", ids[1])
    # nothing before the cursor any more: forward is from the start
    empty = page_of(client, last["previous"])
    assert seen(empty) == [] and empty["previous"] is None
    assert seen(page_of(client, empty["next"])) == [1]


def test_the_primary_image_is_told_wherever_it_stands(client, stack):
    client.product("Many", slug="many")
    client.product("Marked", slug="marked")
    primary = client.upload("many", pictures.jpeg(), is_primary="true", order=9).json()["id"]
    within = client.upload("marked", pictures.jpeg(), is_primary="true").json()["id"]
    stack.query("INSERT INTO image (product, stored_name, format, bytes, sha256) SELECT id, 'many-' || i, 'jpeg', 1, sha256('') "
                "FROM product, generate_series(1, 60) i WHERE slug = 'many'")
    products = {row["slug"]: row for row in walk(client, "/api/products/?limit=200")[0]}
    for many in (client.get("/api/products/many/").json(), products["many"]):
        assert len(many["images"]) == 50 and primary not in [row["id"] for row in many["images"]]
        assert many["primary_image"]["id"] == primary and many["primary_image"]["is_primary"] is True
    assert [row["id"] for row in products["marked"]["images"]] == [within]
    assert products["marked"]["primary_image"] == products["marked"]["images"][0]
    assert all(image["product"] == row["id"] for row in products.values() for image in row["images"])
    assert page_of(client, "/api/products/many/images/?limit=200")["results"][-1]["id"] == primary


def forge(name, keys):
    """A cursor of a list with keys of our own: its check is no secret."""
    check = hashlib.sha256(f"2 {keys} {name}".encode()).digest()[:6]
    return base64.urlsafe_b64encode(check + keys.encode()).decode().rstrip("=")


def test_forged_cursors_with_a_right_check_are_refused(client):
    client.product("Forged", slug="forged")
    client.upload("forged", pictures.jpeg())
    path = "/api/products/forged/images/"
    time = "2026-01-31T12:00:00Z"
    assert client.get(f"{path}?cursor={forge('images of forged', f'>0/{time}/1')}").status_code == 200
    assert client.get(f"{path}?cursor={forge('images of forged', f'<0/{time}/1')}").status_code == 200
    for keys in (f"0/{time}/1", f"=0/{time}/1", f"><0/{time}/1", "<", ">0//1", "<0//1", f"<0/{time}/0", f"<x/{time}/1", "<0/now/1",
                 f"<{2 ** 63}/{time}/1", f">0/{time}/{2 ** 63}"):
        problem(client.get(f"{path}?cursor={forge('images of forged', keys)}"), 400, "invalid")
    assert client.get(f"/api/products/?cursor={forge('products', f'<0//{2 ** 63 - 1}')}").status_code == 200
    problem(client.get(f"/api/products/?cursor={forge('products', '<0//0')}"), 400, "invalid")


def test_forged_cursors_and_limits_are_refused(client):
    client.product("Other list", slug="other-list")
    for i in range(2):
        client.upload("other-list", pictures.jpeg(seed=i))
    cursor = client.get("/api/products/other-list/images/?limit=1").json()["next"].split("cursor=")[1]
    for forged in (cursor[:-2], cursor[::-1], "AAAA", "x" * 5000, "%00", "eyJpZCI6IDF9", urllib.parse.quote("'; DROP TABLE image")):
        body = problem(client.get(f"/api/products/other-list/images/?cursor={forged}"), 400, "invalid")
        assert set(body["errors"]) == {"cursor"}
    # a cursor of another list
    problem(client.get(f"/api/products/?cursor={cursor}"), 400, "invalid")
    for limit in ("0", "201", "x", "-1", ""):
        body = problem(client.get(f"/api/products/?limit={limit}"), 400, "invalid")
        assert set(body["errors"]) == {"limit"}


# addresses

def test_urls_are_built_on_what_the_client_asked_for(client, stack, new_stack):
    def images_url(**headers):
        return client.get("/api/products/addresses/", headers=headers).json()["images_url"]
    client.product("Addresses", slug="addresses")
    path = "/api/products/addresses/images/"
    assert images_url() == stack.url + path
    assert images_url(Host="shop.example:81") == "http://shop.example:81" + path
    assert images_url(**{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}) == "https://shop.example" + path
    other = new_stack({"PIXMILL_PUBLIC_URL": "https://cdn.example/pixmill/"}, workers=0)
    direct = Client(other)
    direct.product("Addresses", slug="addresses")
    answer = direct.get("/api/products/addresses/", headers={"X-Forwarded-Host": "evil.example", "Host": "evil.example"})
    assert answer.json()["images_url"] == "https://cdn.example/pixmill" + path
    direct.close()


def test_forwarded_words_of_strangers_are_not_believed(new_stack):
    plain = new_stack(workers=0)
    client = Client(plain)
    client.product("Addresses", slug="addresses")
    answer = client.get("/api/products/addresses/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert answer.json()["images_url"] == plain.url + "/api/products/addresses/images/"
    client.close()


def test_ids_that_are_no_ids(client):
    client.product("Ids", slug="ids")
    for name in ("0", "-1", "x", "9" * 30, "1.0", "999999999"):
        problem(client.get(f"/api/products/ids/images/{name}/"), 404, "not_found")
        problem(client.get(f"/api/images/{name}/"), 404, "not_found")


def test_an_image_belongs_to_its_product(client):
    client.product("Owner", slug="owner")
    client.product("Stranger", slug="stranger")
    image = client.upload("owner", pictures.jpeg()).json()
    assert client.get(f"/api/products/owner/images/{image['id']}/").json() == image
    assert client.get(f"/api/images/{image['id']}/").json() == image
    problem(client.get(f"/api/products/stranger/images/{image['id']}/"), 404, "not_found")


def test_what_is_not_measured_yet_is_null_everywhere(client):
    client.product("Waiting", slug="waiting")
    made = client.upload("waiting", pictures.jpeg(700, 500), is_primary="true").json()
    unknown = ("width", "height", "blurhash", "thumbnail_url", "medium_url", "webp_url", "processed_at", "error")
    assert made["status"] == "pending" and {made[name] for name in unknown} == {None} and made["variants"] == {}
    product = client.get("/api/products/waiting/").json()
    seen = [client.get(f"/api/images/{made['id']}/").json(), client.get(f"/api/products/waiting/images/{made['id']}/").json(),
            *client.get("/api/products/waiting/images/").json()["results"], *product["images"], product["primary_image"]]
    assert len(seen) == 5 and all(image == made for image in seen)
    listed = [row for row in walk(client, "/api/products/?limit=200")[0] if row["slug"] == "waiting"]
    assert listed == [product]


def test_each_request_has_one_line_in_the_log(client, stack):
    client.get("/api/products/not-in-the-log/", headers={"X-Request-Id": "find-me"})
    lines = [line for line in stack.api.log_lines() if line.get("request") == "find-me"]
    assert len(lines) == 1
    assert (lines[0]["method"], lines[0]["path"], lines[0]["status"]) == ("GET", "/api/products/not-in-the-log/", 404)
    assert {"ms", "bytes"} <= set(lines[0])


# the command line

def test_commands(stack):
    assert stack.run("pixmill-api", "--check-health").returncode == 0
    assert stack.run("pixmill-api", "--check-health", env={"PIXMILL_LISTEN": "127.0.0.1:1"}, check=False).returncode == 1
    assert stack.run("pixmill-api", "--version").stdout.startswith("pixmill-api ")
    assert "--migrate" in stack.run("pixmill-api", "--help").stdout
    assert "| `PIXMILL_LISTEN` |" in stack.run("pixmill-api", "--config-doc").stdout
    assert f"PIXMILL_LISTEN=127.0.0.1:{stack.port}" in stack.run("pixmill-api", "--print-config").stdout
    assert stack.run("pixmill-api", "--check-config").returncode == 0
    done = stack.run("pixmill-api", "--check-config", env={"PIXMILL_MIN_SIDE": "x", "PIXMILL_MAX_SIDE": "0"}, check=False)
    assert done.returncode == 2 and "PIXMILL_MIN_SIDE" in done.stderr and "PIXMILL_MAX_SIDE" in done.stderr
    assert stack.run("pixmill-api", "--frobnicate", check=False).returncode == 2
    assert stack.run("pixmill-api", "--create-key", "x", "--scope", "everything", check=False).returncode == 1
    stack.run("pixmill-api", "--migrate")


def test_a_port_in_use_is_told(stack):
    done = stack.run("pixmill-api", check=False)
    assert done.returncode == 1 and "could not start" in done.stderr


def test_sigterm_ends_it_with_0(new_stack):
    stopped = new_stack(workers=0)
    with requests.Session() as session:
        assert session.get(stopped.url + "/healthz").status_code == 200
        stopped.stop_api()
