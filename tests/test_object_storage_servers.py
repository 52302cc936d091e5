"""The S3 servers that other tests run on, and the proxy before them, do what those tests count on."""

import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support.faulty_proxy import Fault, FaultyProxy, running_proxy
from tests.support.object_storage import (
    S3Server,
    running_moto,
    running_rclone,
    store_at,
    why_no_moto,
    why_no_rclone,
)

needs_moto = pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
needs_rclone = pytest.mark.skipif(bool(why_no_rclone()), reason=why_no_rclone())


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_moto(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server
    assert not psutil.pid_exists(server.pid)


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server
    assert not psutil.pid_exists(server.pid)


@pytest.fixture(scope="module")
def running(moto: S3Server) -> Iterator[FaultyProxy]:
    with running_proxy(moto.endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxy(running: FaultyProxy) -> FaultyProxy:
    running.set()
    return running


def refusals() -> tuple[type[Exception], ...]:
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    return AlreadyExistsError, PreconditionError


@needs_moto
def test_moto_refuses_a_second_create_and_a_wrong_version(moto: S3Server) -> None:
    store = store_at(moto.endpoint)
    first = store.put("kept", b"first", mode="create")
    with pytest.raises(refusals()):
        store.put("kept", b"second", mode="create")
    store.put("kept", b"third", mode={"e_tag": first["e_tag"]})
    with pytest.raises(refusals()):
        store.put("kept", b"fourth", mode={"e_tag": first["e_tag"]})
    assert bytes(store.get("kept").bytes()) == b"third"


@needs_rclone
def test_rclone_ignores_every_condition_of_a_put(rclone: S3Server) -> None:
    store = store_at(rclone.endpoint)
    first = store.put("lost", b"first", mode="create")
    store.put("lost", b"second", mode="create")
    store.put("lost", b"third", mode={"e_tag": first["e_tag"]})
    assert bytes(store.get("lost").bytes()) == b"third"


@needs_rclone
def test_rclone_refuses_a_wrong_key(rclone: S3Server) -> None:
    from obstore.exceptions import BaseError

    with pytest.raises(BaseError, match=r"SignatureDoesNotMatch|InvalidAccessKeyId|Denied"):
        store_at(rclone.endpoint, secret_access_key="wrong").put("never", b"")


@needs_moto
def test_the_proxy_without_faults_changes_nothing(proxy: FaultyProxy, moto: S3Server) -> None:
    store = store_at(proxy.endpoint)
    data = bytes(range(256)) * 4096
    store.put("through/big", data, use_multipart=False)
    store.copy("through/big", "through/copy")
    assert bytes(store_at(moto.endpoint).get("through/copy").bytes()) == data
    assert bytes(store.get_range("through/big", start=256, length=3)) == b"\x00\x01\x02"
    assert [found["path"] for found in store.list("through").collect()] == [
        "through/big",
        "through/copy",
    ]
    assert store.head("through/big")["size"] == len(data)
    store.delete(["through/big", "through/copy"])
    methods = [method for method, _ in proxy.asked()]
    assert methods == ["PUT", "COPY", "GET", "GET", "HEAD", "POST"]
    assert [method for method, _ in proxy.writes()] == ["PUT", "COPY", "POST"]
    assert store.list("through").collect() == []


@needs_rclone
def test_a_signature_survives_the_proxy(rclone: S3Server) -> None:
    with running_proxy(rclone.endpoint) as before:
        store_at(before.endpoint).put("signed", b"yes")
        assert bytes(store_at(before.endpoint).get("signed").bytes()) == b"yes"


@needs_moto
def test_an_error_keeps_the_write_from_the_store(proxy: FaultyProxy) -> None:
    from obstore.exceptions import BaseError

    store = store_at(proxy.endpoint)
    proxy.set(Fault("error", 2))
    store.put("error/1", b"")
    with pytest.raises(BaseError, match="500"):
        store.put("error/2", b"")
    store.put("error/3", b"")
    assert [found["path"] for found in store.list("error").collect()] == ["error/1", "error/3"]


@needs_moto
def test_a_lost_answer_is_to_a_write_that_was_done(proxy: FaultyProxy) -> None:
    from obstore.exceptions import BaseError

    store = store_at(proxy.endpoint)
    proxy.set(Fault("lost", 1))
    with pytest.raises(BaseError):
        store.put("lost/1", b"there", mode="create")
    assert bytes(store.get("lost/1").bytes()) == b"there"


@needs_moto
def test_an_outage_lasts_until_it_is_ended(proxy: FaultyProxy) -> None:
    from obstore.exceptions import BaseError

    store = store_at(proxy.endpoint)
    proxy.set(Fault("outage", 2))
    store.put("outage/1", b"")
    store.head("outage/1")
    for _ in range(2):
        with pytest.raises(BaseError):
            store.put("outage/2", b"")
        with pytest.raises(BaseError):
            store.head("outage/1")
    proxy.set()
    assert [found["path"] for found in store.list("outage").collect()] == ["outage/1"]


@needs_moto
def test_a_storm_is_over_after_its_last_request(proxy: FaultyProxy) -> None:
    from obstore.exceptions import BaseError

    store = store_at(proxy.endpoint)
    proxy.set(Fault("busy", 1, 3, of="requests"))
    with pytest.raises(BaseError, match="503"):
        store.put("storm", b"")
    for _ in range(2):
        with pytest.raises(BaseError, match="503"):
            store.get("storm")
    assert store.list("storm").collect() == []


@needs_moto
def test_a_cut_answer_ends_amid_its_body(proxy: FaultyProxy) -> None:
    from obstore.exceptions import BaseError

    store = store_at(proxy.endpoint)
    store.put("cut", bytes(1000), use_multipart=False)
    proxy.set(Fault("cut", 1, of="reads"))
    with pytest.raises(BaseError, match="body"):
        store.get("cut").bytes()
    assert len(store.get("cut").bytes()) == 1000


@needs_moto
def test_latency_is_added_to_each_request_and_little_else(proxy: FaultyProxy) -> None:
    store = store_at(proxy.endpoint)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(5):
            store.put("slow", b"")
        return time.perf_counter() - started

    seconds()
    proxy.set(latency_s=0.05)
    assert seconds() >= 0.25
