# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that breaks what it forwards: 127.0.0.1:port -> a Unix socket or a TCP address, faults switched while it runs.

    with Proxy("/run/redis.sock") as proxy:
        ... f"redis://127.0.0.1:{proxy.port}" ...
        proxy.reset()                   every connection gets a reset, now
        proxy.refuse()                  and new ones are refused
        proxy.black_hole(to_client=False)  what clients send arrives no more; connections stay, new ones are taken
        proxy.half_open()               the server's side is closed, and the client is told nothing
        proxy.lose_replies(3)           three connections whose command has run are reset instead of answered
        proxy.slow(0.01)                a byte, a pause, a byte
        proxy.cut_after(100)            every connection, old or new, is reset 100 bytes from now
        proxy.cut_at_random(seed, 500)  the same after a number of bytes drawn for each, 500 on average
        proxy.heal()                    all is well again, for what is left and what comes

It runs on a thread of its own; every call returns when what it asks for is done. What a black hole holds back is forwarded
when it ends, as TCP would send it again; a client that gave up meanwhile is known to the server only then.
"""
import asyncio
import random
import socket
import struct
import threading

from support.servers import free_port

PIECE_BYTES = 65536
TO_SERVER, TO_CLIENT = 0, 1


class _Link:
    """One client's connection and the one to the server that is made for it."""

    def __init__(self, client):
        self.ends = [None, client]  # by the direction in which they are written
        self.tasks = []
        self.bytes_left = None  # until it is cut
        self.is_half_open = False
        self.is_closed = False


