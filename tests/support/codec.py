# SPDX-License-Identifier: Apache-2.0
"""A dispatcher of the tests: drives a real pixmill-codec over its socket, in the frames of worker/wire/wire.h."""
import contextlib
import os
import socket
import struct
import subprocess
from dataclasses import dataclass, field

from support.process import REPO, SANITIZER_WORDS, service_user
from support.servers import bin_dir

VERSION = 2
READY, JOB, HEAD, VARIANT, DONE, FAILED = 1, 2, 3, 4, 5, 6
FORMATS = {"jpeg": 1, "png": 2, "webp": 3}
FAIL_ON = {"error": 0, "truncated": 1, "warning": 2}
LIMITS = {"max_file_bytes": 5 << 20, "min_side_px": 200, "max_side_px": 5000, "max_pixels": 40_000_000,
          "max_frames": 64, "max_scans": 100}
DEFAULT_PROFILE = [
    {"name": "thumbnail", "width": 200, "height": 200, "format": "jpeg", "quality": 85},
    {"name": "medium", "width": 800, "height": 800, "format": "jpeg", "quality": 90},
    {"name": "webp", "width": 0, "height": 0, "format": "webp", "quality": 85, "effort": 4},
]


def error_words():
    """The words of err_codes.def by number, as they travel in FAILED."""
    words = ["none"]
    for line in (REPO / "common/base/err_codes.def").read_text().splitlines():
        if line.startswith("ERR_CODE("):
            words.append(line.split('"')[1])
    return words


def text(value):
    raw = value.encode()
    return bytes([len(raw)]) + raw


def variant_bytes(variant):
    return (text(variant["name"]) + text(variant["name"]) +
            struct.pack("<BIIBBBB", variant.get("fit", "inside") == "cover", variant["width"], variant["height"],
                        FORMATS[variant["format"]], variant.get("quality", 85), variant.get("effort", 4),
                        variant.get("keeps_alpha", False)) + bytes(variant.get("background", (255, 255, 255))) +
            struct.pack("<BH", variant.get("skip_if_larger", False), variant.get("min_ssim", 0)))


def job_frame(ticket, input_bytes, kind, limits, profile, fail_on):
    """The bytes of a JOB frame."""
    return (struct.pack("<BBQqBB6q", VERSION, JOB, ticket, input_bytes, FORMATS[kind], FAIL_ON[fail_on],
                        *(limits[name] for name in LIMITS)) +
            text("test") + bytes([len(profile)]) + b"".join(variant_bytes(variant) for variant in profile))


@dataclass
class Result:
    """What a codec answered to one job."""
    error: str = None  # the code's word, None where it is done
    sentence: str = ""
    head: tuple = None  # as stored
    upright: tuple = None  # the same after orientation
    size: tuple = None  # upright
    order: list = field(default_factory=list)  # names of variants as they were announced
    make_us: dict = field(default_factory=dict)  # name: as announced
    variants: dict = field(default_factory=dict)  # name: bytes
    sizes: dict = field(default_factory=dict)  # name: (width, height) as announced
    decode_us: int = 0
    encode_us: int = 0
    peak_bytes: int = 0
    left_out: list = field(default_factory=list)  # names of variants
    blurhash: str = None
    dominant_colour: tuple = None


class CodecDied(Exception):
    """The process ended in the middle of a job; returncode is as subprocess has it."""

    def __init__(self, returncode):
        super().__init__(f"the codec ended with {returncode}")
        self.returncode = returncode


