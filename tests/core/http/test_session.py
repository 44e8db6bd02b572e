"""Every request of ours has an end, stays where it was sent, and fails in our own words."""

import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
import urllib3.exceptions
from flask import Flask, Response, redirect, request

from lti_bridge.core.errors import Refused, Unavailable
from lti_bridge.core.http import address_guard
from lti_bridge.core.http.address_guard import PrivateAddress, public_addresses
from lti_bridge.core.http.session import USER_AGENT, Outbound, translate
from lti_sandbox.server import serve

Talk = Callable[[socket.socket], None]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    made = Outbound(allow_private_networks=True)
    yield made
    made.close()


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """Serve raw bytes: `talk` has each connection in turn, after the first bytes came."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    if connection.recv(65536):
                        talk(connection)
                except OSError:
                    pass  # the client cut the line, as it should

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def drip(*, after: bytes) -> Talk:
    """Send something, then one byte at a time, until the client has had enough."""
    pause = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(after)
        while True:
            connection.sendall(b"x")
            pause.wait(0.02)

    return talk


def send_and_close(answer: bytes) -> Talk:
    return lambda connection: connection.sendall(answer)


def echo_app() -> Flask:
    app = Flask("echo")

    @app.route("/", methods=["GET", "POST"])
    def echo() -> Response:
        answer = Response(f"{request.user_agent.string} {request.cookies.get('c', '-')}")
        answer.set_cookie("c", "kept")
        return answer

    @app.get("/away")
    def away() -> object:
        return redirect("/")

    return app


def test_returns_answer_and_says_who_asks(outbound):
    with serve(echo_app()) as running:
        answer = outbound.send("GET", running.url, deadline_seconds=5)

    assert (answer.status_code, answer.text) == (200, f"{USER_AGENT} -")


def test_keeps_no_cookies(outbound):
    with serve(echo_app()) as running:
        outbound.send("GET", running.url, deadline_seconds=5)
        answer = outbound.send("GET", running.url, deadline_seconds=5)

    assert answer.text.endswith(" -")


def test_follows_no_redirect(outbound):
    with serve(echo_app()) as running:
        answer = outbound.send("GET", running.url + "/away", deadline_seconds=5)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_ignores_proxies_of_the_environment(outbound, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    with serve(echo_app()) as running:
        answer = outbound.send("GET", running.url, deadline_seconds=5)

    assert answer.status_code == 200


def test_uses_a_connection_again(outbound):
    lines = []

    def talk(connection: socket.socket) -> None:
        lines.append(connection)
        connection.sendall(ANSWER)
        while connection.recv(65536):
            connection.sendall(ANSWER)

    with server(talk) as url:
        for _ in range(3):
            outbound.send("GET", url, deadline_seconds=5)
        outbound.close()

    assert len(lines) == 1


@pytest.mark.parametrize(
    "after",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["status line", "headers", "body", "body without an end"],
)
def test_dripping_answer_ends_at_the_deadline(outbound, after):
    with server(drip(after=after)) as url, pytest.raises(Unavailable) as caught:
        outbound.send("POST", url, deadline_seconds=0.3)

    assert caught.value.effect_unknown


def test_deadline_holds_on_a_used_connection(outbound):
    def talk(connection: socket.socket) -> None:
        connection.sendall(ANSWER)
        connection.recv(65536)
        drip(after=b"HTTP/1.1 200 OK\r\nX-Long: ")(connection)

    with server(talk) as url:
        outbound.send("GET", url, deadline_seconds=5)
        with pytest.raises(Unavailable):
            outbound.send("GET", url, deadline_seconds=0.3)


def test_silent_tls_server_ends_at_the_deadline(outbound):
    with server(drip(after=b"")) as url, pytest.raises(Unavailable):
        outbound.send("GET", url.replace("http:", "https:"), deadline_seconds=0.3)


def test_remote_that_reads_nothing_ends_at_the_deadline(outbound):
    done = threading.Event()
    body = iter([b"x" * 65536] * 4096)

    with server(lambda _: done.wait(10) and None) as url:
        try:
            with pytest.raises(Unavailable):
                outbound.send("POST", url, data=body, deadline_seconds=0.5)
        finally:
            done.set()


def test_lost_answer_may_have_had_an_effect(outbound):
    with server(send_and_close(b"")) as url, pytest.raises(Unavailable) as caught:
        outbound.send("POST", url, deadline_seconds=5)

    assert caught.value.effect_unknown


def test_cut_answer_is_no_answer(outbound):
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhi"

    with server(send_and_close(cut)) as url, pytest.raises(Unavailable):
        outbound.send("GET", url, deadline_seconds=5)


def test_refused_connection_had_no_effect(outbound):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"

    with pytest.raises(Unavailable) as caught:
        outbound.send("POST", url, deadline_seconds=5)

    assert not caught.value.effect_unknown


def test_large_answer_is_refused(outbound):
    with server(send_and_close(ANSWER)) as url, pytest.raises(Refused):
        outbound.send("GET", url, deadline_seconds=5, max_body_bytes=1)


@pytest.mark.parametrize(
    "url",
    ["lms.example/no-scheme", "ftp://lms.example/", "http://", "http://a b/", "http://[x/"],
    ids=["no scheme", "ftp", "no host", "space in the host", "broken IPv6"],
)
def test_bad_address_is_refused(outbound, url):
    with pytest.raises(Refused):
        outbound.send("GET", url, deadline_seconds=5)


def test_message_names_the_host_alone(outbound):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://user:hunter2@127.0.0.1:{taken.getsockname()[1]}/path?token=hunter2"

    with pytest.raises(Unavailable) as caught:
        outbound.send("GET", url, deadline_seconds=5)

    assert str(caught.value) == "127.0.0.1 did not answer: ConnectionError"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
    ],
    ids=str,
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_address_is_refused(host, scheme):
    guarded = Outbound()

    with pytest.raises(Refused, match=r"private network; set launch\.allow_private_networks"):
        guarded.send("GET", f"{scheme}://{host}:9/", deadline_seconds=5)


@pytest.fixture
def resolve(monkeypatch) -> Callable[..., None]:
    """Let every name have these addresses."""

    def to(*addresses: str) -> None:
        found = [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, 80)) for a in addresses
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return to


def test_one_private_address_is_enough(resolve):
    resolve("8.8.8.8", "10.0.0.1")

    with pytest.raises(PrivateAddress):
        list(public_addresses("lms.example", 443))


def test_public_addresses_pass(resolve):
    resolve("2001:4860:4860::8888", "8.8.8.8", "8.8.8.8")

    assert list(public_addresses("lms.example", 443)) == ["2001:4860:4860::8888", "8.8.8.8"]


def test_next_address_is_dialled(resolve, monkeypatch):
    dialled = []

    def dial(address: tuple[str, int], _timeout: object) -> socket.socket:
        dialled.append(address[0])
        if len(dialled) == 1:
            raise OSError("no route")
        return real_line

    monkeypatch.setattr(address_guard, "create_connection", dial)
    with server(send_and_close(ANSWER)) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        real_line = socket.create_connection(("127.0.0.1", port))
        resolve("2001:4860:4860::8888", "8.8.8.8")
        guarded = Outbound()
        answer = guarded.send("GET", "http://lms.example/", deadline_seconds=5)
        guarded.close()

    assert (answer.text, dialled) == ("hi", ["2001:4860:4860::8888", "8.8.8.8"])


def failures() -> list[type[Exception]]:
    """Return every failure that requests and urllib3 can raise."""
    return [
        kind
        for module in (requests.exceptions, urllib3.exceptions)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]


@pytest.mark.parametrize("kind", failures(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_failure_becomes_ours(kind):
    failure = kind.__new__(kind)

    ours = translate(failure, "https://lms.example/token?secret=x")

    assert isinstance(ours, Unavailable | Refused)
    assert "lms.example" in str(ours)
    assert "secret" not in str(ours)


@pytest.mark.parametrize(
    "failure, kind, effect_unknown",
    [
        (requests.ConnectTimeout(), Unavailable, False),
        (requests.exceptions.SSLError(), Unavailable, False),
        (requests.ReadTimeout(), Unavailable, True),
        (requests.ConnectionError(), Unavailable, True),
        (requests.exceptions.ChunkedEncodingError(), Unavailable, True),
        (ConnectionResetError(), Unavailable, True),
        (requests.exceptions.InvalidURL(), Refused, None),
        (ValueError(), Refused, None),
    ],
    ids=lambda value: (
        getattr(value, "__name__", None)
        or (type(value).__name__ if isinstance(value, Exception) else str(value))
    ),
)
def test_failure_says_whether_it_had_an_effect(failure, kind, effect_unknown):
    ours = translate(failure, "https://lms.example/")

    assert isinstance(ours, kind)
    assert getattr(ours, "effect_unknown", None) is effect_unknown
