"""The cutting of matrices into tiles, without any framework."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.backends.tvm.worker.kernels import machine
from edgewright.backends.tvm.worker.kernels.machine import Machine, padded, panels, pieces, row_blocks

MACHINES = (machine.AVX512, machine.AVX2, machine.SSE, machine.NEON, machine.RVV, machine.SCALAR)


@given(st.integers(1, 5000), st.sampled_from(MACHINES))
def test_panels_cover_every_column_once_and_only_a_lone_panel_is_padded(columns: int, machine_: Machine) -> None:
    position = 0
    for panel in panels(columns, machine_):
        assert panel.column == position
        position += panel.count * panel.width(machine_)
        assert position <= columns or panel.count == 1
    assert position == padded(columns, machine_) >= columns


@given(st.integers(1, 2000), st.sampled_from(MACHINES))
def test_row_blocks_cover_every_row_once(rows: int, machine_: Machine) -> None:
    covered = [
        row
        for first, height, count in row_blocks(rows, machine_)
        for block in range(count)
        for row in range(first + block * height, first + (block + 1) * height)
    ]
    assert covered == list(range(rows))


@given(st.integers(0, 300), st.sampled_from((4, 8, 16)))
def test_pieces_never_reach_past_the_end(count: int, lanes: int) -> None:
    cut = pieces(count, lanes)
    assert [offset for offset, _ in cut] == [sum(width for _, width in cut[:index]) for index in range(len(cut))]
    assert sum(width for _, width in cut) == count
    assert all(width <= lanes and width & (width - 1) == 0 for _, width in cut)


@pytest.mark.parametrize("machine_", MACHINES)
def test_a_tile_fits_the_registers(machine_: Machine) -> None:
    registers = {machine.AVX2: 16, machine.SSE: 16, machine.RVV: 16}.get(machine_, 32)
    if machine_ is not machine.SCALAR:
        assert machine_.tile_rows * machine_.tile_vectors + machine_.tile_vectors + 1 <= registers
