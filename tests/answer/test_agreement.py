"""What a second asking and gold answers say of each question."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from interpllm.answer import PARAPHRASE, STANDARD, against_gold, agreement_by_question, ask, reliability
from interpllm.errors import InputError
from interpllm.llm import Reply, Request, Session
from interpllm.runtime import Question
from interpllm.testing import FakeLLM

from .conftest import QUESTIONS, TEXTS, TRUTH, reader, reading, stacked

Opener = Callable[..., Session]


def swayed(request: Request) -> object:
    """Answers the second question by the order in which the options are named."""
    questions = stacked(request)[1]
    first = "yes" if request.prompt_version == STANDARD.version else "no"
    return {
        text: {name: first if "letter b" in asked else answers[name] for name, asked in questions.items()}
        for text, answers in reader()(request).items()  # type: ignore[attr-defined]
    }


def test_a_steady_model_agrees_with_itself(in_process: Opener) -> None:
    session = in_process(reading())
    table = reliability(session, TEXTS, QUESTIONS, ask(session, TEXTS, QUESTIONS).values)
    assert (table["self_consistency"] == 1.0).all()
    assert (table["kappa"].dropna() == 1.0).all()


def test_a_question_that_hangs_on_the_words_is_found(in_process: Opener) -> None:
    session = in_process(FakeLLM(swayed, name="swayed"))
    table = reliability(session, TEXTS, QUESTIONS[:3], ask(session, TEXTS, QUESTIONS[:3]).values)
    assert table["verdict"].tolist() == ["ok", "drop", "ok"]
    assert table.loc[QUESTIONS[1].id, "self_consistency"] == 0.0


def test_a_share_of_the_texts_is_asked_again(in_process: Opener) -> None:
    session = in_process(reading())
    values = ask(session, TEXTS, QUESTIONS).values
    sent = session.usage.requests
    table = reliability(session, TEXTS, QUESTIONS, values, share=0.5, guard=0)
    assert set(table["asked"]) == {30}
    assert session.usage.requests - sent == 4 * 2


def test_what_cannot_be_parsed_is_told_by_question(in_process: Opener) -> None:
    def answer(request: Request) -> object:
        _, asked = stacked(request)
        if request.prompt_version == PARAPHRASE.version and any("letter c" in one for one in asked.values()):
            return Reply(None, refusal="No.", finish="stop")
        return reader()(request)

    session = in_process(FakeLLM(answer, name="a"))
    values = ask(session, TEXTS, QUESTIONS[:4]).values
    table = reliability(session, TEXTS, QUESTIONS[:4], values, guard=0)
    assert table["parse_failures"].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert table["n"].tolist() == [20, 20, 0, 20]


def test_both_wordings_ask_the_same_questions_of_the_same_texts() -> None:
    asked = [wording.request(TEXTS[:3], QUESTIONS[:2]) for wording in (STANDARD, PARAPHRASE)]
    assert [stacked(request)[0] for request in asked] == [stacked(asked[0])[0]] * 2
    assert all(QUESTIONS[0].text in str(request.messages[1]["content"]) for request in asked)


def test_the_wordings_name_the_options_in_opposite_order() -> None:
    schemas = [wording.request(["a"], QUESTIONS[:1]).schema for wording in (STANDARD, PARAPHRASE)]
    orders = [schema["$defs"]["is"]["enum"] for schema in schemas if schema]
    assert orders == [["yes", "no"], ["no", "yes"]]


def test_a_statement_is_asked_as_one() -> None:
    assert "holds for the text: It names a price" in PARAPHRASE.put(Question.of("It names a price"))


def test_soft_answers_count_as_yes_above_one_half() -> None:
    table = agreement_by_question([[0.9], [0.2], [0.6]], [[1.0], [0.0], [0.4]], ["Is it?"])
    assert (table["n"].iloc[0], table["self_consistency"].iloc[0]) == (3, pytest.approx(2 / 3))


def test_rare_answers_are_doubtful_and_not_dropped_where_nearly_all_agree() -> None:
    one, other = [[0.0]] * 48 + [[1.0], [0.0]], [[0.0]] * 48 + [[0.0], [1.0]]
    assert agreement_by_question(one, other, ["Is it?"])["verdict"].tolist() == ["doubtful"]


def test_gold_answers_tell_the_errors_and_the_corrected_share() -> None:
    gold = np.repeat([1.0, 0.0], [40, 60])[:, None]
    said = np.concatenate([np.repeat([1.0, 0.0], [32, 8]), np.repeat([1.0, 0.0], [6, 54])])[:, None]
    row = against_gold(said, gold, ["Is it?"]).iloc[0]
    assert (row["sensitivity"], row["specificity"]) == pytest.approx((0.8, 0.9))
    assert (row["attenuation"], row["prevalence"]) == pytest.approx((0.7, 0.38))
    assert row["prevalence_corrected"] == pytest.approx(0.4)


def test_effects_are_corrected_with_the_measured_errors() -> None:
    question = Question.of("Is it?")
    gold = np.repeat([1.0, 0.0], [50, 50])[:, None]
    said = np.concatenate([np.repeat([1.0, 0.0], [40, 10]), np.repeat([1.0, 0.0], [10, 40])])[:, None]
    row = against_gold(said, gold, [question], effects={question.id: 0.3}).iloc[0]
    assert row["effect_corrected"] == pytest.approx(0.5)


def test_a_question_with_few_gold_answers_has_no_figures() -> None:
    gold = np.tile([1.0, 0.0], 30)[:, None].repeat(2, axis=1)
    gold[49:, 1] = np.nan
    table = against_gold(gold, gold, ["Is it?", "Was it?"])
    assert table["n"].tolist() == [60, 49]
    assert table["sensitivity"].isna().tolist() == [False, True]


def test_too_few_gold_answers_are_refused() -> None:
    with pytest.raises(InputError, match="50 gold answers"):
        against_gold(TRUTH[:40], TRUTH[:40], QUESTIONS)


def test_values_of_another_shape_are_refused(in_process: Opener) -> None:
    with pytest.raises(InputError, match=r"\(60, 10\)"):
        reliability(in_process(reading()), TEXTS, QUESTIONS, TRUTH[:5])
