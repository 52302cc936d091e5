"""One file from a server that keeps to no rules: the very bytes of one content, or a sentence."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from pipeline.fetch.downloads import Downloads
from pipeline.fetch.host import StoppedError, WebSettings
from pipeline.sources.refusal import Refusal
from storage.disk import Disk
from storage.errors import StoreError

OLD, NEW = (np.random.default_rng(seed).bytes(200_000) for seed in (1, 2))
QUICK = WebSettings(tries=4, wait_s=0.01, timeout_s=0.5)
# The status, the headers, and what is sent of it; a pause before the connection ends, in seconds.
Answer = tuple[int, dict[str, str], bytes, float]


@contextmanager
def answering(answer: Callable[[int], Answer]) -> Iterator[tuple[str, list[int]]]:
    """A server that answers as it is told, by the byte that is asked for first; all that were asked for."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(found[1]) if found else 0
            asked.append(start)
            code, headers, body, pause_s = answer(start)
            self.send_response(code)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            time.sleep(pause_s)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/file", asked
    finally:
        server.shutdown()
        server.server_close()


def part(start: int, data: bytes, tag: str, stop: int | None = None) -> Answer:
    """The answer to a range."""
    body = data[start:stop]
    told = {"ETag": tag, "Content-Range": f"bytes {start}-{start + len(body) - 1}/{len(data)}"}
    return 206, told, body, 0


def whole(data: bytes, tag: str, sent: int | None = None, pause_s: float = 0) -> Answer:
    """The answer with all of it, which may be cut off."""
    return 200, {"ETag": tag, "Content-Length": str(len(data))}, data[:sent], pause_s


def get(root: Path, address: str, settings: WebSettings = QUICK) -> bytes:
    disk = Disk(root)
    Downloads(disk, settings).get(address, "file", lambda _: None, max_bytes=1 << 20)
    return disk.path("file").read_bytes()


def refused(root: Path, address: str, settings: WebSettings = QUICK) -> Refusal:
    with pytest.raises(Refusal) as caught:
        get(root, address, settings)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_part_of_another_content_is_never_put_behind_what_is_here(tmp_path: Path) -> None:
    news = iter([False, True, True])

    def answer(start: int) -> Answer:
        if not next(news):
            return whole(OLD, '"old"', 90_000)
        return part(start, NEW, '"new"') if start else whole(NEW, '"new"')

    with answering(answer) as (address, asked):
        assert get(tmp_path, address) == NEW
    assert asked == [0, 90_000, 0]


def test_a_part_that_is_shorter_than_was_asked_for_is_not_the_rest(tmp_path: Path) -> None:
    def answer(start: int) -> Answer:
        if start:
            return part(start, OLD, '"x"', start + 60_000)
        return whole(OLD, '"x"', 60_000)

    with answering(answer) as (address, asked):
        assert (
            "was cut off after 120000 of 200000"
            in refused(tmp_path, address, WebSettings(tries=2, wait_s=0.01)).message
        )
        assert get(tmp_path, address) == OLD
    assert asked == [0, 60_000, 120_000, 180_000]


def test_a_connection_that_stalls_costs_nothing_that_came(tmp_path: Path) -> None:
    def answer(start: int) -> Answer:
        code, headers, body, _ = part(start, OLD, '"x"') if start else whole(OLD, '"x"')
        sent = body[:70_000]
        return code, {"Content-Length": str(len(body)), **headers}, sent, 1 if sent != body else 0

    with answering(answer) as (address, asked):
        assert get(tmp_path, address) == OLD
    assert asked == [0, 70_000, 140_000]


def test_a_server_that_trickles_does_not_hold_up_an_interrupt(tmp_path: Path) -> None:
    with answering(lambda _: whole(OLD, '"x"', 1000, 8)) as (address, _):
        downloads = Downloads(Disk(tmp_path), WebSettings(timeout_s=30))
        downloads.stop.set()
        began = time.monotonic()
        with pytest.raises(StoppedError):
            downloads.get(address, "file", lambda _: None, max_bytes=1 << 20)
        assert time.monotonic() - began < 5


def test_a_whole_file_that_was_not_yet_verified_is_not_sent_again(tmp_path: Path) -> None:
    def answer(start: int) -> Answer:
        if start:
            return 416, {"Content-Range": f"bytes */{len(OLD)}"}, b"", 0
        return whole(OLD, '"x"')

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with answering(answer) as (address, asked):
        with pytest.raises(KeyboardInterrupt):
            Downloads(Disk(tmp_path), QUICK).get(address, "file", killed, max_bytes=1 << 20)
        assert get(tmp_path, address) == OLD
    assert asked == [0, len(OLD)]


def test_what_is_longer_than_all_there_is_is_fetched_from_its_beginning(tmp_path: Path) -> None:
    contents = iter([OLD, OLD[:90_000], OLD[:90_000]])

    def answer(start: int) -> Answer:
        data = next(contents)
        if start:
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b"", 0
        return whole(data, '"x"', 150_000)

    with answering(answer) as (address, asked):
        assert get(tmp_path, address) == OLD[:90_000]
    assert asked == [0, 150_000, 0]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((302, {"Location": "http://[bad/x"}, b"", 0), "can't be asked for"),
        ((302, {"Location": "http://a..b/x"}, b"", 0), "can't be asked for"),
        ((302, {"Location": "/file"}, b"", 0), "redirect"),
        ((304, {}, b"", 0), "answers 304"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_reason(
    tmp_path: Path, answer: Answer, says: str
) -> None:
    with answering(lambda _: answer) as (address, _):
        found = refused(tmp_path, address)
    assert found.code == "not_downloaded"
    assert says in found.message


@pytest.mark.parametrize("told", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_pause_of_nothing_leaves_the_pauses_that_grow(tmp_path: Path, told: str) -> None:
    with answering(lambda _: (503, {"Retry-After": told}, b"", 0)) as (address, asked):
        began = time.monotonic()
        refused(tmp_path, address, WebSettings(tries=4, wait_s=0.1))
        assert time.monotonic() - began >= 0.7
    assert len(asked) == 4


def test_a_pause_that_is_too_long_to_wait_for_is_told_and_not_cut_short(tmp_path: Path) -> None:
    with answering(lambda _: (503, {"Retry-After": "7200"}, b"", 0)) as (address, asked):
        found = refused(tmp_path, address)
    assert found.code == "not_downloaded"
    assert "asks to be left alone for 7200 s" in found.message
    assert len(asked) == 1


def test_a_file_in_the_place_of_the_folder_of_what_is_begun_is_one_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / ".partial").touch()
    with pytest.raises(StoreError, match=r"a file stands where a folder is needed; move it away"):
        get(tmp_path, str(tmp_path / "any"))
