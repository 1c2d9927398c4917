"""Stacks cover what is missing, each cell once, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from interpllm.answer.stacks import Stack, stacks_of

MISSING = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))
SIZE = st.integers(1, 9)


@given(MISSING, SIZE, SIZE)
def test_each_missing_cell_is_in_one_stack_and_no_other_cell_in_any(
    missing: np.ndarray, rows: int, questions: int
) -> None:
    cells = [cell for stack in stacks_of(missing, rows, questions) for cell in stack.cells()]
    assert sorted(cells) == list(map(tuple, np.argwhere(missing).tolist()))


@given(MISSING, SIZE, SIZE)
def test_no_stack_is_larger_than_allowed(missing: np.ndarray, rows: int, questions: int) -> None:
    stacks = stacks_of(missing, rows, questions)
    assert all(len(stack.texts) <= rows and len(stack.questions) <= questions for stack in stacks)


def test_a_question_with_other_gaps_has_stacks_of_its_own() -> None:
    missing = np.ones((4, 3), dtype=bool)
    missing[0, 1] = False
    assert {stack.questions for stack in stacks_of(missing, 8, 8)} == {(0, 2), (1,)}


def test_the_questions_of_a_group_are_dealt_out_evenly() -> None:
    sizes = [len(stack.questions) for stack in stacks_of(np.ones((3, 20), dtype=bool), 8, 8)]
    assert sizes == [6, 7, 7]


@given(SIZE, SIZE)
def test_halves_are_the_whole_and_end_at_single_cells(rows: int, questions: int) -> None:
    waiting, single = [Stack(tuple(range(rows)), tuple(range(questions)))], []
    while waiting:
        stack = waiting.pop()
        waiting.extend(stack.halves())
        single.extend([] if stack.halves() else stack.cells())
    assert sorted(single) == [(row, column) for row in range(rows) for column in range(questions)]
