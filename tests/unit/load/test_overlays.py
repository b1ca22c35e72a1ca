"""Overlays: what is merged into what, where merged values come from, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.unit.load.overlay_repository import FLEET, HEAD, overlay, patch, write

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, Severity
from edgewright.load.documents import Repository, load_environments, load_repository


def _load(root: Path, files: dict[str, str], environment: str | None = "live") -> Repository:
    return load_repository(write(root, files), keep_problems=True, environment=environment)


def _problems(root: Path, files: dict[str, str], environment: str | None = "live") -> list[tuple[str, str]]:
    found = _load(root, files, environment).problems
    return sorted((p.slug, f"{p.span.path}:{p.span.line}" if p.span else "") for p in found)


def _spec(repository: Repository) -> Any:
    assert [p.message for p in repository.problems] == []
    return repository.blueprints["search"].document.spec


def test_mappings_merge_by_key_and_other_lists_are_replaced(tmp_path: Path) -> None:
    body = "{spec: {rollout: {soak: 1h, waves: [50%, 100%]}, model: {context: 128}}}"
    spec = _spec(_load(tmp_path, {"overlays/live/a.yaml": patch(body)}))
    assert (spec.rollout.soak, spec.rollout.waves, spec.model.context) == (3600, (0.5, 1.0), 128)
    assert spec.model.source.package == "tiny"


def test_without_the_environment_its_overlays_do_not_hold(tmp_path: Path) -> None:
    repository = _load(tmp_path, {"overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}")}, None)
    assert _spec(repository).model.context == 256
    assert len(repository.blueprints["search"].origins) == 1


def test_gates_merge_by_what_they_measure_and_where(tmp_path: Path) -> None:
    body = "{spec: {gates: [{metric: cosine_min, min: 0.99}, {metric: peak_memory, max: 1GiB}]}}"
    gates = _spec(_load(tmp_path, {"overlays/live/a.yaml": patch(body)})).gates
    found = [(gate.metric, gate.min or gate.max, gate.where) for gate in gates]
    assert found == [
        ("cosine_min", 0.99, "build"),
        ("peak_memory", 512 * 2**20, "device"),
        ("peak_memory", 2**30, "build"),
    ]


def test_builds_merge_by_backend_and_by_targets_where_several_have_it(tmp_path: Path) -> None:
    body = (
        "{spec: {builds: [{backend: onnxruntime, targets: [x86-64-v3, rk3588-8g]}, "
        "{backend: tvm, targets: [riscv64-rvv], sequenceLengths: [64]}]}}"
    )
    builds = _spec(_load(tmp_path, {"overlays/live/a.yaml": patch(body)})).builds
    assert [build.targets for build in builds] == [("x86-64-v3", "rk3588-8g"), ("intel-n100",), ("riscv64-rvv",)]
    assert builds[2].sequence_lengths == (64,)


def test_build_that_could_be_several_is_ambiguous(tmp_path: Path) -> None:
    files = {"overlays/live/a.yaml": patch("{spec: {builds: [{backend: tvm, sequenceLengths: [64]}]}}")}
    assert _problems(tmp_path, files) == [("overlay-ambiguous", "overlays/live/a.yaml:5")]


def test_devices_merge_by_name_and_new_ones_are_added(tmp_path: Path) -> None:
    new = "{name: four, target: x86-64-v3, connection: {type: local}}"
    body = f"{{spec: {{devices: [{{name: two, servicePort: 9000}}, {new}]}}}}"
    fleet = _load(tmp_path, {"overlays/live/a.yaml": patch(body, kind="Fleet")}).fleets["shops"].document
    assert [(d.name, d.port) for d in fleet.spec.devices or ()] == [
        ("one", None),
        ("two", 9000),
        ("three", None),
        ("four", None),
    ]


def test_null_takes_a_key_away_and_what_then_lacks_is_said_there(tmp_path: Path) -> None:
    files = {"overlays/live/a.yaml": patch("{spec: {service: {threads: null}}}")}
    assert _spec(_load(tmp_path, files)).service.threads is None
    files = {"overlays/live/a.yaml": patch("{spec: {fleet: null}}")}
    assert _problems(tmp_path, files) == [("missing-key", "overlays/live/a.yaml:5")]


def test_source_of_another_type_replaces_the_whole_source(tmp_path: Path) -> None:
    body = "{spec: {model: {source: {type: directory, path: models/tiny}}}}"
    source = _spec(_load(tmp_path, {"overlays/live/a.yaml": patch(body)})).model.source
    assert source.model_dump(exclude_none=True) == {"type": "directory", "path": "models/tiny"}


def test_overlay_of_a_site_holds_always_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {connection: {user: rhine, become: true}, supervisor: process}"),
        "overlays/live/sites/rhine.yaml": overlay("devices: {connection: {user: live}}"),
    }

    def devices(environment: str | None) -> list[tuple[str, str | None, bool, str]]:
        fleet = load_repository(write(tmp_path, files), environment=environment).fleets["shops"].document
        return [(d.name, d.connection.user, d.connection.become, d.supervisor) for d in fleet.spec.devices or ()]

    assert devices(None) == [
        ("one", "rhine", True, "process"),
        ("two", "rhine", True, "process"),
        ("three", "edge", False, "systemd"),
    ]
    assert [user for _, user, _, _ in devices("live")] == ["live", "live", "edge"]


def test_device_without_a_site_is_at_the_default_site(tmp_path: Path) -> None:
    files = {"overlays/default/site.yaml": overlay("devices: {root: /srv/edge}")}
    fleet = _load(tmp_path, files, None).fleets["shops"].document
    assert [device.root for device in fleet.spec.devices or ()] == [None, None, "/srv/edge"]


def test_patch_holds_for_names_that_match_and_labels_that_are_there(tmp_path: Path) -> None:
    body = "{spec: {model: {context: 128}}}"
    for more, context in (("name: se*, ", 128), ("labels: {tier: front}, ", 128)):
        assert _spec(_load(tmp_path, {"overlays/live/a.yaml": patch(body, more=more)})).model.context == context
    files = {"overlays/live/a.yaml": patch(body, more="labels: {tier: back}, ")}
    assert [slug for slug, _ in _problems(tmp_path, files)] == ["overlay-unused"]


def test_places_of_merged_values_are_in_the_overlay(tmp_path: Path) -> None:
    text = overlay(
        "patches:\n"
        "  - kind: Blueprint\n"
        "    patch:\n"
        "      spec:\n"
        "        service:\n"
        "          threads: 4\n"
        "        model: {context: 128}"
    )
    loaded = _load(tmp_path, {"overlays/live/a.yaml": text}).blueprints["search"]
    assert str(loaded.spans.span(("spec", "service", "threads"))) == "overlays/live/a.yaml:10:20"
    assert str(loaded.spans.key_span(("spec", "model", "context"))) == "overlays/live/a.yaml:11:17"
    assert loaded.spans.span(("spec", "model", "task")).path == "blueprint.yaml"
    assert [origin.path for origin in loaded.origins] == ["blueprint.yaml", "overlays/live/a.yaml"]


def test_digest_is_of_all_that_was_merged(tmp_path: Path) -> None:
    plain = _load(tmp_path, {"overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}")}, None)
    one = load_repository(tmp_path, environment="live")
    two = _load(tmp_path, {"overlays/live/a.yaml": patch("{spec: {model: {context: 64}}}")})
    assert len({r.blueprints["search"].digest for r in (plain, one, two)}) == 3


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ("{spec: {service: {threads: 4000}}}", "out-of-range"),
        ("{spec: {service: {thread: 4}}}", "unknown-key"),
        ("{spec: {model: {task: chat}}}", "unknown-value"),
        ("{spec: {fleet: shops}}", "wrong-type"),
        ("{spec: {devices: []}}", "unknown-key"),
        ("{metadata: {name: other}}", "wrong-value"),
        ("{kind: Fleet}", "unknown-key"),
        ("{spec: {gates: [1]}}", "wrong-type"),
        ("{}", "wrong-value"),
    ],
)
def test_mistakes_are_reported_in_the_overlay_once(tmp_path: Path, body: str, slug: str) -> None:
    second = FLEET.replace("shops", "more")
    files = {"overlays/live/a.yaml": patch(body), "more.yaml": second}
    assert (slug, "overlays/live/a.yaml:5") in _problems(tmp_path, files)
    assert len(_problems(tmp_path, files)) == 1


def test_mistake_says_what_it_was_merged_into(tmp_path: Path) -> None:
    repository = _load(tmp_path, {"overlays/live/a.yaml": patch("{spec: {service: {threads: 4000}}}")})
    (related,) = repository.problems[0].related
    assert (related.message, str(related.span)) == ("merged into Blueprint search", "blueprint.yaml:3:18")
    assert ("Blueprint", "search") in repository.broken


def test_device_that_only_an_overlay_names_may_be_a_misspelt_one(tmp_path: Path) -> None:
    body = "{spec: {devices: [{name: tow, servicePort: 9000}]}}"
    [problem] = _load(tmp_path, {"overlays/live/a.yaml": patch(body, kind="Fleet")}).problems
    assert (problem.slug, problem.hint) == ("missing-key", "'tow' is a new device here; did you mean 'two'?")


def test_mistake_of_a_whole_list_names_the_overlays_that_parts_came_from(tmp_path: Path) -> None:
    body = "{spec: {builds: [{backend: onnxruntime-genai, targets: [x86-64-v3]}]}}"
    [problem] = _load(tmp_path, {"overlays/live/a.yaml": patch(body)}).problems
    assert problem.span is not None
    assert problem.span.path == "blueprint.yaml"
    assert [(r.message, r.span.path, r.span.line) for r in problem.related] == [
        ("merged with this", "overlays/live/a.yaml", 5)
    ]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("{spec: {model: {context: 64}}}", "{spec: {model: {context: 128}}}"),
        ("{spec: {service: null}}", "{spec: {service: {port: 9000}}}"),
        ("{spec: {rollout: {waves: [100%]}}}", "{spec: {rollout: {waves: [10%, 100%]}}}"),
        (
            "{spec: {model: {source: {type: directory, path: m}}}}",
            "{spec: {model: {source: {version: 2.0.0}}}}",
        ),
        (
            "{spec: {gates: [{metric: cosine_min, min: 0.98}]}}",
            "{spec: {gates: [{metric: cosine_min, min: 0.99}]}}",
        ),
    ],
)
def test_two_overlays_that_disagree_are_a_conflict_in_whatever_order(tmp_path: Path, one: str, two: str) -> None:
    for first, second in ((one, two), (two, one)):
        files = {"overlays/live/a.yaml": patch(first), "overlays/live/b.yaml": patch(second)}
        assert ("overlay-conflict", "overlays/live/b.yaml:5") in _problems(tmp_path, files)


def test_two_overlays_that_agree_are_none(tmp_path: Path) -> None:
    body = "{spec: {model: {context: 64}}}"
    files = {"overlays/live/a.yaml": patch(body), "overlays/live/b.yaml": patch(body)}
    assert _spec(_load(tmp_path, files)).model.context == 64


def test_order_of_files_changes_nothing(tmp_path: Path) -> None:
    bodies = [
        "{spec: {model: {context: 64}, service: {threads: null}}}",
        "{spec: {service: {port: 9000}, gates: [{metric: cosine_min, min: 0.99}]}}",
        "{spec: {gates: [{metric: peak_memory, max: 1GiB, where: device}], rollout: {soak: 1h}}}",
    ]
    specs = []
    for order in itertools.permutations(range(3)):
        files = {f"overlays/live/{name}.yaml": patch(bodies[index]) for name, index in zip("abc", order, strict=True)}
        specs.append(_spec(_load(tmp_path, files)))
    assert all(spec == specs[0] for spec in specs)


def test_later_patch_of_one_file_goes_before_an_earlier_one(tmp_path: Path) -> None:
    text = overlay(
        "patches: [{kind: Blueprint, patch: {spec: {model: {context: 64}}}}, "
        "{kind: Blueprint, name: search, patch: {spec: {model: {context: 32}}}}]"
    )
    assert _spec(_load(tmp_path, {"overlays/live/a.yaml": text})).model.context == 32


def test_overlay_that_says_what_is_so_is_a_warning(tmp_path: Path) -> None:
    repository = _load(tmp_path, {"overlays/live/a.yaml": patch("{spec: {model: {context: 256}}}")})
    assert [(p.slug, p.severity) for p in repository.problems] == [("overlay-redundant", Severity.WARNING)]
    assert load_repository(tmp_path, environment="live").blueprints["search"]


def test_what_is_new_for_one_of_two_devices_is_not_redundant(tmp_path: Path) -> None:
    fleet = FLEET.replace("user: edge", "user: rhine", 1)
    files = {"fleet.yaml": fleet, "overlays/rhine/site.yaml": overlay("devices: {connection: {user: rhine}}")}
    assert _problems(tmp_path, files, None) == []


@pytest.mark.parametrize(
    ("path", "text", "slug"),
    [
        ("overlays/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/live/more/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/Live/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/-oProxyCommand=x/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/$(id)/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/search/a.yaml", patch("{spec: {model: {context: 128}}}"), "overlay-place"),
        ("elsewhere/a.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/live/a.yaml", FLEET, "overlay-place"),
        ("overlays/live/a.yaml", overlay("devices: {root: /srv}"), "overlay-place"),
        ("overlays/rhine/site.yaml", patch("{spec: {model: {context: 1}}}"), "overlay-place"),
        ("overlays/rhin/site.yaml", overlay("devices: {root: /srv}"), "overlay-unused"),
        ("overlays/live/a.yaml", patch("{spec: {cores: 2}}", kind="Target"), "unknown-value"),
        ("overlays/live/a.yaml", f"{HEAD.replace('beta', 'alpha')}kind: Overlay\n", "unknown-kind"),
        ("overlays/live/a.yaml", "apiVersion: apps/v1\nkind: Deployment\n", "unknown-api-version"),
        ("overlays/rhine/site.yaml", overlay("devices: {connection: {usr: x}}"), "unknown-key"),
        ("overlays/rhine/site.yaml", overlay("devices: {connection: {host: -oProxyCommand=x}}"), "unknown-key"),
        ("overlays/rhine/site.yaml", overlay("devices: {root: '/srv/{{ x }}'}"), "wrong-value"),
        ("overlays/rhine/site.yaml", overlay("devices: {connection: {user: '$(id)'}}"), "wrong-form"),
    ],
)
def test_overlay_in_a_wrong_place_or_form_is_refused(tmp_path: Path, path: str, text: str, slug: str) -> None:
    repositories = load_environments(write(tmp_path, {path: text}))
    found = {(p.slug, p.span.path) for repository in repositories for p in repository.problems if p.span}
    assert found == {(slug, path)}


def test_site_and_environment_of_one_name_are_refused(tmp_path: Path) -> None:
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {root: /srv}"),
        "overlays/rhine/a.yaml": patch("{spec: {model: {context: 64}}}"),
    }
    assert _problems(tmp_path, files, None) == [("overlay-place", "overlays/rhine/site.yaml:2")]


def test_folders_of_others_called_overlays_are_left_alone(tmp_path: Path) -> None:
    files = {"charts/overlays/live/kustomization.yaml": "apiVersion: kustomize/v1\nkind: Kustomization\n"}
    assert _problems(tmp_path, files, None) == []


def test_overlays_hold_below_the_folder_they_lie_in(tmp_path: Path) -> None:
    body = patch("{spec: {model: {context: 128}}}")
    files = {"north/overlays/live/a.yaml": body, "south/blueprint.yaml": "", "north/x": ""}
    root = write(tmp_path, files)
    text = (root / "blueprint.yaml").read_text()
    (root / "blueprint.yaml").unlink()
    (root / "north/blueprint.yaml").write_text(text)
    (root / "south/blueprint.yaml").write_text(text.replace("name: search", "name: other"))
    (root / "north/x").unlink()
    blueprints = load_repository(root, environment="live").blueprints
    assert {name: b.document.spec.model.context for name, b in blueprints.items()} == {"search": 128, "other": 256}


def test_unknown_environment_is_a_usage_error_that_names_the_closest(tmp_path: Path) -> None:
    write(tmp_path, {"overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}")})
    with pytest.raises(EdgewrightError) as caught:
        load_repository(tmp_path, environment="life")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.diagnostics[0].hint == "did you mean 'live'?"


def test_environments_share_what_they_do_not_change(tmp_path: Path) -> None:
    files = {
        "overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}"),
        "overlays/test/a.yaml": patch("{spec: {model: {context: 64}}}"),
        "overlays/rhine/site.yaml": overlay("devices: {root: /srv}"),
    }
    base, live, test = load_environments(write(tmp_path, files))
    assert [r.environment for r in (base, live, test)] == [None, "live", "test"]
    assert [r.blueprints["search"].document.spec.model.context for r in (base, live, test)] == [256, 128, 64]


def test_policies_are_merged_before_they_are_inherited(tmp_path: Path) -> None:
    def policy(name: str, spec: str) -> str:
        return f"{HEAD}kind: CompressionPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n"

    files = {
        "a.yaml": policy("a", "{recipe: x, candidates: [{name: x, method: int8-weight-only}]}"),
        "b.yaml": policy("b", "{extends: a, candidates: [{name: y, method: float32}]}"),
        "overlays/live/a.yaml": patch(
            "{spec: {candidates: [{name: x, groupSize: 64}]}}", kind="CompressionPolicy", more="name: a, "
        ),
    }
    policy_b = _load(tmp_path, files).compression_policies["b"]
    assert [(c.name, c.group_size) for c in policy_b.document.spec.candidates] == [("x", 64), ("y", None)]
    assert policy_b.spans.span(("spec", "candidates", 0, "groupSize")).path == "overlays/live/a.yaml"
    assert policy_b.spans.span(("spec", "candidates", 0, "method")).path == "a.yaml"
    assert policy_b.spans.span(("spec", "candidates", 1, "method")).path == "b.yaml"


def test_lock_of_an_environment_takes_the_place_of_the_one_beside_the_blueprint(tmp_path: Path) -> None:
    lock = f"{HEAD}kind: Lock\nmetadata: {{name: search}}\nspec: {{blueprint: search, entries: []}}\n"
    files = {
        "search.lock.yaml": lock,
        "overlays/live/search.lock.yaml": lock,
        "overlays/test/a.yaml": patch("{spec: {model: {context: 64}}}"),
    }
    found = {r.environment: r.locks["search"].path for r in load_environments(write(tmp_path, files))}
    assert found == {None: "search.lock.yaml", "live": "overlays/live/search.lock.yaml", "test": "search.lock.yaml"}
