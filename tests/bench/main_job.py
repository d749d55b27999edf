#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job, measured on private servers that sync to disk as in production:

ingest    uploads/s that the api takes with no worker running (wrk, one JPEG of --bytes as the raw body)
images    images/s from the first upload to the last `ready`, mixed photos, 16 clients
slow      resident memory of the api while 200 clients send 5 MB each, slowly

Prints one line a figure. Programs: PIXMILL_BIN, else build/release/bin.
"""
import argparse
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests"))
os.environ.setdefault("PIXMILL_BIN", str(REPO / "build" / "release" / "bin"))

from support.client import Client  # noqa: E402
from support.pictures import encoded, jpeg, picture  # noqa: E402
from support.process import run_as_service, wait_until  # noqa: E402
from support.servers import Home, Postgres, Redis, Stack  # noqa: E402

WRK_SCRIPT = """
local file = io.open("{photo}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "image/jpeg"
wrk.headers["Authorization"] = "Bearer {key}"
local bad = 0
function response(status) if status ~= 201 then bad = bad + 1 end end
"""


def resident_mb(pid, field="VmHWM"):
    """Resident memory of a process in MB: VmRSS is now, VmHWM the most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def photo_of_about(target_bytes):
    """A JPEG with noise, so that its size is near target_bytes."""
    from PIL import Image
    side = 256
    while True:
        image = Image.effect_noise((side, side * 3 // 4), 60).convert("RGB")
        image.paste(picture(side // 2, side // 3), (0, 0))
        data = encoded(image, "JPEG", quality=88)
        if len(data) >= target_bytes or side > 2400:
            return data
        side += 64


def say(name, value):
    print(f"{name:<44} {value}", flush=True)


def bench_ingest(stack, client, args):
    slug = client.product("Ingest")["slug"]
    photo = stack.home.folder("wrk") / "photo.jpg"
    photo.write_bytes(photo_of_about(args.bytes))
    photo.chmod(0o644)
    script = photo.with_name("post.lua")
    script.write_text(WRK_SCRIPT.format(photo=photo, key=stack.key))
    script.chmod(0o644)
    before = stack.query("SELECT count(*) FROM image")[0][0]
    done = run_as_service(["/usr/bin/wrk", "-t1", f"-c{args.clients}", f"-d{args.seconds}s", "--latency", "-s", script,
                           f"{stack.url}/api/products/{slug}/images/"], seconds=args.seconds + 60)
    stored = stack.query("SELECT count(*) FROM image")[0][0] - before
    refused = [line.strip() for line in done.stdout.splitlines() if "Non-2xx" in line or "Socket errors" in line]
    latency = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.strip()[:3] in ("50%", "99%")}
    say(f"ingest: uploads/s ({photo.stat().st_size // 1000} KB, {args.clients} clients)", f"{stored / args.seconds:.0f}")
    say("ingest: latency p50, p99", f"{latency.get('50%')}, {latency.get('99%')}")
    say("ingest: refused", refused or "none")
    say("ingest: api, most resident memory", f"{resident_mb(stack.api.pid):.0f} MB")


def mixed_photos():
    """Twelve photos of 0.3 to 12 MP in three formats."""
    sizes = [(640, 480), (1200, 900), (1600, 1200), (2048, 1536), (3000, 2000), (4000, 3000)]
    photos = []
    for i, (width, height) in enumerate(sizes):
        photos.append(("image/jpeg", jpeg(width, height, seed=i, quality=85, orientation=1 + i % 8)))
    photos.append(("image/png", encoded(picture(800, 600, 7), "PNG")))
    photos.append(("image/png", encoded(picture(1000, 700, 8, "RGBA"), "PNG")))
    photos.append(("image/webp", encoded(picture(1600, 1200, 9), "WEBP", quality=85)))
    photos.extend(("image/jpeg", jpeg(1000 + 200 * i, 900 + 100 * i, seed=10 + i)) for i in range(3))
    return photos


def bench_images(stack, args):
    photos = mixed_photos()
    clients = threading.local()
    slug = Client(stack).product("Images")["slug"]
    worker = stack.start_worker()
    wait_until(worker.children, 30, "codecs")
    peaks = {}

    def upload(i):
        if not hasattr(clients, "made"):
            clients.made = Client(stack)
        kind, data = photos[i % len(photos)]
        answer = clients.made.upload_raw(slug, data, content_type=kind)
        assert answer.status_code == 201, answer.text

    def settled():
        for pid in worker.children():
            peaks[pid] = max(peaks.get(pid, 0), resident_mb(pid))
        rows = dict(stack.query("SELECT status, count(*) FROM image WHERE product = "
                                "(SELECT id FROM product WHERE slug = %s) GROUP BY status", slug))
        assert not rows.get("failed"), rows
        return rows.get("ready", 0) == args.images

    start = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(upload, range(args.images)))
    uploaded = time.monotonic() - start
    wait_until(settled, 900, "all images ready")
    took = time.monotonic() - start
    say(f"images: images/s ({args.images} mixed, {len(worker.children())} codecs)", f"{args.images / took:.1f}")
    say("images: seconds for uploads, for all", f"{uploaded:.1f}, {took:.1f}")
    say("images: worker, most resident memory", f"{resident_mb(worker.pid):.0f} MB")
    say("images: codecs, most resident memory", ", ".join(f"{mb:.0f} MB" for mb in sorted(peaks.values())))
    stack.stop_worker(worker)


def bench_slow(stack, args):
    slug = Client(stack).product("Slow")["slug"]
    head = (f"POST /api/products/{slug}/images/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.key}\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: 5242880\r\n\r\n").encode()
    body = jpeg(1200, 900)
    body += bytes(5242880 - len(body))
    peers = []
    for _ in range(200):
        peer = socket.create_connection(("127.0.0.1", stack.port))
        peer.sendall(head)
        peers.append(peer)
    most = 0.0
    step = len(body) // 16
    for part in range(15):
        for peer in peers:
            peer.sendall(body[part * step:(part + 1) * step])
        most = max(most, resident_mb(stack.api.pid, "VmRSS"))
        time.sleep(0.1)
    for peer in peers:
        peer.close()
    say("slow: api memory, 200 clients of 5 MB", f"{most:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="of ingest")
    parser.add_argument("--clients", type=int, default=32, help="of ingest")
    parser.add_argument("--bytes", type=int, default=200000, help="of the photo of ingest")
    parser.add_argument("--images", type=int, default=240, help="of images")
    parser.add_argument("--short", action="store_true", help="2 seconds and 24 images, to see that it runs")
    args = parser.parse_args()
    if args.short:
        args.seconds, args.images = 2, 24
    home = Home()
    postgres, redis = Postgres(home, durable=True), Redis(home)
    stack = None
    try:
        postgres.start()
        redis.start()
        # slow goes first and alone, so that its figure is the api's memory and not what an earlier load left
        for bench in ("slow", "ingest", "images"):
            stack = Stack(home, postgres, redis)
            stack.start(workers=0)
            if bench == "slow":
                bench_slow(stack, args)
            elif bench == "ingest":
                bench_ingest(stack, Client(stack), args)
                redis.client().flushall()
            else:
                bench_images(stack, args)
            stack.stop()
            stack = None
    finally:
        if stack is not None:
            stack.stop()
        redis.stop()
        postgres.stop()
        home.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
