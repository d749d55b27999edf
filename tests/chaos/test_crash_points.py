# SPDX-License-Identifier: Apache-2.0
"""Every point at which a program can be killed, hit once in each program that passes it.

Programs die one after another, each armed with one point, over the same stack; then one worker without points has to make good of all
that they left, and the oracle judges. `-k` with one point's name tries that one alone.
"""
import collections
import json
import signal

import pytest

import crash
from support.oracle import Oracle
from support.process import codec_at_work, wait_until
from support.servers import Stack

ENV = {"PIXMILL_CODECS": 1, "PIXMILL_LEASE_MS": 600, "PIXMILL_BACKOFF_MS": 50, "PIXMILL_MAX_CRASHES": 100,
       "PIXMILL_DATABASE_TIMEOUT_MS": 2000, "PIXMILL_ORPHAN_GRACE_MS": 4000, "PIXMILL_JANITOR_MS": 500}
# any job that waits makes a hurry; the variants are those of the built-in profile
HASTY = {"name": "hasty", "busy_seconds": 0, "variants": [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg"},
    {"name": "medium", "width": 800, "height": 800, "format": "jpeg"},
    {"name": "webp", "format": "webp", "effort": 6, "effort_busy": 0}]}


def stop_at_work(trial, worker):
    """SIGTERM while a codec is at work, and no time to finish."""
    wait_until(lambda: codec_at_work(worker), what="a codec at work")
    worker.send(signal.SIGTERM)


def fail_storage(trial):
    crash.upload(trial)
    trial.flag.write_text("")


def upload_after_a_first_pass(trial):
    """The variants of a first pass lie there already, under the names that the second one gives."""
    trial.die("worker", "row.switching", is_clean=True)


def upload_many(trial, count=4):
    for _ in range(count):
        trial.oracle.upload(trial.oracle.picture(width=800, height=600))


def owe_refinements(trial):
    """Images that were made in a hurry, by a worker that died before it saw to them, and the time that they have to wait is over."""
    upload_many(trial)
    trial.die_worker("refine.owing", before=lambda _: None)
    wait_until(lambda: trial.stack.query("SELECT count(*) FROM image WHERE to_refine")[0][0] > 0, what="a refinement")


def owe_refinements_and_upload(trial):
    owe_refinements(trial)
    upload_many(trial, 30)


