"""A small server of a mirror, with the faults that the real ones have."""

import hashlib
import io
import re
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

# What may happen to an answer: html, cut, reset, 404, 414, 503 to any; bad_crc to an archive; missing_run,
# few_runs, wrong_column, empty_matrix to that of a request. `together` is none: the answer waits for company.
ERROR_PAGE = b"<html><body><p>No datasets selected</p></body></html>"
_MATRICES = ("GeneCountMatrix.tsv", "TxCountMatrix.tsv", "QC_Matrix.tsv")


class MirrorServer:
    """Serves the folder of a mirror, `dee2` and `geo` below one address.

    `faults` are by a pattern of the path with its query; each is a list, of which each matching answer
    takes one, and the last one lasts if it ends with `*`. `asked` are the paths of all requests, with
    their range.
    """

    def __init__(self, root: Path, faults: dict[str, list[str]] | None = None) -> None:
        self.root = root
        self.faults = faults or {}
        self.asked: list[tuple[str, str]] = []
        self.most_at_once = 0
        self.lonely = False
        self.address = ""
        self._at_once = 0
        self._lock = threading.Lock()
        self._archives: dict[str, Path] = {}
        self.know(root)

    def know(self, root: Path) -> None:
        """Answer requests from the archives below a folder."""
        for path in sorted(root.rglob("*")):
            if path.is_file() and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    for run in _columns(archive, "GeneCountMatrix.tsv"):
                        self._archives[run] = path

    def lose(self, project: str, n: int) -> set[str]:
        """Forget the counts of some runs of a project, and say which."""
        lost = [run for run, path in self._archives.items() if path.name.startswith(project)][:n]
        for run in lost:
            del self._archives[run]
        return set(lost)

    def counts(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(path for path, _ in self.asked)

    def wait_for_company(self) -> None:
        """Wait until another question is being answered, or say that none came."""
        deadline = time.monotonic() + 5
        while self._at_once < 2:
            if time.monotonic() > deadline:
                self.lonely = True
                return
            time.sleep(0.005)

    def take_fault(self, path: str) -> str:
        """The fault that this answer is to have, if any."""
        with self._lock:
            for pattern, left in self.faults.items():
                if re.search(pattern, path) and left:
                    return left[0].removesuffix("*") if left[0].endswith("*") else left.pop(0)
        return ""

    @contextmanager
    def counted(self, path: str, asked_range: str) -> Iterator[None]:
        """Count this request, and how many there are at once."""
        with self._lock:
            self.asked.append((path, asked_range))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def content(self, path: str, fault: str) -> bytes | None:
        """What lies at a path; None: nothing."""
        parts = urlsplit(path)
        if parts.path.endswith("/request.sh"):
            return self._request(parse_qs(parts.query).get("x", []), fault)
        name = parts.path.lstrip("/")
        file = self.root / (f"{name}index.html" if name.endswith("/") else name)
        return file.read_bytes() if file.is_file() else None

    def _request(self, runs: list[str], fault: str) -> bytes:
        """The archive of some runs: the server's script writes what it has, in the order asked for."""
        known = [run for run in runs if run in self._archives]
        if fault == "missing_run":
            known = known[1:]
        elif fault == "few_runs":
            known = known[:10]
        if not known:
            return ERROR_PAGE
        members: dict[str, str] = {}
        for path in dict.fromkeys(self._archives[run] for run in known):
            with zipfile.ZipFile(path) as archive:
                here = [run for run in known if self._archives[run] == path]
                for name in _MATRICES:
                    text = _select(archive, name, here)
                    members[name] = _beside(members[name], text) if name in members else text
                members.setdefault("TxInfo.tsv", _text(archive, "TxInfo.tsv"))
        name = "GeneCountMatrix.tsv"
        if fault == "wrong_column":
            members[name] = members[name].replace(known[0], "SRR1", 1)
        elif fault == "empty_matrix":
            members[name] = members[name].partition("\n")[0] + "\n"
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in members.items():
                archive.writestr(member, text)
        return buffer.getvalue()


@contextmanager
def serve(root: Path, faults: dict[str, list[str]] | None = None) -> Iterator[MirrorServer]:
    """A server on a free port of this machine, for as long as the block lasts."""
    mirror = MirrorServer(root, faults)

    class Handler(_Handler):
        server_of = mirror

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    mirror.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_of: MirrorServer

    def do_GET(self) -> None:
        mirror = self.server_of
        with mirror.counted(self.path, self.headers.get("Range", "")):
            self._answer(mirror.take_fault(self.path))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args

    def _answer(self, fault: str) -> None:
        if fault == "together":
            self.server_of.wait_for_company()
        if fault in ("404", "414"):
            return self._send(int(fault), b"<html>no</html>", {})
        if fault == "503":
            return self._send(503, b"busy", {"Retry-After": "0"})
        if fault == "html":
            # DEE2's script says zip before it knows what it will send.
            return self._send(200, ERROR_PAGE, {"Content-Encoding": "zip"})
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
            return None
        data = self.server_of.content(self.path, fault)
        if data is None:
            return self._send(404, b"<html>Not Found</html>", {})
        if fault == "bad_crc":
            data = _with_bad_crc(data)
        dynamic = "request.sh" in self.path
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        headers = {} if dynamic else {"ETag": etag, "Accept-Ranges": "bytes"}
        if not dynamic and self.headers.get("If-None-Match") == etag:
            return self._send(304, b"", headers)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and not dynamic and self.headers.get("If-Range") == etag:
            start = int(asked[1])
            if start >= len(data):
                headers["Content-Range"] = f"bytes */{len(data)}"
                return self._send(416, b"", headers)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return self._send(206, data[start:], headers, cut=fault == "cut")
        return self._send(200, data, headers, cut=fault == "cut")

    def _send(self, code: int, data: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)


def _with_bad_crc(data: bytes) -> bytes:
    """The archive with one bit of its count matrix flipped."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = next(i for i in archive.infolist() if i.filename.endswith("GeneCountMatrix.tsv"))
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def _text(archive: zipfile.ZipFile, name: str) -> str:
    found = next(n for n in archive.namelist() if n.rpartition("/")[2] == name)
    return archive.read(found).decode()


def _columns(archive: zipfile.ZipFile, name: str) -> list[str]:
    return _text(archive, name).partition("\n")[0].split("\t")[1:]


def _select(archive: zipfile.ZipFile, name: str, runs: list[str]) -> str:
    rows = [line.split("\t") for line in _text(archive, name).splitlines()]
    at = [0, *(rows[0].index(run) for run in runs)]
    return "".join("\t".join(row[i] for i in at) + "\n" for row in rows)


def _beside(left: str, right: str) -> str:
    pairs = zip(left.splitlines(), right.splitlines(), strict=True)
    return "".join(f"{a}\t{b.partition(chr(9))[2]}\n" for a, b in pairs)
