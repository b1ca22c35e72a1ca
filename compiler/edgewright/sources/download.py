"""Downloads: one file over HTTPS into a cache, resumed where it stopped, bounded, verified before anyone sees it.

Owns requests, redirects and retries. Must not know what is fetched. Invariants: a file appears in the cache under its
final name only when `verify` accepted it; plain http is spoken with this computer only; a credential is sent to the
host it belongs to and to no other, and never printed.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.units import format_size

_TIMEOUT_S = 30.0
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.2
_CHUNK_BYTES = 1 << 18
_PASSING = {408, 429, 500, 502, 503, 504}
"""Answers that may be different in a moment (RFC 9110)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch. `secret_headers` go to the request's own host only, `limit_bytes` bounds the answer."""

    url: str
    limit_bytes: int
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The address without user, query and fragment: fit to print."""
        parts = urllib.parse.urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def fetch(request: Request, target: Path, verify: Callable[[Path], EdgewrightError | None]) -> Path:
    """Fetch into `target`, which must not exist or is taken as it is after `verify`.

    A partial file of an earlier run is continued by a range request; when the whole then fails `verify`, it is
    fetched once more from its beginning, so that a stale part costs time and never the result.
    """
    check_url(request.url)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_file() and verify(target) is None:
            return target
        partial = target.with_name(target.name + ".part")
        resumed = partial.exists()
        _fill(request, partial)
        problem = verify(partial)
        if problem is not None and resumed:
            partial.unlink()
            _fill(request, partial)
            problem = verify(partial)
        if problem is not None:
            partial.unlink()
            raise problem
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        return partial.replace(target)


def read(request: Request) -> tuple[bytes, Mapping[str, str]]:
    """A small answer and its headers, whole in memory."""
    check_url(request.url)
    for attempt in _attempts():
        with _normalised(request, attempt), _open(request, 0) as response:
            data = response.read(request.limit_bytes + 1)
            if len(data) > request.limit_bytes:
                raise _too_large(request, None)
            _check_whole(response, len(data), 0)
            return data, {name.lower(): value for name, value in response.headers.items()}
    raise _unreachable(request, "it kept failing")


def check_url(url: str) -> None:
    """Refuse addresses that are not https (http only to this computer) and addresses that carry a credential."""
    parts = urllib.parse.urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if "@" in parts.netloc:
        raise fail(
            "credential-in-url",
            f"{shown} carries a user name or password; an address in Git is read by everyone",
            subject=shown,
            hint="remove it, and let a mirror that needs no password serve the file",
        )
    if not is_allowed(url):
        raise fail(
            "insecure-url",
            f"{shown} is not https; only https is fetched",
            subject=shown,
            hint="use an https address (http is accepted for 127.0.0.1 and ::1 only)",
        )


def is_allowed(url: str) -> bool:
    """Tell whether an address may be asked: https, or http on a loopback address."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed addresses, and takes secrets along to the same origin only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not is_allowed(newurl):
            shown = Request(newurl, 0).shown
            message = f"{req.host} redirects to {shown}, which is not https"
            raise fail("insecure-url", message, subject=shown, hint="name an https address that serves the file itself")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and _origin(newurl) != _origin(req.full_url):
            for name in ("Authorization", "Cookie"):
                following.remove_header(name)
        return following


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _open(request: Request, start: int) -> Any:
    headers = {"User-Agent": "edgewright", "Accept-Encoding": "identity", **request.secret_headers}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_Redirects())
    return opener.open(urllib.request.Request(request.url, headers=headers), timeout=_TIMEOUT_S)  # noqa: S310 checked


def _attempts() -> Iterator[int]:
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        yield attempt


def _fill(request: Request, partial: Path) -> None:
    for attempt in _attempts():
        with _normalised(request, attempt):
            _continue(request, partial)
            return
    raise _unreachable(request, "it kept failing")


def _continue(request: Request, partial: Path) -> None:
    start = partial.stat().st_size if partial.exists() else 0
    try:
        response = _open(request, start)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        # The part is already whole, or longer than the file: `verify` or a fresh start decides.
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
            return
        partial.unlink()
        start = 0
        response = _open(request, 0)
    with response, partial.open("ab") as out:
        if start and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
            out.truncate(0)
        declared = response.headers.get("Content-Length")
        if declared is not None and start + int(declared) > request.limit_bytes:
            raise _too_large(request, start + int(declared))
        received = 0
        while chunk := response.read(_CHUNK_BYTES):
            received += len(chunk)
            if start + received > request.limit_bytes:
                raise _too_large(request, None)
            out.write(chunk)
        _check_whole(response, received, start)


def _check_whole(response: Any, received: int, start: int) -> None:
    declared = response.headers.get("Content-Length")
    if declared is not None and received < int(declared):
        raise http.client.IncompleteRead(b"", int(declared) - received + start)


@contextmanager
def _normalised(request: Request, attempt: int) -> Iterator[None]:
    """Turn what urllib raises into diagnostics; what may pass is swallowed until the last attempt."""
    is_last = attempt == _ATTEMPTS - 1
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if is_last or error.code not in _PASSING:
            raise _answered(request, error.code) from None
    except (OSError, http.client.HTTPException) as error:
        if is_last:
            raise _unreachable(request, _reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return (
            f"the connection closed with {error.expected} bytes still to come" if error.expected else "it was cut off"
        )
    return str(getattr(error, "reason", None) or error)[:200] or type(error).__name__


def _answered(request: Request, code: int) -> EdgewrightError:
    if code in {401, 403}:
        return fail(
            "access-denied",
            f"{request.shown} answered {code}",
            exit_code=ExitCode.MISSING,
            subject=request.shown,
            hint="a private or gated model needs a token that may read it: export HF_TOKEN=…",
        )
    if code in {404, 410}:
        return fail(
            "source-not-found",
            f"{request.shown} answered {code}: there is no such file",
            subject=request.shown,
            hint="compare name, revision and file with what is there",
        )
    return fail(
        "download-failed",
        f"{request.shown} answered {code}",
        exit_code=ExitCode.MISSING,
        subject=request.shown,
        hint="run the command again later; what arrived is kept and continued",
    )


def _unreachable(request: Request, reason: str) -> EdgewrightError:
    return fail(
        "download-failed",
        f"{request.shown} could not be fetched in {_ATTEMPTS} attempts: {reason}",
        exit_code=ExitCode.MISSING,
        subject=request.shown,
        hint="check the network and run the command again; what arrived is kept and continued",
    )


def _too_large(request: Request, declared: int | None) -> EdgewrightError:
    found = format_size(declared) if declared is not None else "more"
    allowed = format_size(request.limit_bytes)
    return fail(
        "download-too-large",
        f"{request.shown} has {found}, at most {allowed} are taken",
        subject=request.shown,
        hint="is it the right file? name the weights alone with spec.model.source.file",
    )
