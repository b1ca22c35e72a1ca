"""The model hub's HTTP interface: the file tree of a commit, and the files.

Owns addresses, pages and the token. Must not know what edgewright wants of a repository. The two endpoints are the ones
that the hub documents: `/api/models/{repository}/tree/{revision}` and `/{repository}/resolve/{revision}/{path}`.
Invariants: the token goes to the endpoint's origin only and is never printed; every answer is bounded.
"""

from __future__ import annotations

import json
import os
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.sources.download import Request, read

_DEFAULT_ENDPOINT = "https://huggingface.co"
_LARGEST_PAGE_BYTES = 16 << 20
_MOST_PAGES = 50
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit. `sha256` is known for large (LFS) files; of the others Git's own `blob_id` is."""

    path: str
    size: int
    blob_id: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Hub:
    """One hub, at `endpoint`."""

    endpoint: str
    token: str | None

    def tree(self, repository: str, revision: str) -> Iterator[Entry]:
        """Every file of a commit, over all pages."""
        url = f"{self.endpoint}/api/models/{_quoted(repository)}/tree/{revision}?recursive=true"
        for _ in range(_MOST_PAGES):
            data, headers = read(self._request(url, _LARGEST_PAGE_BYTES))
            for item in _list(data, url):
                if item.get("type") == "file":
                    yield _entry(item, url)
            following = _NEXT.search(headers.get("link", ""))
            if following is None:
                return
            url = urllib.parse.urljoin(url, following[1])
            if not url.startswith(f"{self.endpoint}/"):
                raise _malformed(url, "the next page lies on another host")
        raise _malformed(url, f"the tree has more than {_MOST_PAGES} pages")

    def license(self, repository: str, revision: str) -> str | None:
        """The licence in the repository's card at a commit, None when it states none."""
        url = f"{self.endpoint}/api/models/{_quoted(repository)}/revision/{revision}"
        data, _ = read(self._request(url, _LARGEST_PAGE_BYTES))
        card = _json(data, url)
        stated = card.get("cardData", {}).get("license") if isinstance(card, dict) else None
        return stated if isinstance(stated, str) and 0 < len(stated) <= 80 else None

    def file(self, repository: str, revision: str, path: str, limit_bytes: int) -> Request:
        """The request for one file of a commit."""
        return self._request(f"{self.endpoint}/{_quoted(repository)}/resolve/{revision}/{_quoted(path)}", limit_bytes)

    def _request(self, url: str, limit_bytes: int) -> Request:
        secret = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return Request(url, limit_bytes, secret)


def hub_from_environment() -> Hub:
    """The hub that EDGEWRIGHT_HF_ENDPOINT or HF_ENDPOINT names, with the token in HF_TOKEN."""
    endpoint = os.environ.get("EDGEWRIGHT_HF_ENDPOINT") or os.environ.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT
    token = os.environ.get("HF_TOKEN", "").strip() or None
    if token is not None and not (token.isascii() and token.isprintable()):
        raise fail(
            "token-invalid",
            "HF_TOKEN has characters that no token has",
            exit_code=ExitCode.MISSING,
            subject="HF_TOKEN",
            hint="export the token alone, without quotes or line breaks",
        )
    return Hub(endpoint.rstrip("/"), token)


def _quoted(path: str) -> str:
    return urllib.parse.quote(path, safe="/")


def _json(data: bytes, url: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _malformed(url, "the answer is not JSON") from None


def _list(data: bytes, url: str) -> list[dict[str, Any]]:
    items = _json(data, url)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _malformed(url, "the answer is not a list of files")
    return items


def _entry(item: dict[str, Any], url: str) -> Entry:
    path, size, blob_id, lfs = item.get("path"), item.get("size"), item.get("oid"), item.get("lfs")
    sha256 = lfs.get("oid") if isinstance(lfs, dict) else None
    if isinstance(lfs, dict):
        size = lfs.get("size")
    if not (isinstance(path, str) and isinstance(size, int) and size >= 0 and isinstance(blob_id, str)):
        raise _malformed(url, "a file has no path, size or id")
    if _SHA1.fullmatch(blob_id) is None or (lfs is not None and not _is_sha256(sha256)):
        raise _malformed(url, f"{path[:80]} has an id that is no digest")
    return Entry(path, size, blob_id, sha256)


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _malformed(url: str, reason: str) -> EdgewrightError:
    shown = Request(url, 0).shown
    return fail(
        "hub-answer-invalid",
        f"{shown}: {reason}",
        exit_code=ExitCode.MISSING,
        subject=shown,
        hint="check that EDGEWRIGHT_HF_ENDPOINT or HF_ENDPOINT names a model hub",
    )
