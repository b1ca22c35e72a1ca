"""The command line: lazy, one boundary, documented exit codes, stdout for results only."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from edgewright.cli import main as entry
from edgewright.cli.arguments import Invocation, output_option, repository_argument
from edgewright.cli.output.terminal import color_of
from edgewright.kernel.diagnostics import ExitCode, fail

Install = Callable[[BaseException], None]
_ROOT = Path(__file__).parents[3]
_BASE = _ROOT / "tests" / "golden" / "bad" / "base"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Adds a command `check` whose body raises what the test chooses."""

    def install(error: BaseException) -> None:
        @click.command("check")
        @repository_argument
        @output_option
        def command(repository: Path, output: str) -> None:
            raise error

        monkeypatch.setattr(entry.LazyGroup, "get_command", lambda *_: command)

    return install


def test_help_imports_click_and_no_command() -> None:
    script = (
        "import sys; sys.argv = ['edgewright', '--help']\n"
        "from edgewright.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "foreign = {n.split('.')[0] for n in sys.modules} & "
        "{'pydantic', 'yaml', 'rich', 'jinja2', 'jsonschema', 'torch', 'numpy', 'ansible_runner'}\n"
        "assert not foreign, foreign\n"
        "ours = {n for n in sys.modules if n.startswith('edgewright')}\n"
        "assert ours == {'edgewright', 'edgewright.cli', 'edgewright.cli.main', 'edgewright.cli.arguments'}, ours\n"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert all(f"\n  {name} " in finished.stdout for name in entry.COMMANDS)


@pytest.mark.parametrize("name", sorted(entry.COMMANDS))
def test_every_command_has_a_module_and_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert importlib.util.find_spec(f"edgewright.cli.{name}") is not None
    assert entry.run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: edgewright {name}")


def test_every_command_module_is_listed() -> None:
    folder = _ROOT / "compiler" / "edgewright" / "cli"
    modules = {p.stem for p in folder.glob("*.py") if re.search(r"^def command\(", p.read_text("utf-8"), re.MULTILINE)}
    assert modules == entry.COMMANDS.keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["chek"], "Did you mean 'check'?"), (["check", "--nonsense"], "No such option"), (["check", "-o", "xml"], "xml")],
)
def test_wrong_command_line_is_exit_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(arguments) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_diagnostics_go_to_stderr_and_their_exit_code_is_kept(
    failing: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(fail("missing-tool", "qemu is missing", exit_code=ExitCode.MISSING, hint="install it"))
    assert entry.run(["check"]) == ExitCode.MISSING
    printed = capsys.readouterr()
    assert printed.err == "error: missing-tool  qemu is missing\n  = hint: install it\n"
    assert printed.out == ""


@pytest.mark.parametrize("arguments", [["-o", "json", "check"], ["check", "--output", "json"], ["check", "-ojson"]])
def test_diagnostics_as_json_go_to_stdout(
    arguments: list[str], failing: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(fail("missing-tool", "qemu is missing"))
    assert entry.run(arguments) == ExitCode.DOCUMENTS
    printed = capsys.readouterr()
    assert json.loads(printed.out)["diagnostics"][0]["slug"] == "missing-tool"
    assert printed.err == ""


def test_interruption_is_exit_130(failing: Install, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    assert entry.run(["check"]) == ExitCode.INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("debug", [False, True])
def test_bug_is_exit_1_with_a_crash_file_and_a_traceback_only_with_debug(
    debug: bool, failing: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path))
    failing(ZeroDivisionError("division by zero"))
    assert entry.run([*(["--debug"] if debug else []), "check"]) == ExitCode.BUG
    printed = capsys.readouterr().err
    assert ("Traceback" in printed) is debug
    crash = next((tmp_path / "crashes").iterdir())
    assert str(crash) in printed
    assert "ZeroDivisionError" in crash.read_text(encoding="utf-8")


def test_full_disk_is_not_a_bug(failing: Install, capsys: pytest.CaptureFixture[str]) -> None:
    failing(OSError(28, "No space left on device", "dist/release"))
    assert entry.run(["check"]) == ExitCode.MISSING
    assert "file-system  dist/release: no space left on device" in capsys.readouterr().err


def test_paths_are_shown_as_from_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_BASE.parents[1])
    assert entry.run(["check", "bad/unknown-kind"]) == ExitCode.DOCUMENTS
    assert " --> bad/unknown-kind/blueprint.yaml:2:7\n" in capsys.readouterr().err
    monkeypatch.chdir(_BASE.parent / "unknown-kind")
    assert entry.run(["check"]) == ExitCode.DOCUMENTS
    assert " --> blueprint.yaml:2:7\n" in capsys.readouterr().err


def test_check_as_json_has_the_estimates_with_their_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["check", str(_BASE), "-o", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["blueprints"] == ["assistant"]
    assert {row["what"] for row in result["estimates"]} == {"memory", "disk", "decode_rate"}
    assert all(row["formula"] and row["kind"] == "estimated from declared facts" for row in result["estimates"])


def test_no_color_wins_over_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert color_of("stderr")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not color_of("stderr")


def test_invocation_remembers_what_the_boundary_needs() -> None:
    assert Invocation() == Invocation(Path(), "text", debug=False)


_WRONG = str(_BASE.parent / "unknown-kind")


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        (">&- <&-", ["targets"], 0),
        (">&- 2>&- <&-", ["targets"], 0),
        ("2>&-", ["check", _WRONG], 3),
        (">/dev/full", ["targets", "--output", "json"], 7),
        (">/dev/full", ["check", _WRONG, "--output", "json"], 7),
        ("2>/dev/full", ["check", _WRONG], 7),
        ("2>/dev/full", ["check", "--nonsense"], 2),
    ],
)
def test_closed_and_full_outputs_end_in_the_documented_code(closed: str, arguments: list[str], code: int) -> None:
    ended = _shell(f'"$@" {closed}', arguments)
    assert (ended.returncode, "bug" in ended.stderr) == (code, False), ended.stderr


@pytest.mark.parametrize("arguments", [["schema", "Blueprint"], ["check", _WRONG, "--output", "json"]])
def test_a_reader_that_has_gone_is_no_bug_and_nothing_is_said_of_it(arguments: list[str]) -> None:
    ended = _shell('"$@" | true; exit "${PIPESTATUS[0]}"', arguments)
    assert (ended.returncode, ended.stderr) == (ExitCode.READER_GONE, "")


def test_a_cache_that_cannot_be_a_folder_is_named_and_is_no_bug(
    failing: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(NotADirectoryError(20, "Not a directory", "/dev/null/scratch"))
    assert entry.run(["check"]) == ExitCode.MISSING
    assert "file-system  /dev/null/scratch: not a directory" in capsys.readouterr().err


def test_a_current_folder_that_was_removed_is_no_bug(failing: Install, capsys: pytest.CaptureFixture[str]) -> None:
    failing(FileNotFoundError(2, "No such file or directory"))
    assert entry.run(["check"]) == ExitCode.MISSING
    assert "file-system  the current folder was removed" in capsys.readouterr().err


def _shell(script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", script, "bash", sys.executable, "-m", "edgewright.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
