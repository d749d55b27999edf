#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Uploads images to a running api, waits until the workers are done with them, and prints what became of each.

Takes the standard library; Pillow only where it draws the pictures itself. Exit code 0: every image is ready.
"""
import argparse
import concurrent.futures
import json
import mimetypes
import os
import secrets
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

VARIANTS = ("thumbnail", "medium", "webp")
PRODUCT = {"slug": "demo", "name": "Demo", "description": "What deploy/local demo uploads", "price": "19.99"}
UPLOADS_AT_ONCE = 4
POLL_SECONDS = 0.05
# An answer of a local server; without a limit a stuck one would hold the demo for ever.
ANSWER_SECONDS = 60
SETTLE_SECONDS = 120


class Refused(Exception):
    """An upload or a call that did not succeed, in words for the user."""


class Api:
    def __init__(self, url, key):
        self.url = url.rstrip("/")
        self.key = key
        # a proxy from the environment has no business with 127.0.0.1
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method, path, body=None, content_type="application/json"):
        """Returns (status, JSON). Refused where no answer came at all."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Authorization", "Bearer " + self.key)
        if body is not None:
            request.add_header("Content-Type", content_type)
        try:
            with self.opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as fault:
            text = fault.read()
            try:
                return fault.code, json.loads(text)
            except ValueError:
                return fault.code, {"code": "", "detail": text[:200].decode(errors="replace")}
        except (OSError, ValueError) as fault:
            raise Refused(f"no answer from {self.url}: {fault}") from None

    def need_product(self):
        status, _ = self.call("GET", f"/api/products/{PRODUCT['slug']}/")
        if status == 200:
            return PRODUCT["slug"]
        status, answer = self.call("POST", "/api/products/", json.dumps(PRODUCT).encode())
        if status == 201:
            return answer["slug"]
        if status == 409:
            return PRODUCT["slug"]
        raise Refused(f"could not make the product: {status} {words(answer)}")

    def upload(self, slug, path):
        body, content_type = multipart(path)
        status, answer = self.call("POST", f"/api/products/{slug}/images/", body, content_type)
        if status != 201:
            raise Refused(f"{status} {words(answer)}")
        return answer


def words(answer):
    """code and text of a problem+json answer, or of an image's error."""
    if not isinstance(answer, dict):
        return str(answer)
    text = answer.get("detail") or answer.get("title") or ""
    return f"{answer.get('code', '')}: {text}" if text else str(answer.get("code", ""))


def multipart(path):
    """A form with the one field `image`."""
    boundary = "pixmill-" + secrets.token_hex(12)
    name = "".join("_" if letter in '"\\' or ord(letter) < 32 else letter for letter in path.name)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    head = (f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n")
    return head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Demo:
    """All files' way through the service; each costs nothing but itself."""

    def __init__(self, api, slug, files):
        self.api = api
        self.slug = slug
        self.files = files
        self.lock = threading.Lock()
        self.stages = {"waiting": len(files), "uploading": 0, "processing": 0, "ready": 0, "failed": 0}

    def move(self, old, new):
        with self.lock:
            self.stages[old] -= 1
            self.stages[new] += 1
            if sys.stderr.isatty():
                text = "  ".join(f"{name} {count}" for name, count in self.stages.items())
                print(f"\r{text}   ", end="", file=sys.stderr, flush=True)
            elif new in ("ready", "failed"):
                done = self.stages["ready"] + self.stages["failed"]
                print(f"{done} of {len(self.files)} done", file=sys.stderr, flush=True)

    def one(self, path):
        """Returns (path, seconds, image or None, error or None)."""
        begun = time.monotonic()
        stage = "uploading"
        self.move("waiting", stage)
        try:
            image = self.api.upload(self.slug, path)
            self.move(stage, "processing")
            stage = "processing"
            image = self.settle(image["id"])
        except (Refused, OSError) as fault:
            self.move(stage, "failed")
            return path, time.monotonic() - begun, None, str(fault)
        ok = image["status"] == "ready"
        self.move(stage, "ready" if ok else "failed")
        return path, time.monotonic() - begun, image, None if ok else words(image.get("error") or {"code": "failed"})

    def settle(self, image_id):
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            status, image = self.api.call("GET", f"/api/products/{self.slug}/images/{image_id}/")
            if status != 200:
                raise Refused(f"asking for image {image_id}: {status} {words(image)}")
            if image["status"] in ("ready", "failed"):
                return image
            time.sleep(POLL_SECONDS)
        raise Refused(f"image {image_id} was not done within {SETTLE_SECONDS} s; is a worker running?")

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            results = list(pool.map(self.one, self.files))
        if sys.stderr.isatty():
            print(file=sys.stderr)
        return results


def size(width, height, count):
    sides = f"{width}x{height}" if width else "?"
    return f"{sides}  {max(1, round((count or 0) / 1024))} KB"


def print_table(results):
    rows = [("image", "time", "original", *VARIANTS)]
    for path, seconds, image, error in results:
        cells = [path.name, f"{seconds:.2f} s"]
        if error is None:
            cells.append(size(image["width"], image["height"], image["bytes"]))
            made = image.get("variants") or {}
            cells += [size(made[name]["width"], made[name]["height"], made[name]["bytes"]) if name in made else "-"
                      for name in VARIANTS]
        else:
            cells.append("failed: " + error)
        rows.append(tuple(cells))
    widths = [max(len(row[i]) for row in rows if len(row) > i and len(row) == len(rows[0])) for i in range(len(rows[0]))]
    widths[0] = max(len(row[0]) for row in rows)
    widths[1] = max(len(row[1]) for row in rows)
    print()
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_urls(results):
    for path, _, image, error in results:
        if error is None:
            print(f"\n{path.name}")
            for name, key in (("original", "image_url"), ("thumbnail", "thumbnail_url"), ("medium", "medium_url"),
                              ("webp", "webp_url")):
                print(f"  {name:<9} {image.get(key)}")


def main():
    parser = argparse.ArgumentParser(description="Uploads images and shows what became of them.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--key-file", required=True)
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pixmill-demo-") as folder:
        files = options.files
        if not files:
            sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
            sys.dont_write_bytecode = True
            import demo_draw
            print("drawing pictures", file=sys.stderr)
            files = demo_draw.draw_all(Path(folder))
        api = Api(options.url, Path(options.key_file).read_text().strip())
        begun = time.monotonic()
        try:
            results = Demo(api, api.need_product(), files).run()
        except Refused as fault:
            sys.exit(f"pixmill: {fault}")
        spent = time.monotonic() - begun
    print_table(results)
    print_urls(results)
    bad = sum(1 for result in results if result[3] is not None)
    print(f"\n{len(results) - bad} ready, {bad} failed, in {spent:.1f} s")
    print(f"product: {api.url}/api/products/{PRODUCT['slug']}/")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
