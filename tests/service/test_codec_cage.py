# SPDX-License-Identifier: Apache-2.0
"""What a codec process may and may not do, and how it ends."""
import json
import os
import signal
import socket
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from support.codec import JOB, VERSION, Codec, CodecDied, codec_process
from support.pictures import encoded, jpeg, picture
from support.process import REPO, wait_until
from support.servers import bin_dir

EXIT_USAGE, EXIT_CAGE, EXIT_WIRE = 64, 71, 74


def status_of(codec):
    lines = Path(f"/proc/{codec.process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def threads_of(codec):
    return [dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines())
            for folder in Path(f"/proc/{codec.process.pid}/task").iterdir()]


def has_sanitizer():
    return b"__asan_init" in (bin_dir() / "pixmill-codec").read_bytes()


@pytest.fixture
def release(monkeypatch):
    """The release build's codec: sanitizers map what they like, want more memory than any limit, and keep what is freed."""
    monkeypatch.setenv("PIXMILL_BIN", str(REPO / "build" / "release" / "bin"))


def test_every_thread_is_in_the_cage(tmp_path):
    with codec_process(tmp_path) as codec:
        assert codec.run(jpeg(), "jpeg").error is None
        threads = threads_of(codec)
        assert threads
        for thread in threads:
            assert thread["NoNewPrivs"] == "1" and thread["Seccomp"] == "2"
        assert status_of(codec)["Name"] == "pixmill-codec"


@pytest.mark.usefixtures("release")
def test_no_memory_can_be_written_and_run(tmp_path):
    """libvips' Orc would write machine code for crops and resizes."""
    with codec_process(tmp_path) as codec:
        square = {"name": "square", "width": 100, "height": 100, "format": "png", "fit": "cover"}
        assert codec.run(jpeg(), "jpeg", profile=[square]).error is None
        maps = Path(f"/proc/{codec.process.pid}/maps").read_text().splitlines()
        assert maps and not [line for line in maps if set("wx") <= set(line.split()[1])]


def test_nothing_inherited_stays_open(tmp_path):
    secret = os.memfd_create("secret", 0)
    os.set_inheritable(secret, True)
    try:
        with codec_process(tmp_path) as codec:
            # the codec may belong to another user, whose /proc entries only root can read
            folder = Path(f"/proc/{codec.process.pid}/fd")
            assert {int(entry.name) for entry in folder.iterdir()} == {0, 1, 2, 3, 4}
            assert os.readlink(folder / "4") == f"/proc/{codec.process.pid}/status"
            for _ in range(3):
                assert codec.run(jpeg(), "jpeg").error is None
                assert codec.run(b"GIF89a", "jpeg").error == "unsupported_format"
            assert len(list(folder.iterdir())) == 5
    finally:
        os.close(secret)


def test_limits_of_the_process(tmp_path):
    with codec_process(tmp_path, memory_bytes=900 << 20) as codec:
        limits = Path(f"/proc/{codec.process.pid}/limits").read_text()
        rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
        assert rows["Max core file size"] == ["0", "0"]
        assert int(rows["Max open files"][1]) <= 32
        if not has_sanitizer():
            assert rows["Max data size"] == [str(900 << 20)] * 2


def test_without_the_sandbox_only_when_told(tmp_path):
    with codec_process(tmp_path, sandbox=False) as codec:
        assert status_of(codec)["Seccomp"] == "0"
        assert codec.run(jpeg(), "jpeg").error is None
    assert "without a sandbox" in (tmp_path / "codec.log").read_text()


