# SPDX-License-Identifier: Apache-2.0
"""Every test image goes through the whole of pixmill, and what comes out is judged by Pillow against the manifest."""
import pytest

from support import judge
from support.client import Client

# Rows outside of the folders that must be met, with what becomes of them instead. A row that is met must leave the list.
UNMET = {}

WORDS = {
    "too_small": {"too-small"},
    "too_large": {"too-large-pixels"},
    "file_too_large": {"too-large-bytes"},
    "unsupported_extension": {"reject"},
    "unsupported_format": {"reject"},
    "no_file": {"reject"},
    # what is no image by its head is refused at once; a decoder would have found it corrupt
    "invalid_image": {"reject", "corrupt"},
    "corrupt_image": {"corrupt"},
    None: {"accept"},
}


class Outcome:
    """What became of one row: code (None: ready), the image's JSON where it was stored, and faults as sentences."""

    def __init__(self, row):
        self.row = row
        self.code = None
        self.image = None
        self.faults = []

    def judge_verdict(self):
        right = judge.verdicts(self.row)
        if not WORDS.get(self.code, set()) & right:
            self.faults.append(f"{self.code or 'ready'}, where {' or '.join(sorted(right))} is right")

    def judge_image(self, client):
        """Of one that is ready."""
        expected = judge.size(self.row)
        found = (self.image["width"], self.image["height"])
        if found != expected:
            self.faults.append(f"{found}, where {expected} is right")
        if self.image["format"] != self.row["format"].lower():
            self.faults.append(f"format {self.image['format']}")
        for name in judge.BOXES:
            url = self.image[f"{name}_url"]
            if url is None:
                self.faults.append(f"no {name}")
                continue
            answer = client.get(url, key=False)
            assert answer.status_code == 200, f"{url}: {answer.status_code}"
            self.faults += judge.variant_faults(name, answer.content, self.row)
            told = self.image["variants"][name]
            if told["bytes"] != len(answer.content) or told["content_type"] != answer.headers["Content-Type"]:
                self.faults.append(f"{name}: {told} does not tell of the file")


@pytest.fixture(scope="module")
def outcomes(stack, images_dir):
    """All rows, uploaded at once and then waited for: {path: Outcome}."""
    client = Client(stack)
    client.product("Manifest", slug="manifest")
    found = {}
    for row in judge.manifest(images_dir):
        outcome = found[row["path"]] = Outcome(row)
        answer = client.upload("manifest", images_dir / row["path"])
        if answer.status_code == 201:
            outcome.image = answer.json()
        else:
            assert answer.status_code == 400, f"{row['path']}: {answer.status_code} {answer.text}"
            outcome.code = answer.json()["code"]
    for outcome in found.values():
        if outcome.image:
            outcome.image = client.wait_settled("manifest", outcome.image["id"], seconds=300)
            outcome.code = (outcome.image["error"] or {}).get("code")
        outcome.judge_verdict()
        if outcome.image and outcome.image["status"] == "ready" and not outcome.faults:
            outcome.judge_image(client)
    client.close()
    return found


def told(outcomes):
    return "\n".join(f"{path}: {'; '.join(outcome.faults)}" for path, outcome in sorted(outcomes.items()))


def test_the_manifest_is_whole(outcomes):
    assert len(outcomes) == 137


def test_every_row_that_must_be_met_is_met(outcomes):
    unmet = {path: outcome for path, outcome in outcomes.items()
             if outcome.faults and path.startswith(judge.MUST_BE_MET)}
    assert not unmet, "\n" + told(unmet)


def test_other_rows_are_met_but_for_a_named_list(outcomes):
    unmet = {path: outcome for path, outcome in outcomes.items()
             if outcome.faults and not path.startswith(judge.MUST_BE_MET)}
    print(f"\nrows of the manifest that are not met: {len(unmet)}\n{told(unmet)}")
    assert set(unmet) == set(UNMET), "\n" + told(unmet)


def test_nothing_is_kept_of_what_was_refused(outcomes, stack):
    stored = [outcome for outcome in outcomes.values() if outcome.image]
    rows = stack.query("SELECT stored_name FROM image UNION ALL SELECT stored_name FROM variant")
    assert stack.media_files() == sorted(name for (name,) in rows)
    assert len(stack.query("SELECT 1 FROM image")) == len(stored)
