# SPDX-License-Identifier: Apache-2.0
"""Private servers of a test run: PostgreSQL, Redis, pixmill-api and pixmill-worker, on Unix sockets and a port of their own."""
import itertools
import os
import random
import shutil
import socket
import tempfile
from pathlib import Path

import psycopg2
import redis as redis_client
import requests

from support.process import REPO, SANITIZER_EXIT, Process, give, run_as_service, wait_until

PROGRAMS = ("pixmill-api", "pixmill-worker", "pixmill-codec")


def bin_dir():
    """Where the built programs are: PIXMILL_BIN, else the dev preset."""
    return Path(os.environ.get("PIXMILL_BIN") or REPO / "build" / "dev" / "bin")


def postgres_bin():
    """The newest PostgreSQL of the distribution; what else lies in PATH is not ours to judge."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    assert found, "no PostgreSQL in /usr/lib/postgresql (Debian: postgresql)"
    return found[-1].parent


def free_port():
    """A port of 127.0.0.1 that nobody has, below the range from which the kernel gives out its own."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Home:
    """The folder of one test run: short, since socket paths are. Programs are copied into it, where the service user
    can reach them wherever the checkout lies."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="pixmill-test-", dir="/tmp"))
        self.path.chmod(0o711)
        self._bin = None
        self._count = itertools.count(1)

    def folder(self, name):
        """A new folder of the service user, e.g. .../api-3."""
        return give(self.path / f"{name}-{next(self._count)}")

    def program(self, name):
        if self._bin is None:
            self._bin = self.path / "bin"
            self._bin.mkdir(mode=0o755)
            for program in PROGRAMS:
                if (bin_dir() / program).exists():
                    shutil.copy2(bin_dir() / program, self._bin / program)
                    (self._bin / program).chmod(0o755)
        path = self._bin / name
        assert path.exists(), f"{bin_dir() / name} is not built"
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Postgres:
    """One cluster for a whole test run; each user makes a database of its own."""

    def __init__(self, home, durable=False):
        """durable: syncs to disk as in production; tests have no use for that, benchmarks do."""
        self.home = home
        self.fsync = "on" if durable else "off"
        self.bin = postgres_bin()
        self.folder = home.folder("pg")
        self.data = self.folder / "data"
        self.user = "pixmill"
        self.process = None
        self._count = itertools.count(1)
        run_as_service([self.bin / "initdb", "-D", self.data, "-U", self.user, "--auth=trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"])

    def start(self):
        self.process = Process("postgres", [
            self.bin / "postgres", "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
            "-c", "unix_socket_permissions=0700", "-c", f"fsync={self.fsync}", "-c", "max_connections=300",
            "-c", "shared_buffers=64MB"], self.folder / "log")
        wait_until(self.is_ready, what="PostgreSQL")

    def is_ready(self):
        assert self.process.is_alive(), f"PostgreSQL ended:\n{self.process.log_text()}"
        try:
            self.connect("postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self):
        """A fast shutdown: clients are cut off, the data stays."""
        if self.process is not None:
            self.process.stop(number=2)
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def dsn(self, database):
        return f"host='{self.folder}' user={self.user} dbname={database}"

    def connect(self, database):
        """A psycopg2 connection with autocommit."""
        connection = psycopg2.connect(self.dsn(database), connect_timeout=10)
        connection.autocommit = True
        return connection

    def new_database(self):
        """Makes an empty database and returns its name."""
        name = f"test_{next(self._count)}"
        connection = self.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        connection.close()
        return name


class Redis:
    """A Redis of one test module on a Unix socket; nothing is written to disk."""

    def __init__(self, home):
        self.folder = home.folder("redis")
        self.socket = self.folder / "redis.sock"
        self.url = f"unix:{self.socket}"
        self.process = None

    def start(self):
        self.process = Process("redis", [
            "/usr/bin/redis-server", "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no", "--dir", self.folder, "--daemonize", "no"], self.folder / "log")
        wait_until(self.is_ready, what="Redis")

    def is_ready(self):
        assert self.process.is_alive(), f"Redis ended:\n{self.process.log_text()}"
        try:
            return self.client().ping()
        except redis_client.RedisError:
            return False

    def client(self):
        return redis_client.Redis(unix_socket_path=str(self.socket), socket_timeout=10)

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill(self):
        """kill -9, as the machine would."""
        self.process.kill()
        self.process = None

    def restart(self):
        self.stop()
        self.start()


class Stack:
    """api + workers on a database, a Redis and a media folder of their own.

    url, key (scopes upload, operate, admin), media_dir, database_url, redis_url, redis_socket; api (Process or None),
    workers (list of Process). Processes that stopped are kept in `past` and judged at the end too.
    """

    def __init__(self, home, postgres, redis, env=None):
        self.home = home
        self.postgres = postgres
        self.redis_server = redis
        self.database = postgres.new_database()
        self.database_url = postgres.dsn(self.database)
        self.redis_url = redis.url
        self.redis_socket = redis.socket
        self.folder = home.folder("stack")
        self.media_dir = give(self.folder / "media")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.extra_env = {name: str(value) for name, value in (env or {}).items()}
        self.api = None
        self.workers = []
        self.past = []
        self.key = None
        self._count = itertools.count(1)

    def env(self, extra=None):
        """The whole environment of a program of this stack."""
        settings = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ASAN_OPTIONS": f"exitcode={SANITIZER_EXIT}:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:exitcode={SANITIZER_EXIT}",
            "PIXMILL_LISTEN": f"127.0.0.1:{self.port}",
            "PIXMILL_DATABASE_URL": self.database_url,
            "PIXMILL_REDIS_URL": self.redis_url,
            "PIXMILL_STORAGE_DIR": str(self.media_dir),
        }
        settings.update(self.extra_env)
        settings.update({name: str(value) for name, value in (extra or {}).items()})
        return settings

    def run(self, program, *args, env=None, check=True, seconds=60):
        """Runs e.g. run("pixmill-api", "--migrate") to its end with this stack's settings."""
        done = run_as_service([self.home.program(program), *args], env=self.env(env), check=check, seconds=seconds)
        for word in ("AddressSanitizer", "runtime error:"):
            assert word not in done.stderr, done.stderr
        return done

    def migrate(self):
        self.run("pixmill-api", "--migrate")

    def create_key(self, name, scopes="upload,operate,admin"):
        key = self.run("pixmill-api", "--create-key", name, "--scope", scopes).stdout.strip()
        assert key and "\n" not in key, f"--create-key must print the key alone, and printed {key!r}"
        return key

    def start(self, workers=1):
        """Migrates, makes `key`, starts the api and the workers, and waits until the api is ready."""
        self.migrate()
        self.key = self.create_key("tests")
        self.start_api()
        for _ in range(workers):
            self.start_worker()

    def start_api(self, env=None):
        log = self.folder / f"api-{next(self._count)}.log"
        self.api = Process("pixmill-api", [self.home.program("pixmill-api")], log, self.env(env))
        self.wait_ready()
        return self.api

    def wait_ready(self, seconds=30):
        def is_ready():
            assert self.api.is_alive(), f"pixmill-api ended with {self.api.popen.returncode}:\n{self.api.log_text()}"
            try:
                return requests.get(self.url + "/readyz", timeout=5).status_code == 200
            except requests.RequestException:
                return False
        wait_until(is_ready, seconds, "/readyz")

    def stop_api(self):
        """SIGTERM; the api must end with 0."""
        api, self.api = self.api, None
        self.past.append(api)
        api.stop()
        api.check()

    def kill_api(self):
        api, self.api = self.api, None
        self.past.append(api)
        api.kill()

    def start_worker(self, env=None):
        """One more worker process; it is not waited for, since a job is the proof that it works."""
        log = self.folder / f"worker-{next(self._count)}.log"
        worker = Process("pixmill-worker", [self.home.program("pixmill-worker")], log, self.env(env))
        self.workers.append(worker)
        return worker

    def stop_worker(self, worker):
        """SIGTERM; the worker must end with 0."""
        self.workers.remove(worker)
        self.past.append(worker)
        worker.stop()
        worker.check()

    def kill_worker(self, worker):
        self.workers.remove(worker)
        self.past.append(worker)
        worker.kill()

    def db(self):
        """A new psycopg2 connection (autocommit)."""
        return self.postgres.connect(self.database)

    def query(self, sql, *args):
        """Rows of one statement, as a list of tuples."""
        connection = self.db()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, args)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def redis(self):
        """A new redis client."""
        return self.redis_server.client()

    def queue_left(self):
        """Keys of the queue that hold jobs. Counters, marks, what workers tell, and tokens that wake one for nothing do not."""
        kept = (":fence", ":turn", ":wake", ":counts", ":paused", ":epoch", ":sweep", ":workers", ":reports")
        keys = {key.decode() for key in self.redis().keys("*")}
        return {key for key in keys if key.rpartition("}")[2] not in kept}

    def media_files(self):
        """Paths of all files in the media folder, relative to it, sorted."""
        return sorted(str(path.relative_to(self.media_dir)) for path in self.media_dir.rglob("*") if path.is_file())

    def begun_uploads(self):
        """How many files the api holds open in the media folder that have no name of their own yet."""
        count = 0
        for link in Path(f"/proc/{self.api.pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except FileNotFoundError:
                continue
            count += target.startswith(f"{self.media_dir}/.tmp/")
        return count

    def stop(self):
        """Stops everything and judges every process that this stack ever had."""
        faults = []
        running = self.workers + ([self.api] if self.api else [])
        self.workers, self.api = [], None
        for process in running:
            try:
                process.stop()
            except AssertionError as fault:
                faults.append(str(fault))
        for process in self.past + running:
            try:
                process.check()
            except AssertionError as fault:
                faults.append(str(fault))
        self.past = []
        assert not faults, "\n".join(faults)
