# SPDX-License-Identifier: Apache-2.0
"""Service tests: whole programs on private servers (tests/support/fixtures.py)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.fixtures import (  # noqa: E402,F401
    client, home, images_dir, key, new_stack, pg,
    profile_file, pytest_configure, redis, stack)
