# Copyright: edgewright authors
# SPDX-License-Identifier: Apache-2.0
"""Run one command of the agent on a host, and read its one JSON object.

Owns the way in and out. Must not know what a command does. Invariants: the shell line is constant but for the path of
the interpreter; the argument list goes through standard input as JSON; an answer beyond the cap, or that is no JSON
object, is none; with `or_current` an agent is run only if its content is what its name says, and otherwise the one that
the current release brought. A module would cost an interpreter more that loads Ansible: 0.3 s a task on two cores.
"""

from __future__ import annotations

import json
import re

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LONGEST_ANSWER = 256 * 1024
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/+-]+")
BOOTSTRAP = "import json,os,sys;a=json.load(sys.stdin);os.execv(a[0],a)"
BOOTSTRAP_CHECKED = (
    "import hashlib,json,os,sys;"
    "d,o,a=json.load(sys.stdin);"
    'h=lambda p:hashlib.sha256(open(p,"rb").read()).hexdigest() if os.path.isfile(p) else None;'
    "f=a[2] if h(a[2])==d else o if os.path.isfile(o) else sys.exit(44 if os.path.lexists(a[2]) else 2);"
    "a[2]=f;"
    "os.execv(a[0],a)"
)
"""Runs the agent of a digest, else the one at another path; 2: there is none, 44: there is one, with other content."""
NO_SUCH_FILE, CHANGED_AGENT = 2, 44


class ActionModule(ActionBase):
    """The action plugin; Ansible looks for this name."""

    _VALID_ARGS = frozenset(("python", "agent", "root", "argv", "may_be_missing", "or_current"))
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        """Run the command of one task on one host."""
        result = super().run(tmp, task_vars)
        options = self._task.args
        python, root = str(options["python"]), str(options["root"])
        for path in (python, root):
            if not PLAIN_PATH.fullmatch(path):
                raise AnsibleActionFail(f"{path[:80]!r} is not an absolute path of plain names")
        agent = f"{root}/agent/{options['agent']}.pyz"
        argv = [python, "-IB", agent, "--root", root, *(str(word) for word in options["argv"])]
        bootstrap, told = BOOTSTRAP, argv
        if options.get("or_current"):
            other = f"{root}/current/agent/edgewright-agent.pyz"
            bootstrap, told = BOOTSTRAP_CHECKED, [str(options["agent"]), other, argv]
        done = self._low_level_execute_command(f"{python} -IS -c '{bootstrap}'", in_data=json.dumps(told).encode())
        answer = self._answer(done.get("stdout", ""))
        if options.get("or_current") and done["rc"] == CHANGED_AGENT and not answer:
            message = f"agent-changed: {agent} has other content than its name says"
            return {**result, "failed": True, "rc": done["rc"], "answer": {}, "slug": "agent-changed", "msg": message}
        if options.get("may_be_missing") and done["rc"] == NO_SUCH_FILE and not answer:
            return {**result, "skipped": True, "answer": {}}  # a status other than 0 would be a failure to Ansible
        outcome = {
            "answer": answer,
            "changed": answer.get("changed") is True,
            "failed": done["rc"] != 0 or not answer,
            "rc": done["rc"],
        }
        if outcome["failed"]:
            error = answer.get("error") if isinstance(answer.get("error"), dict) else {}
            said = error.get("message") or done.get("stderr") or "the agent printed no JSON object"
            outcome["msg"] = f"{error.get('slug') or 'agent-failed'}: {str(said)[:500]}"
        return {**result, **outcome}

    @staticmethod
    def _answer(stdout):
        if len(stdout) > LONGEST_ANSWER:
            return {}
        try:
            document = json.loads(stdout)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}
