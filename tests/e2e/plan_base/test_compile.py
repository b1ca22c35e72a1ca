"""What a release says it was made from: a commit, if that is true. Packaging, signing and rendering are real."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bad_input.shop import BLUEPRINT, BOARD, write_fleet
from tests.e2e.plan_base.conftest import Fleet
from tests.support.device_release import Signer, build_artifact
from tests.support.fleet_git import GitRepository
from tests.unit.sources.server import Site, serve
from tests.unit.sources.wheelhouse import make_wheel, publish
from tests.unit.sources_canonical.samples import bert_folder

from edgewright.backends.tvm.plugin import TOKENIZERS_VERSION
from edgewright.build.store import Result
from edgewright.cli.chain import Session
from edgewright.kernel.events import discard
from edgewright.kernel.process import run as run_process

MEASURED = {"schema": 1, "measurements": {"cosine_mean": {"value": 1.0, "unit": "", "kind": "measured", "n": 2}}}


@pytest.fixture
def key(tmp_path: Path) -> Signer:
    return Signer.create(tmp_path / "keys")


@pytest.fixture
def tiny(
    tmp_path: Path, key: Signer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    """A committed fleet repository whose builds and measurements are in the store already."""
    if platform.machine() != "x86_64" or not shutil.which("gcc"):
        pytest.skip("needs gcc on x86_64")
    root = tmp_path / "fleet"
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    fleet = Fleet(GitRepository(root), root, capsys)
    (root / "blueprint.yaml").write_text(BLUEPRINT.replace(f", {BOARD}", ""))
    write_fleet(root, device=tmp_path / "device", port=18099, python="/usr/bin/python3")
    bert_folder(root / "model")
    (root / "data").mkdir()
    (root / "data" / "questions.jsonl").write_text('{"text": "opening hours on Sunday"}\n{"text": "lamps"}\n')
    shutil.copy(key.allowed_signers, root / "allowed_signers")
    with serve(Site()) as site:
        monkeypatch.setenv("PIP_INDEX_URL", publish(site, make_wheel("tokenizers", TOKENIZERS_VERSION)))
        assert fleet.run("lock", str(root)).exit_code == 0
        record(root, tmp_path / "outputs")
        fleet.git.commit({".gitignore": "dist/\n"}, "tiny")
        yield fleet


def record(root: Path, scratch: Path) -> None:
    """The store as a finished evaluation leaves it."""
    session = Session(root, (), discard)
    [loaded] = session.blueprints
    plan = session.plan(loaded)
    artifacts = {variant.artifact for variant in plan.variants}
    for action in plan.actions:
        folder = scratch / action.key.removeprefix("sha256:")
        if action.key in artifacts:
            build_artifact(folder, architecture="x86_64")
        else:
            folder.mkdir(parents=True)
            (folder / "measurements.json").write_text(json.dumps(MEASURED))
        session.store.record(action.key, Result(session.store.add_folder(folder), {}, 0.1))


def made_from(fleet: Fleet) -> str | None:
    """The commit that the provenance of the release names."""
    provenance = json.loads((fleet.root / "dist" / "demo" / "evidence" / "provenance.json").read_bytes())
    found: list[dict[str, Any]] = provenance["predicate"]["buildDefinition"]["resolvedDependencies"]
    commits = [item["digest"]["gitCommit"] for item in found if "gitCommit" in item["digest"]]
    return commits[0] if commits else None


def test_a_clean_tree_is_compiled_and_the_release_names_its_commit(tiny: Fleet, key: Signer) -> None:
    ended = tiny.run("compile", str(tiny.root), "--signing-key", str(key.key))
    assert ended.exit_code == 0, ended.stderr
    assert made_from(tiny) == tiny.git.git("rev-parse", "HEAD")


def test_a_dirty_tree_is_refused_with_the_files_that_matter(tiny: Fleet, key: Signer) -> None:
    (tiny.root / "blueprint.yaml").write_text((tiny.root / "blueprint.yaml").read_text() + "# edited\n")
    tiny.git.write({".hidden": "x", "dist/old": "x", "notes.md": "x"})
    ended = tiny.run("compile", str(tiny.root), "--signing-key", str(key.key))
    assert (ended.exit_code, ended.slugs) == (3, ["dirty-tree"])
    assert "2 files differ from the last commit" in ended.stderr
    assert "modified blueprint.yaml" in ended.stderr
    assert "new notes.md" in ended.stderr
    assert not (tiny.root / "dist" / "demo").exists()


def test_a_dirty_tree_that_is_allowed_names_no_commit_until_it_is_committed(tiny: Fleet, key: Signer) -> None:
    tiny.git.write({"notes.md": "x"})
    ended = tiny.run("compile", str(tiny.root), "--signing-key", str(key.key), "--allow-dirty")
    assert ended.exit_code == 0, ended.stderr
    assert "the release will name no commit" in ended.stderr
    assert made_from(tiny) is None
    commit = tiny.git.commit()
    assert tiny.run("compile", str(tiny.root), "--signing-key", str(key.key)).exit_code == 0
    assert made_from(tiny) == commit


def test_a_revision_is_compiled_whatever_the_working_tree_has(tiny: Fleet, key: Signer) -> None:
    commit = tiny.git.git("rev-parse", "HEAD")
    (tiny.root / "blueprint.yaml").write_text("not: a blueprint\n")
    (tiny.root / "fleet.yaml").unlink()
    ended = tiny.run("compile", str(tiny.root), "--revision=main", "--signing-key", str(key.key))
    assert ended.exit_code == 0, ended.stderr
    assert made_from(tiny) == commit
    assert (tiny.root / "dist" / "demo" / "ansible" / "ansible.cfg").is_file()


def test_an_error_in_a_revision_shows_the_revisions_line(tiny: Fleet, key: Signer) -> None:
    text = (tiny.root / "blueprint.yaml").read_text()
    tiny.git.commit({"blueprint.yaml": text.replace("ref: shops", "ref: shpos")})
    tiny.git.write({"blueprint.yaml": text})
    ended = tiny.run("compile", str(tiny.root), "--revision=main", "--signing-key", str(key.key))
    assert (ended.exit_code, ended.slugs) == (3, ["unknown-fleet"])
    assert "fleet: {ref: shpos}" in ended.stderr


def test_outside_git_it_says_that_no_commit_is_named(tiny: Fleet, key: Signer) -> None:
    shutil.rmtree(tiny.root / ".git")
    ended = tiny.run("compile", str(tiny.root), "--signing-key", str(key.key))
    assert ended.exit_code == 0, ended.stderr
    assert "is not in Git: its release will name no commit" in ended.stderr
    assert made_from(tiny) is None
    ended = tiny.run("compile", str(tiny.root), "--revision=main")
    assert (ended.exit_code, ended.slugs) == (2, ["not-a-git-repository"])


def test_a_revision_is_never_dirty(tiny: Fleet) -> None:
    assert tiny.run("compile", str(tiny.root), "--revision=main", "--allow-dirty").exit_code == 2


def test_evidence_of_a_release_gives_the_numbers_when_the_store_is_empty(tiny: Fleet, key: Signer) -> None:
    assert tiny.run("compile", str(tiny.root), "--signing-key", str(key.key)).exit_code == 0
    shutil.rmtree(Path(tiny.root.parent, "cache", "store"))
    text = (tiny.root / "blueprint.yaml").read_text()
    tiny.git.write({"blueprint.yaml": text.replace("version: 1.0.0", "version: 1.1.0")})
    [cohort] = tiny.change()["cohorts"]
    [cosine] = [figure for figure in cohort["figures"] if figure["name"] == "cosine_mean"]
    assert cosine["before"]["kind"] == "measured"
    assert cosine["before"]["origin"].startswith("release 1.0.0, created 20")
    assert cosine["after"] == cosine["before"]


def test_git_run_for_a_user_is_not_what_decides(tiny: Fleet, key: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of Git sets these for its children; the repository that is compiled is the one that was named."""
    other = GitRepository(tiny.root.parent / "other")
    other.commit({"a.yaml": "x"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    assert tiny.run("compile", str(tiny.root), "--signing-key", str(key.key)).exit_code == 0
    shown = run_process(["git", "-C", tiny.root, "rev-parse", "HEAD"], timeout_s=30, env={"PATH": "/usr/bin:/bin"})
    assert made_from(tiny) == shown.stdout.decode().strip()
