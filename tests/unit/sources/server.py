"""A real HTTP server on loopback that serves files from memory, and can misbehave as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """A request that arrived."""

    path: str
    range: str | None
    authorization: str | None


@dataclass
class Site:
    """What a server has. `cut` drops the connection after so many bytes, once for each entry."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)
    has_ranges: bool = True
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    def requests(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path == path]


class Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.site.seen.append(Seen(self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        statuses = self.site.statuses.get(self.path)
        if statuses:
            self._answer(statuses.pop(0), b"")
        elif self.path in self.site.redirects:
            self._answer(302, b"", Location=self.site.redirects[self.path])
        elif self.path in self.site.files:
            self._file(self.site.files[self.path])
        else:
            self._answer(404, b"")

    def _file(self, data: bytes) -> None:
        start = self.headers.get("Range")
        headers = {"Link": self.site.links[self.path]} if self.path in self.site.links else {}
        if self.path.endswith("/"):
            headers["Content-Type"] = "text/html"
        if start is None or not self.site.has_ranges:
            self._answer(200, data, **headers)
            return
        first = int(start.removeprefix("bytes=").removesuffix("-"))
        if first >= len(data):
            self._answer(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
            return
        span = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._answer(206, data[first:], **{"Content-Range": span})

    def _answer(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if data and self.site.cut:
            self.wfile.write(data[: self.site.cut.pop(0)])
            self.close_connection = True
            return
        with suppress(ConnectionError):  # a client that has seen enough hangs up
            self.wfile.write(data)


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve a site until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
