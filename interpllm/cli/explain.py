"""``interpllm explain``: which words, or answers to questions, made a model decide as it did."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from interpllm import runtime
from interpllm.cli.answering import Inputs, add_answering, inputs_of
from interpllm.cli.options import (
    add_color,
    add_json,
    add_model,
    add_rows,
    at_least_one,
    check_folders,
    model_of,
)
from interpllm.cli.page import add_page, write_page
from interpllm.cli.table import Table, read, write_jsonl
from interpllm.cli.terminal import safe, table, wants_color
from interpllm.errors import InputError
from interpllm.runtime.ledger import printable
from interpllm.runtime.row_model import RowModel

if TYPE_CHECKING:
    from interpllm.explain import Explanation

ANY = object()
"""``--counterfactual`` without a class."""

HELP = "show which words of a text, or answers about it, made the model decide, and how strongly"
EXAMPLE = """\
  interpllm explain model.json new.csv --rows 3
  interpllm explain model.json new.csv --contrast billing delivery
  interpllm explain model.json new.csv --counterfactual --html page.html
  echo "not bad at all" | interpllm explain model.json - --format txt"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    add_rows(command, "texts", label=None)
    command.add_argument("--rows", type=at_least_one, metavar="N", help="only the first N texts")
    command.add_argument(
        "--top",
        type=at_least_one,
        default=8,
        metavar="N",
        help="strongest n-grams or questions to list a text (default: 8)",
    )
    asked = command.add_mutually_exclusive_group()
    asked.add_argument(
        "--contrast", nargs=2, metavar=("A", "B"), help="what speaks for class A rather than for class B"
    )
    asked.add_argument(
        "--counterfactual",
        nargs="?",
        const=ANY,
        metavar="CLASS",
        help="the least that would have to be otherwise for another prediction, or for CLASS",
    )
    add_page(command)
    add_color(command)
    add_json(command, "print one JSON object a text, with every n-gram or question and its values")
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Explain each text."""
    check_folders(args.html)
    model = model_of(args.model)
    data = read(args.data, args.format)
    data = Table(data.source, {name: values[: args.rows] for name, values in data.columns.items()})
    inputs = inputs_of(args, model, data)
    if args.contrast or args.counterfactual is not None:
        show(args, explained(args, model, inputs))
        return
    explanations = model.explain(*inputs)
    if args.html:
        write_page(args, page_of(model, explanations))
    if args.json:
        write_jsonl(sys.stdout, (as_json(explanation) for explanation in explanations))
        return
    color = wants_color(args.color)
    rules = isinstance(model, RowModel)
    print("\n\n".join(drawn(explanation, args.top, color, rules) for explanation in explanations))


def explained(args: argparse.Namespace, model: Any, inputs: Inputs) -> Explanation:
    """The contrast or the counterfactual that the options ask for."""
    from interpllm.explain import contrast, counterfactual

    rows, answers = (*inputs, None)[:2]
    if args.contrast:
        one, other = (class_of(model, said) for said in args.contrast)
        return contrast(model, rows, one, other, answers=answers)
    target = None if args.counterfactual is ANY else class_of(model, args.counterfactual)
    return counterfactual(model, rows, target, answers=answers)


def page_of(model: Any, explanations: list[runtime.Ledger]) -> Explanation:
    """The explanations of single texts as one."""
    from interpllm.explain import LocalExplanation
    from interpllm.explain.subject import outputs_of

    return LocalExplanation(explanations, outputs_of(model))


def show(args: argparse.Namespace, found: Explanation) -> None:
    """Print an explanation, as JSON or for people, and write its page where one is wanted."""
    write_page(args, found)
    if args.json:
        print(found.to_json())
    else:
        print(printable(str(found)))


def class_of(model: Any, said: str) -> Any:
    """The class that is written so.

    Raises
    ------
    InputError
        When there is none; the message lists those that there are.
    """
    for label in model.classes:
        if str(label) == said:
            return label
    listed = ", ".join(map(str, model.classes)) or "none, as it predicts a number"
    raise InputError(f"the model has no class {said!r:.80}; its classes: {listed:.300}")


def drawn(explanation: runtime.Ledger, top: int, color: bool, rules: bool = False) -> str:
    """The text with its words coloured, the decision, and the strongest n-grams below.

    Parameters
    ----------
    explanation : Ledger
        Of one text.
    top : int
        How many n-grams to list.
    color : bool
        Colour the words; without, they are marked ``{+for+}`` and ``[-against-]``.
    rules : bool
        Whether the model decides by conditions, and not by n-grams or questions.
    """
    strength = explanation.strength
    asked = any(part.question is not None for part in explanation.contributions)
    ledger = [(part.phrase, _answer(part), strength(part.values)) for part in explanation.contributions]
    ledger.sort(key=lambda entry: -abs(entry[2]))
    rows = [("(every row)" if rules else "(every text)", "", strength(explanation.base)), *ledger[:top]]
    if rest := [value for _, _, value in ledger[top:]]:
        rows.append((f"({len(rest)} more)", "", sum(rest)))
    rows.append(("= decision", "", strength(explanation.decision)))
    share = f"{explanation.coverage:.0%} of " + (
        "the questions are answered" if asked else "its n-grams are in the model"
    )
    value = "up or down" if not explanation.classes else f"for {safe(explanation.prediction)}"
    cells = [(phrase, answer, f"{number:+.3f}") for phrase, answer, number in rows]
    lines = [explanation.to_ansi(color)] if explanation.text else []
    lines.append(f"-> {safe(explanation.prediction)}" + ("" if rules else f"   ({share})"))
    if asked:
        lines.append(table(("question", "answer", value), cells, right=("answer", value)))
    else:
        lines.append(
            table(
                ("condition" if rules else "n-gram", value),
                [(cell[0], cell[2]) for cell in cells],
                right=(value,),
            )
        )
    return "\n".join(lines)


def _answer(part: runtime.Contribution) -> str:
    if part.question is None:
        return ""
    return "none" if part.answer is None else f"{part.answer:.2f}"


def as_json(explanation: runtime.Ledger) -> dict[str, Any]:
    """The whole ledger of one text; base + the sum of values is the decision, output by output."""
    return {
        "text": explanation.text,
        "prediction": explanation.prediction,
        "decision": explanation.decision,
        "base": explanation.base,
        "coverage": explanation.coverage,
        "contributions": [contribution._asdict() for contribution in explanation.contributions],
    }