class Proxy:
    """The proxy; listens from its making until close().

    port        where it listens, always the same one
    accepted    connections that it has taken so far
    cuts        connections that it has reset so far, whatever for
    """

    def __init__(self, target):
        """target: path of a Unix socket, or (host, port)."""
        self.target = target
        self.accepted = 0
        self.cuts = 0
        self._links = {}  # as an ordered set: the oldest first
        self._listener = None
        self._accepting = None
        self._replies_to_lose = 0
        self._pause = 0.0
        self._cut_after = None  # draws a number of bytes
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._gates = self._run(self._make_gates())
        self._run(self._listen())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- what tests call

    def point_at(self, target):
        """Connections from now on go there; those that are there stay."""
        self.target = target

    def connections(self):
        """How many there are now."""
        return len(self._links)

    def reset(self, count=None):
        """Resets all connections, or the `count` oldest; returns how many it were."""
        return self._run(self._reset(count))

    def refuse(self):
        """Resets all connections and refuses new ones."""
        self._run(self._refuse())

    def black_hole(self, to_server=True, to_client=True):
        """Forwards nothing more in these directions."""
        self._run(self._set_gates(not to_server, not to_client))

    def half_open(self):
        """Closes the server's side of all connections; what clients send on them is swallowed. Returns how many it were."""
        return self._run(self._half_open())

    def lose_replies(self, count=1):
        """The next `count` answers are dropped, and their connections reset: the commands ran, and nobody knows."""
        self._replies_to_lose = count

    def replies_to_lose(self):
        """How many of them are still to be lost."""
        return self._replies_to_lose

    def slow(self, seconds):
        """One byte at a time, with a pause after each."""
        self._pause = seconds

    def cut_after(self, count):
        """Resets every connection once `count` bytes more have gone over it, both directions together."""
        self._run(self._set_cut(lambda: count))

    def cut_at_random(self, seed, mean_bytes):
        """As cut_after, with a number for each connection, exponentially distributed."""
        draw = random.Random(seed)
        self._run(self._set_cut(lambda: 1 + int(draw.expovariate(1 / mean_bytes))))

    def heal(self):
        """Ends all faults. Half-open connections stay what they are: their server's side is gone."""
        self._run(self._heal())

    def close(self):
        """Resets all connections and ends."""
        if self._thread is None:
            return
        self._run(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()
        self._thread = None

    # -- on the proxy's own thread

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _make_gates(self):
        gates = [asyncio.Event(), asyncio.Event()]
        for gate in gates:
            gate.set()
        return gates

    async def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(512)
        self._listener = listener
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self):
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            link = _Link(client)
            if self._cut_after:
                link.bytes_left = self._cut_after()
            self._links[link] = True
            link.tasks.append(self._loop.create_task(self._serve(link)))

    async def _serve(self, link):
        is_path = not isinstance(self.target, tuple)
        server = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET)
        server.setblocking(False)
        link.ends[TO_SERVER] = server
        try:
            await self._loop.sock_connect(server, str(self.target) if is_path else self.target)
        except OSError:
            self._close(link, is_reset=True)
            return
        link.tasks = [self._loop.create_task(self._pump(link, direction)) for direction in (TO_SERVER, TO_CLIENT)]

    async def _pump(self, link, direction):
        try:
            while True:
                await self._gates[direction].wait()
                data = await self._loop.sock_recv(link.ends[1 - direction], PIECE_BYTES)
                await self._gates[direction].wait()
                if not data:
                    break
                if direction == TO_CLIENT and self._replies_to_lose > 0:
                    self._replies_to_lose -= 1
                    self._close(link, is_reset=True)
                    return
                if not await self._forward(link, direction, data):
                    return
        except OSError:
            pass
        # which side ended, and how, does not matter to what is tested here: both know now
        self._close(link)

    async def _forward(self, link, direction, data):
        """Sends data on; False where the link was cut on the way."""
        at = 0
        while at < len(data):
            if link.is_half_open:
                return True
            step = 1 if self._pause > 0 else len(data) - at
            if link.bytes_left is not None:
                step = min(step, link.bytes_left)
                link.bytes_left -= step
            await self._loop.sock_sendall(link.ends[direction], data[at:at + step])
            at += step
            if link.bytes_left == 0:
                self._close(link, is_reset=True)
                return False
            if self._pause > 0:
                await asyncio.sleep(self._pause)
        return True

    def _close(self, link, is_reset=False):
        if link.is_closed:
            return
        link.is_closed = True
        self._links.pop(link, None)
        self.cuts += is_reset
        current = asyncio.current_task()
        for task in link.tasks:
            if task is not current:
                task.cancel()
        # what the server was sent before, it shall read: so no reset to that side
        self._close_end(link.ends[TO_SERVER], False)
        self._close_end(link.ends[TO_CLIENT], is_reset)

    def _close_end(self, end, is_reset):
        if end is None:
            return
        # a task that waits for it would keep the loop looking at a number that is somebody else's by then
        self._loop.remove_reader(end)
        self._loop.remove_writer(end)
        if is_reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    async def _reset(self, count):
        chosen = list(self._links)[:count]
        for link in chosen:
            self._close(link, is_reset=True)
        return len(chosen)

    async def _refuse(self):
        if self._listener is not None:
            self._accepting.cancel()
            self._close_end(self._listener, False)
            self._listener = None
        await self._reset(None)

    async def _set_gates(self, may_reach_server, may_reach_client):
        for gate, is_open in zip(self._gates, (may_reach_server, may_reach_client)):
            if is_open:
                gate.set()
            else:
                gate.clear()

    async def _half_open(self):
        chosen = [link for link in self._links if len(link.tasks) == 2]
        for link in chosen:
            link.is_half_open = True
            link.tasks.pop(TO_CLIENT).cancel()
            self._close_end(link.ends[TO_SERVER], False)
            link.ends[TO_SERVER] = None
        return len(chosen)

    async def _set_cut(self, draw):
        self._cut_after = draw
        for link in self._links:
            link.bytes_left = draw() if draw else None

    async def _heal(self):
        self._replies_to_lose = 0
        self._pause = 0.0
        await self._set_cut(None)
        await self._set_gates(True, True)
        if self._listener is None:
            await self._listen()
