"""Environments on the command line: which overlays are merged, and where results lie."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from tests.unit.load.overlay_repository import overlay, patch, write

from edgewright.cli.fleets import ledger_path, open_sessions
from edgewright.cli.main import COMMANDS, cli, run
from edgewright.cli.places import dist_folder, ledger_file

_ROOT = Path(__file__).parents[3]
_OF_THE_CHAIN = ("check", "lock", "build", "evaluate", "package", "compile", "render", "rollout", "rollback", "status")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = write(
        tmp_path,
        {
            "overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}"),
            "overlays/rhine/site.yaml": overlay("devices: {connection: {user: rhine}}"),
        },
    )
    (root / "data").mkdir()
    (root / "data/questions.jsonl").write_text('{"text": "when do you open"}\n' * 4)
    return root


@pytest.mark.parametrize("name", (*_OF_THE_CHAIN, "show"))
def test_commands_of_the_chain_take_an_environment(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    option = next(p for p in command.params if isinstance(p, click.Option) and "--environment" in p.opts)
    assert "-e" in option.opts
    assert option.envvar == "EDGEWRIGHT_ENVIRONMENT"
    assert name in COMMANDS


def test_variable_names_the_environment(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def context() -> object:
        assert run(["show", "search", str(repository), "-o", "json"]) == 0
        values = json.loads(capsys.readouterr().out)[0]["values"]
        return next(v["value"] for v in values if v["path"] == ["spec", "model", "context"])

    assert context() == 256
    monkeypatch.setenv("EDGEWRIGHT_ENVIRONMENT", "live")
    assert context() == 128


@pytest.mark.parametrize("name", ["check", "lock", "render", "show", "rollout"])
def test_unknown_environment_ends_the_command(repository: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["search"] if name == "show" else []
    assert run([name, *arguments, str(repository), "-e", "life"]) == 2
    assert "did you mean 'live'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../../etc", "-oProxyCommand=x", "$(id)", "a\nb", "{{ x }}", "rhine", "", "."])
def test_hostile_environment_names_are_unknown(repository: Path, name: str) -> None:
    assert run(["check", str(repository), f"--environment={name}"]) == 2


def test_results_of_an_environment_have_folders_of_their_own(tmp_path: Path) -> None:
    assert dist_folder(tmp_path, "search") == tmp_path / "dist/search"
    assert dist_folder(tmp_path, "search", "live") == tmp_path / "dist/live/search"
    assert ledger_file(tmp_path, "live") == tmp_path / ".edgewright/live/ledger.db"
    assert ledger_path(tmp_path, None) == tmp_path / ".edgewright/ledger.db"
    assert ledger_path(tmp_path, tmp_path / "x.db", "live") == tmp_path / "x.db"


def test_show_prints_other_documents_and_refuses_what_is_not_there(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", "fleet/shops", str(repository), "--origin"]) == 0
    printed = capsys.readouterr().out
    assert "overlays/rhine/site.yaml:5" in printed
    assert "port: 22 " in printed
    assert run(["show", "target/x86-64-v3", str(repository)]) == 0
    capsys.readouterr()
    for wrong in ("serch", "fleet/shop", "flet/shops", "fleet/", "../search", "compressionpolicy/int9-decoder"):
        assert run(["show", wrong, str(repository)]) == 2
        assert "did you mean" in capsys.readouterr().err or wrong in {"fleet/", "../search"}


def test_show_of_a_wrong_document_says_what_is_wrong(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = repository / "overlays/live/a.yaml"
    path.write_text(path.read_text().replace("context: 128", "context: 1"))
    assert run(["show", "search", str(repository)]) == 0
    capsys.readouterr()
    assert run(["show", "search", str(repository), "-e", "live"]) == 3
    assert "spec.model.context is 1, at least 16 allowed" in capsys.readouterr().err


def test_text_of_several_lines_is_shown_in_one(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = repository / "blueprint.yaml"
    path.write_text(
        path.read_text().replace("version: 1.0.0, labels", 'version: 1.0.0, description: "a\\tb\\nc: d # e", labels')
    )
    assert run(["show", "search", str(repository)]) == 0
    printed = capsys.readouterr().out
    assert r'description: "a\tb\nc: d # e"' in printed


@pytest.mark.parametrize("name", ["status", "audit", "drift", "check", "show"])
@pytest.mark.parametrize(
    "environment", ["lvie", "", "../x", "-oProxyCommand=id", "$(id)", "{{ x }}", "a\nb", "live\n", "A"]
)
def test_environment_that_there_is_not_is_said_before_anything_is_opened(
    name: str, environment: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = ["search"] if name == "show" else []
    assert run([name, *document, str(repository), f"--environment={environment}"]) == 2
    printed = capsys.readouterr().err
    assert "unknown-environment" in printed
    assert ("did you mean 'live'?" in printed) == (environment == "lvie")
    assert not (repository / ".edgewright").exists()


def test_environment_without_a_ledger_is_told_of_as_such(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(repository), "-e", "live"]) == 7
    assert "no-ledger" in capsys.readouterr().err


def test_rollout_reaches_hosts_as_the_overlays_of_their_sites_say(repository: Path) -> None:
    hosts = "all: {hosts: {one: {edgewright_target: x86-64-v3, edgewright_site: rhine, ansible_user: edge}}}\n"
    (repository / "hosts.yml").write_text(hosts)
    fleet = (
        "apiVersion: edgewright/v1beta1\nkind: Fleet\nmetadata: {name: shops}\nspec: {inventory: {path: hosts.yml}}\n"
    )
    (repository / "fleet.yaml").write_text(fleet)
    (repository / "overlays/live/sites").mkdir()
    (repository / "overlays/live/sites/rhine.yaml").write_text(overlay("devices: {connection: {user: live}}"))
    for environment, user in ((None, "rhine"), ("live", "live")):
        with open_sessions(repository, (), None, environment=environment) as [session]:
            assert [device.connection.user for device in session.fleet_devices()] == [user]
