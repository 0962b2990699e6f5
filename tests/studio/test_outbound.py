import socket
import time
from collections.abc import Iterator

import pytest

from studio.receivers import Receiver, listening, receiving
from unstrung.studio.errors import InvalidField
from unstrung.studio.outbound import AddressRefused, Unreachable, check_public, fetch, post

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])

PUBLIC = "93.184.216.34"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on this machine."""
    with receiving() as found:
        yield found


# Addresses.


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "example.com", "https:///x", "",
        "https://user:password@example.com/", "https://127.0.0.1/", "https://10.1.2.3/",
        "https://192.168.0.1/", "https://172.16.0.1/", "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/", "https://224.0.0.1/",
        "https://[::1]/", "https://[::]/", "https://[fe80::1]/", "https://[fd00:ec2::254]/",
        "https://[fec0::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a00:1]/",
        "https://[64:ff9b::10.0.0.1]/", "https://[2002:7f00:1::]/", "https://[::127.0.0.1]/",
        "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/",
        "https://93.184.216.34:99999/", "https://h/\x00", "https://h/\ud800",
        f"https://example.com/{'x' * 2_000}",
    ],
)  # fmt: skip
def test_addresses_that_others_cannot_reach_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        check_public(url)
    assert caught.value.param == "url"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:192.168.1.1", "fe80::1%lo", "nonsense"]
)
def test_a_name_is_good_only_if_every_address_behind_it_is(address: str) -> None:
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        with pytest.raises(AddressRefused, match="public") as caught:
            check_public("https://hooks.example/", resolve=lambda *_, found=found: found)
        assert address not in str(caught.value)
    with pytest.raises(AddressRefused):
        check_public("https://hooks.example/", resolve=lambda *_: [])


def test_public_addresses_are_good() -> None:
    found = [PUBLIC, "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
    assert check_public("https://hooks.example/", resolve=lambda *_: found) == found
    assert check_public(f"https://{PUBLIC}:8443/x?y=1") == [PUBLIC]
    asked: list[tuple[str, int]] = []

    def noting(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [PUBLIC]

    check_public("https://b\u00fccher.example/", resolve=noting)
    assert asked == [("xn--bcher-kva.example", 443)]


def test_a_name_that_nobody_knows_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("Name or service not known")

    with pytest.raises(Unreachable, match=r"'hooks\.example' cannot be found"):
        check_public("https://hooks.example/", resolve=unknown)
    with pytest.raises(Unreachable):
        check_public(f"https://{'a' * 70}.example/")


def test_private_addresses_are_good_where_the_operator_says_so() -> None:
    assert check_public("http://127.0.0.1:8000/", allow_private=True) == ["127.0.0.1"]
    with pytest.raises(AddressRefused, match="https:// or http://"):
        check_public("ftp://127.0.0.1/", allow_private=True)


def test_a_name_that_changes_its_mind_gains_nothing(receiver: Receiver) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    answers = [[PUBLIC], ["127.0.0.1"]]

    def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    url = f"https://hooks.example:{port}/"
    check_public(url, resolve=rebinding)
    with pytest.raises(AddressRefused):
        post(url, b"{}", {}, 2.0, resolve=rebinding)
    assert answers == []
    assert receiver.received == []


def test_the_connection_goes_to_the_checked_address_and_the_host_stays(
    receiver: Receiver,
) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    asked: list[str] = []

    def resolving(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = f"http://hooks.example:{port}/a%20b?c=d"
    assert post(url, b"{}", {}, 5.0, allow_private=True, resolve=resolving) == 200
    assert asked == ["hooks.example"]
    [(headers, body)] = receiver.received
    assert (headers["host"], body) == (f"hooks.example:{port}", b"{}")


def test_tls_names_the_host_and_not_the_address() -> None:
    hellos: list[bytes] = []
    with listening(lambda connection: hellos.append(connection.recv(4_096))) as port:
        url = f"https://hooks.example:{port}/"
        with pytest.raises(Unreachable):
            post(url, b"{}", {}, 5.0, allow_private=True, resolve=lambda *_: ["127.0.0.1"])
    assert b"hooks.example" in hellos[0]


def test_the_next_address_is_tried_if_the_first_does_not_answer(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "hooks.example")
    found = ["127.0.0.2", "127.0.0.1"]  # the receiver listens on the second
    assert post(url, b"{}", {}, 5.0, allow_private=True, resolve=lambda *_: found) == 200


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert post(receiver.url, b"{}", {}, 5.0, allow_private=True) == 200


# Fetching.


def test_a_file_is_fetched_with_its_kind(receiver: Receiver) -> None:
    receiver.content, receiver.headers = b"picture", {"Content-Type": "image/png"}
    assert fetch(receiver.url, 7, 5.0, allow_private=True) == (b"picture", "image/png")


def test_a_file_that_is_too_large_is_refused(receiver: Receiver) -> None:
    receiver.content = bytes(100_000)
    with pytest.raises(InvalidField, match="at most 99,999 bytes") as caught:
        fetch(receiver.url, 99_999, 5.0, allow_private=True, param="input_reference.image_url")
    assert (caught.value.param, caught.value.code) == (
        "input_reference.image_url",
        "file_too_large",
    )


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_only_a_straight_answer_is_a_file(receiver: Receiver, status: int) -> None:
    receiver.statuses, receiver.headers = [status], {"location": receiver.url}
    with pytest.raises(Unreachable, match=f"answered {status}"):
        fetch(receiver.url, 100, 5.0, allow_private=True)
    assert len(receiver.received) == 1


def test_a_sender_that_drips_is_cut_off(receiver: Receiver) -> None:
    receiver.content, receiver.pause_s = bytes(100), 0.05
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"within 0\.3 s"):
        fetch(receiver.url, 1_000, 0.3, allow_private=True)
    assert time.monotonic() - started < 2


def test_headers_that_drip_are_cut_off() -> None:
    def dripping(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            connection.sendall(b"a: b\r\n")
            time.sleep(0.05)

    started = time.monotonic()
    with listening(dripping) as port, pytest.raises(Unreachable, match=r"within 0\.3 s"):
        fetch(f"http://127.0.0.1:{port}/", 1_000, 0.3, allow_private=True)
    assert time.monotonic() - started < 2


def test_fetching_is_for_public_addresses(receiver: Receiver) -> None:
    with pytest.raises(AddressRefused):
        fetch(receiver.url, 100, 5.0)
    with pytest.raises(AddressRefused):
        fetch("https://hooks.example/", 100, 5.0, resolve=lambda *_: ["10.0.0.1"])
    assert receiver.received == []
