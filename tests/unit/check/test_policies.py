"""Policies over blueprints: where a broken rule is shown, what waivers do, which facts a rule is judged by."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.support.fleet_git import GitRepository

from edgewright.check.policies.commit import VARIABLE
from edgewright.check.policies.judge import judge
from edgewright.check.revision import CheckedCommit
from edgewright.check.run import check
from edgewright.kernel.diagnostics import Diagnostic, Severity
from edgewright.load.documents import load_repository, shipped_policies
from edgewright.plugins.registry import Registry

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_TODAY = date(2026, 11, 23)
_POLICY = """\
apiVersion: edgewright/v1beta1
kind: Policy
metadata: {name: org}
spec:
"""
_NEVER = "1 > 2"
Judge = Callable[..., list[Diagnostic]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shutil.copytree(_BASE, tmp_path / "fleet")


@pytest.fixture
def judged(root: Path) -> Judge:
    """Write a policy, change the base repository, and judge it."""

    def run(spec: str, *changes: tuple[str, str, str], environment: str | None = None) -> list[Diagnostic]:
        (root / "policies").mkdir(exist_ok=True)
        (root / "policies" / "org.yaml").write_text(_POLICY + spec, encoding="utf-8")
        for name, before, after in changes:
            text = (root / name).read_text(encoding="utf-8")
            assert before in text, f"{before!r} is not in {name}"
            (root / name).write_text(text.replace(before, after), encoding="utf-8")
        repository = load_repository(root, environment=environment)
        return sorted(judge(repository, Registry(), _TODAY), key=lambda d: d.sort_key)

    return run


def _rule(expression: str, rest: str = "") -> str:
    return f"  rules:\n    - id: it-holds\n      message: it does not hold\n      expression: {expression}\n{rest}"


def test_a_rule_that_is_kept_says_nothing(judged: Judge) -> None:
    assert judged(_rule("model.source.type == 'wheel'")) == []


def test_a_broken_rule_is_shown_where_the_blueprint_breaks_it(judged: Judge) -> None:
    (found,) = judged(_rule("model.source.type != 'wheel'"))
    assert (found.slug, found.severity) == ("policy-violation", Severity.ERROR)
    assert found.message == "it does not hold (org/it-holds)"
    assert str(found.span) == "blueprint.yaml:7:20"
    (rule,) = found.related
    assert (str(rule.span), rule.message) == ("policies/org.yaml:6:11", "rule it-holds of policy org")


def test_a_rule_about_what_the_blueprint_does_not_write_is_shown_at_its_name(judged: Judge) -> None:
    (found,) = judged(_rule("blueprint.spec.service.port == 9090 || environment == 'x'"))
    assert str(found.span) == "blueprint.yaml:3:18"


def test_each_target_that_breaks_a_rule_is_shown_at_its_own_place(judged: Judge) -> None:
    spec = _rule("target.architecture == 'riscv64'", "      each: target\n")
    assert [str(found.span) for found in judged(spec)] == ["blueprint.yaml:12:46", "blueprint.yaml:12:57"]


def test_a_group_of_devices_is_shown_at_the_first_of_them(judged: Judge) -> None:
    spec = _rule("group.devices < 2", "      each: group\n      messageExpression: \"group.target + ' has many'\"\n")
    (found,) = judged(spec)
    assert str(found.span) == "fleet.yaml:6:7"
    assert found.message == "x86-64-v3 has many (org/it-holds)"


def test_a_message_shows_values_as_one_line_of_text(judged: Judge) -> None:
    spec = _rule(_NEVER, '      messageExpression: "blueprint.metadata.description"\n')
    change = ("blueprint.yaml", "version: 1.2.0", 'version: 1.2.0, description: "{{ x }}\\nerror: no"')
    (found,) = judged(spec, change)
    assert found.message == "{{ x }} error: no (org/it-holds)"


def test_a_message_that_cannot_be_made_is_replaced_by_the_plain_one(judged: Judge) -> None:
    spec = _rule(_NEVER, "      messageExpression: blueprint.metadata.labels.nowhere\n")
    assert judged(spec)[0].message == "it does not hold (org/it-holds)"


def test_a_rule_that_fails_on_a_blueprint_counts_as_broken(judged: Judge) -> None:
    (found,) = judged(_rule("blueprint.metadata.labels.region != 'us'"))
    assert found.slug == "policy-violation"
    assert found.notes == ("the rule cannot be evaluated: region is absent; ask has(…) first",)


def test_severity_is_the_rules_own(judged: Judge) -> None:
    (found,) = judged(_rule(_NEVER, "      severity: warning\n"))
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("model.sorce.type == 'wheel'", "8:25"),
        ("\"'model'.size() > 1 && model.sorce.type == 'x'\"", "8:48"),
        ("'''model''.size() > 1 && model.sorce.type == ''x'''", "8:50"),
        ("\"model.source.type == 'weel'\"", "8:41"),
        ("|\n        model.task == 'embeddings'\n        && model.sorce.type == 'x'", "10:18"),
        (">-\n        model.context > 1 &&\n        modell.context > 2", "10:9"),
    ],
)
def test_a_wrong_expression_is_reported_at_its_column(judged: Judge, expression: str, place: str) -> None:
    (found,) = judged(_rule(expression))
    assert found.slug == "policy-expression"
    assert str(found.span) == f"policies/org.yaml:{place}"


def test_every_wrong_expression_is_reported_and_the_right_ones_are_judged(judged: Judge) -> None:
    spec = (
        "  rules:\n"
        "    - {id: one, message: no, expression: model.tsk == 'a'}\n"
        "    - {id: two, message: two is broken, expression: model.context > 100000}\n"
        "    - {id: three, message: no, expression: 'true', messageExpression: model.context}\n"
    )
    assert [d.slug for d in judged(spec)] == ["policy-violation", "policy-expression", "policy-expression"]


@pytest.mark.parametrize(
    ("match", "environment", "is_judged"),
    [
        ("blueprints: [assistant]", None, True),
        ("blueprints: ['assist*', other]", None, True),
        ("blueprints: [other]", None, False),
        ("environments: [production]", None, False),
        ("labels: {tier: gold}", None, False),
    ],
)
def test_a_policy_is_about_the_blueprints_it_matches(
    judged: Judge, match: str, environment: str | None, is_judged: bool
) -> None:
    found = judged(f"  match: {{{match}}}\n" + _rule(_NEVER), environment=environment)
    assert bool(found) is is_judged


def _waived(expires: str, blueprints: str = "assistant") -> str:
    text = f"{{blueprints: [{blueprints}], owner: store systems, reason: new boards, expires: {expires}}}"
    return f"      waivers:\n        - {text}\n"


def test_a_waiver_holds_on_its_last_day(judged: Judge) -> None:
    (found,) = judged(_rule(_NEVER, _waived("2026-11-23")))
    assert (found.slug, found.severity) == ("waiver-expiring", Severity.WARNING)
    assert "ends today, on 2026-11-23" in found.message


def test_a_waiver_with_time_left_says_nothing(judged: Judge) -> None:
    assert judged(_rule(_NEVER, _waived("2027-03-01"))) == []


def test_a_waiver_that_ends_within_two_weeks_is_told(judged: Judge) -> None:
    assert [d.slug for d in judged(_rule(_NEVER, _waived("2026-12-07")))] == ["waiver-expiring"]
    assert judged(_rule(_NEVER, _waived("2026-12-08"))) == []


def test_an_expired_waiver_leaves_the_rule_broken_and_says_whose_it_was(judged: Judge) -> None:
    (found,) = judged(_rule(_NEVER, _waived("2026-11-22")))
    assert (found.slug, found.severity) == ("policy-violation", Severity.ERROR)
    assert found.notes == ("waiver of store systems expired on 2026-11-22",)
    assert str(found.related[1].span) == "policies/org.yaml:10:11"


@pytest.mark.parametrize(("expression", "blueprints"), [("1 < 2", "assistant"), (_NEVER, "other"), ("1 < 2", "'o*'")])
def test_a_waiver_that_nobody_needs_is_told(judged: Judge, expression: str, blueprints: str) -> None:
    found = judged(_rule(expression, _waived("2027-03-01", blueprints)))
    assert [d.slug for d in found if d.slug != "policy-violation"] == ["waiver-unused"]


def test_a_waiver_of_an_extended_rule_names_the_rule(judged: Judge) -> None:
    waiver = "blueprints: [assistant], owner: ops, reason: lab, expires: 2027-03-01"
    assert judged(f"  extends: [maximum-power]\n  waivers: [{{rule: at-most-15-watts, {waiver}}}]\n") == []
    found = judged(f"  extends: [maximum-power]\n  waivers: [{{rule: at-most-15-watt, {waiver}}}]\n")
    assert {d.slug for d in found} == {"unknown-rule", "policy-violation"}
    assert next(d for d in found if d.slug == "unknown-rule").hint == "did you mean 'at-most-15-watts'?"


def test_an_unknown_shipped_policy_names_the_closest(judged: Judge) -> None:
    (found,) = judged("  extends: [maximum-powr]\n")
    assert (found.slug, found.hint) == ("unknown-policy", "did you mean 'maximum-power'?")


def test_a_rule_about_an_absent_lock_is_not_judged_and_says_so(judged: Judge) -> None:
    (found,) = judged(_rule("lock.entries.all(e, has(e.license))"))
    assert (found.slug, found.severity) == ("policy-not-judged", Severity.WARNING)
    assert "assistant has no lock yet" in found.message


def test_organisation_policies_hold_for_nobody_who_does_not_extend_them(root: Path) -> None:
    assert not load_repository(root).policies
    assert shipped_policies()


def test_a_repository_without_policies_never_loads_cel(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from edgewright.check.run import check;"
        "from edgewright.load.documents import load_repository; from edgewright.plugins.registry import Registry;"
        f"check(load_repository(Path({str(root)!r})), Registry());"
        "sys.exit(any(m.startswith(('cel_expr_python', 'edgewright.check.policies')) for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_check_judges_policies_and_lock_does_not(root: Path) -> None:
    (root / "policies").mkdir()
    (root / "policies" / "org.yaml").write_text(_POLICY + _rule(_NEVER), encoding="utf-8")
    repository = load_repository(root)
    assert "policy-violation" in {d.slug for d in check(repository, Registry())}
    assert "policy-violation" not in {d.slug for d in check(repository, Registry(), policies=False)}


def test_many_groups_of_devices_are_judged_one_by_one(judged: Judge, root: Path) -> None:
    devices = "".join(
        f"    - {{name: d-{n}, target: x86-64-v3, site: s-{n}, connection: {{type: ssh, host: d{n}.example}}}}\n"
        for n in range(1200)
    )
    head = "apiVersion: edgewright/v1beta1\nkind: Fleet\nmetadata: {name: shops}\nspec:\n  devices:\n"
    (root / "fleet.yaml").write_text(head + devices, encoding="utf-8")
    assert judged(_rule("group.site != ''", "      each: group\n")) == []
    broken = judged(_rule("group.site == ''", "      each: group\n"))
    assert len(broken) == 21
    assert broken[-1].message.startswith("1,180 more break rule it-holds") or "1,180 more" in str(broken)
    (whole,) = judged(_rule("fleet.groups.all(g, g.site != '')"))
    assert whole.slug == "policy-not-judged"
    assert "each: group" in whole.message


# signatures of commits


def _key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    return path


def _signed(git: GitRepository, key: Path, files: dict[str, str | bytes]) -> str:
    git.git("config", "gpg.format", "ssh")
    git.git("config", "user.signingKey", str(key))
    return git.commit(files, "signed", "--gpg-sign")


def _signer(key: Path) -> bytes:
    return b"ops@example.com " + key.with_suffix(".pub").read_bytes()


_SIGNED = _POLICY + "  extends: [signed-commits]\n"


@pytest.fixture
def git(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    monkeypatch.delenv(VARIABLE, raising=False)
    repository = GitRepository(root)
    repository.commit({"policies/org.yaml": _SIGNED, "allowed_signers": _signer(_key(tmp_path, "ours"))}, "first")
    return repository


def _about_commit(root: Path, commit: CheckedCommit | None = None) -> list[str]:
    return [d.message for d in judge(load_repository(root), Registry(), _TODAY, commit=commit)]


def test_a_commit_signed_by_a_key_that_was_trusted_before_it_is_signed(git: GitRepository, tmp_path: Path) -> None:
    _signed(git, tmp_path / "ours", {"note.txt": "one"})
    assert _about_commit(git.root) == []


def test_an_unsigned_commit_is_not_signed(git: GitRepository) -> None:
    git.commit({"note.txt": "one"}, "unsigned")
    assert "is unsigned" in _about_commit(git.root)[0]


def test_a_commit_cannot_bring_the_key_that_it_is_signed_with(git: GitRepository, tmp_path: Path) -> None:
    other = _key(tmp_path, "other")
    _signed(git, other, {"allowed_signers": _signer(other)})
    assert "is unknown-key" in _about_commit(git.root)[0]


def test_the_list_of_the_controller_takes_precedence(
    git: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _key(tmp_path, "other")
    _signed(git, other, {"note.txt": "one"})
    assert "is unknown-key" in _about_commit(git.root)[0]
    (tmp_path / "list").write_bytes(_signer(other))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "list"))
    assert _about_commit(git.root) == []


def test_the_first_commit_trusts_nobody(root: Path, tmp_path: Path) -> None:
    git = GitRepository(root)
    key = _key(tmp_path, "ours")
    _signed(git, key, {"policies/org.yaml": _SIGNED, "allowed_signers": _signer(key)})
    assert "nobody is trusted yet" in _about_commit(root)[0]


def test_changes_that_no_commit_holds_are_not_signed(git: GitRepository, tmp_path: Path) -> None:
    _signed(git, tmp_path / "ours", {"note.txt": "one"})
    git.write({"fleet.yaml": (git.root / "fleet.yaml").read_text() + "# changed\n"})
    assert "changes that no commit holds" in _about_commit(git.root)[0]


def test_a_revision_that_lies_elsewhere_is_judged_by_its_own_commit(git: GitRepository, tmp_path: Path) -> None:
    good = _signed(git, tmp_path / "ours", {"note.txt": "one"})
    git.commit({"note.txt": "two"}, "unsigned")
    laid_out = shutil.copytree(git.root, tmp_path / "laid-out", ignore=shutil.ignore_patterns(".git"))
    assert _about_commit(laid_out, CheckedCommit(git.root, good)) == []
    assert "is not in Git" in _about_commit(laid_out)[0]


@pytest.mark.parametrize("day", ["2027-02-30", "soon", "2027-3-1", "20270301", "2027-03-01T00:00:00"])
def test_a_waiver_ends_on_a_day_that_exists(root: Path, day: str) -> None:
    (root / "policies").mkdir()
    (root / "policies" / "org.yaml").write_text(_POLICY + _rule(_NEVER, _waived(day)), encoding="utf-8")
    (problem,) = load_repository(root, keep_problems=True).problems
    assert "is not a date such as 2027-03-01" in problem.message


@pytest.mark.parametrize("name", ["../../etc/passwd", "-oProxyCommand=x", "$(touch pwned)", "{{ x }}", "a\\nb"])
def test_hostile_names_are_refused_before_anything_is_read(root: Path, name: str) -> None:
    (root / "policies").mkdir()
    (root / "policies" / "org.yaml").write_text(_POLICY + f'  extends: ["{name}"]\n', encoding="utf-8")
    (problem,) = load_repository(root, keep_problems=True).problems
    assert problem.slug == "wrong-form"
