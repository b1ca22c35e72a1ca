"""Migration: the text of a document in another version, with all of its comments, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.spec.test_conversion import DOCUMENTS

from edgewright.load.conversion import to_newest
from edgewright.load.migration import migrate
from edgewright.load.rewrite import comments
from edgewright.load.yaml12 import parse
from edgewright.spec.versions import NEWEST

ALPHA = "edgewright/v1alpha1"
_HEAD = """\
# yaml-language-server: $schema=../schema/blueprint.v1alpha1.json
# Ours, since 2024.
apiVersion: "edgewright/v1alpha1"   # the version
kind: Blueprint
metadata: {name: a, version: 1.0.0}

spec:
  model: {task: embeddings, source: {type: directory, path: m}}
  builds: [{backend: onnxruntime, targets: [x86-64-v3]}]
  gates: [{metric: cosine_min, min: 0.9}]
  fleet: {ref: f}
"""
_TARGET = """\
apiVersion: edgewright/v1alpha1
kind: Target
metadata: {name: t}
spec:
  architecture: aarch64
  isa: {cpu: generic, vectorFloats: 4}
  cores: 4
  memory: 4GiB
  memoryForModel: 2GiB
  disk: 16GB
  memoryBandwidth: 0x1C  # GB/s
  power:   1.5e1  # W
  os: linux
  libc: {family: glibc, version: "2.36"}
  runtimes: []
  sources: {cores: a, memory: a, disk: a, memoryBandwidth: a, power: a, memoryForModel: a, isa: a}
