"""What `edgewright lock` does with the locks of a repository: say what is not current, or write what is missing.

Owns the order: everything that is wrong is said at once, and nothing is written before all is resolved. A lock that
cannot be read (half of a merge, a hand's edit) stops `--check`; writing it anew mends it. Policies are left out: some
of their rules are judged by the lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgewright.check.run import check
from edgewright.cli.output.progress import ProgressLines
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Severity
from edgewright.kernel.resources import cache_folder
from edgewright.kernel.units import format_size
from edgewright.load.documents import Loaded, load_repository
from edgewright.lock.document import missing_lock, stale_diagnostics
from edgewright.lock.place import SUFFIX, lock_path, lock_place
from edgewright.lock.selection import Selection
from edgewright.lock.text import write_lock
from edgewright.lock.wanted import wanted_entries
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import Lock


class Locking:
    """One run of the command."""

    def __init__(self, root: Path, selectors: Sequence[str], environment: str | None) -> None:
        self.registry = Registry()
        self.repository = load_repository(root, selectors=selectors, keep_problems=True, environment=environment)
        found = check(self.repository, self.registry, policies=False)
        self._about_locks = [d for d in found if d.severity is Severity.ERROR and _is_about_a_lock(d)]
        errors = [d for d in found if d.severity is Severity.ERROR and not _is_about_a_lock(d)]
        if errors:
            raise EdgewrightError(*errors, *self._about_locks)

    @property
    def _blueprints(self) -> list[Loaded[Blueprint]]:
        return [loaded for _, loaded in sorted(self.repository.blueprints.items())]

    def _lock(self, loaded: Loaded[Blueprint]) -> Loaded[Lock] | None:
        return self.repository.locks.get(loaded.document.metadata.name)

    def check(self) -> list[str]:
        """Paths of the locks, all of which are current; raises with every difference otherwise."""
        problems = list(self._about_locks)
        unread = {d.span.path for d in problems if d.span is not None}
        paths = []
        for loaded in self._blueprints:
            lock = self._lock(loaded)
            if lock is not None:
                wanted = wanted_entries(self.repository, loaded.document, self.registry)
                problems += stale_diagnostics(lock, wanted, loaded)
                paths.append(lock.path)
                continue
            place = lock_place(self.repository, loaded, self.registry)
            if place not in unread:
                missing = EdgewrightError(missing_lock(loaded.document, place))
                problems += missing.placed(loaded.spans.span(("metadata", "name"))).diagnostics
        if problems:
            raise EdgewrightError(*problems)
        return paths

    def write(self, upgrade: Sequence[str]) -> Iterator[str]:
        """Resolve what is missing and write the locks; a line for each."""
        # resolving brings packaging and pip's side of the world, which --check does without
        from edgewright.lock.resolve import Resolver

        selection = Selection(tuple(upgrade))
        if upgrade:
            documents = (loaded.document for loaded in self._blueprints)
            selection.require_matches(w for d in documents for w in wanted_entries(self.repository, d, self.registry))
        cache, events = cache_folder() / "downloads", ProgressLines()
        made: list[tuple[str, Lock, Lock | None]] = []
        for loaded in self._blueprints:
            place, old = lock_place(self.repository, loaded, self.registry), self._lock(loaded)
            if old is not None and self.repository.environment is not None and place == lock_path(loaded):
                made.append((old.path, old.document, old.document))
                continue
            resolver = Resolver(self.repository, loaded.document, self.registry, cache, events, selection)
            before = old.document if old is not None and old.path not in self._edited else None
            made.append((place, resolver.lock(before), old.document if old is not None else None))
        for place, lock, before in made:
            yield self._written(place, lock, before)

    @property
    def _edited(self) -> set[str]:
        """Locks with mistakes that a digest of an entry does not show."""
        return {d.span.path for d in self._about_locks if d.span is not None and d.slug == "lock-entry-twice"}

    def _written(self, place: str, lock: Lock, before: Lock | None) -> str:
        entries = lock.spec.entries
        size = format_size(sum(file.size for entry in entries for file in entry.files))
        if lock is before or not write_lock(self.repository.root / place, lock):
            return f"{place} is current: {len(entries)} entries, {size}"
        kept = sum(entry in (before.spec.entries if before else ()) for entry in entries)
        return f"{place}: {len(entries)} entries, {size}; {len(entries) - kept} new, {kept} kept"


def _is_about_a_lock(diagnostic: Diagnostic) -> bool:
    return diagnostic.span is not None and diagnostic.span.path.endswith(SUFFIX)