class Codec:
    """One codec process, as the user that services run as. wrapper: a command to run it under."""

    def __init__(self, memory_bytes=1 << 30, sandbox=True, log_path=None, log_level="info", wrapper=()):
        self.words = error_words()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [*wrapper, str(bin_dir() / "pixmill-codec"), "--memory-bytes", str(memory_bytes),
                   "--log-level", log_level]
        if not sandbox:
            command.append("--no-sandbox")
        user = service_user()
        rights = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.log_path = log_path
        self.log_file = open(log_path, "ab") if log_path else None

        def hand_over():
            os.dup2(theirs.fileno(), 3)
            os.set_inheritable(3, True)

        self.process = subprocess.Popen(command, env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=self.log_file, close_fds=False, preexec_fn=hand_over, **rights)
        theirs.close()
        self.socket = ours
        self.socket.settimeout(120)
        self.ticket = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the socket and returns the exit code."""
        self.socket.close()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self.log_file:
            self.log_file.close()
        return code

    def receive(self):
        """(type, ticket, payload) of the next frame."""
        try:
            raw = self.socket.recv(4096)
        except ConnectionResetError:
            raw = b""
        if not raw:
            raise CodecDied(self.process.wait(60))
        version, kind, ticket = struct.unpack_from("<BBQ", raw)
        assert version == VERSION
        return kind, ticket, raw[10:]

    def wait_ready(self):
        kind, ticket, rest = self.receive()
        assert (kind, ticket, rest) == (READY, 0, b"")

    def run(self, data, kind, limits=None, profile=None, fail_on="truncated", input_bytes=None):
        """Runs one job over an original's bytes and returns its Result."""
        profile = profile or DEFAULT_PROFILE
        self.ticket += 1
        fds = [os.memfd_create("original")] + [os.memfd_create(variant["name"]) for variant in profile]
        try:
            with open(fds[0], "wb", closefd=False) as original:
                original.write(data)
            frame = job_frame(self.ticket, len(data) if input_bytes is None else input_bytes, kind,
                              {**LIMITS, **(limits or {})}, profile, fail_on)
            try:
                socket.send_fds(self.socket, [frame], fds)
            except BrokenPipeError:
                raise CodecDied(self.process.wait(60)) from None
            return self.collect(profile, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def collect(self, profile, fds):
        result = Result()
        while True:
            kind, ticket, rest = self.receive()
            assert ticket == self.ticket
            if kind == HEAD:
                assert not result.order
                result.head, result.upright = struct.unpack("<II", rest[:8]), struct.unpack("<II", rest[8:])
            elif kind == VARIANT:
                index, width, height, count, make_us = struct.unpack("<BIIqq", rest)
                name = profile[index]["name"]
                result.make_us[name] = make_us
                if count == 0:
                    result.left_out.append(name)
                    continue
                data = os.pread(fds[1 + index], 1 << 28, 0)
                assert len(data) == count, f"{name} has {len(data)} bytes, {count} were announced"
                result.order.append(name)
                result.variants[name] = data
                result.sizes[name] = (width, height)
            elif kind == DONE:
                width, height, result.decode_us, result.encode_us, result.peak_bytes = struct.unpack("<IIqqq", rest[:32])
                result.size = (width, height)
                assert result.upright == result.size
                assert rest[32] == 28 and len(rest) == 32 + 1 + 28 + 3
                result.blurhash, result.dominant_colour = rest[33:61].decode(), tuple(rest[61:])
                return result
            elif kind == FAILED:
                result.error = self.words[rest[0]]
                result.sentence = rest[2:].decode()
                assert len(rest) == 2 + rest[1]
                return result
            else:
                raise AssertionError(f"a frame of type {kind}")


@contextlib.contextmanager
def codec_process(folder, **options):
    """A codec that is ready; at the end it must exit with 0 and its log, kept in folder, hold nothing of a sanitizer."""
    log_path = folder / "codec.log"
    codec = Codec(log_path=log_path, **options)
    try:
        codec.wait_ready()
        yield codec
    except BaseException:
        codec.close()
        print(log_path.read_text()[-4000:])
        raise
    code = codec.close()
    log = log_path.read_text()
    assert code == 0 and not any(word in log for word in SANITIZER_WORDS), f"exit code {code}\n{log[-4000:]}"
