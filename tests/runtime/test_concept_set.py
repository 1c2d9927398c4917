"""A set of questions is never changed; edits give new sets that keep every promise of the old one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import ConceptSet, Question

CHEAP = Question.of("Is it cheap?", "a price is named")
LOUD = Question.of("Is it loud?", source="llm")
SET = ConceptSet.of([CHEAP, LOUD])


# --- make and look ------------------------------------------------------------------------------------------


def test_of_takes_strings_and_questions_in_order() -> None:
    assert [str(question) for question in ConceptSet.of(["Is it new?", CHEAP])] == [
        "Is it new?",
        "Is it cheap?",
    ]


def test_of_gives_a_set_back_as_it_is() -> None:
    assert ConceptSet.of(SET) is SET


def test_of_keeps_the_first_of_one_wording() -> None:
    assert list(ConceptSet.of([CHEAP, "is it CHEAP"])) == [CHEAP]


def test_one_string_is_no_list() -> None:
    with pytest.raises(InputError, match="put it in a list"):
        ConceptSet.of("Is it cheap?")


@pytest.mark.parametrize("which", [CHEAP, CHEAP.id, CHEAP.text])
def test_a_question_is_found_by_id_text_or_itself(which: Any) -> None:
    assert SET[which] == CHEAP
    assert which in SET


def test_what_is_not_held_is_refused_with_near_ones() -> None:
    with pytest.raises(InputError, match=f"{CHEAP.id} 'Is it cheap"):
        SET["Is it cheep?"]


def test_what_is_not_held_is_not_in_the_set() -> None:
    assert "Is it new?" not in SET


def test_sets_are_equal_where_they_hold_the_same() -> None:
    assert ConceptSet.of([CHEAP, LOUD]) == SET
    assert ConceptSet.of([LOUD, CHEAP]) != SET
    assert SET.lock(CHEAP) != SET


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"questions": ["Is it cheap?"]}, "ConceptSet.of takes strings"),
        ({"questions": [CHEAP, CHEAP]}, "the same id"),
        ({"questions": [CHEAP, Question("a", "IS IT CHEAP")]}, "the same wording"),
        ({"questions": [CHEAP], "locked": {"q0"}}, "not in the set: q0"),
        ({"questions": [CHEAP], "vetoed": {"is it cheap!"}}, "both held and vetoed"),
        ({"locked": "q0"}, "locked is a collection"),
        ({"vetoed": [1]}, "vetoed is a collection"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConceptSet(**parts)


# --- edit ---------------------------------------------------------------------------------------------------


def test_an_edit_leaves_the_old_set() -> None:
    SET.lock(CHEAP).veto(LOUD).edit(CHEAP, "Is it dear?").add("Is it new?")
    assert ConceptSet.of([CHEAP, LOUD]) == SET


def test_lock_adds_to_what_is_locked() -> None:
    assert SET.lock(CHEAP.id).lock(LOUD.text).locked == {CHEAP.id, LOUD.id}


def test_veto_takes_the_question_out_and_its_wording_away() -> None:
    left = SET.lock(LOUD).veto(LOUD)
    assert (list(left), left.locked) == ([CHEAP], frozenset())
    assert not left.allows("is it LOUD")
    assert left.allows("Is it silent?")


def test_edit_words_a_question_anew_in_its_place_and_keeps_what_counts() -> None:
    assert list(SET.edit(CHEAP, "Is it dear?")) == [Question.of("Is it dear?", CHEAP.counts), LOUD]


def test_edit_can_change_what_counts_alone() -> None:
    assert list(SET.edit(LOUD, LOUD.text, "over 80 dB"))[1] == Question.of(LOUD.text, "over 80 dB")


def test_an_edited_question_is_the_users() -> None:
    assert list(SET.edit(LOUD, "Is it noisy?"))[1].source == "user"


def test_an_edited_question_stays_locked() -> None:
    edited = SET.lock(LOUD).edit(LOUD, "Is it noisy?")
    assert edited.locked == {Question.of("Is it noisy?").id}


def test_an_edit_to_a_wording_that_is_held_is_refused() -> None:
    with pytest.raises(InputError, match="the same wording"):
        SET.edit(LOUD, "is it cheap")


@pytest.mark.parametrize("verb", ["lock", "veto", "edit"])
def test_an_edit_of_what_is_not_held_is_refused(verb: str) -> None:
    with pytest.raises(InputError, match="no question has the id"):
        getattr(SET, verb)("Is it new?", *["x"] * (verb == "edit"))


def test_add_leaves_out_a_wording_that_is_held() -> None:
    assert SET.add(Question.of("IS IT CHEAP", "anything under 5", source="llm")) == SET


def test_a_proposal_does_not_bring_back_what_was_vetoed() -> None:
    with pytest.raises(InputError, match="was vetoed"):
        SET.veto(LOUD).add(LOUD)


def test_a_user_may_bring_back_what_was_vetoed() -> None:
    back = SET.veto(LOUD).add("Is it loud?")
    assert (len(back), back.vetoed) == (2, frozenset())


# --- file and print -----------------------------------------------------------------------------------------


EDITED = SET.add("Is it über?", "Is it gone?").veto("Is it gone?").lock(LOUD)
GOOD: dict[str, Any] = json.loads(EDITED.to_json())


def test_a_set_comes_back_equal(tmp_path: Path) -> None:
    assert ConceptSet.load(EDITED.save(tmp_path / "set.json")) == EDITED


def test_a_set_comes_back_to_the_same_bytes() -> None:
    assert ConceptSet.from_json(EDITED.to_json()).to_json() == EDITED.to_json()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_refused(name: str) -> None:
    with pytest.raises(DocumentError):
        ConceptSet.from_json(json.dumps({key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "linear"}, "kind 'linear' are not known"),
        ({"kind": ["concept_set"]}, "are not known"),
        ({"version": 2}, "version 2"),
        ({"surprise": 1}, "not known here: 'surprise'"),
        ({"questions": {}}, "questions is a dict"),
        ({"questions": ["Is it?"]}, "questions holds entries of type str"),
        ({"questions": [{"id": "a", "text": "Is it?"}]}, "fields are missing: counts, source"),
        ({"questions": [{"id": "a", "text": 1, "counts": "", "source": "user"}]}, "field text is a int"),
        ({"questions": [{"id": "a", "text": "", "counts": "", "source": "user"}]}, "no text"),
        ({"questions": GOOD["questions"] * 2}, "the same id"),
        ({"locked": [1]}, "locked holds entries of type int"),
        ({"locked": ["q0"]}, "not in the set"),
        ({"vetoed": ["is it cheap"]}, "both held and vetoed"),
    ],
)
def test_a_document_that_is_wrong_in_one_place_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        ConceptSet.from_json(json.dumps({**GOOD, **changes}))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text("{")
    with pytest.raises(DocumentError, match=r"set\.json"):
        ConceptSet.load(tmp_path / "set.json")


def test_the_repr_lists_the_questions() -> None:
    assert repr(EDITED) == (
        "ConceptSet: 3 questions, 1 locked, 1 vetoed\n"
        f"  {CHEAP.id}  Is it cheap? (user)\n"
        "             counts: a price is named\n"
        f"  {LOUD.id}  Is it loud? (llm, locked)\n"
        f"  {EDITED['Is it über?'].id}  Is it über? (user)"
    )


def test_the_repr_has_nothing_that_a_terminal_obeys() -> None:
    assert "\x1b" not in repr(ConceptSet.of(["red \x1b[31m?"]))


def test_the_html_is_escaped() -> None:
    shown = ConceptSet.of([Question.of("<script>x</script>", "a & b")])._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &amp; b" in shown
