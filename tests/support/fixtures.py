# SPDX-License-Identifier: Apache-2.0
"""Fixtures of tests that start whole programs (tests/service, tests/chaos): private servers, a stack of api and workers for each
module, a client. A conftest.py takes them over by importing them.

A module that needs other settings says so in variables of its own:
    STACK_ENV = {"PIXMILL_MAX_UPLOADS": 2}      settings of api and workers
    STACK_WORKERS = 2                           worker processes at the start (default 1)
A test that needs a stack for itself asks for `new_stack` and calls it.
"""
import json
import os
import signal
from pathlib import Path

import pytest

from support.client import Client
from support.process import REPO
from support.servers import Home, Postgres, Redis, Stack


def pytest_configure(config):
    """SIGTERM ends the run as Ctrl-C does: servers are stopped, and their folder is removed."""
    del config
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def home():
    """The folder of this test run; kept where PIXMILL_TEST_KEEP is set, to read the logs."""
    made = Home()
    yield made
    if os.environ.get("PIXMILL_TEST_KEEP"):
        print(f"\nkept: {made.path}")
    else:
        made.remove()


@pytest.fixture(scope="session")
def pg(home):
    """PostgreSQL for the whole run; pg.new_database() gives an empty database."""
    server = Postgres(home)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis(home):
    """A Redis for the module."""
    server = Redis(home)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stack(request, home, pg, redis):
    """api and workers for the module, judged at its end (exit codes, sanitizers)."""
    made = Stack(home, pg, redis, getattr(request.module, "STACK_ENV", None))
    try:
        made.start(getattr(request.module, "STACK_WORKERS", 1))
        yield made
    finally:
        made.stop()


@pytest.fixture
def new_stack(home, pg):
    """new_stack(env=None, workers=1): a stack with a Redis of its own, for one test."""
    made = []

    def make(env=None, workers=1):
        server = Redis(home)
        server.start()
        stack = Stack(home, pg, server, env)
        made.append((stack, server))
        stack.start(workers)
        return stack

    yield make
    faults = []
    for stack, server in made:
        try:
            stack.stop()
        except AssertionError as fault:
            faults.append(str(fault))
        server.stop()
    assert not faults, "\n".join(faults)


@pytest.fixture
def profile_file(home):
    """profile_file({...}): the path of a file with this profile, for PIXMILL_PROFILE."""
    def write(profile):
        path = home.folder("profile") / "profile.json"
        path.write_text(json.dumps(profile))
        path.chmod(0o644)
        return path
    return write


@pytest.fixture
def key(stack):
    """A key with every scope."""
    return stack.key


@pytest.fixture
def client(stack):
    """A Client of the module's stack, with the key."""
    made = Client(stack)
    yield made
    made.close()


@pytest.fixture(scope="session")
def images_dir():
    """The folder of test images with its MANIFEST.tsv: PIXMILL_TEST_IMAGES, else beside the checkout."""
    path = Path(os.environ.get("PIXMILL_TEST_IMAGES") or REPO.parent / "shared" / "images")
    if not (path / "MANIFEST.tsv").is_file():
        # a machine of the project's own has them: there, tests that did not run are no pass
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"no test images in {path}; set PIXMILL_TEST_IMAGES")
    return path
