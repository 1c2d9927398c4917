"""``interpllm concepts``: questions in a file, read and edited by people between fits."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interpllm.cli.options import add_json, add_verb
from interpllm.cli.questions import opened, question_file
from interpllm.cli.terminal import table
from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, ConceptSet, ConceptTree, Question

HELP = "show and edit questions: keep, forbid, reword or add some, and fit again"
EXAMPLE = """\
  interpllm concepts from model.json --out questions.json
  interpllm concepts veto questions.json q1a2b3c4d
  interpllm fit reviews.csv --estimator concepts --concepts questions.json --rounds 0 --llm SPEC"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the verbs and their options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, act: Callable[[argparse.Namespace], None], what: str, example: str) -> Any:
        made = add_verb(verbs, "concepts", name, what, example)
        made.set_defaults(act=act)
        return made

    which = {"metavar": "QUESTION", "nargs": "+", "help": "its id or its exact words"}
    showing = verb(
        "show",
        _show,
        "print the questions of a set, or those of a model with their weights",
        "show model.json",
    )
    showing.add_argument("file", metavar="FILE", help="questions, or a model of questions (.json)")
    add_json(showing)
    taking = verb(
        "from", _from, "make a set of the questions of a model", "from model.json --out questions.json"
    )
    taking.add_argument("file", metavar="MODEL")
    taking.add_argument("--out", metavar="FILE", required=True, help="file of questions to write")
    locking = verb(
        "lock", _lock, "let the next fit keep questions in any case", "lock questions.json q1a2b3c4d"
    )
    locking.add_argument("file", metavar="FILE")
    locking.add_argument("which", **which)
    vetoing = verb(
        "veto",
        _veto,
        "take questions out, and let no proposal bring them back",
        "veto questions.json 'Is the text long?'",
    )
    vetoing.add_argument("file", metavar="FILE")
    vetoing.add_argument("which", **which)
    editing = verb(
        "edit",
        _edit,
        "word a question anew, in its place",
        "edit questions.json q1a2b3c4d --to 'Does it state a price?' --counts 'a price as a number'",
    )
    editing.add_argument("file", metavar="FILE")
    editing.add_argument("which", metavar="QUESTION", help="its id or its exact words")
    editing.add_argument("--to", metavar="TEXT", help="its new words (default: as they are)")
    editing.add_argument("--counts", metavar="LINE", help="what counts as yes, and what does not")
    adding = verb(
        "add",
        _add,
        "add questions; a file that is not there is made",
        "add questions.json 'Is a refund asked for?' --counts 'money back; not an exchange'",
    )
    adding.add_argument("file", metavar="FILE")
    adding.add_argument("texts", metavar="QUESTION", nargs="*", help="a yes/no question in one line")
    adding.add_argument(
        "--counts", metavar="LINE", help="what counts as yes and what does not, for each of them"
    )
    adding.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="those of a model, a set or a .txt file, but for vetoed ones",
    )


def run(args: argparse.Namespace) -> None:
    """Run the verb."""
    args.act(args)


def _set_in(path: str) -> ConceptSet:
    found = opened(path)
    if not isinstance(found, ConceptSet):
        raise InputError(
            f"{path} is a model, whose questions belong to its weights. Take them out first: "
            f"interpllm concepts from {path} --out FILE"
        )
    return found


def _save(concepts: ConceptSet, path: str) -> None:
    concepts.save(path)
    locked = f", {len(concepts.locked)} locked" if concepts.locked else ""
    vetoed = f", {len(concepts.vetoed)} vetoed" if concepts.vetoed else ""
    n = len(concepts)
    print(f"{path}: {n} question{'' if n == 1 else 's'}{locked}{vetoed}")


def _lock(args: argparse.Namespace) -> None:
    _save(_set_in(args.file).lock(*args.which), args.file)


def _veto(args: argparse.Namespace) -> None:
    _save(_set_in(args.file).veto(*args.which), args.file)


def _edit(args: argparse.Namespace) -> None:
    if args.to is None and args.counts is None:
        raise InputError("say what to change: --to TEXT, --counts LINE, or both.")
    concepts = _set_in(args.file)
    text = concepts[args.which].text if args.to is None else args.to
    _save(concepts.edit(args.which, text, args.counts), args.file)


def _add(args: argparse.Namespace) -> None:
    if not args.texts and args.source is None:
        raise InputError("give questions to add, or a file that has some with --from FILE.")
    concepts = _set_in(args.file) if Path(args.file).exists() else ConceptSet()
    concepts = concepts.add(*(Question.of(text, args.counts or "") for text in args.texts))
    if args.source is not None:
        concepts = concepts.add(*filter(concepts.allows, question_file(args.source)))
    _save(concepts, args.file)


def _from(args: argparse.Namespace) -> None:
    if Path(args.out).exists():
        raise InputError(
            f"{args.out} is there already, perhaps with locks and vetoes. Give another name, or add to it: "
            f"interpllm concepts add {args.out} --from {args.file}"
        )
    _save(question_file(args.file), args.out)


def _show(args: argparse.Namespace) -> None:
    found = opened(args.file)
    rows = _of_set(found) if isinstance(found, ConceptSet) else _of_model(found)
    if args.json:
        vetoed = {"vetoed": sorted(found.vetoed)} if isinstance(found, ConceptSet) else {}
        print(json.dumps({"questions": rows, **vetoed}, ensure_ascii=False, indent=2))
        return
    if rows:
        print(table(*_drawn(rows)))
    if isinstance(found, ConceptTree):
        print(f"\n{found}")
    elif isinstance(found, ConceptLinear) and found.residual is not None:
        print(f"and {found.residual.n_terms:,} n-grams for what they leave over: interpllm rules {args.file}")
    elif isinstance(found, ConceptSet) and found.vetoed:
        print(table(("vetoed",), [(wording,) for wording in sorted(found.vetoed)]))
    if not rows:
        print("no questions")


def _of_set(concepts: ConceptSet) -> list[dict[str, Any]]:
    return [
        {
            "id": question.id,
            "locked": question.id in concepts.locked,
            "source": question.source,
            "question": question.text,
            "counts": question.counts,
        }
        for question in concepts
    ]


def _of_model(model: ConceptLinear | ConceptTree) -> list[dict[str, Any]]:
    """The questions with what the model makes of them; a tree's have no weights."""
    rows = []
    says = {rule.phrase: rule for rule in model.rules()} if isinstance(model, ConceptLinear) else {}
    for question in model.questions:
        row: dict[str, Any] = {"id": question.id}
        if question.text in says:
            rule = says[question.text]
            row |= {
                "for": rule.prediction,
                "weight": rule.weight,
                "support": rule.support,
                "precision": rule.precision,
            }
        row |= {
            "answered by": "n-grams" if question.id in model.stand_ins else "llm",
            "source": question.source,
            "question": question.text,
            "counts": question.counts,
        }
        rows.append(row)
    return sorted(rows, key=lambda row: -abs(row.get("weight", 0.0)))


def _drawn(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, cells, and the columns that stand to the right, without those that are empty throughout."""
    names = [name for name in rows[0] if any(row[name] not in (None, "", False) for row in rows)]
    cells = [[_written(row[name], name) for name in names] for row in rows]
    return names, cells, ["weight", "support", "precision"]


def _written(value: Any, name: str) -> str:
    if value is None:
        return ""
    if name == "locked":
        return "yes" if value else ""
    if isinstance(value, float):
        return format(value, "+.3f" if name == "weight" else ".2f")
    return str(value)
