# SPDX-License-Identifier: Apache-2.0
"""What a program tells at /metrics, read by the parser of Prometheus' own Python client."""
import math

import requests
from prometheus_client.parser import text_string_to_metric_families

from support.process import REPO

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One reading. Lines are told by name and labels; a counter that has not counted yet has no line, and is 0."""

    def __init__(self, url):
        answer = requests.get(url, timeout=10)
        assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        self.text = answer.text
        assert self.text.endswith("\n")
        self.families = {}
        self.lines = {}
        for family in text_string_to_metric_families(self.text):
            assert family.name not in self.families, f"{family.name} stands in two places"
            assert family.documentation.endswith("."), f"{family.name} has no help"
            assert family.type in ("counter", "gauge", "histogram"), f"{family.name} has no type"
            self.families[family.name] = family
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.lines, f"{key} is told twice"
                self.lines[key] = sample.value

    def get(self, name, **labels):
        return self.lines.get((name, frozenset(labels.items())), 0)

    def total(self, name, **labels):
        """The sum of all lines of a name that have these labels among theirs."""
        wanted = set(labels.items())
        return sum(value for (line, has), value in self.lines.items() if line == name and wanted <= has)

    def labels(self, name, label):
        """The values that a label has in the lines of a name."""
        return {dict(has).get(label) for line, has in self.lines if line == name}

    def check_documented(self):
        """README.md names each in its table."""
        readme = (REPO / "README.md").read_text()
        for name in self.families:
            word = name.removeprefix("pixmill_") + ("_total" if self.families[name].type == "counter" else "")
            assert f"`{word}`" in readme, f"README.md does not tell of {word}"

    def check_histograms(self):
        """Buckets grow, and the last is all."""
        for family in self.families.values():
            if family.type != "histogram":
                continue
            series = {}
            for sample in family.samples:
                labels = dict(sample.labels)
                bound = labels.pop("le", None)
                one = series.setdefault(frozenset(labels.items()), {"buckets": []})
                if sample.name.endswith("_bucket"):
                    one["buckets"].append((float(bound), sample.value))
                else:
                    one[sample.name.removeprefix(family.name)] = sample.value
            for labels, one in series.items():
                bounds, counts = zip(*one["buckets"])
                assert list(bounds) == sorted(bounds) and bounds[-1] == math.inf, (family.name, labels)
                assert list(counts) == sorted(counts) and counts[-1] == one["_count"], (family.name, labels)
                assert one["_sum"] >= 0


def moved(before, after):
    """Which counters (and counts of histograms) went up between two readings, and by how much."""
    return {(name, labels): value - before.lines.get((name, labels), 0)
            for (name, labels), value in after.lines.items()
            if name.endswith(("_total", "_count")) and value != before.lines.get((name, labels), 0)}


def line(name, **labels):
    """What `moved` calls a line."""
    return name, frozenset(labels.items())
