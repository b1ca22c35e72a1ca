#!/usr/bin/python
# Copyright: edgewright authors
# SPDX-License-Identifier: Apache-2.0
"""Device half of `edgewright.fleet.place`: say which files are missing, then move uploads into place.

Owns: what is written below `root`. Must not know what the files mean. Invariants: nothing outside `root` is written;
a file appears under its name only whole, with the right size and SHA-256, by a rename.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: place
short_description: Put files below a root folder, each whole and verified, or not at all
description:
  - Surveys which files a host lacks, uploads those, verifies size and SHA-256, and renames each into place.
  - Paths are relative to O(root) and cannot leave it.
version_added: 0.1.0
author:
  - The edgewright authors (@edgewright)
options:
  root:
    description: Absolute folder on the host; made when absent.
    type: path
    required: true
  files:
    description: Files to place.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: File on the controller.
        type: path
        required: true
      path:
        description: Where it goes, relative to O(root).
        type: str
        required: true
      mode:
        description: Octal file mode.
        type: str
        default: "0644"
  blobs:
    description: Files named by their SHA-256 to place under their own names.
    type: dict
    suboptions:
      src:
        description: Folder on the controller that holds them.
        type: path
        required: true
      path:
        description: Folder on the host, relative to O(root).
        type: str
        required: true
      digests:
        description: SHA-256 of each, 64 hexadecimal digits.
        type: list
        elements: str
        required: true
"""

EXAMPLES = r"""
- name: Place a statement
  edgewright.fleet.place:
    root: /opt/edgewright/shop
    files:
      - src: evidence/statement.json
        path: incoming/1004000/statement.json
"""

RETURN = r"""
placed:
  description: How many files were written.
  returned: always
  type: int
"""

import errno
import glob
import hashlib
import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule

RESERVE_BYTES = 16 << 20
"""Left free: the host's log and state must still be writable."""


UPLOAD_PREFIX = ".upload-"


class RefusedError(Exception):
    """Nothing was placed; the slug names the rule."""

    def __init__(self, slug, message):
        super().__init__(message)
        self.slug = slug


def digest_of(path):
    """SHA-256 of a regular file, or None when there is none."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    state = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            state.update(chunk)
    return state.hexdigest()


def make_folder(root, folder):
    """Make the folders from `root` (itself included) down to `folder`, each 0755; a link on the way is refused."""
    os.makedirs(root, mode=0o755, exist_ok=True)
    current = root
    for part in folder.split("/") if folder else []:
        current = os.path.join(current, part)
        if os.path.islink(current):
            raise RefusedError("file-refused", f"{current} is a symbolic link")
        if not os.path.isdir(current):
            os.mkdir(current)
            os.chmod(current, 0o755)  # noqa: S103 - the unprivileged service reads the release below it
    return current


def is_inside(path):
    """Tell whether a relative path names something below the root."""
    return bool(path) and all(part not in ("", ".", "..") for part in path.split("/")) and "\0" not in path


def is_present(root, entry):
    """Tell whether a file is in place already, byte for byte."""
    target = os.path.join(root, entry["path"])
    try:
        if os.path.getsize(target) != entry["size"]:
            return False
    except OSError:
        return False
    return digest_of(target) == entry["sha256"]


def copied(entry, folder):
    """A copy, beside its target, of an upload or of its part of a bundle; returns the path."""
    handle, partial = tempfile.mkstemp(prefix=".place-", dir=folder)
    left = entry["size"]
    try:
        with os.fdopen(handle, "wb") as out, open(entry["upload"], "rb") as stream:
            stream.seek(entry["offset"])
            while left > 0:
                chunk = stream.read(min(left, 1 << 20))
                if not chunk:
                    break
                out.write(chunk)
                left -= len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        os.unlink(partial)
        raise
    return partial


def taken(entry, folder):
    """An upload moved beside its target, owned by this user; copied where it lies on another file system."""
    partial = os.path.join(folder, ".place-" + os.path.basename(entry["path"]))
    try:
        os.rename(entry["upload"], partial)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return copied(entry, folder)
    os.chown(partial, os.geteuid(), os.getegid())
    return partial


def commit(root, entry):
    """Give an upload its name once it is verified; only what was uploaded for this is moved, all else is copied."""
    folder = make_folder(root, os.path.dirname(entry["path"]))
    partial = taken(entry, folder) if entry["consume"] else copied(entry, folder)
    try:
        found = digest_of(partial)
        if found != entry["sha256"]:
            raise RefusedError("blob-tampered", f"{entry['path']} arrived with SHA-256 {found}, not {entry['sha256']}")
        os.chmod(partial, int(entry["mode"], 8))
        os.rename(partial, os.path.join(root, entry["path"]))
    except BaseException:
        os.unlink(partial)
        raise


def survey(root, work, with_upload_folder, check_mode):
    """Which files are missing, how much is free, and a folder to upload to, where one is wanted and needed."""
    if not check_mode:
        make_folder(root, "")
    missing = [index for index, entry in enumerate(work) if not is_present(root, entry)]
    found = {"missing": missing, "free_bytes": shutil.disk_usage(root).free if os.path.isdir(root) else None}
    if with_upload_folder and missing and not check_mode:
        for left_behind in glob.glob(os.path.join(glob.escape(root), UPLOAD_PREFIX + "*")):
            shutil.rmtree(left_behind, ignore_errors=True)
        found["upload_folder"] = tempfile.mkdtemp(prefix=UPLOAD_PREFIX, dir=root)
    return found


def commit_all(root, work):
    """Place what is not there yet; returns how many files that were."""
    make_folder(root, "")
    wanted = [entry for entry in work if not is_present(root, entry)]
    needed = sum(entry["size"] for entry in wanted if not entry["consume"]) + RESERVE_BYTES
    free = shutil.disk_usage(root).free
    if wanted and free < needed:
        raise RefusedError("disk-full", f"{root} has {free} bytes free, {needed} are needed to receive the release")
    for entry in wanted:
        commit(root, entry)
    return len(wanted)


def main():
    """Entry of the module; the action fills the argument `work`."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "upload_folder": {"type": "path"},
            "with_upload_folder": {"type": "bool", "default": False},
            "phase": {"type": "str", "required": True, "choices": ["survey", "commit"]},
            "work": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "sha256": {"type": "str", "required": True},
                    "size": {"type": "int", "required": True},
                    "mode": {"type": "str", "required": True},
                    "upload": {"type": "path"},
                    "offset": {"type": "int", "default": 0},
                    "consume": {"type": "bool", "default": False},
                },
            },
        },
        supports_check_mode=True,
    )
    root, work = module.params["root"], module.params["work"]
    for entry in work:
        if not is_inside(entry["path"]):
            module.fail_json(msg=f"{entry['path']} is not below {root}")
    try:
        if module.params["phase"] == "survey":
            module.exit_json(
                changed=False, **survey(root, work, module.params["with_upload_folder"], module.check_mode)
            )
        if module.check_mode:
            module.exit_json(changed=bool(work), placed=0)
        placed = commit_all(root, work)
    except OSError as error:
        slug = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "file-refused"
        module.fail_json(msg=f"{error.filename or root}: {error.strerror}", slug=slug)
    except RefusedError as refused:
        module.fail_json(msg=str(refused), slug=refused.slug)
    finally:
        if module.params["upload_folder"]:
            shutil.rmtree(module.params["upload_folder"], ignore_errors=True)
    module.exit_json(changed=placed > 0, placed=placed)


if __name__ == "__main__":
    main()
