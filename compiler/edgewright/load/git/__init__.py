"""Git: revisions of a fleet repository, read from objects and never from a checkout.

Owns the one way to the git command. Invariants: nothing that a repository holds is run (no hook, filter, attribute,
textconv, fsmonitor, pager, remote helper or signature program of its configuration); a name that a user wrote is never
an option or a path of git; sizes and numbers are capped before anything is read.
"""

from edgewright.load.git.command import GitFolder, find_git, require_git
from edgewright.load.git.commits import Commit, head, merge_base, resolve
from edgewright.load.git.revision import Limits, Revision, materialise
from edgewright.load.git.signature import CommitSignature, SignatureStatus, verify_commit
from edgewright.load.git.worktree import changes, is_dirty

__all__ = [
    "Commit",
    "CommitSignature",
    "GitFolder",
    "Limits",
    "Revision",
    "SignatureStatus",
    "changes",
    "find_git",
    "head",
    "is_dirty",
    "materialise",
    "merge_base",
    "require_git",
    "resolve",
    "verify_commit",
]
