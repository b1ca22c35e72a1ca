"""Backend `tvm`: an encoder becomes one native library per sequence length that needs nothing but libc.

Owns the lowering of float32 encoders to x86-64, aarch64 and riscv64 through Apache TVM, with kernels and schedule rules
of our own. `worker/` runs in the `tvm` environment and alone imports the framework; `plugin.py` is what the compiler
sees.
"""
