"""Secrets in text: recognised by their form, and made unreadable where text is shown.

Owns the forms. Invariants: a secret that was recognised is never returned; every expression takes time in proportion to
the text, whatever the text is. What has no form of its own, such as a password in a sentence, is not recognised.
"""

from __future__ import annotations

import re

_FORMS = {
    "a private key": r"-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY-----[^\n]{0,4096}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{20}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30}",
    "an AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    "a Slack token": r"xox[abprs]-[A-Za-z0-9-]{10}",
    "a PyPI token": r"pypi-AgE[A-Za-z0-9_-]{16}",
    "a password in an address": r"://[^\s/:@]{0,64}:[^\s/@]{1,128}@",
}
_SECRET = re.compile("|".join(f"(?P<k{index}>{form})" for index, form in enumerate(_FORMS.values())))
_KINDS = tuple(_FORMS)
# what is hidden: the form itself and what goes on after it
_HIDDEN = re.compile(f"(?:{_SECRET.pattern})[A-Za-z0-9+/=_-]{{0,4096}}")
_MASK = "<hidden>"


def find_secret(text: str) -> str | None:
    """The kind of the first secret in a text, or None."""
    found = _SECRET.search(text)
    return _KINDS[int((found.lastgroup or "k0")[1:])] if found is not None else None


def mask_secrets(text: str) -> str:
    """The text with every secret that is recognised replaced by a mark."""
    return _HIDDEN.sub(_MASK, text) if _SECRET.search(text) is not None else text
