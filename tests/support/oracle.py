# SPDX-License-Identifier: Apache-2.0
"""Judges what a stack made of every upload, however it was broken meanwhile: nothing lost, nothing half, nothing left over.

    oracle = Oracle(stack)
    oracle.upload(oracle.picture(7))          # from any thread; remembers what the client was told
    oracle.killed("worker")                   # whoever breaks something says so
    report = oracle.judge()                   # waits until all is settled, asserts, and gives figures

An upload that was answered 2xx must end as the client was promised. One whose answer was lost or was a refusal may be there or not,
and must be whole either way. Uploads must have different bytes: they are known by their digest. Figures come from the rows' own times.
"""
import collections
import contextlib
import dataclasses
import hashlib
import itertools
import os
import threading
import time

import numpy
import requests
from PIL import Image

from support.judge import opened, thumbnail_size
from support.pictures import encoded, picture
from support.process import wait_until

REPORTS = []  # (title, lines) of every verdict, for the end of a test run
BOXES = {"thumbnail": (200, 200), "medium": (800, 800), "webp": None}  # of the built-in profile; None: full size
LIKENESS = 9  # mean difference of pictures reduced to 16 x 16, in 0 to 255


@dataclasses.dataclass
class Upload:
    """One upload as its client saw it."""
    data: bytes
    expects: str  # None: ready; else the word of its error
    status: int = None  # None: no answer came
    image: int = None  # its id, where it was answered 2xx
    seconds: float = None  # until the answer


@dataclasses.dataclass
class Report:
    """What the verdict found beside faults, which it raises."""
    uploads: int = 0
    accepted: int = 0
    refused: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # status: count
    unanswered: int = 0
    kept: int = 0  # uploads without a 2xx that are stored all the same
    lost: int = 0
    ready: int = 0
    failed: int = 0
    begun: int = 0  # attempts over all images
    repeated: int = 0  # attempts beyond the first of each generation
    most_attempts: int = 0
    kills: int = 0
    recoveries: list = dataclasses.field(default_factory=list)  # seconds from a kill to the next image that was done
    latencies: list = dataclasses.field(default_factory=list)  # seconds from upload to ready
    longest_stall: float = 0.0  # seconds in which work waited and none was done

    def lines(self):
        refused = ", ".join(f"{count} x {status}" for status, count in sorted(self.refused.items())) or "none"
        return [
            f"{self.uploads} uploads: {self.accepted} accepted, refused: {refused}, {self.unanswered} without an answer "
            f"({self.kept} of the last two kept)",
            f"{self.lost} lost; {self.ready} ready, {self.failed} failed; begun {self.begun} times, {self.repeated} of them again "
            f"(at most {self.most_attempts} for one)",
            f"{self.kills} kills, then until the next image was done: {told(self.recoveries)}",
            f"upload to ready: {told(self.latencies)}; longest stall {self.longest_stall:.2f} s",
        ]


