"""What every worker step promises, whoever made it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from edgewright.kernel.digest import canonical_json
from edgewright.kernel.process import DEBIAN_PACKAGES
from edgewright.plugins.identity import pins, staged_sources
from edgewright.plugins.protocols import WorkerStep

ENVIRONMENTS = ("onnx", "genai", "tvm")
GIVEN_INPUTS = {"source", "canonical", "dataset", "calibration"}


def assert_step_keeps_the_contract(step: WorkerStep) -> None:
    """Options are JSON and name no place on this machine; sources exist and are complete; bounds are bounds."""
    assert json.loads(canonical_json(step.options)) == dict(step.options), "options survive JSON unchanged"
    text = canonical_json(step.options).decode()
    for place in (str(Path.home()), str(Path.cwd()), "/tmp/"):
        assert place not in text, f"options name a place on this machine: {text}"
    assert step.environment in ENVIRONMENTS
    assert pins(step.environment)
    assert step.step
    assert step.version >= 1
    assert step.determinism in ("deterministic", "deterministic on this CPU", "not")
    assert 0 < step.timeout_s <= 4 * 3600
    assert 0 < step.memory_bytes <= 64 * 2**30
    assert set(step.tools) <= DEBIAN_PACKAGES.keys(), "a missing tool is named with its package"
    assert_sources_are_staged(step)


def assert_sources_are_staged(step: WorkerStep) -> None:
    """The worker's entry is among its staged files, and so is every module of edgewright that they import."""
    files = staged_sources(step.packages)
    for name, path in files.items():
        assert path.is_file(), f"{name} is named by packages and does not exist"
    entry = step.module.replace(".", "/")
    assert f"{entry}/__main__.py" in files or f"{entry}.py" in files, f"{step.module} cannot be run: {sorted(files)}"
    for name, path in files.items():
        package = name.removesuffix(".py").split("/")[:-1]
        for module in _imports(ast.parse(path.read_text(encoding="utf-8")), package):
            place = module.replace(".", "/")
            is_there = f"{place}.py" in files or f"{place}/__init__.py" in files
            assert is_there, f"{name} imports {module}, which is not staged by packages {step.packages}"


def _imports(tree: ast.AST, package: list[str]) -> set[str]:
    """Modules of edgewright that a file imports, anywhere; those for the type checker alone do not count."""
    skipped = {id(node) for branch in ast.walk(tree) if _is_for_types(branch) for node in ast.walk(branch)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            found.add(".".join([*base, *([node.module] if node.module else [])]))
    return {module for module in found if module.split(".")[0] == "edgewright"}


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
