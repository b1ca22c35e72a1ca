"""The C entry of a library: descriptors of all tensors, then the kernels in order.

Owns the C interface of the artifact: `edge_run`, `edge_workspace_bytes`,
`edge_weights_bytes`, `edge_error`. The kernels' packed ABI needs three symbols of a TVM runtime, all defined here.
"""

from __future__ import annotations

import math

from edgewright.backends.tvm.worker.program import Program, Tensor
from edgewright.plugins.worker import WorkerError

CODES = {"float32": (2, 32), "int32": (0, 32), "int64": (0, 64), "bool": (6, 8), "int8": (0, 8), "uint8": (1, 8)}
"""DLPack type codes and bits."""

HEAD = """\
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef struct { int32_t device_type, device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct {
  void* data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t* shape; int64_t* strides; uint64_t byte_offset;
} DLTensor;
typedef struct { int32_t type_index; uint32_t padding; union { int64_t v_int64; void* v_ptr; }; } TVMFFIAny;

const char* edge_error = "";

void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** parts, int32_t count) {
  edge_error = count > 0 ? parts[0] : kind;
}

static void* allocate(int device, int id, uint64_t bytes, int code, int bits) {
  void* place = 0;
  (void)device; (void)id; (void)code; (void)bits;
  return posix_memalign(&place, 64, (bytes + 63) / 64 * 64) ? 0 : place;
}

static int release(int device, int id, void* place) {
  (void)device; (void)id;
  free(place);
  return 0;
}

void* (*__TVMBackendAllocWorkspace)(int, int, uint64_t, int, int) = allocate;
int (*__TVMBackendFreeWorkspace)(int, int, void*) = release;
"""

CALL = """\
typedef int (*Kernel)(void*, TVMFFIAny*, int32_t, TVMFFIAny*);

static int call(Kernel kernel, DLTensor* tensors, const int* picked, int count) {
  TVMFFIAny arguments[16], result = {0};
  for (int i = 0; i < count; i++) {
    TVMFFIAny argument = {7, 0, {.v_ptr = &tensors[picked[i]]}};
    arguments[i] = argument;
  }
  return kernel(0, arguments, count, &result);
}
"""

MOST_ARGUMENTS = 16


def entry(program: Program, length: int, vocabulary: int, weights_bytes: int) -> str:
    """The whole C file. The caller's buffers must be aligned to 64 bytes."""
    tensors = list(dict.fromkeys(tensor for call in program.calls for tensor in call.tensors))
    number = {tensor: index for index, tensor in enumerate(tensors)}
    shapes = list(dict.fromkeys(tensor.shape for tensor in tensors))
    names = sorted({call.function for call in program.calls})
    if any(len(call.tensors) > MOST_ARGUMENTS for call in program.calls):
        raise WorkerError("uncovered-kernel", f"a kernel takes more than {MOST_ARGUMENTS} tensors")
    lines = [HEAD]
    lines += [f"int __tvm_ffi_{name}(void*, TVMFFIAny*, int32_t, TVMFFIAny*);" for name in names]
    for index, extent in enumerate(shapes):
        lines.append(f"static int64_t shape{index}[] = {{{_numbers(extent)}}};")
        lines.append(f"static int64_t strides{index}[] = {{{_numbers(_strides(extent))}}};")
    lines.append(CALL)
    lines.append(f"const uint64_t edge_workspace_bytes = {program.workspace_bytes}ull;")
    lines.append(f"const uint64_t edge_weights_bytes = {weights_bytes}ull;\n")
    lines.append(f"static const DLTensor layout[{len(tensors)}] = {{")
    lines += [f"  {_descriptor(tensor, shapes.index(tensor.shape))}," for tensor in tensors]
    lines.append("};\n")
    lines.append("int edge_run(const void* const* inputs, void* output, const void* weights, void* workspace) {")
    lines.append("  const int64_t* ids = inputs[0];")
    lines.append(f"  DLTensor d[{len(tensors)}];")
    lines.append(f"  for (int i = 0; i < {length}; i++) {{")
    lines.append(
        f'    if (ids[i] < 0 || ids[i] >= {vocabulary}) {{ edge_error = "token id out of range"; return -1; }}'
    )
    lines.append("  }\n  memcpy(d, layout, sizeof layout);")
    lines += [f"  d[{index}].data = {_place(tensor)};" for index, tensor in enumerate(tensors)]
    for position, step in enumerate(program.calls, start=1):
        picked = ", ".join(str(number[tensor]) for tensor in step.tensors)
        count = len(step.tensors)
        lines.append(
            f"  {{ const int t[] = {{{picked}}};"
            f" if (call(__tvm_ffi_{step.function}, d, t, {count})) return {position}; }}"
        )
    lines.append("  return 0;\n}\n")
    return "\n".join(lines)


def _numbers(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values)) or "1"


def _strides(extent: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(extent[axis + 1 :]) for axis in range(len(extent)))


def _descriptor(tensor: Tensor, shape_index: int) -> str:
    code, bits = CODES[tensor.dtype]
    return f"{{0, {{1, 0}}, {len(tensor.shape)}, {{{code}, {bits}, 1}}, shape{shape_index}, strides{shape_index}, 0}}"


def _place(tensor: Tensor) -> str:
    if tensor.space == "input":
        return f"(void*)inputs[{tensor.offset}]"
    if tensor.space == "output":
        return "output"
    return f"(char*){tensor.space} + {tensor.offset}"
