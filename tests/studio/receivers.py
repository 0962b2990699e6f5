"""Small servers on this machine, for tests of what the studio sends and fetches."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """A small HTTP server that remembers what came, and answers as it is told."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    pause_s: float = 0.0
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on this machine."""
    found = Receiver()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told = {name.lower(): value for name, value in self.headers.items()}
            found.received.append((told, body))
            if found.meanwhile:
                found.meanwhile.pop()()
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for index in range(len(found.content)):
                if found.pause_s:
                    time.sleep(found.pause_s)
                    self.wfile.write(found.content[index : index + 1])
            if not found.pause_s:
                self.wfile.write(found.content)

        do_GET = do_POST  # noqa: N815  (the name is http.server's)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield found
    server.shutdown()
    server.server_close()


@contextmanager
def listening(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server of one connection; yields its port, and waits until it has answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def serve() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                try:
                    answer(connection)
                except OSError:
                    return  # the other side hung up, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
