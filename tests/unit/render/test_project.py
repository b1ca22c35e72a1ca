"""The rendered project: pure, small, and without a value that Ansible could take for code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.render.inventory import device_options, host_variables, refuse_templates
from edgewright.render.project import render
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.fleet import Connection, Device


@dataclass(frozen=True)
class FakeLayer:
    digest: str
    role: str


@dataclass(frozen=True)
class FakeTarget:
    manifest_digest: str
    layers: tuple[FakeLayer, ...]


@dataclass(frozen=True)
class FakeRelease:
    """A release as values; the real view needs real signatures."""

    path: Path
    targets: dict[str, FakeTarget]
    blueprint: str = "shop"
    version: str = "1.4.0"
    number: int = 1_004_000
    principal: str = "edgewright"


SIGNERS = b'edgewright namespaces="edgewright-release" ssh-ed25519 AAAA\n'


def release(folder: Path) -> FakeRelease:
    layers = tuple(FakeLayer("sha256:" + digit * 64, role) for digit, role in (("a", "artifact"), ("b", "agent")))
    return FakeRelease(folder, {"x86-64-v3": FakeTarget("sha256:" + "c" * 64, layers)})


def blueprint(**rollout: Any) -> Blueprint:
    return Blueprint.model_validate(
        {
            "apiVersion": "edgewright/v1beta1",
            "kind": "Blueprint",
            "metadata": {"name": "shop", "version": "1.4.0", "description": "{{ 7 * 7 }} {% raw %}"},
            "spec": {
                "model": {"task": "embeddings", "source": {"type": "directory", "path": "model"}},
                "compression": {"policy": "int8"},
                "builds": ({"backend": "tvm", "targets": ("x86-64-v3",)},),
                "evaluation": {"dataset": "data.jsonl"},
                "gates": (
                    {"metric": "cosine_mean", "min": 0.9},
                    {"metric": "latency_p95", "max": "250ms", "where": "device"},
                    {"metric": "decode_rate", "min": 8, "where": "device", "backends": ("onnxruntime",)},
                ),
                "fleet": {"ref": "shops"},
                "rollout": {"waves": ({"canary": {"perTarget": 1}}, "50%", "100%"), "confirmTimeout": "2m", **rollout},
            },
        }
    )


def fleet() -> list[Device]:
    return [
        Device(name="till-1", target="x86-64-v3", site="berlin", labels={"tier": "gold"}),
        Device(
            name="till-2",
            target="x86-64-v3",
            port=9000,
            connection=Connection(type="ssh", host="10.0.0.2", user="ops", become=True, known_hosts_file="/etc/known"),
        ),
        Device(name="till-3", target="x86-64-v3", root="/srv/edge", supervisor="process"),
    ]


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_rendering_twice_gives_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    for name, devices in (("one", fleet()), ("two", fleet()[::-1])):
        render(blueprint(), devices, release(tmp_path), SIGNERS, tmp_path / name / "ansible")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert (tmp_path / "one" / "ansible" / "allowed_signers").read_bytes() == SIGNERS


def test_every_wave_has_an_inventory_and_together_they_are_the_fleet(tmp_path: Path) -> None:
    waves = render(blueprint(), fleet(), release(tmp_path), SIGNERS, tmp_path / "ansible")
    folder = tmp_path / "ansible" / "inventories"
    assert sorted(p.stem for p in folder.iterdir()) == sorted([*(wave.name for wave in waves), "all"])
    hosts = [name for wave in waves for name in json.loads((folder / f"{wave.name}.json").read_text())["all"]["hosts"]]
    assert sorted(hosts) == sorted(json.loads((folder / "all.json").read_text())["all"]["hosts"])


def test_only_digests_names_and_numbers_reach_ansible(tmp_path: Path) -> None:
    render(blueprint(), fleet(), release(tmp_path), SIGNERS, tmp_path / "ansible")
    for name, content in tree(tmp_path / "ansible").items():
        if name.startswith(("inventories/", "vars/release")):
            text = content.decode()
            refuse_templates(json.loads(text), name)
            assert "gold" not in text, "a label reached Ansible"
            assert "7 * 7" not in text


def test_a_template_in_a_value_is_refused_even_when_the_language_let_it_pass(tmp_path: Path) -> None:
    hostile = fleet()[1].connection.model_copy(update={"host": "{{ lookup('pipe', 'id') }}"})
    devices = [fleet()[0], fleet()[1].model_copy(update={"connection": hostile})]
    with pytest.raises(EdgewrightError) as refused:
        render(blueprint(), devices, release(tmp_path), SIGNERS, tmp_path / "ansible")
    assert refused.value.diagnostics[0].slug == "value-not-plain"
    assert refused.value.diagnostics[0].subject == "till-2"
    assert not (tmp_path / "ansible").exists(), "half a project was written"


@given(st.text(min_size=1), st.sampled_from(["{{", "{%", "{#", "'", '"', "$", "`", "\n", "\\", ";", "&", "|"]))
def test_no_text_with_a_brace_or_quote_is_plain(text: str, piece: str) -> None:
    with pytest.raises(EdgewrightError):
        refuse_templates({"key": [text + piece]}, "subject")


def test_device_options_carry_the_gates_of_that_device() -> None:
    options = device_options(fleet()[1], blueprint(), "tvm", "edgewright")
    assert options["gates"] == [{"metric": "latency_p95", "max": 0.25}]
    assert options["listen"] == {"host": "127.0.0.1", "port": 9000}
    assert options["confirm_timeout_s"] == 120
    assert options["supervisor"] == "systemd"


def test_host_variables_follow_the_connection() -> None:
    local, ssh, _ = (host_variables(device, "shop") for device in fleet())
    assert local["ansible_connection"] == "local"
    assert local["edgewright_root"] == "/opt/edgewright/shop"
    assert (ssh["ansible_host"], ssh["ansible_user"], ssh["ansible_become"]) == ("10.0.0.2", "ops", True)
    assert "UserKnownHostsFile=/etc/known" in ssh["ansible_ssh_common_args"]
    assert "ansible_remote_tmp" not in ssh


def test_device_of_a_target_that_was_not_built_is_named(tmp_path: Path) -> None:
    stranger = Device(name="pi-1", target="raspberry-pi-5-8g")
    with pytest.raises(EdgewrightError) as refused:
        render(blueprint(), [*fleet(), stranger], release(tmp_path), SIGNERS, tmp_path / "ansible")
    [diagnostic] = refused.value.diagnostics
    assert (diagnostic.slug, diagnostic.subject) == ("release-for-other-target", "pi-1")


def test_playbooks_use_argument_lists_and_no_shell() -> None:
    root = Path(__file__).resolve().parents[3] / "playbooks"
    text = "".join(p.read_text() for p in root.rglob("*.yml"))
    assert "ansible.builtin.shell" not in text
    assert "ansible.builtin.raw" not in text
    for path in root.rglob("roles/*/tasks/main.yml"):
        used = set(_variables(path.read_text()))
        spec = yaml.safe_load((path.parents[1] / "meta" / "argument_specs.yml").read_text())
        declared = set(spec["argument_specs"]["main"]["options"])
        assert used <= declared, f"{path.parents[1].name} uses {used - declared} without declaring it"
        assert declared <= used, f"{path.parents[1].name} declares {declared - used} and does not use it"


def test_keep_alives_notice_a_dead_link_in_under_twenty_seconds() -> None:
    root = Path(__file__).resolve().parents[3] / "playbooks" / "project"
    for text in ((root / "ansible.cfg").read_text(), (root / "playbooks" / "confirm.yml").read_text()):
        assert "ServerAliveInterval=3" in text
        assert "ServerAliveCountMax=3" in text
        assert "ConnectTimeout=10" in text


def _variables(text: str) -> list[str]:
    import re  # noqa: PLC0415

    return re.findall(r"\bedgewright_[a-z_]+", text)
