"""A proxy on loopback before an S3 server, with the faults of networks and stores; a process of its own.

`python -m tests.support.faulty_proxy HOST PORT` listens on a free port and prints it. What it is to do is
put to `/-/`, and what was asked is read there.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

Kind = Literal["error", "busy", "lost", "outage", "cut"]
_CONTROL = "/-/"
_LIMIT = 2**22


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the requests `first` to `last` (counted from 1, since the faults were set).

    `error`: 500, without asking the store; `busy`: 503; `lost`: the store does it, and the connection ends
    without an answer; `cut`: half of the answer's body comes; `outage`: from `first` on, nothing of any
    kind is answered. `of` is what is counted: `requests`, `reads` (GET and HEAD), `writes` (the others), or
    those of one method and path, such as `PUT /bucket/key`. A client's own second attempt is counted.
    """

    kind: Kind
    first: int
    last: int = 0
    of: str = "writes"

    def hits(self, counts: Counter[str], counted: tuple[str, ...]) -> bool:
        """Whether it happens to the request that was counted last."""
        number = counts[self.of]
        if self.kind == "outage":
            return number >= self.first
        return self.of in counted and self.first <= number <= max(self.first, self.last)


@dataclass(frozen=True, slots=True)
class FaultyProxy:
    """A running proxy: where it answers, and its orders."""

    endpoint: str

    def set(self, *faults: Fault, latency_s: float = 0.0) -> None:
        """Have these faults from now on, and this latency for each request; the counts begin anew."""
        orders = {"faults": [asdict(fault) for fault in faults], "latency_s": latency_s}
        request = Request(self.endpoint + _CONTROL, json.dumps(orders).encode(), method="PUT")
        urlopen(request, timeout=20).close()

    def asked(self) -> list[tuple[str, str]]:
        """Method (COPY for a copy on the server) and path of each request since the faults were set."""
        with urlopen(self.endpoint + _CONTROL, timeout=20) as answer:
            return [(method, path) for method, path, _ in json.load(answer)]

    def faulted(self) -> list[tuple[str, str]]:
        """Those that had a fault."""
        with urlopen(self.endpoint + _CONTROL, timeout=20) as answer:
            return [(method, path) for method, path, fault in json.load(answer) if fault]

    def writes(self) -> list[tuple[str, str]]:
        """Those that change something."""
        return [asked for asked in self.asked() if asked[0] not in ("GET", "HEAD")]


@contextmanager
def running_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy before the server at `upstream`, a plain http address."""
    at = urlsplit(upstream)
    command = [sys.executable, "-m", "tests.support.faulty_proxy", str(at.hostname), str(at.port)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout is not None
        yield FaultyProxy(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@dataclass(slots=True)
class _Head:
    """The head of a request or an answer: its bytes, its first line, its fields by lower-case name."""

    data: bytes
    first: list[str]
    fields: dict[str, str]

    @property
    def bodiless(self) -> bool:
        """Whether this is an answer that has no body, whatever its fields say."""
        return self.first[1] in ("204", "304")


@dataclass(slots=True)
class _Proxy:
    host: str
    port: int
    faults: list[Fault] = field(default_factory=list)
    latency_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, with one connection to the store."""
        store: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        try:
            while await self._answer_one(reader, writer, store):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for _, upstream in store:
                upstream.close()
            writer.close()

    async def _answer_one(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        store: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    ) -> bool:
        """Answer one request; whether the connection lasts."""
        head = await _read_head(reader)
        if "expect" in head.fields:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _read_body(reader, head)
        method, path = head.first[0], head.first[1]
        if path == _CONTROL:
            writer.write(_answer("200 OK", self._control(method, body)))
            return True
        fault = self._count(method, path, head)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if fault in ("error", "busy"):
            code = "500 Internal Server Error" if fault == "error" else "503 Slow Down"
            writer.write(_answer(code, b"<Error><Code>InternalError</Code></Error>"))
            return True
        if fault == "outage":
            writer.transport.abort()
            return False
        answer, content = await self._ask(store, head, body, method)
        if fault == "lost":
            writer.transport.abort()
            return False
        writer.write(answer.data + (content[: len(content) // 2] if fault == "cut" else content))
        await writer.drain()
        return fault != "cut" and answer.fields.get("connection", "").lower() != "close"

    def _control(self, method: str, body: bytes) -> bytes:
        if method == "PUT":
            orders: dict[str, Any] = json.loads(body)
            self.faults = [Fault(**fault) for fault in orders["faults"]]
            self.latency_s = orders["latency_s"]
            self.counts.clear()
            self.asked = []
        return json.dumps(self.asked).encode()

    def _count(self, method: str, path: str, head: _Head) -> str:
        """Count a request; the fault that it is to have."""
        if method == "PUT" and "x-amz-copy-source" in head.fields:
            method = "COPY"
        kind = "reads" if method in ("GET", "HEAD") else "writes"
        counted = (kind, "requests", f"{method} {path}")
        self.counts.update(counted)
        fault = next((fault.kind for fault in self.faults if fault.hits(self.counts, counted)), "")
        self.asked.append((method, path, fault))
        return fault

    async def _ask(
        self,
        store: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
        head: _Head,
        body: bytes,
        method: str,
    ) -> tuple[_Head, bytes]:
        """The store's answer; a kept connection that it has closed meanwhile is opened again."""
        while True:
            kept = bool(store)
            if not kept:
                store.append(await asyncio.open_connection(self.host, self.port, limit=_LIMIT))
            reader, writer = store[-1]
            writer.write(head.data + body)
            try:
                answer = await _read_head(reader)
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                store.pop()[1].close()
                if not kept:
                    raise
        content = b"" if method == "HEAD" or answer.bodiless else await _read_body(reader, answer)
        if answer.fields.get("connection", "").lower() == "close":
            store.pop()[1].close()
        return answer, content


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    data = await reader.readuntil(b"\r\n\r\n")
    first, *lines = data[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "expect" in fields:
        kept = [line for line in lines if not line.lower().startswith("expect:")]
        data = "\r\n".join([first, *kept, "", ""]).encode("latin-1")
    return _Head(data, first.split(" "), fields)


async def _read_body(reader: asyncio.StreamReader, head: _Head) -> bytes:
    """The body as it is on the wire."""
    if head.fields.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(head.fields.get("content-length", 0)))
    pieces = []
    while True:
        line = await reader.readuntil(b"\r\n")
        pieces.append(line)
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        pieces.append(await reader.readexactly(size + 2))
    while pieces[-1] != b"\r\n":
        pieces.append(await reader.readuntil(b"\r\n"))
    return b"".join(pieces)


def _answer(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _main(host: str, port: int) -> None:
    proxy = _Proxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_LIMIT)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
