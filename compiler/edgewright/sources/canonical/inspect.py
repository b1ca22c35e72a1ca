"""What a model folder is, by content: the gate that every acquired file passes before a framework sees it.

Owns the order of the checks and the choice of the weights file. Standard library only, so `check`, `acquire` and the
import worker run the very same code. It reads headers and small documents, never weights.

Invariants: a suffix proves nothing; pickles are refused by content; symbolic links and anything that is not a regular
file are refused; all caps apply before a byte is read.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from edgewright.sources.canonical.config_keys import allowed_config, refuse_code
from edgewright.sources.canonical.gguf_header import GgufHeader, read_gguf_header
from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.safetensors_header import TensorEntry, read_safetensors_header
from edgewright.sources.canonical.strict_json import read_object

Kind = Literal["safetensors", "gguf", "onnx"]
WEIGHTS_LIMIT_BYTES = 64 * 2**30
CONFIG_LIMIT_BYTES = 2**20
INDEX_LIMIT_BYTES = 16 * 2**20
MAX_FILES = 10_000
_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json")
_PICKLE_HINT = "convert the weights to safetensors on a machine you trust; a pickle runs code when it is read"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """An inspected model: its weights files and, per kind, what their headers say."""

    kind: Kind
    weights: tuple[Path, ...]
    config: dict[str, Any] = field(default_factory=dict)
    tensors: tuple[TensorEntry, ...] = ()
    gguf: GgufHeader | None = None


def kind_of(path: Path, name: str) -> Kind:
    """The kind of a weights file by its content. Refuses `weights-pickle`, `weights-unknown`, `weights-too-large`."""
    if path.is_symlink() or not path.is_file():
        raise RefusedError("not-a-file", name, "not a regular file")
    size = path.stat().st_size
    if size > WEIGHTS_LIMIT_BYTES:
        raise RefusedError("weights-too-large", name, f"{size} bytes, at most {WEIGHTS_LIMIT_BYTES} are read")
    with path.open("rb") as stream:
        head = stream.read(4096)
    if _is_pickle(path, head):
        raise RefusedError("weights-pickle", name, "the content is a Python pickle", hint=_PICKLE_HINT)
    if head.startswith(b"GGUF"):
        return "gguf"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**40:
        return "safetensors"
    if _is_onnx(head):
        return "onnx"
    raise RefusedError(
        "weights-unknown",
        name,
        f"begins with {head[:8].hex(' ') or 'nothing'}: neither safetensors, GGUF nor ONNX",
        hint="only safetensors, GGUF and ONNX weights are read",
    )


def _is_pickle(path: Path, head: bytes) -> bool:
    """A zip with a data.pkl (torch.save), a tar or bare stream of pickle opcodes (older torch.save, joblib, pickle)."""
    if head.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return any(entry.endswith(".pkl") for entry in archive.namelist()[:MAX_FILES])
    if head[:1] == b"\x80" and head[1:2] and 2 <= head[1] <= 5:
        return True
    if not head or head[:1] not in b"(c]}li":  # text protocols 0 and 1 begin with one of these opcodes
        return False
    import pickletools  # noqa: PLC0415 - tables that take longer to import than most commands run

    seen = 0
    try:
        for _opcode, _argument, _position in pickletools.genops(head):
            seen += 1
    except (ValueError, UnicodeDecodeError):  # the rest of the stream is not in `head`, or these are no opcodes
        return seen > 8
    return True


def _is_onnx(head: bytes) -> bool:
    """A ModelProto in the order every writer uses: ir_version (field 1) small, then another field of ModelProto."""
    return len(head) > 3 and head[0] == 0x08 and 3 <= head[1] <= 20 and head[2] in (0x12, 0x1A, 0x22, 0x2A, 0x3A, 0x42)


def inspect_weights(path: Path, name: str) -> tuple[Kind, tuple[TensorEntry, ...], GgufHeader | None]:
    """Kind and header of one weights file, with every number in the header checked against the file."""
    kind = kind_of(path, name)
    if kind == "safetensors":
        return kind, read_safetensors_header(path, name), None
    if kind == "gguf":
        return kind, (), read_gguf_header(path, name)
    return kind, (), None


def inspect_model(folder: Path, file: str | None = None) -> ModelFiles:
    """Inspect an acquired folder. `file` names the weights, relative to it; the usual names are tried when absent.

    Raises RefusedError. The files are named relative to `folder` in what it says.
    """
    _refuse_strange_files(folder)
    weights = _choose(folder, file)
    base = weights[0].parent
    tensors: list[TensorEntry] = []
    kind: Kind = "safetensors"
    gguf: GgufHeader | None = None
    for path in weights:
        kind, entries, gguf = inspect_weights(path, _name(folder, path))
        tensors.extend(entries)
    if kind == "onnx":
        raise RefusedError(
            "weights-onnx",
            _name(folder, weights[0]),
            "an ONNX graph is not imported: it holds no tokenizer and no config to compare with",
            hint="name the safetensors or GGUF weights of the same model",
        )
    if kind == "gguf" and gguf is not None:
        return ModelFiles(kind, weights, gguf=gguf)
    return ModelFiles(kind, weights, config=_inspect_configs(folder, base), tensors=tuple(tensors))


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _refuse_strange_files(folder: Path) -> None:
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count >= MAX_FILES:
            raise RefusedError("folder-too-large", folder.name, f"more than {MAX_FILES} files")
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise RefusedError("not-a-file", _name(folder, path), "not a regular file")


def _choose(folder: Path, file: str | None) -> tuple[Path, ...]:
    if file is not None:
        path = folder / file
        if ".." in Path(file).parts or Path(file).is_absolute() or not path.is_file():
            raise RefusedError("weights-missing", file, "no such file in the model", hint=_present(folder))
        return (path,)
    configs = sorted(folder.rglob("config.json"), key=lambda path: (len(path.parts), path))
    bases = [folder, *(path.parent for path in configs[:1])]
    for base in bases:
        if (base / "model.safetensors.index.json").is_file():
            return _shards(folder, base / "model.safetensors.index.json")
        for name in ("model.safetensors", "pytorch_model.bin"):
            if (base / name).is_file():
                return (base / name,)
    found = [path for suffix in ("safetensors", "gguf", "onnx") for path in sorted(folder.rglob(f"*.{suffix}"))]
    if len(found) != 1:
        problem = f"{len(found)} weights files" if found else "no weights file"
        raise RefusedError("weights-missing", folder.name, problem, hint=f"name one with file; {_present(folder)}")
    return (found[0],)


def _present(folder: Path) -> str:
    names = [_name(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()]
    return "it holds " + (", ".join(names[:12]) + (" …" if len(names) > 12 else "") if names else "no file")


def _shards(folder: Path, index: Path) -> tuple[Path, ...]:
    document, _ = read_object(index, _name(folder, index), INDEX_LIMIT_BYTES)
    names = document.get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(value, str) for value in names.values()):
        raise RefusedError("json-malformed", _name(folder, index), "weight_map does not map tensors to files")
    shards = []
    for name in sorted(set(names.values())):
        if "/" in name or name.startswith(".") or not (index.parent / name).is_file():
            raise RefusedError("weights-missing", _name(folder, index), f"shard {name!r:.120} is not in the folder")
        shards.append(index.parent / name)
    return tuple(shards)


def _inspect_configs(folder: Path, base: Path) -> dict[str, Any]:
    path = base / "config.json"
    if not path.is_file():
        raise RefusedError(
            "config-missing", _name(folder, path), "no such file beside the weights", hint=_present(folder)
        )
    document, text = read_object(path, _name(folder, path), CONFIG_LIMIT_BYTES)
    config = allowed_config(document, _name(folder, path), text)
    for name in _CONFIGS:
        if (base / name).is_file():
            other, text = read_object(base / name, _name(folder, base / name), CONFIG_LIMIT_BYTES)
            refuse_code(other, _name(folder, base / name), text)
    return config
