"""A comment with a reason allows what may be allowed, on its line only, for every command; a wrong one is reported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgewright.check.pages import catalogue
from edgewright.check.run import check, examine_all
from edgewright.check.suppression import Judged
from edgewright.cli.main import run
from edgewright.load.documents import load_environments, load_repository
from edgewright.plugins.registry import Registry

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_QUALITY = "    - {metric: kl_divergence_mean, max: 0.02}\n"
_SIZE = "    - {metric: artifact_size, max: 400MiB}\n"
_SLUG = "gate-missing-quality"
_REASON = "because the model is a fixture"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A fleet repository whose blueprint has one thing to say: no gate about quality, at `gates`."""
    folder = tmp_path / "fleet"
    shutil.copytree(_BASE, folder)
    text = (folder / "blueprint.yaml").read_text(encoding="utf-8")
    assert _QUALITY in text
    (folder / "blueprint.yaml").write_text(text.replace(_QUALITY, _SIZE), encoding="utf-8")
    return folder


def _say(repository: Path, comment: str, *, above: str = "  gates:\n", name: str = "blueprint.yaml") -> None:
    path = repository / name
    text = path.read_text(encoding="utf-8")
    assert text.count(above) == 1
    path.write_text(text.replace(above, f"  # edgewright: {comment}\n{above}"), encoding="utf-8")


def _judged(repository: Path, **options: str) -> Judged:
    selectors = (options["only"],) if "only" in options else ()
    return examine_all(load_environments(repository, selectors=selectors), Registry())


def _slugs(judged: Judged) -> list[str]:
    return [diagnostic.slug for diagnostic in judged.standing]


def test_comment_with_a_reason_allows_what_is_on_its_line(repository: Path) -> None:
    assert _slugs(_judged(repository)) == [_SLUG]
    _say(repository, f"allow {_SLUG} {_REASON}")
    judged = _judged(repository)
    assert judged.standing == ()
    assert [(item.diagnostic.slug, item.reason) for item in judged.allowed] == [(_SLUG, "the model is a fixture")]
    assert check(load_repository(repository), Registry()) == []


def test_comment_at_the_end_of_the_line_allows_too(repository: Path) -> None:
    path = repository / "blueprint.yaml"
    text = path.read_text(encoding="utf-8")
    line = _SIZE.rstrip()
    path.write_text(text.replace(line, f"{line}  # edgewright: allow {_SLUG} {_REASON}"), encoding="utf-8")
    assert len(_judged(repository).allowed) == 1


def test_comment_on_another_line_allows_nothing(repository: Path) -> None:
    _say(repository, f"allow {_SLUG} {_REASON}", above="  fleet:")
    assert _slugs(_judged(repository)) == [_SLUG, "suppression-unused"]


@pytest.mark.parametrize(
    ("comment", "slug", "hint"),
    [
        (f"allow {_SLUG}", "suppression-reason", "write # edgewright: allow gate-missing-quality because REASON"),
        (f"allow {_SLUG} because", "suppression-reason", None),
        (f"allow {_SLUG} because -- ", "suppression-reason", None),
        (f"allow {_SLUG} for no reason", "suppression-reason", None),
        (f"allow gate-mising-quality {_REASON}", "suppression-unknown", "did you mean 'gate-missing-quality'?"),
        (f"allow $(reboot) {_REASON}", "suppression-unknown", "edgewright explain lists them"),
        (f"allow {'a-' * 20_000} {_REASON}", "suppression-unknown", "edgewright explain lists them"),
        (f"allow unknown-target {_REASON}", "suppression-refused", None),
        (f"allow duplicate-key {_REASON}", "suppression-refused", None),
        (f"ignore {_SLUG} {_REASON}", "suppression-form", None),
        ("allow", "suppression-form", None),
        ("", "suppression-form", None),
    ],
)
def test_wrong_comment_allows_nothing_and_is_reported(
    comment: str, slug: str, hint: str | None, repository: Path
) -> None:
    _say(repository, comment)
    judged = _judged(repository)
    assert sorted(_slugs(judged)) == sorted([slug, _SLUG])
    assert judged.allowed == ()
    [said] = [diagnostic for diagnostic in judged.standing if diagnostic.slug == slug]
    assert said.span is not None
    assert said.span.path == "blueprint.yaml"
    assert len(said.message) < 200
    assert hint in (None, said.hint)


def test_many_comments_are_counted_not_read(repository: Path) -> None:
    _say(repository, "\n  # edgewright: ".join(["allow nothing"] * 5_000))
    said = [diagnostic for diagnostic in _judged(repository).standing if diagnostic.slug == "suppression-form"]
    assert len(said) == 1
    assert "more than 100" in said[0].message


def test_comment_that_allows_nothing_is_a_warning_and_fix_removes_it(repository: Path) -> None:
    before = (repository / "blueprint.yaml").read_text(encoding="utf-8")
    _say(repository, f"allow {_SLUG} {_REASON}", above="  fleet:")
    assert run(["check", "--fix", str(repository)]) == 0
    assert (repository / "blueprint.yaml").read_text(encoding="utf-8") == before


