"""Texts that people write freely into documents: where a secret or a template can stand.

All other texts are held to a closed alphabet by the language. Descriptions, labels, sources of numbers, addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgewright.load.documents import Loaded
from edgewright.load.places import Path
from edgewright.spec.v1beta1.blueprint import Blueprint, HttpsSource
from edgewright.spec.v1beta1.fleet import Fleet
from edgewright.spec.v1beta1.target import Target


def texts_of(loaded: Loaded[Any]) -> Iterator[tuple[Path, str]]:
    """Every free text of a document and where it is."""
    document = loaded.document
    metadata = document.metadata
    if metadata.description is not None:
        yield ("metadata", "description"), metadata.description
    yield from _entries(metadata.labels, ("metadata", "labels"))
    if isinstance(document, Blueprint) and isinstance(document.spec.model.source, HttpsSource):
        url = document.spec.model.source.url
        # without user and password, which are a rule of their own
        yield ("spec", "model", "source", "url"), f"{url.path or ''}?{url.query or ''}"
    elif isinstance(document, Target):
        yield from _entries(document.spec.sources, ("spec", "sources"))
    elif isinstance(document, Fleet):
        for index, device in enumerate(document.spec.devices or ()):
            yield from _entries(device.labels, ("spec", "devices", index, "labels"))


def _entries(texts: Mapping[str, str], path: Path) -> Iterator[tuple[Path, str]]:
    return (((*path, key), text) for key, text in texts.items())