def told(seconds):
    """A short histogram."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    shares = " ".join(f"p{share} {ordered[min(len(ordered) - 1, len(ordered) * share // 100)]:.2f}" for share in (50, 90, 99))
    return f"{shares} max {ordered[-1]:.2f} s (n {len(ordered)})"


class Oracle:
    """Uploads to a stack and judges it. title: under which its figures stand at the end of the run; None: nowhere. timeout: of one
    request."""

    def __init__(self, stack, title=None, timeout=30):
        self.stack = stack
        self.title = title
        self.timeout = timeout
        self.uploads = []
        self.kills = []  # wall clock
        self._lock = threading.Lock()
        self._local = threading.local()
        self._seeds = itertools.count(1)
        self._slug = None

    def picture(self, seed=None, width=320, height=240, quality=90):
        """A JPEG's bytes; without a seed they differ from all before."""
        seed = next(self._seeds) + 100000 if seed is None else seed
        return encoded(picture(width, height, seed), "JPEG", quality=quality, comment=f"picture {seed}".encode())

    def slug(self):
        """The product that uploads go to."""
        with self._lock:
            if self._slug is None:
                answer = self.session().post(f"{self.stack.url}/api/products/", timeout=self.timeout,
                                             json={"name": f"{self.title or 'oracle'} {id(self)}"}, headers=self.headers())
                assert answer.status_code == 201, answer.text
                self._slug = answer.json()["slug"]
            return self._slug

    def session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        return self._local.session

    def headers(self):
        return {"Authorization": f"Bearer {self.stack.key}"}

    def upload(self, data=None, expects=None, url=None):
        """Uploads and remembers what became of it. expects: the word of the error that its file must end with. url: of another api
        than the stack's. Returns the Upload; its `image` is None where there was no 2xx."""
        made = Upload(self.picture() if data is None else data, expects)
        slug = self.slug()
        with self._lock:
            self.uploads.append(made)
        begun = time.monotonic()
        try:
            answer = self.session().post(
                f"{url or self.stack.url}/api/products/{slug}/images/", timeout=self.timeout, headers=self.headers(),
                files={"image": ("image.jpg", made.data, "image/jpeg")})
            made.image = answer.json()["id"] if answer.ok else None
            made.status = answer.status_code
        except (requests.RequestException, ValueError):
            self._local.__dict__.pop("session").close()
        made.seconds = time.monotonic() - begun
        return made

    def reprocess(self, upload, url=None):
        """Asks for an accepted upload's variants again. Whatever is answered, it must end as before."""
        try:
            self.session().post(f"{url or self.stack.url}/api/images/{upload.image}/reprocess/", timeout=self.timeout,
                                headers=self.headers())
        except requests.RequestException:
            self._local.__dict__.pop("session").close()

    def killed(self, count=1):
        """To be told when something was killed or broken, for the recovery histogram."""
        with self._lock:
            self.kills += [time.time()] * count

    # what is there

    def status(self, upload):
        """Of an accepted upload, by its row."""
        return self.stack.query("SELECT status FROM image WHERE id = %s", upload.image)[0][0]

    def owed(self):
        """How many images are not settled, refinements included."""
        return self.stack.query("SELECT count(*) FROM image WHERE status IN ('pending', 'processing') "
                                "OR (status = 'ready' AND to_refine)")[0][0]

    def redis_left(self):
        """Keys of Redis that hold work, and counts of work that is not there."""
        found = sorted(self.stack.queue_left())
        waiting = self.stack.redis().hgetall("{pixmill}:counts")
        return found + [f"counts of {name.decode()}: {int(count)}" for name, count in waiting.items()
                        if name in (b"h", b"n", b"l") and int(count)]

    def leftovers(self):
        """What keeps this stack from being settled, as short texts."""
        found = []
        count = self.owed()
        if count:
            found.append(f"{count} images are owed")
        keys = self.redis_left()
        if keys:
            found.append(f"Redis holds {keys[:10]}")
        count = self.stack.query("SELECT count(*) FROM tombstone")[0][0]
        if count:
            found.append(f"{count} tombstones")
        names = self.row_names()
        files = set(self.stack.media_files())
        if files - names:
            found.append(f"{len(files - names)} files without a row: {sorted(files - names)[:5]}")
        if names - files:
            found.append(f"{len(names - files)} rows without a file: {sorted(names - files)[:5]}")
        return found

    def row_names(self):
        rows = self.stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
        names = [row[0] for row in rows]
        assert len(names) == len(set(names)), "two rows name the same file"
        return set(names)

    def age(self):
        """Nobody is at work any more: what tombstones and temp files wait for before they may be removed is over."""
        self.stack.query("UPDATE tombstone SET created_at = created_at - interval '1 day' "
                         "WHERE created_at > now() - interval '1 day'")
        for path in (self.stack.media_dir / ".tmp").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (0, 0))

    def wait_settled(self, seconds=60):
        """Waits until nothing is owed, queued or left over. The time is for the last progress: as long as images become done it goes on."""
        last = {"owed": None, "end": time.monotonic() + seconds}

        def is_settled():
            self.age()
            found = self.leftovers()
            count = self.owed()
            if count != last["owed"]:
                last.update(owed=count, end=time.monotonic() + seconds)
            assert not found or time.monotonic() < last["end"], f"not settled after {seconds} s: {'; '.join(found)}"
            return not found
        wait_until(is_settled, 3600, "settled")

    # the verdict

    def judge(self, seconds=60):
        """Waits until all is settled, raises AssertionError with every fault, prints the figures, and returns the Report."""
        report = Report(uploads=len(self.uploads), kills=len(self.kills))
        faults = []
        try:
            self.wait_settled(seconds)
        except AssertionError as fault:
            faults.append(str(fault))
        rows = {bytes(row[1]): row for row in self.stack.query(
            "SELECT id, sha256, status, error, attempts, generation, width_px, height_px FROM image")}
        for upload in self.uploads:
            row = rows.get(hashlib.sha256(upload.data).digest())
            self.count(report, upload, row)
            if upload.image is not None and (row is None or row[0] != upload.image):
                report.lost += 1
                faults.append(f"image {upload.image} was answered {upload.status} and has no row")
            if row is not None:
                faults += [f"image {row[0]}: {fault}" for fault in self.faults_of(upload, row)]
        self.measure(report)
        lines = report.lines() + [f"FAULT {fault}" for fault in faults[:20]]
        print("\n".join(lines))
        if self.title is not None:
            REPORTS.append((self.title, lines))
        assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:20])
        return report

    @staticmethod
    def count(report, upload, row):
        accepted = upload.image is not None
        report.accepted += accepted
        if upload.status is None:
            report.unanswered += 1
        elif not accepted:
            report.refused[upload.status] += 1
        if row is None:
            return
        report.kept += not accepted
        report.ready += row[2] == "ready"
        report.failed += row[2] == "failed"
        report.begun += row[4]
        report.repeated += max(0, row[4] - row[5])
        report.most_attempts = max(report.most_attempts, row[4])

    def faults_of(self, upload, row):
        """What is wrong with one row, as texts."""
        image, _, status, error, _, _, width, height = row
        if upload.expects is not None:
            return [] if (status, error) == ("failed", upload.expects) else [f"is {status} {error}, not {upload.expects}"]
        if status != "ready":
            return [f"is {status} {error}"]
        source = opened(upload.data)
        if (width, height) != source.size:
            return [f"is {(width, height)}, not {source.size}"]
        made = {name: (stored, (wide, high), count) for name, stored, wide, high, count in self.stack.query(
            "SELECT name, stored_name, width_px, height_px, bytes FROM variant WHERE image = %s", image)}
        if set(made) != set(BOXES):
            return [f"has the variants {sorted(made)}"]
        return [f"{name}: {fault}" for name, one in made.items() if (fault := self.fault_of(source, BOXES[name], *one))]

    def fault_of(self, source, box, stored, size, count):
        """What is wrong with one variant; None where nothing is."""
        path = self.stack.media_dir / stored
        if not path.is_file():
            return f"{stored} is missing"
        data = path.read_bytes()
        if len(data) != count:
            return f"{len(data)} bytes, the row says {count}"
        if size != (source.size if box is None else thumbnail_size(source.size, box)):
            return f"is {size}"
        try:
            made = opened(data)
        except OSError as reason:
            return f"can't be decoded: {reason}"
        if made.size != size:
            return f"is {made.size}, the row says {size}"
        distance = numpy.abs(reduced(made) - reduced(source)).mean()
        return None if distance <= LIKENESS else f"another picture, {distance:.1f} away"

    def measure(self, report):
        """Times, from the rows: they outlive every process."""
        rows = [(float(begun), float(end), generation) for begun, end, generation in self.stack.query(
            "SELECT extract(epoch FROM uploaded_at), extract(epoch FROM coalesce(processed_at, changed_at)), generation "
            "FROM image WHERE status IN ('ready', 'failed')")]
        done = sorted(end for _, end, _ in rows)
        # of what was asked for again only the end is known
        spans = [(begun, end) for begun, end, generation in rows if generation == 1]
        report.latencies = [end - begun for begun, end in spans]
        report.longest_stall = longest_stall(spans, done)
        for killed in self.kills:
            waiting = any(begun <= killed < end for begun, end in spans)
            after = next((end for end in done if end > killed), None)
            if waiting and after is not None:
                report.recoveries.append(after - killed)


def reduced(image):
    return numpy.asarray(image.convert("RGB").resize((16, 16), Image.BOX)).astype(float)


def longest_stall(spans, progress=()):
    """The longest time in which at least one of the spans (begun, done) was open and none was done, nor was there other progress."""
    events = sorted([(begun, 1) for begun, _ in spans] + [(done, -1) for _, done in spans] + [(when, 0) for when in progress])
    longest, waiting, since = 0.0, 0, None
    for when, step in events:
        if step <= 0 and waiting > 0:
            longest = max(longest, when - since)
        if step <= 0 or waiting == 0:
            since = when
        waiting += step
    return longest
