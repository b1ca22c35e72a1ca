"""Runs the actions of a plan that are not in the store yet: in order, in worker processes, several at a time.

Owns scheduling and the materialising of inputs. What an action does is its worker's matter; what it makes goes into
the store whole or not at all. Actions that measure run alone on the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from edgewright.build.store import Result, Store
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, Span, fail
from edgewright.kernel.digest import Digest
from edgewright.kernel.events import Event, EventSink
from edgewright.kernel.files import remove_tree
from edgewright.kernel.process import find_tool
from edgewright.kernel.resources import cache_folder
from edgewright.load.places import Path as DocumentPath
from edgewright.plan.actions import Action
from edgewright.plugins.processes import run_step
from edgewright.plugins.protocols import SourceContext
from edgewright.plugins.registry import Registry


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What running actions needs besides the actions."""

    store: Store
    registry: Registry
    sources: SourceContext
    events: EventSink
    place: Callable[[DocumentPath], Span]
    """Where a value of the blueprint is written, for what an action says when it fails."""
    parallel: int = max(1, (os.cpu_count() or 2) // 2)


def execute(actions: Iterable[Action], context: BuildContext) -> Mapping[Digest, Result]:
    """Run what is missing and return every action's result.

    One failing action does not stop the others that do not need it: all failures of one run are raised together.
    """
    pending = {action.key: action for action in actions}
    results: dict[Digest, Result] = {}
    for key, action in list(pending.items()):
        found = context.store.result(key)
        if found is not None:
            results[key] = found
            del pending[key]
            context.events(Event(action.kind, action.subject, "cached"))
    failures: list[EdgewrightError] = []
    if pending:
        _require_tools(pending.values(), context)
        context.store.prepare()
        _run_pending(pending, results, failures, context)
    _raise_all(failures)
    return results


def _require_tools(actions: Iterable[Action], context: BuildContext) -> None:
    """Every program that some action will start is here, before the first one runs."""
    failures: dict[str, EdgewrightError] = {}
    for action in actions:
        for name in action.step.tools if action.step else ():
            try:
                find_tool(name, needed_for=f"{action.kind} {action.subject}")
            except EdgewrightError as missing:
                failures.setdefault(name, _placed(missing, action, context))
    _raise_all(failures.values())


def _raise_all(failures: Collection[EdgewrightError]) -> None:
    if failures:
        diagnostics: list[Diagnostic] = [d for failure in failures for d in failure.diagnostics]
        raise EdgewrightError(*diagnostics, exit_code=ExitCode(max(f.exit_code for f in failures)))


def _placed(failure: EdgewrightError, action: Action, context: BuildContext) -> EdgewrightError:
    return failure.placed(context.place(action.origin)) if action.origin else failure


def _run_pending(
    pending: dict[Digest, Action], results: dict[Digest, Result], failures: list[EdgewrightError], context: BuildContext
) -> None:
    running: dict[Future[Result], Action] = {}
    exclusive_running = False
    with ThreadPoolExecutor(max_workers=context.parallel) as pool:
        while pending or running:
            ready = [a for a in pending.values() if all(key in results for key in a.inputs.values())]
            for action in sorted(ready, key=lambda a: a.is_exclusive):
                if exclusive_running or len(running) >= context.parallel or (action.is_exclusive and running):
                    break
                del pending[action.key]
                running[pool.submit(_run_action, action, results, context)] = action
                exclusive_running = action.is_exclusive
            if not running:
                return  # what is left needs something that failed
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                action = running.pop(future)
                exclusive_running = exclusive_running and not action.is_exclusive
                try:
                    results[action.key] = future.result()
                except EdgewrightError as failure:
                    failures.append(_placed(failure, action, context))


def _run_action(action: Action, results: Mapping[Digest, Result], context: BuildContext) -> Result:
    context.events(Event(action.kind, action.subject, "start"))
    started = time.monotonic()
    root = cache_folder() / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=action.kind + "-", dir=root))
    output = scratch / "output"
    output.mkdir()
    try:
        facts = _fill(action, results, context, scratch, output)
        seconds = time.monotonic() - started
        result = Result(context.store.add_folder(output), facts, seconds)
        _require_locked(action, result)
        context.store.record(action.key, result)
        context.events(Event(action.kind, action.subject, "done", seconds=seconds))
        return result
    except EdgewrightError:
        context.events(Event(action.kind, action.subject, "failed"))
        raise
    finally:
        remove_tree(scratch)


def _require_locked(action: Action, result: Result) -> None:
    """What was fetched is what the lock says, whatever the source did."""
    for file in action.locked:
        entry = result.tree.get(file.name)
        if entry is None or entry.digest != file.digest:
            found = entry.digest if entry else "nothing"
            raise fail(
                "digest-mismatch",
                f"{action.subject}: {file.name} is {found}, the lock says {file.digest}",
                subject=action.subject,
                hint="if the change is meant, run edgewright lock and commit the result",
            )


def _inspect(action: Action, context: BuildContext, folder: Path) -> None:
    """What was fetched is a model, by its content: nothing else reaches the store, or a framework."""
    refusal = context.registry.importer().inspect(folder, action.options.file)
    if refusal is not None:
        message = f"{action.subject}: {refusal.message}"
        raise fail(refusal.slug, message, subject=action.subject, hint=refusal.hint)


def _fill(
    action: Action, results: Mapping[Digest, Result], context: BuildContext, scratch: Path, output: Path
) -> dict[str, object]:
    if action.kind == "acquire":
        context.registry.source(action.options.type).acquire(action.options, action.locked, context.sources, output)
        _inspect(action, context, output)
        return {}
    if action.kind == "dataset":
        (file,) = action.locked
        (output / file.name).write_bytes((context.sources.repository / action.options).read_bytes())
        return {}
    assert action.step is not None
    inputs = {}
    for name, key in action.inputs.items():
        folder = scratch / "inputs" / name
        folder.mkdir(parents=True)
        context.store.materialise(results[key].tree, folder)
        inputs[name] = folder
    threads = 1 if context.parallel > 1 and not action.is_exclusive else os.cpu_count() or 1
    return run_step(action.step, inputs, output, subject=action.subject, threads=threads, events=context.events)
