"""The step `build`: the canonical decoder and a recipe in, a self-contained artifact folder out.

Owns the order of the work, the load test and the test vector. The builder exits well with models that do not load, so
every artifact is loaded and asked here. Invariant: the vector is the artifact's own answer, and holds only tokens that
rounding on another instruction set cannot flip, as far as the model is sure of any.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from edgewright.backends.onnxruntime.layout import artifact_document, copy_tokenizer, read_facts, write_document
from edgewright.backends.onnxruntime_genai.worker.builder import run_builder
from edgewright.backends.onnxruntime_genai.worker.embedding import DATA, quantize_embedding
from edgewright.plugins.worker import Facts, Request, WorkerError

QUESTIONS = (
    "What is the capital of France?",
    "Count from one to ten in words.",
    "Complete the alphabet: a, b, c, d, e,",
    "Repeat this exactly: the shop opens at nine and closes at six.",
    "Translate good morning into Spanish.",
)
"""The vector uses the one whose answer leads most clearly: rounding must not flip a token on the device."""
VECTOR_TOKENS = 8
TOP = 8
LOGIT_TOLERANCE = {"float32": 0.01, "int8-weight-only": 0.5, "int4-weight-only": 1.0}
"""How far a logit may be off on another instruction set; 8-bit activations are rounded block by block."""


def build(request: Request) -> Facts:
    """Input `canonical`. Options: `recipe` (every option resolved), `architecture`, `context`."""
    recipe, canonical = dict(request.options["recipe"]), request.inputs["canonical"]
    facts = read_facts(canonical)
    if facts["task"] != "text-generation":
        raise WorkerError("task-unsupported", f"task {facts['task']} is not built by onnxruntime-genai")
    scratch = Path("built").absolute()
    run_builder(canonical, scratch, recipe)
    embedding = (
        quantize_embedding(scratch, facts["tied_embeddings"]) if recipe.get("embedding_bits") == 8 else "builder"
    )
    context = min(int(request.options["context"]), facts["max_positions"])
    model = request.output / "model"
    model.mkdir()
    for name in ("model.onnx", DATA):
        if (scratch / name).is_file():
            shutil.move(scratch / name, model / name)
            (model / name).chmod(0o644)
    write_document(model / "genai_config.json", _genai_config(scratch / "genai_config.json", facts, context))
    copy_tokenizer(canonical, request.output)
    document = artifact_document(
        backend="onnxruntime-genai",
        facts=facts,
        recipe=recipe,
        architecture=request.options["architecture"],
        files={"model": "model/model.onnx", "config": "model/genai_config.json"},
        context=context,
        inputs=[{"name": "input_ids", "dtype": "int64", "shape": ["batch", "sequence"]}],
        outputs=[{"name": "logits", "dtype": "float32", "shape": ["batch", "sequence", facts["vocab_size"]]}],
    )
    write_document(request.output / "artifact.json", document)
    vector = _vector(model, request.output / "tokenizer", recipe["method"], facts["vocab_size"], request.threads)
    write_document(request.output / "test_vector.json", vector)
    size = sum(path.stat().st_size for path in model.iterdir())
    return {"model_bytes": size, "embedding": embedding, "vector_tokens": len(vector["token_ids"])}


def _genai_config(path: Path, facts: Facts, context: int) -> dict[str, Any]:
    """The builder's config with the context this artifact is built for and the canonical end-of-sequence ids."""
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    eos = facts["eos_token_ids"]
    config["model"].update(context_length=context, eos_token_id=eos[0] if len(eos) == 1 else eos)
    config["search"].update(max_length=context, do_sample=False)
    return config


def _prompts(folder: Path, tokenizer: Tokenizer) -> list[tuple[dict[str, Any], list[int]]]:
    """What is asked, and its ids: conversations where the model has a chat template, plain text elsewhere."""
    template = folder / "chat_template.jinja"
    if not template.is_file():
        return [({"prompt": question}, tokenizer.encode(question).ids) for question in QUESTIONS]
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    special = json.loads((folder / "special_tokens_map.json").read_text(encoding="utf-8"))
    compiled = environment.from_string(template.read_text(encoding="utf-8"))
    prompts = []
    for question in QUESTIONS:
        messages = [{"role": "user", "content": question}]
        text = compiled.render(messages=messages, add_generation_prompt=True, **special)
        prompts.append(({"messages": messages}, tokenizer.encode(text, add_special_tokens=False).ids))
    return prompts


def _vector(model: Path, tokenizer_folder: Path, method: str, vocab_size: int, threads: int) -> dict[str, Any]:
    """Load the artifact, ask every question, keep the one it answers most decidedly.

    Refuses `artifact-unloadable` and `artifact-unsound`."""
    tolerance = LOGIT_TOLERANCE[method]
    prompts = _prompts(tokenizer_folder, Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json")))
    answers = _greedy(model, [ids for _, ids in prompts], threads)
    best: tuple[tuple[int, float], dict[str, Any]] | None = None
    for (asked, ids), steps in zip(prompts, answers, strict=True):
        for logits in steps:
            if logits.shape != (vocab_size,) or not np.isfinite(logits).all():
                raise WorkerError(
                    "artifact-unsound", f"the built model gives {logits.shape} logits or numbers that are not finite"
                )
        leads = [_lead(logits) for logits in steps]
        decided = next((index for index, lead in enumerate(leads) if lead <= 2 * tolerance), len(leads))
        top = np.argsort(-steps[0], kind="stable")[:TOP]
        vector = {
            "schema": 1,
            **asked,
            "input_ids": ids,
            "token_ids": [int(logits.argmax()) for logits in steps[: max(decided, 1)]],
            "logits_top": [[int(token), round(float(steps[0][token]), 4)] for token in top],
            "tolerance": {"max_abs": tolerance},
        }
        rank = (decided, leads[0])
        if best is None or rank > best[0]:
            best = (rank, vector)
    assert best is not None, "there is at least one question"
    return best[1]


def _lead(logits: np.ndarray) -> float:
    """How far the largest logit is above the second."""
    second, first = np.partition(logits, -2)[-2:]
    return float(first - second)


def _greedy(model: Path, prompts: list[list[int]], threads: int) -> list[list[np.ndarray]]:
    """Logits of the first steps of a greedy answer to each prompt."""
    try:
        config = onnxruntime_genai.Config(str(model))
        config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
        loaded = onnxruntime_genai.Model(config)
        return [_steps(loaded, ids) for ids in prompts]
    except (RuntimeError, ValueError, OSError) as error:
        raise WorkerError("artifact-unloadable", f"the built model does not run: {str(error)[:400]}") from None


def _steps(loaded: Any, ids: list[int]) -> list[np.ndarray]:
    parameters = onnxruntime_genai.GeneratorParams(loaded)
    parameters.set_search_options(max_length=len(ids) + VECTOR_TOKENS + 1, do_sample=False)
    generator = onnxruntime_genai.Generator(loaded, parameters)
    generator.append_tokens(np.asarray(ids, dtype=np.int32))
    steps = []
    for _ in range(VECTOR_TOKENS):
        logits = np.array(generator.get_logits(), dtype=np.float32)
        steps.append(logits.reshape(-1, logits.shape[-1])[-1])
        generator.generate_next_token()
        if generator.is_done():
            break
    return steps