"""


def _migrated(text: str, to: str = NEWEST) -> str:
    new, problems = migrate(text.encode(), "a.yaml", to)
    assert [p.message for p in problems] == []
    assert new is not None
    return new.decode()


def _blueprint(evaluation: str, rollout: str) -> str:
    return f"{_HEAD}  evaluation: {evaluation}\n  rollout: {rollout}\n"


@pytest.mark.parametrize(
    ("evaluation", "new"),
    [
        ("{reference: float32, dataset: d.jsonl}", "{dataset: d.jsonl}"),
        ("{dataset: d.jsonl, reference: float32}", "{dataset: d.jsonl}"),
        ("{dataset: d.jsonl, reference: float32, }", "{dataset: d.jsonl, }"),
        ("\n    reference: float32\n    dataset: d.jsonl", "\n    dataset: d.jsonl"),
        ("\n    reference: float32  # always\n    dataset: d.jsonl", "\n    # always\n    dataset: d.jsonl"),
        ("\n    dataset: d.jsonl\n    # why\n    reference: 'float32'", "\n    dataset: d.jsonl\n    # why"),
        ("\n    dataset: d.jsonl\n    reference:\n      float32", "\n    dataset: d.jsonl"),
        (
            "{\n    reference: float32,  # always\n    dataset: d.jsonl  # ours\n  }",
            "{\n    # always\n    dataset: d.jsonl  # ours\n  }",
        ),
        ("{dataset: d.jsonl,  # ours\n    reference: float32\n  }", "{dataset: d.jsonl,  # ours\n    \n  }"),
    ],
)
def test_what_said_nothing_goes_and_its_comment_stays(evaluation: str, new: str) -> None:
    rollout = "{waves: [100%]}"
    head = _HEAD.replace("v1alpha1", "v1beta1")
    assert _migrated(_blueprint(evaluation, rollout)) == f"{head}  evaluation: {new}\n  rollout: {rollout}\n"


@pytest.mark.parametrize(
    ("rollout", "new"),
    [
        ("{waves: [{canary: 1 per target}, 100%]}", "{waves: [{canary: {perTarget: 1}}, 100%]}"),
        ("{waves: [canary: '12 per target', 100%]}", "{waves: [canary: {perTarget: 12}, 100%]}"),
        (
            "\n    waves:\n      # first\n      - canary: 2 per target  # two\n      - 100%",
            "\n    waves:\n      # first\n      - canary: {perTarget: 2}  # two\n      - 100%",
        ),
        (
            "\n    waves:\n      - canary: >-\n          2 per target\n      # all\n      - 100%",
            "\n    waves:\n      - canary: {perTarget: 2}\n      # all\n      - 100%",
        ),
    ],
)
def test_canary_is_written_as_data(rollout: str, new: str) -> None:
    found = _migrated(_blueprint("{dataset: d.jsonl}", rollout))
    assert found == f"{_HEAD.replace('v1alpha1', 'v1beta1')}  evaluation: {{dataset: d.jsonl}}\n  rollout: {new}\n"


def test_numbers_get_their_units_and_keep_their_comments() -> None:
    new = _migrated(_TARGET)
    assert "  memoryBandwidth: 28GB/s  # GB/s\n  power:   15.0W  # W\n" in new


def test_ports_of_devices_are_renamed_in_their_quotes() -> None:
    text = (
        f"apiVersion: {ALPHA}\nkind: Fleet\nmetadata: {{name: f}}\nspec:\n  devices:\n"
        '  - {name: a, target: t, "port": 1, connection: {type: ssh, host: a, port: 2}}\n'
        "  - name: b   # second\n    target: t\n    port: 3\n"
    )
    new = _migrated(text)
    assert '"servicePort": 1, connection: {type: ssh, host: a, port: 2}' in new
    assert "    servicePort: 3\n" in new


def test_windows_lines_a_byte_order_mark_and_a_missing_last_newline_stay() -> None:
    text = "\ufeff" + _blueprint("\n    dataset: d.jsonl\n    reference: float32", "{waves: [100%]}")
    text = text.rstrip("\n").replace("\n", "\r\n")
    new = _migrated(text)
    assert new.startswith("\ufeff# yaml")
    assert new.count("\n") == new.count("\r\n") == text.count("\n") - 1
    assert not new.endswith("\n")


def test_migration_is_idempotent_and_leaves_the_newest_alone() -> None:
    new = _migrated(_TARGET)
    assert _migrated(new) == new


def test_migration_goes_back_where_the_older_version_has_the_words() -> None:
    text = _blueprint("{dataset: d.jsonl}", "{waves: [{canary: 1 per target}, 100%]}")
    assert _migrated(_migrated(text), ALPHA) == text


def test_document_without_words_in_the_older_version_is_refused() -> None:
    text = _migrated(_blueprint("{dataset: d.jsonl}", "{waves: [100%]}"))
    text = text.replace("context: 512", "").replace("task: embeddings,", "task: embeddings, labels: {region: eu},")
    new, problems = migrate(text.encode(), "a.yaml", ALPHA)
    assert new is None
    assert [p.slug for p in problems] == ["migrate-refused"]
    assert "labels" in problems[0].message


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("a: [", "yaml-syntax"),
        ("a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n", "merge-conflict"),
        ("a: 1\na: 2\n", "duplicate-key"),
        ("a: 1\n", "missing-key"),
        ("apiVersion: edgewright/v0\nkind: Fleet\n", "unknown-api-version"),
        (_TARGET.replace("cores: 4", "cores: four"), "wrong-type"),
    ],
)
def test_wrong_document_is_refused_with_what_is_wrong(text: str, slug: str) -> None:
    new, problems = migrate(text.encode(), "a.yaml", NEWEST)
    assert new is None
    assert [p.slug for p in problems] == [slug]


def test_comment_inside_what_changes_is_never_lost() -> None:
    text = _blueprint(
        "{dataset: d.jsonl}", "\n    waves:\n      - canary: >-  # so\n          2 per target\n      - 100%"
    )
    new, problems = migrate(text.encode(), "a.yaml", NEWEST)
    assert new is None
    assert [p.slug for p in problems] == ["migrate-refused"]


_WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
_COMMENTS = _WORDS.map(lambda text: f"# {text}".rstrip())


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """A document in any style, with comments above and behind its lines."""
    document: dict[str, Any] = draw(DOCUMENTS)
    style = draw(st.sampled_from([False, None]))
    dumped = yaml.safe_dump(document, sort_keys=draw(st.booleans()), default_flow_style=style, width=10_000)
    lines = []
    for line in dumped.splitlines():
        indentation = line[: len(line) - len(line.lstrip())]
        lines += [indentation + comment for comment in draw(st.lists(_COMMENTS, max_size=1))]
        lines.append(line + draw(st.just("") | _COMMENTS.map(lambda comment: f"  {comment}")))
    return "\n".join(lines) + "\n"


@given(_texts())
def test_comments_survive_and_the_document_is_the_same(text: str) -> None:
    new = _migrated(text)
    assert comments(new) == comments(text)
    before, _ = parse(text.encode(), "a.yaml")
    after, _ = parse(new.encode(), "a.yaml")
    assert before is not None
    assert after is not None
    assert after.value == to_newest(before, before.value["kind"], ALPHA).value
    assert _migrated(new) == new
