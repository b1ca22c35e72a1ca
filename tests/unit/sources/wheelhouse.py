"""Tiny wheels and a simple index (PEP 503) to serve them."""

import hashlib
import io
import zipfile

from tests.unit.sources.server import Site


def make_wheel(
    name: str = "tiny_model", version: str = "1.0", *, tag: str = "py3-none-any", files: dict[str, bytes] | None = None
) -> tuple[str, bytes]:
    """File name and bytes of a wheel."""
    members = {
        f"{name}/__init__.py": b"raise SystemExit('never imported')\n",
        f"{name}/model/config.json": b"{}",
        f"{name}/model/sub/weights.safetensors": b"weights" * 100,
        **(files or {}),
    }
    info = f"{name}-{version}.dist-info"
    members[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: Apache-2.0\n"
        "Requires-Dist: something-that-would-compile\n"
    ).encode()
    members[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, data in members.items():
            archive.writestr(zipfile.ZipInfo(path), data)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "".join(f"{path},,\n" for path in members))
    return f"{name}-{version}-{tag}.whl", content.getvalue()


def publish(site: Site, *wheels: tuple[str, bytes]) -> str:
    """Put wheels on a site; its index address."""
    projects: dict[str, list[str]] = {}
    for file_name, data in wheels:
        site.files[f"/files/{file_name}"] = data
        project = file_name.split("-")[0].replace("_", "-").lower()
        digest = hashlib.sha256(data).hexdigest()
        projects.setdefault(project, []).append(f'<a href="/files/{file_name}#sha256={digest}">{file_name}</a>')
    for project, links in projects.items():
        site.files[f"/simple/{project}/"] = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
    return f"{site.url}/simple"
