"""The kinds of models that ``fit`` makes, and the options that each of them has."""

from __future__ import annotations

import argparse
import re
from typing import Any

from interpllm.cli import options
from interpllm.errors import InputError

AUG, LINEAR, TREE = "aug-linear", "concepts", "concept-tree"
AUG_TREE, RULES, PROMPT_TREE = "aug-tree", "rules", "prompt-tree"

#: Kind -> what it is called.
KINDS = {
    AUG: "weighed n-grams",
    LINEAR: "weighed questions",
    TREE: "a tree of questions",
    AUG_TREE: "a tree of phrases",
    RULES: "if-then rules",
    PROMPT_TREE: "a tree of prompts",
}

# Option -> the kinds of models that it is for; every kind has the others.
_FOR = {
    "ngrams": (AUG, AUG_TREE),
    "max_terms": (AUG,),
    "vocabulary": (AUG,),
    "finetune": (AUG,),
    "no_distill": (AUG,),
    "balanced": (AUG, AUG_TREE, RULES),
    "cv": (AUG, RULES),
    "jobs": (AUG, AUG_TREE),
    "answers": (LINEAR, TREE),
    "concepts": (LINEAR, TREE),
    "n_concepts": (LINEAR, TREE),
    "rounds": (LINEAR, TREE, RULES),
    "bank": (LINEAR, TREE),
    "second_llm": (LINEAR, TREE),
    "reliability": (LINEAR, TREE),
    "min_kappa": (LINEAR, TREE),
    "residual": (LINEAR,),
    "points": (LINEAR,),
    "max_leaves": (TREE, AUG_TREE, PROMPT_TREE),
    "max_depth": (AUG_TREE, PROMPT_TREE),
    "trees": (AUG_TREE,),
    "max_phrases": (AUG_TREE,),
    "rules": (RULES,),
    "learner": (RULES,),
    "n_rules": (RULES,),
    "columns": (RULES,),
    "prompts": (PROMPT_TREE,),
}


def add_ngrams(group: Any) -> None:
    """Options of n-grams."""
    group.add_argument(
        "--ngrams",
        type=_ngram_range,
        metavar="N|LO-HI|auto",
        help="longest n-grams, or shortest and longest, such as 1-3 (default: auto, by cross-validation)",
    )
    group.add_argument(
        "--max-terms", type=options.at_least_one, metavar="N", help="at most so many n-grams in the model"
    )
    group.add_argument(
        "--vocabulary", metavar="FILE", help="texts or words without labels, to widen the model's vocabulary"
    )
    group.add_argument(
        "--finetune",
        action="store_true",
        default=None,
        help="fine-tune the local encoder first: slower, often more accurate",
    )
    group.add_argument(
        "--no-distill",
        action="store_true",
        default=None,
        help="learn from the labels alone, not from the LLM's",
    )
    group.add_argument(
        "--balanced",
        action="store_true",
        default=None,
        help="weigh classes by the inverse of how often they are",
    )
    group.add_argument(
        "--cv", type=options.at_least_one, metavar="K", help="folds of the inner choices (default: 5)"
    )
    group.add_argument(
        "--jobs", type=options.jobs, metavar="N", help="threads at once; -1: one a core (default: 1)"
    )


def add_questions(group: Any) -> None:
    """Options of questions."""
    group.add_argument(
        "--concepts",
        metavar="FILE",
        help="questions to begin with: a file of interpllm concepts, a model of questions, or a .txt file "
        "with one a line",
    )
    group.add_argument(
        "--n-concepts", type=options.at_least_one, metavar="N", help="questions at most (default: 20)"
    )
    group.add_argument(
        "--rounds",
        type=_rounds,
        metavar="N|auto",
        help="rounds in which the language model proposes questions; 0: none (default: auto, 2 where it can)",
    )
    group.add_argument(
        "--bank",
        action=argparse.BooleanOptionalAction,
        help="try the library's own questions, too (default: where there are no others)",
    )
    group.add_argument(
        "--second-llm",
        metavar="SPEC",
        help="answers, too; questions on which the two disagree are dropped",
    )
    group.add_argument(
        "--reliability",
        type=float,
        metavar="SHARE",
        help="share of texts about which each question is asked again in other words (default: 0)",
    )
    group.add_argument(
        "--min-kappa",
        type=float,
        metavar="KAPPA",
        help="agreement (Cohen's kappa) of two wordings or models below which a question is dropped",
    )
    group.add_argument(
        "--residual",
        choices=("ngrams",),
        help="concepts only: let n-grams tell what the questions leave over",
    )
    group.add_argument(
        "--points",
        type=options.at_least_one,
        metavar="N",
        help="concepts only: a scorecard of whole points, at most N a question",
    )


def add_trees(group: Any) -> None:
    """Options of trees."""
    for name, said in (
        ("max-leaves", "leaves at most (concept-tree, too)"),
        ("max-depth", "conditions on a path at most"),
        ("trees", "aug-tree only: trees that are averaged (default: 1)"),
        ("max-phrases", "aug-tree only: phrases that a node may look for"),
    ):
        group.add_argument(f"--{name}", type=options.at_least_one, metavar="N", help=said)
    group.add_argument(
        "--prompts", metavar="FILE", help='prompt-tree only: prompts, one a line, each with "{text}" in it'
    )


def add_rules(group: Any) -> None:
    """Options of rules."""
    group.add_argument(
        "--rules",
        metavar="FILE",
        help='rules to begin with: one a line ("if age > 50 and sex is "m" then yes") in a .txt file, or a '
        "saved rule book",
    )
    group.add_argument(
        "--columns",
        metavar="NAMES",
        help="columns that rules may look at, with commas between, or all (default: the text alone, where "
        "there is a column of texts; else all)",
    )
    group.add_argument(
        "--learner",
        metavar="NAME",
        help="what the rules become: list (the first that holds decides; default for classes), sparse "
        "(weights that add up; default for numbers), figs, rulefit, skope, greedy or hstree",
    )
    group.add_argument("--n-rules", type=options.at_least_one, metavar="N", help="rules at most")


def given(args: argparse.Namespace, **names: str) -> dict[str, Any]:
    """Parameters by name, of the options that were given; the estimator knows the others' defaults."""
    return {
        name: getattr(args, option) for option, name in names.items() if getattr(args, option) is not None
    }


def check(args: argparse.Namespace) -> None:
    """Refuse options that the kind of model has no use for, rather than pass them over."""
    for option, kinds in _FOR.items():
        if getattr(args, option, None) is not None and args.estimator not in kinds:
            raise InputError(
                f"--{option.replace('_', '-')} is for --estimator {' or '.join(kinds)}, and this is "
                f"{args.estimator}; leave it out, or choose another estimator."
            )


def _rounds(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, or a whole number")
    return int(text)


def _ngram_range(text: str) -> tuple[int, int] | str:
    if text == "auto":
        return text
    match = re.fullmatch(r"([1-9])(?:-([1-9]))?", text)
    if match is None or (match[2] or match[1]) < match[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, a length such as 2, or a range such as 1-2")
    return (int(match[1]), int(match[2])) if match[2] else (1, int(match[1]))
