# SPDX-License-Identifier: Apache-2.0
"""SIGTERM at the worst moment: while a program still opens its parts, or waits for a job."""
import signal
from pathlib import Path

import pytest

from support.process import HOLDS_STOP, Process, wait_until

TERM_BIT = 1 << (signal.SIGTERM - 1)


def stop_signal_is(process, mask):
    """True where SIGTERM is in a mask of the process: SigBlk (held), SigCgt (caught)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    value = next(line.partition(":")[2] for line in status.splitlines() if line.startswith(mask + ":"))
    return bool(int(value, 16) & TERM_BIT)


def start(stack, program, name):
    """name: one of HOLDS_STOP is started with SIGTERM held."""
    return Process(name, [stack.home.program(program)], stack.home.folder("early") / "log", stack.env())


def stop_in_order(process):
    process.send(signal.SIGTERM)
    wait_until(lambda: not process.is_alive(), what="the end")
    process.check()
    assert any(line["message"] == "stopping" for line in process.log_lines()), process.log_text()


@pytest.fixture
def port(stack, request):
    """The api's port is free where another api is started."""
    if request.getfixturevalue("program") == "pixmill-api":
        stack.stop_api()
        yield
        stack.start_api()
    else:
        yield


@pytest.mark.parametrize("program", HOLDS_STOP)
@pytest.mark.usefixtures("port")
def test_a_stop_that_came_before_the_start_is_obeyed(stack, program):
    process = start(stack, program, program)
    assert not stop_signal_is(process, "SigCgt"), "it was too quick for this test"
    stop_in_order(process)


@pytest.mark.parametrize("program", HOLDS_STOP)
@pytest.mark.usefixtures("port")
def test_a_stop_while_parts_are_opened_is_obeyed(stack, program):
    for _ in range(20):
        process = start(stack, program, "early")
        while not stop_signal_is(process, "SigBlk") and not stop_signal_is(process, "SigCgt"):
            assert process.is_alive(), process.log_text()
        is_held = stop_signal_is(process, "SigBlk")
        stop_in_order(process)
        if is_held:
            return
    pytest.fail("SIGTERM is never held")


def test_a_worker_that_waits_for_a_job_takes_nothing_after_a_stop(stack):
    worker = stack.workers[0]
    redis = stack.redis()
    wait_until(lambda: redis.info("clients")["blocked_clients"] == 1, what="a worker that waits")
    stack.stop_worker(worker)
    assert redis.info("clients")["blocked_clients"] == 0
    assert any(line["message"] == "stopped" for line in worker.log_lines())
    stack.start_worker()