def test_misspelt_slug_is_mended(repository: Path) -> None:
    _say(repository, f"allow gate-mising-quality {_REASON}")
    assert run(["check", "--fix", str(repository)]) == 0
    assert f"# edgewright: allow {_SLUG} {_REASON}\n" in (repository / "blueprint.yaml").read_text(encoding="utf-8")
    assert len(_judged(repository).allowed) == 1


def test_nothing_is_called_unused_that_was_not_looked_for(repository: Path) -> None:
    _say(repository, f"allow canary-size {_REASON}")
    assert _slugs(_judged(repository, only="assistant")) == [_SLUG]
    blueprint = repository / "blueprint.yaml"
    blueprint.write_text(blueprint.read_text(encoding="utf-8") + "nonsense: 1\n", encoding="utf-8")
    assert _slugs(_judged(repository)) == ["unknown-key"]


def test_estimates_that_wait_for_the_model_are_not_called_unused(repository: Path) -> None:
    _say(repository, f"allow target-memory {_REASON}")
    assert "suppression-unused" in _slugs(_judged(repository))
    path = repository / "blueprint.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "facts:" not in line), encoding="utf-8")
    assert "suppression-unused" not in _slugs(_judged(repository))


def _write_policy(repository: Path) -> None:
    (repository / "policies").mkdir()
    rule = "{id: short, message: short prompts, expression: model.context <= 4096}"
    text = f"apiVersion: edgewright/v1beta1\nkind: Policy\nmetadata: {{name: stores}}\nspec:\n  rules:\n    - {rule}\n"
    (repository / "policies" / "stores.yaml").write_text(text, encoding="utf-8")


def test_comment_in_a_policy_that_allows_nothing_is_said(repository: Path) -> None:
    _write_policy(repository)
    _say(repository, f"allow {_SLUG} {_REASON}", above="  rules:\n", name="policies/stores.yaml")
    assert _slugs(_judged(repository)) == [_SLUG, "suppression-unused"]


def test_report_has_policies_among_the_documents(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_policy(repository)
    run(["check", "-o", "junit", str(repository)])
    assert "policies/stores.yaml" in capsys.readouterr().out


def test_reports_list_what_is_allowed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _say(repository, f"allow {_SLUG} {_REASON}")
    assert run(["check", str(repository)]) == 0
    assert capsys.readouterr().err == "1 allowed\n"
    assert run(["check", "-o", "json", str(repository)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["diagnostics"] == []
    assert [item["allowed"]["reason"] for item in result["allowed"]] == ["the model is a fixture"]
    assert run(["check", "-o", "sarif", str(repository)]) == 0
    [item] = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert item["suppressions"][0]["justification"] == "the model is a fixture"
    assert item["suppressions"][0]["kind"] == "inSource"
    assert run(["check", "-o", "github", str(repository)]) == 0
    assert capsys.readouterr().out == ""


def test_secret_in_a_reason_is_not_repeated(repository: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    _say(repository, f"allow {_SLUG} because {token}")
    [allowed] = _judged(repository).allowed
    assert token not in allowed.reason


def test_what_later_stages_rely_on_can_never_be_allowed() -> None:
    pages = catalogue()
    allowable = {slug for slug, page in pages.items() if page.can_be_allowed}
    assert not {"unknown-key", "unknown-target", "yaml-alias", "duplicate-name", "secret-in-document"} & allowable
    assert not {slug for slug, page in pages.items() if page.path.parent.name == "pages"} & allowable
    assert _SLUG in allowable


def test_overlay_is_allowed_and_mended_in_its_own_file(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = repository / "overlays" / "rhine" / "test-bed.yaml"
    overlay.parent.mkdir(parents=True)
    text = (
        "apiVersion: edgewright/v1beta1\nkind: Overlay\nmetadata: {name: test-bed}\nspec:\n  patches:\n"
        "    - kind: Blueprint\n      patch:\n        spec:\n          rollout:\n"
        "            soak: 0s  # edgewright: allow soak-missing because it is a test bed\n"
        "            max_unavailable: 1  # kept\n"
    )
    overlay.write_text(text, encoding="utf-8")
    _say(repository, f"allow {_SLUG} {_REASON}")
    assert _slugs(_judged(repository)) == ["unknown-key"]
    assert run(["check", "--fix", str(repository)]) == 0
    assert "2 allowed" in capsys.readouterr().err
    assert overlay.read_text(encoding="utf-8") == text.replace("max_unavailable", "maxUnavailable")
    assert run(["check", "-e", "rhine", str(repository)]) == 0
    assert capsys.readouterr().err == "2 allowed\n"


def test_comment_of_an_environment_is_used_in_that_environment(repository: Path) -> None:
    overlay = repository / "overlays" / "rhine" / "fast.yaml"
    overlay.parent.mkdir(parents=True)
    overlay.write_text(
        "apiVersion: edgewright/v1beta1\nkind: Overlay\nmetadata: {name: fast}\nspec:\n  patches:\n"
        "    - kind: Blueprint\n      patch: {spec: {rollout: {soak: 0s}}}\n"
        "      # edgewright: allow soak-missing because nothing is here\n",
        encoding="utf-8",
    )
    _say(repository, f"allow {_SLUG} {_REASON}")
    assert _slugs(_judged(repository)) == ["soak-missing", "suppression-unused"]
