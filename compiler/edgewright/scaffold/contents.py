"""What a new fleet repository contains: bytes by path.

Owns the list of files and what is filled into them; the files themselves are in `files/`, the pipeline for GitLab in
`ci/` of what ships. Reads only, never writes. Invariants: the same arguments give the same bytes; what is filled in is
a name or a version of a closed alphabet, so no file can take it for syntax.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from edgewright.kernel.resources import package_folder, share_folder
from edgewright.spec.base import NAME_PATTERN
from edgewright.spec.schemas import file_name, schema_bytes
from edgewright.spec.v1beta1.documents import API_VERSION, KINDS

FORGES = ("github", "gitlab")
_REPOSITORY = {
    ".gitattributes": "gitattributes",
    ".gitignore": "gitignore",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".vscode/settings.json": "vscode.json",
    "README.md": "README.md",
    "allowed_signers": "allowed_signers",
    "blueprints/{name}.yaml": "blueprint.yaml",
    "data/handbook.jsonl": "handbook.jsonl",
    "fleets/shops.yaml": "fleet.yaml",
    "requirements.txt": "requirements.txt",
    "targets/counter-pc.yaml": "target.yaml",
}
_GITHUB = ("pull-request.yml", "plan-comment.yml", "release.yml")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+]{0,63}")
_PLACE = re.compile(r"@([A-Z_]+)@")
_ROWS = {
    "github": "| `.github/workflows/` | pull request, merge, roll-out on GitHub |\n",
    "gitlab": "| `.gitlab-ci.yml`, `ci/edgewright.yml` | the same on GitLab |\n",
}
_SETUP = {
    "github": """
On GitHub, make two environments (Settings, Environments): `signing` with the secret `EDGEWRIGHT_SIGNING_KEY`, for the
branch `main` only, and `fleet` with required reviewers. Add a self-hosted runner that reaches the devices.
""",
    "gitlab": """
On GitLab, add the variable `EDGEWRIGHT_SIGNING_KEY` (type File, protected, environment scope `signing`), protect the
environment `fleet` (who may roll out), and add a runner with the tag `edgewright-controller` that reaches the devices.
""",
}


def contents(name: str, forges: Collection[str]) -> dict[str, bytes]:
    """Every file of a fleet repository whose blueprint is called `name`, with the pipelines of `forges`."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise ValueError(f"{name!r} is not a kebab-case name")
    values = _values(name, forges)
    folder = package_folder() / "scaffold" / "files"
    found = {
        path.format(name=name): _fill(folder / "repository" / template, values)
        for path, template in _REPOSITORY.items()
    }
    found |= {f"schema/{file_name(kind)}": schema_bytes(kind) for kind in KINDS}
    if "github" in forges:
        found |= {f".github/workflows/{workflow}": (folder / "github" / workflow).read_bytes() for workflow in _GITHUB}
    if "gitlab" in forges:
        found[".gitlab-ci.yml"] = (folder / "repository" / "gitlab-ci.yml").read_bytes()
        found["ci/edgewright.yml"] = (share_folder() / "ci" / "gitlab.yml").read_bytes()
    return dict(sorted(found.items()))


def _values(name: str, forges: Collection[str]) -> dict[str, str]:
    version = importlib.metadata.version("edgewright")
    if _VERSION.fullmatch(version) is None:
        raise RuntimeError(f"{version!r} is not a version of edgewright")
    chosen = [forge for forge in FORGES if forge in forges]
    return {
        "API_VERSION": API_VERSION,
        "CI_ROWS": "".join(_ROWS[forge] for forge in chosen),
        "CI_SETUP": "".join(_SETUP[forge] for forge in chosen),
        "NAME": name,
        "QUOTED_NAME": _scalar(name),
        "VERSION": version,
        **{f"{kind.upper()}_SCHEMA": file_name(kind) for kind in KINDS},
    }


def _scalar(name: str) -> str:
    """A name as YAML text; `no`, `null` or `12` need quotes, for readers of YAML 1.1 as well."""
    is_plain = yaml.safe_load(name) == name and re.match(r"[a-z]", name) is not None
    return name if is_plain else f'"{name}"'


def _fill(template: Path, values: Mapping[str, str]) -> bytes:
    text = template.read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: values[place[1]], text).encode()
