"""`make bench`: every benchmark in turn."""

from __future__ import annotations

from benchmarks import commands, fleets, tvm_vs_onnxruntime


def main() -> None:
    for benchmark in (commands, fleets, tvm_vs_onnxruntime):
        assert benchmark.__doc__
        print(f"\n== {benchmark.__doc__.splitlines()[0]}")
        benchmark.main()


if __name__ == "__main__":
    main()
