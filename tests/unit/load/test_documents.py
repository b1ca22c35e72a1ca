"""A fleet repository as documents: what is one, which one a name means, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.load.documents import load_repository, shipped_targets

_HEAD = "apiVersion: edgewright/v1alpha1\n"


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _policy(name: str, *, extends: str | None = None, recipe: str | None = None, candidates: str = "") -> str:
    spec = [f"extends: {extends}"] if extends else []
    spec += [f"recipe: {recipe}"] if recipe else []
    spec += [f"candidates: [{candidates}]"] if candidates else []
    return f"{_HEAD}kind: CompressionPolicy\nmetadata: {{name: {name}}}\nspec: {{{', '.join(spec)}}}\n"


def _fleet(name: str, device: str = "one") -> str:
    return (
        f"{_HEAD}kind: Fleet\nmetadata: {{name: {name}}}\n"
        f"spec: {{devices: [{{name: {device}, target: x86-64-v3, connection: {{type: local}}}}]}}\n"
    )


def _slugs(root: Path) -> list[str]:
    return sorted(problem.slug for problem in load_repository(root, keep_problems=True).problems)


def test_documents_are_found_wherever_they_say_so(tmp_path: Path) -> None:
    root = _write(
        tmp_path, {"fleet.yaml": _fleet("a"), "sites/north/shops.yml": _fleet("b"), "fleets/c.yaml": _fleet("c")}
    )
    repository = load_repository(root)
    assert sorted(repository.fleets) == ["a", "b", "c"]
    assert repository.fleets["b"].path == "sites/north/shops.yml"
    assert repository.problems == ()


def test_yaml_of_others_is_left_alone(tmp_path: Path) -> None:
    others = {
        "inventory/hosts.yaml": "all: {hosts: {a: {}}}\n",
        "inventory/group_vars/all.yml": "secret: !vault |\n  $ANSIBLE_VAULT\n",
        "charts/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
        "mkdocs.yml": "site_name: x\n",
        ".github/workflows/ci.yaml": f"{_HEAD}kind: Nonsense\n",
        "dist/a/policy.yaml": f"{_HEAD}kind: Nonsense\n",
        "venv-is-fine/x.yaml": "- 1\n",
    }
    assert _slugs(_write(tmp_path, others)) == []


@pytest.mark.parametrize(
    ("name", "text", "slug"),
    [
        ("fleets/a.yaml", "just: this\n", "missing-key"),
        ("targets/a.yaml", "- a\n", "not-a-document"),
        ("a.yaml", "kind: Fleet\nmetadata: {}\n", "missing-key"),
        ("deep/a.yaml", f"{_HEAD}kind: Flet\n", "unknown-kind"),
        ("policies/a.yaml", "apiVersion: edgewright/v9\nkind: Fleet\n", "unknown-api-version"),
    ],
)
def test_what_should_be_a_document_must_be_one(tmp_path: Path, name: str, text: str, slug: str) -> None:
    assert _slugs(_write(tmp_path, {name: text})) == [slug]


def test_links_are_refused_for_files_and_folders(tmp_path: Path) -> None:
    root = _write(tmp_path / "root", {"fleet.yaml": _fleet("a")})
    outside = _write(tmp_path / "outside", {"b.yaml": _fleet("b")})
    (root / "more").symlink_to(outside)
    (root / "b.yaml").symlink_to(outside / "b.yaml")
    repository = load_repository(root, keep_problems=True)
    assert [problem.slug for problem in repository.problems] == ["symlink", "symlink"]
    assert list(repository.fleets) == ["a"]


@pytest.mark.parametrize("is_clone", [True, False])
def test_documents_of_a_submodule_are_refused_and_its_other_files_are_nobodys_business(
    tmp_path: Path, is_clone: bool
) -> None:
    inner = tmp_path / "vendor" / "fleet"
    (inner / "deep").mkdir(parents=True)
    if is_clone:
        (inner / ".git").mkdir()
    else:
        (inner / ".git").write_text("gitdir: ../../.git/modules/fleet\n")
    (inner / "deep" / "fleet.yaml").write_text("apiVersion: edgewright/v1beta1\nkind: Fleet\n")
    (inner / "chart.yaml").write_text("name: chart\n")
    repository = load_repository(tmp_path, keep_problems=True)
    assert [(problem.slug, problem.span.path) for problem in repository.problems if problem.span] == [
        ("git-submodule", "vendor/fleet/deep/fleet.yaml")
    ]


def test_spans_point_into_the_file(tmp_path: Path) -> None:
    loaded = load_repository(_write(tmp_path, {"fleet.yaml": _fleet("a")})).fleets["a"]
    assert str(loaded.spans.span(("spec", "devices", 0, "target"))) == "fleet.yaml:4:38"
    assert str(loaded.spans.key_span(("metadata", "name"))) == "fleet.yaml:3:12"


def test_repository_replaces_shipped_profiles_and_keeps_the_others(tmp_path: Path) -> None:
    shipped = shipped_targets()["x86-64-v3"]
    name = shipped.path.removeprefix("edgewright:targets/profiles/")
    profile = (Path(__file__).parents[3] / "targets" / "profiles" / name).read_text(encoding="utf-8")
    repository = load_repository(_write(tmp_path, {f"targets/{name}": profile.replace("cores: 4", "cores: 2")}))
    assert repository.problems == ()
    assert repository.targets["x86-64-v3"].document.spec.cores == 2
    assert repository.targets.keys() == shipped_targets().keys()


def test_policy_inherits_candidates_and_may_replace_and_choose(tmp_path: Path) -> None:
    files = {
        "a.yaml": _policy("a", recipe="x", candidates="{name: x, method: float32}, {name: y, method: int8-dynamic}"),
        "b.yaml": _policy("b", extends="a", recipe="z", candidates="{name: z, method: int4-weight-only}"),
        "c.yaml": _policy("c", extends="b", candidates="{name: y, method: int8-weight-only}"),
    }
    policies = load_repository(_write(tmp_path, files)).compression_policies
    last = policies["c"].document.spec
    assert last.recipe == "z"
    assert {c.name: c.method for c in last.candidates} == {
        "x": "float32",
        "y": "int8-weight-only",
        "z": "int4-weight-only",
    }
    assert policies["a"].document.spec.recipe == "x"


def test_what_leads_into_a_cycle_is_reported_once_and_counts_as_broken(tmp_path: Path) -> None:
    files = {f"{n}.yaml": _policy(n, extends=m) for n, m in (("a", "b"), ("b", "c"), ("c", "b"))}
    repository = load_repository(_write(tmp_path, files), keep_problems=True)
    assert [p.message for p in repository.problems] == ["b extends itself: b -> c -> b"]
    assert {name for kind, name in repository.broken if kind == "CompressionPolicy"} == {"a", "b", "c"}


def test_policy_must_choose_a_candidate_it_has_or_inherits(tmp_path: Path) -> None:
    problems = load_repository(
        _write(tmp_path, {"a.yaml": _policy("a", extends="float32", recipe="int9")}), keep_problems=True
    ).problems
    assert [(p.slug, p.span.line) for p in problems if p.span] == [("unknown-recipe", 4)]


def test_wrong_document_is_broken_not_unknown(tmp_path: Path) -> None:
    repository = load_repository(_write(tmp_path, {"fleet.yaml": _fleet("a", device="NOT")}), keep_problems=True)
    assert ("Fleet", "a") in repository.broken
    assert repository.fleets == {}


def test_selector_that_matches_nothing_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as caught:
        load_repository(tmp_path, selectors=["assistent"])
    assert caught.value.exit_code is ExitCode.USAGE


def test_selectors_are_names_or_globs() -> None:
    examples = Path(__file__).parents[3] / "blueprints" / "examples"
    assert sorted(load_repository(examples, selectors=["store-*"]).blueprints) == ["store-assistant"]
    assert sorted(load_repository(examples, selectors=["s*"]).blueprints) == ["semantic-search", "store-assistant"]
    assert sorted(load_repository(examples).blueprints) == ["semantic-search", "store-assistant"]


def test_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError, match="is not a folder"):
        load_repository(tmp_path / "nowhere")


def test_errors_beyond_a_hundred_are_counted_not_listed(tmp_path: Path) -> None:
    text = _fleet("a") + "".join(f"key{i}: 1\n" for i in range(5000))
    problems = load_repository(_write(tmp_path, {"fleet.yaml": text}), keep_problems=True).problems
    assert len(problems) == 101
    assert problems[-1].message == "fleet.yaml has 4,900 more errors, the first 100 are shown"


def test_thousands_of_duplicate_keys_are_counted_not_listed(tmp_path: Path) -> None:
    text = _fleet("a") + "kind: Fleet\n" * 3000
    problems = load_repository(_write(tmp_path, {"fleet.yaml": text}), keep_problems=True).problems
    assert [p.slug for p in problems] == ["duplicate-key"] * 100 + ["more-errors"]


def test_what_is_beyond_the_limit_is_told_of_once_whatever_is_wrong(tmp_path: Path) -> None:
    keys = "".join(f"key{i}: 1\n" for i in range(3000))
    problems = load_repository(_write(tmp_path, {"fleet.yaml": _fleet("a") + keys * 2}), keep_problems=True).problems
    assert [p.message for p in problems if p.slug == "more-errors"] == [
        "fleet.yaml has 2,900 more errors, the first 100 are shown"
    ]


def test_wrong_documents_are_raised_unless_they_are_asked_for(tmp_path: Path) -> None:
    files = {"fleet.yaml": _fleet("a", device="NOT"), "fleets/b.yaml": "kind: Fleet\n"}
    with pytest.raises(EdgewrightError) as caught:
        load_repository(_write(tmp_path, files))
    assert caught.value.exit_code is ExitCode.DOCUMENTS
    assert [d.slug for d in caught.value.diagnostics] == ["wrong-form", "missing-key"]
