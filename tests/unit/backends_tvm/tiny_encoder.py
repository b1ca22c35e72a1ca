"""Writes a tiny encoder of odd sizes as an ONNX graph and a canonical folder; run in the tvm environment.

`python tiny_encoder.py FOLDER KIND`: hidden 60, 5 heads of 12, intermediate 100, 2 layers, vocabulary 300, 64
positions. KIND `bert` is an ordinary encoder; `gram` ends in a product of activations that no kernel covers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

HIDDEN, HEADS, WIDE, LAYERS, VOCABULARY, POSITIONS = 60, 5, 100, 2, 300, 64


class Writer:
    """Appends nodes and constants to a graph under names that count up."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(0)

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, *shape: int) -> str:
        return self.constant((self.random.standard_normal(shape) * 0.2).astype(np.float32))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def shape(self, *extents: int) -> str:
        return self.constant(np.array(extents, np.int64))

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def dense(self, value: str, rows: int, columns: int) -> str:
        return self.add("Add", self.add("MatMul", value, self.weight(rows, columns)), self.weight(columns))

    def norm(self, value: str) -> str:
        return self.add("LayerNormalization", value, self.weight(HIDDEN), self.weight(HIDDEN), axis=-1, epsilon=1e-12)

    def heads(self, value: str, *order: int) -> str:
        split = self.add("Reshape", self.dense(value, HIDDEN, HIDDEN), self.shape(0, 0, HEADS, HIDDEN // HEADS))
        return self.add("Transpose", split, perm=list(order))

    def layer(self, value: str, bias: str) -> str:
        query, key, values = self.heads(value, 0, 2, 1, 3), self.heads(value, 0, 2, 3, 1), self.heads(value, 0, 2, 1, 3)
        scores = self.add("Div", self.add("MatMul", query, key), self.number((HIDDEN // HEADS) ** 0.5))
        weights = self.add("Softmax", self.add("Add", scores, bias), axis=-1)
        merged = self.add("Transpose", self.add("MatMul", weights, values), perm=[0, 2, 1, 3])
        merged = self.add("Reshape", merged, self.shape(0, 0, HIDDEN))
        value = self.norm(self.add("Add", self.dense(merged, HIDDEN, HIDDEN), value))
        wide = self.dense(value, HIDDEN, WIDE)
        error = self.add("Erf", self.add("Div", wide, self.number(2**0.5)))
        gelu = self.add("Mul", self.add("Mul", wide, self.add("Add", error, self.number(1))), self.number(0.5))
        return self.norm(self.add("Add", self.dense(gelu, WIDE, HIDDEN), value))


def graph(kind: str) -> onnx.ModelProto:
    w = Writer()
    length = w.add("Slice", w.add("Shape", "input_ids"), w.shape(1), w.shape(2))
    table = w.add("Slice", w.weight(POSITIONS, HIDDEN), w.shape(0), length, w.shape(0))
    value = w.norm(w.add("Add", w.add("Gather", w.weight(VOCABULARY, HIDDEN), "input_ids"), table))
    mask = w.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    row = w.add("Unsqueeze", mask, w.shape(1, 2))
    bias = w.add("Mul", w.add("Sub", w.number(1), row), w.number(float(np.finfo(np.float32).min)))
    for _ in range(LAYERS):
        value = w.layer(value, bias)
    if kind == "gram":
        value = w.add("MatMul", w.add("MatMul", value, w.add("Transpose", value, perm=[0, 2, 1])), value)
    column = w.add("Unsqueeze", mask, w.shape(2))
    total = w.add("ReduceSum", w.add("Mul", value, column), w.shape(1), keepdims=0)
    mean = w.add("Div", total, w.add("ReduceSum", column, w.shape(1), keepdims=0))
    square = w.add("ReduceSum", w.add("Mul", mean, mean), w.shape(1), keepdims=1)
    w.nodes.append(helper.make_node("Div", [mean, w.add("Sqrt", square)], ["embedding"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])
    body = helper.make_graph(w.nodes, "tiny", inputs, [output], w.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def tokenizer() -> Tokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + [f"w{index}" for index in range(VOCABULARY - 4)]
    made = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    (folder / "onnx" / "model").mkdir(parents=True)
    (folder / "canonical").mkdir()
    onnx.save(graph(kind), folder / "onnx" / "model" / "model.onnx")
    tokenizer().save(str(folder / "canonical" / "tokenizer.json"))
    facts = {"schema": 1, "task": "embeddings", "architecture": "bert", "vocab_size": VOCABULARY, "dimension": HIDDEN}
    facts |= {"max_positions": POSITIONS, "pooling": "mean", "normalize": True, "pad_token_id": 0, "eos_token_ids": []}
    (folder / "canonical" / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
