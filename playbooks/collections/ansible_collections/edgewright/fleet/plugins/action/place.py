# Copyright: edgewright authors
# SPDX-License-Identifier: Apache-2.0
"""Controller half of `edgewright.fleet.place`: survey, upload what is missing, commit.

Owns the transfer. Must not know what the files mean. Invariants: the host only chooses among the files it was offered,
by number; its free space is compared before the first byte is sent; the upload folder is removed whatever happens.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

RESERVE_BYTES = 16 << 20
"""Left free on the host: its log and state must still be writable."""
SMALL_BYTES, BUNDLE_BYTES = 4 << 20, 64 << 20
"""Files up to the first travel together, one upload for all: an upload is a process and several round trips."""


def _sha256(path):
    state = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            state.update(chunk)
    return state.hexdigest()


class ActionModule(ActionBase):
    """The action plugin; Ansible looks for this name."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("root", "files", "blobs"))

    def run(self, tmp=None, task_vars=None):
        """Place the files of one task on one host."""
        result = super().run(tmp, task_vars)
        root = self._task.args["root"]
        work, sources = self._work()
        if self._reads_our_files() and not self._task.check_mode:
            ready = [dict(entry, upload=source, consume=False) for entry, source in zip(work, sources)]
            return {**result, **self._call("commit", root, ready, task_vars)}
        survey = self._call("survey", root, work, task_vars)
        if survey.get("failed"):
            return {**result, **survey}
        wanted = self._wanted(survey, work)
        if not wanted or self._task.check_mode:
            return {**result, "changed": bool(wanted), "placed": 0}
        needed = sum(work[index]["size"] for index in wanted) + RESERVE_BYTES
        free = survey.get("free_bytes")
        if isinstance(free, int) and free < needed:
            message = f"{root} has {free} bytes free, {needed} are needed to receive the release"
            return {**result, "failed": True, "msg": message, "slug": "disk-full"}
        chosen = [(work[index], sources[index]) for index in wanted]
        return {**result, **self._send(root, survey.get("upload_folder"), chosen, task_vars)}

    def _work(self):
        """What to place, as the module takes it, and the controller's file for each."""
        work, sources = [], []
        for entry in self._task.args.get("files") or []:
            source = os.path.abspath(entry["src"])
            if not os.path.isfile(source):
                raise AnsibleActionFail(f"{source} is missing on the controller; render the project again")
            size = os.path.getsize(source)
            work.append(
                {"path": entry["path"], "sha256": _sha256(source), "size": size, "mode": entry.get("mode", "0644")}
            )
            sources.append(source)
        blobs = self._task.args.get("blobs") or {"digests": []}
        for digest in blobs["digests"]:
            source = os.path.join(os.path.abspath(blobs["src"]), digest)
            if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not os.path.isfile(source):
                raise AnsibleActionFail(f"the release has no blob {digest[:80]!r}")
            path = blobs["path"] + "/" + digest
            work.append({"path": path, "sha256": digest, "size": os.path.getsize(source), "mode": "0644"})
            sources.append(source)
        return work, sources

    @staticmethod
    def _wanted(survey, work):
        missing = survey.get("missing")
        if not isinstance(missing, list) or not all(type(i) is int and 0 <= i < len(work) for i in missing):
            raise AnsibleActionFail("the host answered the survey with something else than numbers of files")
        return sorted(set(missing))

    def _reads_our_files(self):
        """Whether the host is this machine: then the module finds the files itself, and nothing is uploaded."""
        return getattr(self._connection, "_remote_is_local", False) and not self._is_become_unprivileged()

    def _send(self, root, upload_folder, chosen, task_vars):
        """Upload and commit. Without `become` the survey made a folder that the commit removes: two trips fewer."""
        if self._connection.become is None:
            if not isinstance(upload_folder, str) or not upload_folder.startswith(root + "/.upload-"):
                raise AnsibleActionFail("the host answered the survey without a folder to upload to")
            ready = self._upload(upload_folder, chosen)
            return self._call("commit", root, ready, task_vars, upload_folder=upload_folder)
        folder = self._make_tmp_path()
        try:
            ready = self._upload(folder, chosen)
            uploads = sorted({entry["upload"] for entry in ready})
            self._fixup_perms2([folder, *uploads], execute=False)
            return self._call("commit", root, ready, task_vars)
        finally:
            self._remove_tmp_path(folder)

    def _upload(self, folder, chosen):
        """Send the files; small ones as one bundle, in which each has an offset."""
        ready, offset = [], 0
        remote_bundle = self._connection._shell.join_path(folder, "bundle")
        with tempfile.NamedTemporaryFile(dir=constants.DEFAULT_LOCAL_TMP) as bundle:
            for number, (entry, source) in enumerate(chosen):
                if entry["size"] <= SMALL_BYTES and offset + entry["size"] <= BUNDLE_BYTES:
                    with open(source, "rb") as stream:
                        shutil.copyfileobj(stream, bundle)
                    ready.append(dict(entry, upload=remote_bundle, offset=offset, consume=False))
                    offset += entry["size"]
                else:
                    remote = self._connection._shell.join_path(folder, f"upload-{number}")
                    self._transfer_file(source, remote)
                    ready.append(dict(entry, upload=remote, consume=True))
            bundle.flush()
            if any(entry["upload"] == remote_bundle for entry in ready):
                self._transfer_file(bundle.name, remote_bundle)
        return ready

    def _call(self, phase, root, work, task_vars, upload_folder=None):
        answer = self._execute_module(
            module_name="edgewright.fleet.place",
            module_args={
                "root": root,
                "phase": phase,
                "work": work,
                "upload_folder": upload_folder,
                "with_upload_folder": phase == "survey" and self._connection.become is None,
            },
            task_vars=task_vars,
        )
        answer.pop("invocation", None)
        return answer