def exit_of(arguments):
    ended = subprocess.run([bin_dir() / "pixmill-codec", *arguments], env={}, capture_output=True, timeout=60,
                           stdin=subprocess.DEVNULL, check=False)
    return ended.returncode, [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("arguments", [[], ["--memory-bytes", "0"], ["--memory-bytes", "x"], ["--what"],
                                       ["--memory-bytes", "1000000000", "more"],
                                       ["--memory-bytes", "1000000000", "--log-level", "loud"]])
def test_wrong_arguments(arguments):
    code, log = exit_of(arguments)
    assert code == EXIT_USAGE and log[-1]["level"] == "error"


def test_no_socket():
    code, log = exit_of(["--memory-bytes", str(1 << 30)])
    assert code == EXIT_WIRE and log[-1]["level"] == "error"


@pytest.mark.usefixtures("release")
def test_too_little_memory_to_start_is_no_ready():
    with Codec(memory_bytes=2 << 20) as codec:
        with pytest.raises(CodecDied):
            codec.wait_ready()


@pytest.mark.usefixtures("release")
def test_an_image_that_outgrows_the_memory_costs_itself_only(tmp_path):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    side = 5000
    rows = zlib.compress((b"\0" + b"\x80" * 3 * side) * side)
    large = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
             chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    with Codec(memory_bytes=48 << 20, log_path=tmp_path / "log") as codec:
        codec.wait_ready()
        try:
            result = codec.run(large, "png")
            assert result.error == "out_of_memory", (result.error, result.sentence)
            assert codec.run(jpeg(), "jpeg").error is None
        except CodecDied as death:
            # libraries that can not say so end the process: the dispatcher sees a signal
            assert death.returncode < 0
    with codec_process(tmp_path) as codec:
        assert codec.run(large, "png").error is None


@pytest.mark.usefixtures("release")
def test_memory_does_not_grow_with_jobs(tmp_path):
    originals = [(encoded(picture(1200, 900, seed), kind), kind.lower()) for seed in range(2)
                 for kind in ("JPEG", "PNG", "WEBP")]
    with codec_process(tmp_path) as codec:
        def peak_after(rounds):
            for _ in range(rounds):
                for data, kind in originals:
                    result = codec.run(data, kind)
                    assert result.error is None
            return result.peak_bytes
        warm = peak_after(3)
        assert peak_after(20) <= warm * 1.1


def test_ends_when_the_dispatcher_closes(tmp_path):
    codec = Codec()
    codec.wait_ready()
    assert codec.close() == 0


def test_signals_for_the_group_do_not_end_a_job(tmp_path):
    with codec_process(tmp_path) as codec:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(codec.process.pid, number)
        assert codec.run(jpeg(), "jpeg").error is None


def test_dies_with_its_dispatcher():
    """The thread that started it is gone: so is it, though somebody still holds the socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.dup2(theirs.fileno(), 3)
        os.set_inheritable(3, True)
        child = subprocess.Popen([bin_dir() / "pixmill-codec", "--memory-bytes", str(1 << 30)], env={}, close_fds=False)
        os.write(writing, str(child.pid).encode())
        signal.pause()
    try:
        pid = int(os.read(reading, 32))
        ours.settimeout(60)
        assert ours.recv(4096)[1] == 1
    finally:
        os.kill(middle, signal.SIGKILL)
        os.waitpid(middle, 0)
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or
               Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z", what="the codec's end")
    for end in (ours, theirs):
        end.close()
    for end in (reading, writing):
        os.close(end)


@pytest.mark.parametrize("frame", [b"nonsense", bytes([VERSION + 1, JOB]), struct.pack("<BBQ", VERSION, JOB, 1)])
def test_a_frame_that_is_none_ends_it_with_its_own_code(frame):
    codec = Codec()
    codec.wait_ready()
    codec.socket.send(frame)
    with pytest.raises(CodecDied) as death:
        codec.receive()
    assert death.value.returncode == EXIT_WIRE
    codec.close()


def test_a_job_without_its_descriptors_fails_alone(tmp_path):
    with codec_process(tmp_path) as codec:
        codec.socket.send(struct.pack("<BBQ", VERSION, 1, 5))  # READY is no job
        kind, ticket, rest = codec.receive()
        assert (kind, ticket, codec.words[rest[0]]) == (6, 5, "internal")
        assert codec.run(jpeg(), "jpeg").error is None


def test_strangers_are_refused_whatever_they_are_called(tmp_path):
    strangers = [b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128) + b"\0\1IM", b"\x89HDF\r\n\x1a\n" + bytes(64),
                 b"II*\0\x08\0\0\0" + bytes(64), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n",
                 b"SIMPLE  =                    T", b"\0\0\0\x18ftypavif", b"P6 1 1 255\n\0\0\0", b"push graphic-context"]
    with codec_process(tmp_path) as codec:
        for data in strangers:
            for kind in ("jpeg", "png", "webp"):
                assert codec.run(data, kind).error == "unsupported_format"
