"""Every environment variable that edgewright reads, with what it sets: the reference page is made from this table.

A test compares the table with the variables that the code names, so none is left out and none is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EDGEWRIGHT_ALLOWED_SIGNERS": "file of those whose commits policies trust; the parent commit's when absent",
        "EDGEWRIGHT_CACHE": "folder of store, environments, downloads and logs; the user's cache folder when absent",
        "EDGEWRIGHT_ENVIRONMENT": "environment whose overlays apply, like `--environment`",
        "EDGEWRIGHT_SIGNING_KEY": "private SSH key that signs releases, like `--signing-key`",
        "EDGEWRIGHT_LEDGER": "ledger file, like `--ledger`",
        "EDGEWRIGHT_OUTPUT": "`text` or `json`, like `--output` before the command",
        "EDGEWRIGHT_HF_ENDPOINT": "address of the model hub; wins over `HF_ENDPOINT`",
        "HF_ENDPOINT": "address of the model hub",
        "HF_TOKEN": "token for the model hub; never logged",
        "HF_HUB_OFFLINE": "`1` takes models from the hub's local cache and asks nobody",
        "HF_HUB_CACHE": "the hub's local cache",
        "HF_HOME": "folder above the hub's local cache",
        "PIP_INDEX_URL": "where pip finds packages: workers' environments, models in wheels, runtimes of devices",
        "PIP_EXTRA_INDEX_URL": "more places where pip finds packages",
        "PIP_FIND_LINKS": "folders or pages where pip finds packages",
        "SOURCE_DATE_EPOCH": "the time of a release, in seconds since 1970, instead of the clock",
        "SSH_AUTH_SOCK": "SSH agent that holds the signing key",
        "SSL_CERT_FILE": "certificate authorities for downloads",
        "NO_COLOR": "no colours",
    }
)
