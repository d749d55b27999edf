# SPDX-License-Identifier: Apache-2.0
"""The oracle itself: one that sees no fault where there is one would prove nothing."""
import os

import pytest

from support.oracle import Oracle, longest_stall
from support.pictures import jpeg
from support.process import give, wait_until

STACK_ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 1500}


@pytest.fixture(scope="module")
def oracle(stack):
    made = Oracle(stack)
    for _ in range(3):
        assert made.upload().status == 201
    whole = jpeg(500, 400, 3)
    assert made.upload(whole[:len(whole) * 2 // 3], expects="corrupt_image").status == 201
    assert made.upload(b"no image").status == 400
    made.judge()
    return made


def ready(oracle):
    return next(upload for upload in oracle.uploads if upload.image is not None and upload.expects is None)


def stored(oracle, upload, name):
    return oracle.stack.media_dir / oracle.stack.query(
        "SELECT stored_name FROM variant WHERE image = %s AND name = %s", upload.image, name)[0][0]


def faults(oracle, seconds=60):
    with pytest.raises(AssertionError) as told:
        oracle.judge(seconds)
    return str(told.value)


def test_all_is_well(oracle):
    report = oracle.judge()
    assert (report.uploads, report.accepted, report.ready, report.failed, report.lost) == (5, 4, 3, 1, 0)
    assert report.refused == {400: 1}
    assert (report.begun, report.repeated, report.kept) == (4, 0, 0)
    assert len(report.latencies) == 4


def test_sees_a_variant_that_is_another_picture(oracle):
    path = stored(oracle, ready(oracle), "medium")
    kept = path.read_bytes()
    other = stored(oracle, oracle.uploads[1], "medium").read_bytes()
    path.write_bytes(other + kept[len(other):] if len(other) < len(kept) else other[:len(kept)])
    try:
        assert "another picture" in faults(oracle) or "decoded" in faults(oracle)
    finally:
        path.write_bytes(kept)


def test_sees_a_variant_that_was_cut(oracle):
    path = stored(oracle, ready(oracle), "webp")
    kept = path.read_bytes()
    path.write_bytes(kept[:-100])
    try:
        assert "bytes, the row says" in faults(oracle)
    finally:
        path.write_bytes(kept)


def test_sees_a_missing_file(oracle):
    path = stored(oracle, ready(oracle), "thumbnail")
    kept = path.read_bytes()
    path.unlink()
    try:
        assert "rows without a file" in faults(oracle, seconds=1)
    finally:
        path.write_bytes(kept)


def test_sees_a_file_without_a_row(oracle):
    path = give(oracle.stack.media_dir / ".tmp", 0o750) / "left"
    path.write_bytes(b"")
    try:
        assert "files without a row" in faults(oracle, seconds=1)
    finally:
        os.unlink(path)


def test_sees_a_lost_row_a_wrong_state_and_a_wrong_code(oracle):
    upload = ready(oracle)
    upload.image += 1000
    try:
        assert f"image {upload.image} was answered 201 and has no row" in faults(oracle)
    finally:
        upload.image -= 1000
    failing = next(upload for upload in oracle.uploads if upload.expects)
    failing.expects = "out_of_memory"
    try:
        assert "is failed corrupt_image, not out_of_memory" in faults(oracle)
    finally:
        failing.expects = "corrupt_image"


def test_sees_work_that_is_left(oracle):
    upload = ready(oracle)
    oracle.stack.redis().set("{pixmill}:something", 1)
    try:
        assert "Redis holds ['{pixmill}:something']" in faults(oracle, seconds=1)
    finally:
        oracle.stack.redis().delete("{pixmill}:something")
    oracle.stack.stop_worker(oracle.stack.workers[0])
    oracle.stack.query("INSERT INTO tombstone (stored_name) VALUES ('original/none.jpg')")
    assert "1 tombstones" in faults(oracle, seconds=1)
    oracle.stack.query("DELETE FROM tombstone WHERE stored_name = 'original/none.jpg'")
    oracle.stack.query("UPDATE image SET status = 'processing', error = NULL WHERE id = %s", upload.image)
    assert "1 images are owed" in faults(oracle, seconds=1)
    oracle.stack.query("UPDATE image SET status = 'ready' WHERE id = %s", upload.image)
    worker = oracle.stack.start_worker()
    wait_until(lambda: any(line["message"] == "ready" for line in worker.log_lines()), what="a worker that is ready")


def test_the_longest_stall():
    assert longest_stall([]) == 0
    assert longest_stall([(0, 1), (5, 6)]) == 1
    assert longest_stall([(0, 4), (1, 2), (9, 10)]) == 2
    assert longest_stall([(0, 10), (3, 4)]) == 6
    assert longest_stall([(0, 10), (3, 4)], [7, 20, 30]) == 4
