# SPDX-License-Identifier: Apache-2.0
"""Chaos tests: processes are killed, servers emptied and networks broken under load; an oracle (tests/support/oracle.py) judges.

    --minutes N   the long form of tests that have one: about N minutes each
    --seed N      of what is random; without it another one each time, printed
"""
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.fixtures import (  # noqa: E402,F401
    client, home, images_dir, key, new_stack, pg,
    profile_file, pytest_configure, redis, stack)
from support.oracle import REPORTS  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--minutes", type=float, default=0, help="the long form: about so many minutes a test that has one")
    parser.addoption("--seed", type=int, default=None, help="of what is random (default: another one each time)")


@pytest.fixture(scope="session")
def minutes(request):
    """How long the long form shall take; 0: the short form."""
    return request.config.getoption("--minutes")


@pytest.fixture
def seed(request):
    """The seed of a test's random choices; it stands in the output of a test that fails."""
    value = request.config.getoption("--seed")
    value = random.SystemRandom().randrange(1 << 32) if value is None else value
    print(f"seed {value}")
    return value


def pytest_sessionfinish(session):
    """One of several processes that share the tests hands its reports over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["reports"] = REPORTS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Takes over what such a process saw."""
    REPORTS.extend(getattr(node, "workeroutput", {}).get("reports", []))


def pytest_terminal_summary(terminalreporter):
    """What the oracle saw, whatever became of the tests."""
    for title, lines in REPORTS:
        terminalreporter.write_sep("-", title)
        for line in lines:
            terminalreporter.write_line(line)