# the program and the point -> how it gets there; where nothing is said, an upload does it
CASES = {
    "plain": {
        ("api", "upload.begun"): {},
        ("api", "upload.writing"): {},
        ("api", "upload.renamed"): {},
        ("api", "upload.inserted"): {},
        ("api", "upload.pushed"): {},
        ("api", "upload.undoing"): {"act": crash.upload_without_product},
        ("api", "leftovers.removing"): {"act": crash.upload_while_rows_are_locked, "env": {"PIXMILL_DATABASE_TIMEOUT_MS": 300}},
        ("api", "storage.synced"): {},
        ("api", "storage.named"): {},
        ("api", "storage.removed"): {"act": crash.upload_without_product},
        ("api", "reprocess.committed"): {"act": crash.reprocess},
        ("api", "dead.taken"): {"act": crash.retry_the_dead},
        ("worker", "job.taken"): {},
        ("worker", "job.begun"): {},
        ("worker", "job.fetched"): {},
        ("worker", "storage.putting"): {},
        ("worker", "storage.synced"): {},
        ("worker", "storage.named"): {},
        ("worker", "storage.renaming"): {"before": upload_after_a_first_pass},
        ("worker", "variant.renamed"): {},
        ("worker", "row.shown"): {"before": crash.upload_large},
        ("worker", "row.switching"): {},
        ("worker", "row.switched"): {},
        ("worker", "job.finishing"): {},
        ("worker", "job.told"): {},
        ("worker", "job.yielding"): {"spec": "codec.done,job.yielding"},
        ("worker", "job.retrying"): {"spec": "codec.done,job.retrying"},
        ("worker", "job.noting"): {"before": crash.spoil_a_job, "is_clean": True},
        ("worker", "job.failing"): {"before": crash.upload_cut},
        ("worker", "job.removing"): {"before": crash.upload_cut},
        ("worker", "job.burying"): {"spec": "codec.done,job.burying", "env": {"PIXMILL_MAX_CRASHES": 1}, "is_clean": True},
        ("worker", "job.failed"): {"spec": "codec.done,job.failed", "env": {"PIXMILL_MAX_CRASHES": 1},
                                   "before": crash.upload_doomed, "is_clean": True},
        ("worker", "job.giving_back"): {"before": crash.upload_large, "after": stop_at_work, "env": {"PIXMILL_GRACE_MS": 0},
                                        "is_clean": True},
        ("worker", "job.asking"): {"before": fail_storage, "spec": "storage.put=EIO:{flag},job.asking"},
        ("worker", "reconciler.pushing"): {"before": crash.empty_redis},
        ("worker", "reconciler.pushed"): {"before": crash.empty_redis},
        ("worker", "reconciler.marking"): {},
        ("worker", "orphans.removing"): {"before": crash.leave_an_orphan, "env": {"PIXMILL_DATABASE_TIMEOUT_MS": 500,
                                                                                    "PIXMILL_ORPHAN_GRACE_MS": 1000}},
        ("worker", "janitor.removing"): {"before": crash.bury_a_file},
        ("worker", "janitor.dropping"): {"before": crash.bury_a_file},
        ("worker", "janitor.dropped"): {"before": crash.bury_a_file},
        ("worker", "storage.removed"): {"before": crash.bury_a_file},
        ("worker", "codec.ready"): {},
        ("worker", "codec.measured"): {},
        ("worker", "codec.writing"): {},
        ("worker", "codec.done"): {},
        ("worker", "codec.ending"): {"env": {"PIXMILL_CODEC_IMAGES": 1}},
    },
    "hasty": {
        ("worker", "refine.owing"): {"before": upload_many},
        ("worker", "refine.begun"): {"before": owe_refinements},
        ("worker", "refine.replacing"): {"before": owe_refinements},
        ("worker", "refine.replaced"): {"before": owe_refinements},
        ("worker", "refine.waiting"): {"before": owe_refinements_and_upload},
        ("worker", "refine.giving_up"): {"before": owe_refinements, "env": {"PIXMILL_PROFILE": ""}},
    },
}
ALL = [(scene, *case) for scene, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def outcomes(request, home, pg, redis):
    """What became of every case of a scene that was asked for: None, or what went wrong. Under None: the oracle's own verdict."""
    wanted = collections.defaultdict(list)
    for item in request.session.items:
        if item.path == request.path and "scene" in getattr(getattr(item, "callspec", None), "params", {}):
            params = item.callspec.params
            wanted[params["scene"]].append((params["program"], params["point"]))
    return {scene: run(scene, cases, home, pg, redis) for scene, cases in wanted.items()}


def run(scene, cases, home, pg, redis):
    hasty = home.folder("profile") / "hasty.json"
    hasty.write_text(json.dumps(HASTY))
    hasty.chmod(0o644)
    redis.client().flushall()
    stack = Stack(home, pg, redis, {**ENV, **({"PIXMILL_PROFILE": hasty} if scene == "hasty" else {})})
    found = {}
    try:
        stack.start(workers=0)
        oracle = Oracle(stack, f"crash points, {scene}")
        trial = crash.Trial(stack, oracle, home)
        for case in cases:
            options = dict(CASES[scene][case])
            options["spec"] = options.get("spec", case[1]).format(flag=trial.flag)
            found[case] = caught(trial.die, *case, **options)
            trial.flag.unlink(missing_ok=True)
        stack.start_worker()
        found[None] = caught(oracle.judge)
    finally:
        stack.stop()
    return found


def caught(call, *words, **options):
    try:
        call(*words, **options)
    except AssertionError as fault:
        return str(fault)
    return None


@pytest.mark.parametrize("scene, program, point", ALL, ids=["-".join(case[1:]) for case in ALL])
def test_a_death_at_a_point_loses_nothing(outcomes, scene, program, point):
    assert outcomes[scene][program, point] is None, outcomes[scene][program, point]
    assert outcomes[scene][None] is None, outcomes[scene][None]


def test_every_point_in_the_sources_is_tried():
    assert sorted(set(crash.points())) == sorted({point for _, _, point in ALL})


def test_a_point_has_one_place():
    assert [name for name, count in collections.Counter(crash.points()).items() if count > 1] == []
