"""``interpllm explain``: which words, or answers to questions, made a model decide as it did."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from interpllm import runtime
from interpllm.cli.answering import add_answering, inputs_of
from interpllm.cli.options import add_color, add_json, add_model, add_rows, at_least_one, model_of
from interpllm.cli.table import Table, read, write_jsonl
from interpllm.cli.terminal import safe, table, wants_color
from interpllm.runtime.row_model import RowModel

HELP = "show which words of a text, or answers about it, made the model decide, and how strongly"
EXAMPLE = """\
  interpllm explain model.json new.csv --rows 3
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
    add_color(command)
    add_json(command, "print one JSON object a text, with every n-gram or question and its values")
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Explain each text."""
    model = model_of(args.model)
    data = read(args.data, args.format)
    data = Table(data.source, {name: values[: args.rows] for name, values in data.columns.items()})
    explanations = model.explain(*inputs_of(args, model, data))
    if args.json:
        write_jsonl(sys.stdout, (as_json(explanation) for explanation in explanations))
        return
    color = wants_color(args.color)
    rules = isinstance(model, RowModel)
    print("\n\n".join(drawn(explanation, args.top, color, rules) for explanation in explanations))


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
