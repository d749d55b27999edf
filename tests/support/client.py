# SPDX-License-Identifier: Apache-2.0
"""The HTTP contract as a test's client sees it: thin helpers over requests, no retries, no hidden waits."""
import itertools
import mimetypes
from pathlib import Path

import requests

from support.process import wait_until

SETTLED = ("ready", "failed")


class Client:
    """Calls one stack. Answers are requests.Response, but for the helpers that say otherwise."""

    def __init__(self, stack, key=None, timeout=60):
        self.stack = stack
        self.url = stack.url
        self.key = stack.key if key is None else key
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False
        self._count = itertools.count(1)

    def call(self, method, path, **options):
        """One request; path is relative to the api, or a whole URL. The key goes along unless key=False."""
        headers = dict(options.pop("headers", None) or {})
        if options.pop("key", True) and self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        options.setdefault("timeout", self.timeout)
        target = path if path.startswith("http") else self.url + path
        return self.session.request(method, target, headers=headers, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, **options):
        return self.call("POST", path, **options)

    def product(self, name=None, **fields):
        """Makes a product and returns its JSON."""
        body = {"name": name or f"Test product {id(self)} {next(self._count)}", **fields}
        answer = self.post("/api/products/", json=body)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        return answer.json()

    def upload(self, slug, image, name=None, content_type=None, **fields):
        """POST multipart field `image`: a path or bytes; fields are alt_text, caption, is_primary, order."""
        data, name = _bytes_of(image, name)
        content_type = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return self.post(f"/api/products/{slug}/images/", files={"image": (name, data, content_type)}, data=fields)

    def upload_raw(self, slug, image, content_type=None, **params):
        """POST with the image as the whole body."""
        data, name = _bytes_of(image, None)
        content_type = content_type or mimetypes.guess_type(name)[0] or "image/jpeg"
        return self.post(f"/api/products/{slug}/images/", data=data, params=params,
                         headers={"Content-Type": content_type})

    def image(self, slug, image_id):
        """The JSON of one image."""
        answer = self.get(f"/api/products/{slug}/images/{image_id}/")
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def wait_settled(self, slug, image_id, seconds=60):
        """Waits until the image is ready or failed, and returns its JSON."""
        def settled():
            image = self.image(slug, image_id)
            return image if image["status"] in SETTLED else None
        return wait_until(settled, seconds, f"image {image_id} settled")

    def wait_ready(self, slug, image_id, seconds=60):
        """As wait_settled, and asserts `ready`."""
        image = self.wait_settled(slug, image_id, seconds)
        assert image["status"] == "ready", image
        return image

    def close(self):
        self.session.close()


def _bytes_of(image, name):
    if isinstance(image, (bytes, bytearray)):
        return bytes(image), name or "image.jpg"
    path = Path(image)
    return path.read_bytes(), name or path.name
