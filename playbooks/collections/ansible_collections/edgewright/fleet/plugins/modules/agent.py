#!/usr/bin/python
# Copyright: edgewright authors
# SPDX-License-Identifier: Apache-2.0
"""Documentation of `edgewright.fleet.agent`, which is an action alone: see plugins/action/agent.py."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: agent
short_description: Run one command of the edgewright agent on a host
description:
  - Runs the agent with an argument list and returns the one JSON object that it prints.
  - No module is sent to the host and no value stands in a shell line, the argument list travels on standard input.
version_added: 0.1.0
author:
  - The edgewright authors (@edgewright)
options:
  python:
    description: Python 3.9 or newer on the host, absolute.
    type: path
    required: true
  agent:
    description: SHA-256 of the agent, which lies in the folder C(agent) of O(root).
    type: str
    required: true
  root:
    description: Folder of the blueprint on the host.
    type: path
    required: true
  argv:
    description: The command of the agent and its arguments.
    type: list
    elements: str
    required: true
  may_be_missing:
    description: Skip, and do not fail, where the agent is not on the host.
    type: bool
    default: false
  or_current:
    description: Where O(agent) is not on the host, or has other content, run the agent of the current release.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Agent observe
  edgewright.fleet.agent:
    python: /usr/bin/python3
    agent: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    root: /opt/edgewright/shop
    argv: [observe]
"""

RETURN = r"""
answer:
  description: What the agent printed; empty when it printed no JSON object.
  returned: always
  type: dict
rc:
  description: Exit status, 0 done, 3 refused, 4 unhealthy, 7 something is missing, 1 a bug of the agent.
  returned: always
  type: int
"""
