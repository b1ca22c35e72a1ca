"""Kernel generators: each builds one TIR function from shapes and a `Machine`, fully tiled and vectorised.

They know vector widths and register counts, nothing of models, files or processes. Buffers are row-major float32 unless
said otherwise; every access stays inside its buffer, whatever the shape (tails are stored in smaller pieces).
"""
