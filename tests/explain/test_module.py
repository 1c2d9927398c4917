"""explain_module: planted modules are explained and told apart, and what is none is said to be none."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.errors import ConnectionFailed, InputError
from interpllm.explain import ModuleExplanation, explain_module, plan_module
from interpllm.llm import Reply, Request, Session, Store
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.select.parts import Parts, split_rows
from interpllm.testing import FakeLLM, Fault

sys.path.insert(0, str(Path(__file__).parents[1]))
from planted_modules import TRUTHS, corpus, explainer, fake, module, permuted

TEXTS = corpus(500, seed=11)
QUESTION, NUMBER, MONEY = "asks a question", "contains a number", "names an amount of money"
Opener = Callable[..., Session]


@pytest.fixture(scope="module")
def found() -> ModuleExplanation:
    others = {said: module(said) for said in TRUTHS if said != QUESTION}
    return explain_module(module(QUESTION), TEXTS, llm=Session(fake()), name=QUESTION, others=others)


@pytest.fixture(scope="module")
def chance() -> ModuleExplanation:
    return explain_module(permuted(QUESTION, TEXTS), TEXTS, llm=Session(fake()), name="chance")


@pytest.fixture
def served() -> Iterator[Opener]:
    """Opens a session with a fake behind HTTP."""
    with ExitStack() as stack:

        def open_(llm: FakeLLM, **options: Any) -> Session:
            backend = OpenAIBackend(stack.enter_context(llm.serve()), model=llm.name, timeout=2.0)
            return stack.enter_context(Session(backend, **{"backoff": 0.001} | options))

        yield open_


# What is found -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["mentions food", MONEY, "is written in the past tense"])
def test_a_planted_module_is_explained_by_what_was_planted(said: str) -> None:
    found = explain_module(module(said), TEXTS, llm=Session(fake()))
    assert (found.outcome, found.explanation) == ("explained", said)


def test_the_general_property_is_preferred_to_a_narrow_one() -> None:
    found = explain_module(module(NUMBER), TEXTS, llm=Session(fake()))
    assert MONEY in set(found.candidates["candidate"])
    assert found.explanation == NUMBER


def test_a_module_is_identified_among_all_planted_ones(found: ModuleExplanation) -> None:
    assert found.identification is not None
    assert (found.rank, len(found.identification)) == (1, len(TRUTHS))


def test_a_module_of_chance_is_not_explained(chance: ModuleExplanation) -> None:
    assert (chance.outcome, chance.explanation) == ("not explained", None)
    assert chance.statement.startswith("Not explained")


def test_a_candidate_for_a_module_of_chance_identifies_the_module_that_it_is_true_of() -> None:
    planted = {said: module(said) for said in TRUTHS}
    found = explain_module(permuted(NUMBER, TEXTS), TEXTS, llm=Session(fake()), name="chance", others=planted)
    assert found.identification is not None
    assert found.identification["module"].iloc[0] == found.candidates["candidate"].iloc[0]
    assert found.rank is not None
    assert found.rank > 1


def test_scores_are_in_standard_deviations_of_the_corpus() -> None:
    def tenfold(texts: list[str]) -> NDArray[np.float64]:
        return 10 * module(QUESTION)(texts) + 3

    plain, scaled = (explain_module(f, TEXTS, llm=Session(fake())) for f in (module(QUESTION), tenfold))
    assert np.allclose(plain.candidates["score"], scaled.candidates["score"])


def test_a_module_that_no_stretch_moves_is_not_asked_about() -> None:
    llm = fake()
    long = explain_module(lambda texts: [len(text) > 90 for text in texts], TEXTS, llm=Session(llm))
    assert (long.outcome, len(llm.prompts)) == ("not tested", 0)
    assert "alike to all stretches" in long.statement


def test_too_few_strong_texts_are_said_before_anything_is_asked() -> None:
    llm = fake()
    rare = set(TEXTS[:6])
    found = explain_module(lambda texts: [text in rare for text in texts], TEXTS, llm=Session(llm))
    assert (found.outcome, len(llm.prompts)) == ("not tested", 0)


def test_texts_to_which_a_module_gives_no_number_are_left_out() -> None:
    def f(texts: list[str]) -> NDArray[np.float64]:
        return np.where([len(text) % 7 == 0 for text in texts], np.nan, module(QUESTION)(texts))

    found = explain_module(f, TEXTS, llm=Session(fake()))
    assert found.texts["response"].notna().all()
    assert found.candidates["candidate"].iloc[0] == QUESTION


# Which rows do what --------------------------------------------------------------------------------------


def test_no_text_that_tells_was_shown_to_the_explainer() -> None:
    llm = fake()
    found = explain_module(module(QUESTION), TEXTS, llm=Session(llm))
    shown = "\n".join(prompt for prompt in llm.prompts if '<text id="' not in prompt)
    assert "Ordinary:" in shown
    assert "kind that is wanted" in shown
    assert not [text for text in found.texts["text"] if text in shown]


def test_parts_in_which_a_row_proposes_and_confirms_are_refused() -> None:
    rows = np.arange(len(TEXTS))
    with pytest.raises(InputError, match="no confirmation"):
        explain_module(
            module(QUESTION), TEXTS, llm=Session(fake()), parts=Parts(rows[:300], rows[:0], rows[299:])
        )


def test_parts_with_near_duplicates_on_both_sides_are_refused() -> None:
    parts = split_rows(np.zeros(len(TEXTS)), TEXTS, sizes=(0.5, 0.0, 0.5), stratify=False)
    assert plan_module(TEXTS, llm=Session(fake()), parts=parts).requests
    texts = [*TEXTS, TEXTS[parts.propose[0]].upper()]
    wrong = Parts(parts.propose, parts.select, np.append(parts.confirm, len(TEXTS)))
    with pytest.raises(InputError, match="nearly the same text"):
        explain_module(module(QUESTION), texts, llm=Session(fake()), parts=wrong)


def test_a_plan_takes_every_setting_that_changes_what_is_sent() -> None:
    explained, planned = (inspect.signature(one).parameters for one in (explain_module, plan_module))
    assert set(explained) - set(planned) == {"f", "name", "others", "progress"}
    few, many = (plan_module(TEXTS, llm=Session(fake()), max_stretches=n) for n in (10, 10_000))
    assert few.tokens < many.tokens


def test_the_pairs_that_choose_are_not_those_that_tell(found: ModuleExplanation) -> None:
    own = found.written[found.written["candidate"] == QUESTION]
    told = own[own["use"] == "telling"]
    difference = (told["response_having"] - told["response_lacking"]).mean() / found.sigma
    first = found.candidates.iloc[0]
    assert first["n_pairs"] == len(told) < len(own)
    assert first["score"] == pytest.approx(difference)


# Requests ------------------------------------------------------------------------------------------------


def test_as_many_requests_are_planned_as_are_sent() -> None:
    plan = plan_module(TEXTS, llm=Session(fake()), corpus_texts=16)
    found = explain_module(module(NUMBER), TEXTS, llm=Session(fake()), corpus_texts=16)
    assert len(found.texts) == 32
    assert found.usage.requests == plan.requests


def test_a_plan_sends_nothing() -> None:
    llm = fake()
    assert plan_module(TEXTS, llm=Session(llm)).requests > 0
    assert not llm.received


def test_one_worker_and_eight_give_the_same_bytes(tmp_path: Path) -> None:
    explained = []
    for workers in (1, 8):
        session = Session(fake(), store=Store(tmp_path / f"{workers}.sqlite"), max_concurrency=workers)
        explained.append(explain_module(module(QUESTION), TEXTS, llm=session).to_json())
        session.close()
    assert explained[0] == explained[1]


def test_a_replay_gives_the_same_bytes_and_sends_nothing(tmp_path: Path) -> None:
    with Session(fake(), store=Store(tmp_path / "replies.sqlite")) as asking:
        first = explain_module(module(QUESTION), TEXTS, llm=asking)
    with Session(fake(), store=Store(tmp_path / "replies.sqlite"), mode="replay") as replaying:
        second = explain_module(module(QUESTION), TEXTS, llm=replaying)
    assert second.to_json() == first.to_json()
    assert second.usage.requests == 0 < first.usage.requests


def test_an_outage_raises() -> None:
    down = fake(faults=(Fault("unreachable"),))
    with pytest.raises(ConnectionFailed):
        explain_module(module(QUESTION), TEXTS, llm=Session(down, max_retries=0))


def test_an_outage_in_the_middle_raises() -> None:
    down = fake(faults=(Fault("unreachable", at=range(4, 1000)),))
    with pytest.raises(ConnectionFailed):
        explain_module(module(QUESTION), TEXTS, llm=Session(down, max_retries=0, max_concurrency=1))


@pytest.mark.parametrize(
    "fault",
    [Fault("429", every=5), Fault("500", every=4), Fault("cut", every=6), Fault("bad_json", every=7)],
    ids=lambda fault: fault.kind,
)
def test_passing_faults_of_a_server_change_no_figure(
    served: Opener, fault: Fault, found: ModuleExplanation
) -> None:
    session = served(fake(faults=(fault,)), max_concurrency=1)
    again = explain_module(module(QUESTION), TEXTS, llm=session, name=QUESTION)
    assert again.frame().equals(found.frame())


def test_an_explainer_that_declines_leaves_the_module_untested() -> None:
    declining = fake(faults=(Fault("refusal"),))
    found = explain_module(module(QUESTION), TEXTS, llm=Session(declining, max_retries=0))
    assert (found.outcome, found.explanation, len(found.candidates)) == ("not tested", None, 0)
    assert "no usable reply" in found.statement


def _declining(step: str) -> FakeLLM:
    """An explainer that declines to write of one property, or to judge."""

    def answer(request: Request) -> Any:
        content = str(request.messages[-1]["content"])
        spoilt = f'The text "{QUESTION}"' in content if step == "writing" else '<text id="' in content
        return Reply(None, refusal="no", finish="stop") if spoilt else explainer(request)

    return FakeLLM(answer)


def test_a_candidate_without_written_texts_has_no_figures_and_does_not_hold() -> None:
    found = explain_module(module(QUESTION), TEXTS, llm=Session(_declining("writing")))
    row = found.candidates.set_index("candidate").loc[QUESTION]
    assert np.isnan([row["score"], row["p"], row["p_holm"]]).all()
    assert not row["holds"]
    assert found.outcome == "not explained"
    assert any(QUESTION in problem for problem in found.problems)


def test_answers_that_are_missing_are_counted_and_are_no_no() -> None:
    found = explain_module(module(QUESTION), TEXTS, llm=Session(_declining("judging")))
    assert found.outcome == "not tested"
    assert found.candidates["auroc"].isna().all()
    assert any("answers about texts of the corpus are missing" in problem for problem in found.problems)


# What is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda texts: np.ones((len(texts), 2)), "one number a text"),
        (lambda texts: ["many"] * len(texts), "no numbers"),
        (lambda texts: np.full(len(texts), np.inf), "no finite number"),
        (lambda texts: np.ones(len(texts)), "one and the same number"),
    ],
)
def test_what_is_no_module_is_refused(f: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        explain_module(f, TEXTS, llm=Session(fake()))


@pytest.mark.parametrize("corpus", [[], ["one text"]])
def test_a_corpus_that_cannot_be_divided_is_refused(corpus: list[str]) -> None:
    with pytest.raises(InputError, match=f"corpus has {len(corpus)} texts"):
        explain_module(len, corpus, llm=Session(fake()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts_per_side": 4}, "texts_per_side must be at least"),
        ({"corpus_texts": 4}, "corpus_texts must be at least"),
        ({"n_candidates": 0}, "n_candidates"),
        ({"others": {"the module": module(MONEY)}}, "another name"),
        ({"llm": None}, "takes a language model"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        explain_module(module(QUESTION), TEXTS, **{"llm": Session(fake())} | options)


# What is shown -------------------------------------------------------------------------------------------


class Words(HTMLParser):
    """The words of a page and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_says_what_was_found_and_marks_the_texts(found: ModuleExplanation) -> None:
    shown = Words(found.to_html())
    assert found.statement in shown.words
    assert "mark" in shown.tags


def test_what_a_language_model_proposed_is_escaped() -> None:
    def nasty(request: Request) -> Any:
        wanted = request.schema["properties"] if request.schema else {}
        if "properties" in wanted:
            return {"properties": ["has <script>alert(1)</script>"]}
        if "pairs" in wanted:
            return {"pairs": [{"with": f"<script>{n}", "without": f"{n}"} for n in range(24)]}
        return None

    found = explain_module(module(QUESTION), TEXTS, llm=Session(FakeLLM(nasty)))
    assert "<script>" in found.statement
    assert "script" not in Words(found.to_html()).tags


def test_a_failed_candidate_is_never_called_an_explanation(chance: ModuleExplanation) -> None:
    page = Words(chance.to_html()).words
    assert "which failed" in page
    assert "responds more strongly to a text that" not in page


def test_the_plot_has_a_bar_a_candidate(found: ModuleExplanation) -> None:
    assert len(found.plot().patches) == len(found.frame())


def test_wording_stays_within_behaviour(found: ModuleExplanation, chance: ModuleExplanation) -> None:
    said = (str(found) + str(chance) + found.to_html() + chance.to_html()).casefold()
    assert not [word for word in ("represents", "encodes", "mechanism", "understands") if word in said]
