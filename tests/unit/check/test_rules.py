"""What rules say together, and how long they take. Single mistakes are cases of tests/golden/bad."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from edgewright.check.budget import ModelFacts
from edgewright.check.pages import page
from edgewright.check.run import check, require_valid
from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, Severity
from edgewright.load.documents import load_repository
from edgewright.plugins.registry import Registry

_ROOT = Path(__file__).parents[3]
_BASE = _ROOT / "tests" / "golden" / "bad" / "base"


@pytest.mark.parametrize("example", ["semantic-search", "store-assistant"])
def test_examples_are_right(example: str) -> None:
    repository = load_repository(_ROOT / "blueprints" / "examples" / example)
    assert [d.message for d in check(repository, Registry())] == []


def test_unknown_slug_names_the_closest() -> None:
    with pytest.raises(EdgewrightError) as caught:
        page("target-memori")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.diagnostics[0].hint == "did you mean 'target-memory'?"


def test_imported_facts_take_the_place_of_declared_ones(tmp_path: Path) -> None:
    root = shutil.copytree(_BASE, tmp_path / "fleet")
    repository = load_repository(root)
    large = ModelFacts(7_000_000_000, 32, 4096, 32_000, 32, 128, tied_embeddings=False, origin="imported")
    found = check(repository, Registry(), facts={"assistant": large})
    assert {d.slug for d in found} == {"target-memory", "target-disk", "decode-rate"}
    assert all("estimated from imported facts" in d.notes[0] for d in found)


def test_nothing_is_estimated_without_facts(tmp_path: Path) -> None:
    root = shutil.copytree(_BASE, tmp_path / "fleet")
    text = (root / "blueprint.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("facts:")]
    (root / "blueprint.yaml").write_text("\n".join(lines).replace("min: 4", "min: 4000"), encoding="utf-8")
    assert check(load_repository(root), Registry()) == []


def test_warnings_are_returned_and_do_not_raise(tmp_path: Path) -> None:
    root = shutil.copytree(_BASE, tmp_path / "fleet")
    text = (root / "blueprint.yaml").read_text(encoding="utf-8")
    (root / "blueprint.yaml").write_text(text.replace("1 per target", "2 per target"), encoding="utf-8")
    found = require_valid(load_repository(root, keep_problems=True), Registry())
    assert [(d.slug, d.severity) for d in found] == [("canary-whole-fleet", Severity.WARNING)]


def test_error_carries_everything_that_is_wrong(tmp_path: Path) -> None:
    root = shutil.copytree(_BASE, tmp_path / "fleet")
    shutil.copytree(_ROOT / "tests/golden/bad/several-files", root, dirs_exist_ok=True)
    with pytest.raises(EdgewrightError) as caught:
        require_valid(load_repository(root, keep_problems=True), Registry())
    assert caught.value.exit_code is ExitCode.DOCUMENTS
    assert len(caught.value.diagnostics) == 3


def test_only_selected_blueprints_are_checked(tmp_path: Path) -> None:
    root = shutil.copytree(_BASE, tmp_path / "fleet")
    text = (root / "blueprint.yaml").read_text(encoding="utf-8")
    other = text.replace("name: assistant", "name: other").replace("ref: shops", "ref: nowhere")
    (root / "other.yaml").write_text(other, encoding="utf-8")
    assert {d.slug for d in check(load_repository(root), Registry())} == {"unknown-fleet"}
    assert check(load_repository(root, selectors=["assistant"]), Registry()) == []


def _many(root: Path, count: int) -> Path:
    """A repository of so many blueprints, each with a fleet of its own."""
    shutil.copytree(_BASE / "data", root / "data")
    blueprint = (_BASE / "blueprint.yaml").read_text(encoding="utf-8")
    fleet = (_BASE / "fleet.yaml").read_text(encoding="utf-8")
    (root / "blueprints").mkdir()
    for number in range(count):
        own = blueprint.replace("name: assistant", f"name: b{number}").replace("ref: shops", f"ref: f{number}")
        (root / "blueprints" / f"b{number}.yaml").write_text(own, encoding="utf-8")
        there = fleet.replace("name: shops", f"name: f{number}").replace(".example", f"{number}.example")
        devices = there.replace("{name: ", f"{{name: d{number}-").replace(f"d{number}-f{number}", f"f{number}")
        (root / "blueprints" / f"f{number}.yaml").write_text(devices, encoding="utf-8")
    return root


def test_rules_take_time_in_proportion_to_the_blueprints(tmp_path: Path) -> None:
    took = {}
    for count in (50, 400):
        repository = load_repository(_many(tmp_path / str(count), count))
        begun = time.process_time()
        assert check(repository, Registry()) == []
        took[count] = time.process_time() - begun
    assert took[400] < 3 * 8 * took[50]
    assert took[400] < 2.0


def test_files_that_ship_have_the_names_of_their_documents() -> None:
    repository = load_repository(_BASE)
    for documents in (repository.targets, repository.compression_policies):
        assert {name: Path(loaded.path).stem for name, loaded in documents.items()} == {
            name: name for name in documents
        }
