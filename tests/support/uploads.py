# SPDX-License-Identifier: Apache-2.0
"""A steady stream of uploads for tests that break things meanwhile."""
import collections
import threading
import time

from support.process import wait_until


class Uploads:
    """`clients` threads that upload different small pictures through an oracle until the `with` block ends.

        with Uploads(oracle) as uploads:
            uploads.wait(20)            twenty more were answered 2xx
            ... break something ...

    answered: how many were 2xx; refused: others by status, None for no answer; slowest: of the first, in seconds.
    """

    def __init__(self, oracle, clients=3, pause=0.05):
        self.oracle = oracle
        self.pause = pause
        self.answered = 0
        self.refused = collections.Counter()
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        oracle.slug()  # made before anything breaks

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(120)
        if kind is None:
            # what a client may be told while things are broken: come again
            assert set(self.refused) <= {503, None}, self.refused

    def wait(self, count, seconds=60):
        """Waits until `count` more uploads were answered 2xx."""
        goal = self.answered + count
        wait_until(lambda: self.answered >= goal, seconds, f"{count} uploads more")

    def told(self):
        return f"{self.answered} answered, the slowest in {self.slowest:.2f} s; refused: {dict(self.refused)}"

    def _run(self):
        while not self._is_over.wait(self.pause):
            upload = self.oracle.upload()
            with self._lock:
                if upload.image is None:
                    self.refused[upload.status] += 1
                else:
                    self.answered += 1
                    self.slowest = max(self.slowest, upload.seconds)


def row_of(oracle, upload, columns="status"):
    """The row of an upload that was answered 2xx."""
    return oracle.stack.query(f"SELECT {columns} FROM image WHERE id = %s", upload.image)[0]


def upload_one(oracle, seconds=60):
    """An upload of now must be taken at once and soon be ready; returns how long that took, in s."""
    start = time.monotonic()
    upload = oracle.upload()
    assert upload.image is not None, f"an upload was answered {upload.status}"
    wait_until(lambda: row_of(oracle, upload) == ("ready",), seconds, f"image {upload.image} ready")
    return time.monotonic() - start
