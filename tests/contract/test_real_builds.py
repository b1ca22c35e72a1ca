"""The contract of what backends build and metric sets measure, on small random models in the real environments.

For every backend in the registry and every method it declares: import, build for this machine, describe, measure.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.contract.documents import REGISTRY, blueprints, buildable, profiles
from tests.unit.sources_canonical import samples

from edgewright.device.artifact import canonical_architecture, read_artifact, read_vector
from edgewright.evaluate.measurements import Measurements, parse_measurements
from edgewright.kernel.digest import digest_file
from edgewright.kernel.events import discard
from edgewright.kernel.files import iter_files
from edgewright.plugins.processes import run_step
from edgewright.plugins.protocols import BuildRequest, WorkerStep

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="artifacts for x86-64 are run natively"),
]

TARGET = "x86-64-v3"
SENTENCES = (
    "the shop opens at nine", "bring the receipt and the box", "a small boat crosses the lake", "bread needs time",
    "the machine stops when the guard is open", "water boils at a lower heat on a mountain", "a letter arrived today",
    "please wash your hands before you eat", "the bus is late again", "two sisters ran the printing press",
)  # fmt: skip
# what a tiny random model need not have: a long answer, language, a query to retrieve for
MAY_BE_ABSENT = {"decode_rate", "retrieval_agreement"}


@dataclass(frozen=True)
class Case:
    """One thing to build: a backend's name and a recipe's method."""

    backend: str
    method: str


@dataclass(frozen=True)
class Built:
    """A built artifact with what it was made of."""

    request: BuildRequest
    folders: Mapping[str, Path]
    last: WorkerStep


CASES = [Case(name, method) for name in REGISTRY.names("backends") for method in sorted(REGISTRY.backend(name).methods)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Path]]:
    """For each task: the canonical folder of a random model, a dataset and calibration text."""
    text = tmp_path_factory.mktemp("dataset")
    rows: list[dict[str, Any]] = [{"id": f"p{i}", "text": sentence} for i, sentence in enumerate(SENTENCES)]
    rows += [{"messages": [{"role": "user", "content": sentence}]} for sentence in SENTENCES[:4]]
    (text / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    sources = {
        "embeddings": samples.bert_folder(tmp_path_factory.mktemp("bert")),
        "text-generation": samples.llama_folder(tmp_path_factory.mktemp("llama")),
    }
    made = {}
    for task, source in sources.items():
        folder = tmp_path_factory.mktemp("canonical")
        context = 64 if task == "embeddings" else 256
        run_step(REGISTRY.importer().step(task, None, context), {"source": source}, folder, **_how("import"))
        made[task] = {"canonical": folder, "dataset": text, "calibration": text}
    return made


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case.backend}-{case.method}")
def built(
    request: pytest.FixtureRequest, inputs: Mapping[str, Mapping[str, Path]], tmp_path_factory: pytest.TempPathFactory
) -> Built:
    """The artifact of a case."""
    case: Case = request.param
    backend = REGISTRY.backend(case.backend)
    wanted = next(r for r in buildable(backend) if r.target_name == TARGET and r.recipe.method == case.method)
    task = wanted.blueprint.model.task
    context = 64 if task == "embeddings" else 256
    spec = wanted.blueprint.model_copy(update={"model": wanted.blueprint.model.model_copy(update={"context": context})})
    wanted = BuildRequest(spec, TARGET, wanted.target, wanted.recipe, None)
    folders = dict(inputs[task])
    for name, step in backend.steps(wanted):
        folders[name] = tmp_path_factory.mktemp(name)
        run_step(step, _named(step, folders), folders[name], **_how(f"{case.backend} {case.method}"))
    return Built(wanted, folders, step)


@pytest.fixture(scope="module")
def measured(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    """Its measurements, by the metric set of its task."""
    task = built.request.blueprint.model.task
    step = REGISTRY.metrics(task).step(built.last.module, profiles()[TARGET], 4096)
    output = tmp_path_factory.mktemp("measurements")
    run_step(step, _named(step, built.folders), output, **_how("evaluate"))
    return parse_measurements((output / "measurements.json").read_bytes(), "test")


def _named(step: WorkerStep, folders: Mapping[str, Path]) -> dict[str, Path]:
    return {name: folders[source] for name, source in step.inputs.items()}


def _how(subject: str) -> dict[str, Any]:
    return {"subject": subject, "threads": 2, "events": discard}


def test_the_artifact_describes_itself_as_the_device_reads_it(built: Built) -> None:
    artifact = read_artifact(built.folders["artifact"])
    assert artifact.task == built.request.blueprint.model.task
    assert canonical_architecture(artifact.architecture) == "x86-64"
    assert artifact.backend in REGISTRY.names("backends")
    assert artifact.vocab_size == 1100
    assert artifact.recipe["method"] == built.request.recipe.method


def test_the_artifact_is_regular_files_with_a_tokenizer_and_a_test_vector(built: Built) -> None:
    names = {name for name, _ in iter_files(built.folders["artifact"])}
    assert {"artifact.json", "test_vector.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"} <= names
    assert any(name.startswith("model/") for name in names)
    vector = read_vector(built.folders["artifact"])
    assert vector["input_ids"]
    assert all(0 <= token < 1100 for token in vector["input_ids"])


def test_the_artifact_names_no_place_on_this_machine(built: Built) -> None:
    for name, path in iter_files(built.folders["artifact"]):
        if name.endswith((".json", ".jinja")):
            text = path.read_text(encoding="utf-8")
            assert str(Path.home()) + "/" not in text, name
            assert "/tmp/" not in text, name


def test_a_deterministic_build_gives_the_same_bytes_again(built: Built, tmp_path: Path) -> None:
    if not built.last.determinism.startswith("deterministic"):
        pytest.skip(f"the step says it is {built.last.determinism!r} deterministic")
    run_step(built.last, _named(built.last, built.folders), tmp_path, **_how("again"))
    again = {name: digest_file(path) for name, path in iter_files(tmp_path)}
    assert again == {name: digest_file(path) for name, path in iter_files(built.folders["artifact"])}


def test_everything_promised_is_measured_natively(built: Built, measured: Measurements) -> None:
    promised = set(REGISTRY.metrics(built.request.blueprint.model.task).metrics)
    missing = {name: measured.why_absent(name) for name in promised - set(measured.values) - MAY_BE_ABSENT}
    assert not missing
    assert set(measured.values) <= promised


def test_the_device_reproduces_vector_and_tokens(measured: Measurements) -> None:
    assert measured.values["reference_vector"].value <= 1e-3
    assert measured.values["tokenizer_parity"].value == 1
    if "chat_template_parity" in measured.values:
        assert measured.values["chat_template_parity"].value == 1


def test_float32_is_the_reference_and_fewer_bits_are_further_away(built: Built, measured: Measurements) -> None:
    is_exact = built.request.recipe.method == "float32"
    if built.request.blueprint.model.task == "embeddings":
        assert (measured.values["cosine_min"].value > 1 - 1e-6) == is_exact
    else:
        assert (measured.values["kl_divergence_mean"].value < 1e-8) == is_exact
        assert not is_exact or measured.values["top1_agreement"].value == 1


def test_the_blueprints_of_the_examples_name_only_what_is_tested_here() -> None:
    choices = [(build.backend, build.compression) for spec in blueprints().values() for build in spec.builds]
    chosen = {(backend, choice.inline.method) for backend, choice in choices if choice and choice.inline}
    assert chosen <= {(case.backend, case.method) for case in CASES}
