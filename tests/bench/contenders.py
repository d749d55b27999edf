# SPDX-License-Identifier: Apache-2.0
"""Those who do the job in tests/bench/pipeline: each is one process that gets a photo and tells when each variant is there."""
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from support import codec as dispatcher

QUALITY = 85
METHOD = 4


@dataclass
class Run:
    """One photo through one contender."""
    cpu_ms: float = 0.0
    early_ms: float = 0.0  # wall time until thumbnail and medium are there
    wall_ms: float = 0.0
    stages: dict = field(default_factory=dict)  # ms of CPU by name; of wall time for the codec
    bytes: dict = field(default_factory=dict)
    variants: dict = field(default_factory=dict)  # name: bytes, where they were kept


def memory_mb(pid, name="VmHWM"):
    """Resident memory of a process: VmRSS is now, VmHWM the most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """CPU time of all threads of another process, in nanoseconds' resolution (clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


class Worker:
    """A contender that speaks bench_line.h's protocol."""

    def __init__(self, name, command, folder):
        self.name = name
        self.folder = folder
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={"PATH": "/usr/bin:/bin", "VIPS_CONCURRENCY": "1"})

    def run(self, path, kind, keep=False, method=METHOD, quality=QUALITY):
        del kind
        prefix = self.folder / self.name.replace(" ", "-")
        begun = time.monotonic()
        self.process.stdin.write(f"{path} {method} {quality} {prefix if keep else '-'}\n")
        self.process.stdin.flush()
        run = Run()
        for line in self.process.stdout:
            word, *rest = line.split()
            now_ms = (time.monotonic() - begun) * 1000
            if word == "done":
                run.wall_ms = now_ms
                run.cpu_ms = int(rest[0]) / 1000
                run.stages = {stage.split("=")[0]: int(stage.split("=")[1]) / 1000 for stage in rest[1:]}
                break
            run.bytes[rest[0]] = int(rest[1])
            if rest[0] != "webp":
                run.early_ms = now_ms
        assert run.wall_ms, f"{self.name} ended with {self.process.wait(10)}"
        if keep:
            run.variants = {name: Path(f"{prefix}.{name}").read_bytes() for name in run.bytes}
        return run

    def peak_mb(self):
        return memory_mb(self.process.pid)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class TimedCodec(dispatcher.Codec):
    """A codec whose announcements are timed."""

    def receive(self):
        frame = super().receive()
        self.told.append((frame[0], time.monotonic()))
        return frame

    def __init__(self, **options):
        self.told = []
        self.begun = time.monotonic()
        super().__init__(**options)
        self.wait_ready()
        self.start_ms = (time.monotonic() - self.begun) * 1000


class Codec:
    """The real thing, in its cage. Its CPU time holds all that it does for a job, reading and writing included."""

    name = "pixmill"

    def __init__(self, log_path):
        self.codec = TimedCodec(log_path=log_path)
        self.pid = self.codec.process.pid

    def run(self, path, kind, keep=False):
        data = Path(path).read_bytes()
        run = Run()
        self.codec.told.clear()
        before, begun = cpu_seconds(self.pid), time.monotonic()
        result = self.codec.run(data, kind)
        run.cpu_ms = (cpu_seconds(self.pid) - before) * 1000
        assert result.error is None, f"{path}: {result.error}: {result.sentence}"
        times = [(at - begun) * 1000 for kind_of_frame, at in self.codec.told if kind_of_frame == dispatcher.VARIANT]
        by_name = dict(zip(result.order, times))
        run.early_ms = max(by_name["thumbnail"], by_name["medium"])
        run.wall_ms = (self.codec.told[-1][1] - begun) * 1000
        run.stages = {"decode": result.decode_us / 1000, "encode": result.encode_us / 1000}
        run.bytes = {name: len(content) for name, content in result.variants.items()}
        run.variants = result.variants if keep else {}
        return run

    def peak_mb(self):
        return memory_mb(self.pid)

    def close(self):
        code = self.codec.close()
        assert code == 0, f"pixmill-codec ended with {code}: {Path(self.codec.log_path).read_text()[-2000:]}"


def floor(bin_dir, folder):
    return Worker("floor", [str(bin_dir / "pixmill-bench-floor")], folder)


def everyone(bin_dir, folder):
    """All contenders, freshly started; the floor is the first."""
    return [floor(bin_dir, folder), Codec(folder / "codec.log"),
            Worker("libvips", [str(bin_dir / "pixmill-bench-vips")], folder),
            Worker("Pillow", ["/usr/bin/python3", str(Path(__file__).with_name("pillow_task.py"))], folder)]
