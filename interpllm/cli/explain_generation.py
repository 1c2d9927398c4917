"""``interpllm explain generation``: which parts of a prompt make a language model's answer likelier."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from interpllm.cli.options import add_json, add_llm, at_least_one, check_folders, llm_of
from interpllm.cli.page import add_page, write_page
from interpllm.cli.terminal import safe, table
from interpllm.errors import InputError

HELP = "say which segments of a prompt make a language model's answer likelier, by leaving them out"
EXAMPLE = """\
  interpllm explain generation facts.txt --question "When does the library open?" --answer Noon
  interpllm explain generation chat.json --llm http://localhost:8000/v1 --samples 20 --plan
  interpllm explain generation facts.txt --question "Who won?" --html found.html"""

_SHOWN = 60
_BREAKS = {"lines": re.compile(r"(?<=\n)(?=\S)"), "paragraphs": re.compile(r"(?<=\n\n)(?=\S)")}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument(
        "prompt",
        metavar="PROMPT",
        help="a text file, or - for standard input; or a .json file: a list of texts, which blank lines "
        "part, or of messages with role and content",
    )
    command.add_argument(
        "--by",
        choices=("sentences", "lines", "paragraphs"),
        default="sentences",
        help="what a text is cut into (default: sentences)",
    )
    command.add_argument(
        "--question", metavar="TEXT", help="what stands below the segments, and always stays"
    )
    command.add_argument("--answer", metavar="TEXT", help="what is explained (default: it is written first)")
    command.add_argument("--span", metavar="TEXT", help="the part of the answer that is explained")
    command.add_argument(
        "--fixed", metavar="NAME", nargs="+", help="segments that always stay: numbers, or names of messages"
    )
    command.add_argument(
        "--placeholder", metavar="TEXT", help="replace segments by this; do not leave them out"
    )
    command.add_argument(
        "--value",
        choices=("auto", "log_probability", "samples"),
        default="auto",
        help="what a prompt is worth (default: log-probabilities of a model in process, else samples)",
    )
    command.add_argument(
        "--calls", type=at_least_one, default=64, metavar="N", help="prompts to value (default: 64)"
    )
    command.add_argument(
        "--samples", type=at_least_one, default=10, metavar="N", help="replies to a prompt (default: 10)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")
    add_llm(command, default="local", none=False)
    command.add_argument("--plan", action="store_true", help="say what it would take, and ask nothing")
    add_page(command)
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Explain, and tell."""
    from interpllm.explain import explain_generation, plan_generation
    from interpllm.llm import as_session

    check_folders(args.html)
    segments, form = _segments(args.prompt, args.by)
    if args.question and form == "messages":
        raise InputError("--question stands below texts; in a conversation it is the last message.")
    session = as_session(llm_of(args), cache=args.cache)
    if session is None:
        raise InputError("to explain a generation takes the language model: name it with --llm SPEC.")
    settings: dict[str, Any] = {
        "span": args.span,
        "fixed": args.fixed,
        "placeholder": args.placeholder,
        "value": args.value,
        "n_calls": args.calls,
        "n_samples": args.samples,
        "random_state": args.seed,
        "separator": "\n\n" if form == "texts" else "",
    }
    if args.question:
        settings["template"] = f"{{segments}}\n\n{args.question}"
    with session:
        if args.plan:
            plan = plan_generation(session, segments, args.answer, **settings)
            print(json.dumps(plan.as_dict()) if args.json else plan)
            return
        tell = sys.stderr.isatty() and not args.quiet
        progress = _Told() if tell else None
        found = explain_generation(session, segments, args.answer, **settings, progress=progress)
    write_page(args, found)
    print(found.to_json(indent=2) if args.json else _drawn(found))
    print(f"{found.usage.requests} requests, {found.usage.tokens} tokens", file=sys.stderr)


def _segments(path: str, by: str) -> tuple[list[Any], str]:
    """What a prompt is made of, and whether these are "messages", "texts" or the "pieces" of one.

    Raises
    ------
    InputError
        When there is no such file, or it holds something else.
    """
    if path != "-" and not Path(path).is_file():
        raise InputError(f"there is no file {path}; write the prompt into a .txt or .json file.")
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    if Path(path).suffix == ".json":
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise InputError(f"{path} is no JSON: {error}") from error
        messages = isinstance(listed, list) and bool(listed) and all(isinstance(one, dict) for one in listed)
        if not messages and not (isinstance(listed, list) and all(isinstance(one, str) for one in listed)):
            raise InputError(f"{path} must be a list of texts, or of messages with role and content.")
        return listed, "messages" if messages else "texts"
    return _cut(text.rstrip("\n"), by), "pieces"


def _cut(text: str, by: str) -> list[str]:
    """A text in pieces that are it when they are joined."""
    from interpllm.explain import sentences

    if by == "sentences":
        return sentences(text)
    return [piece for piece in _BREAKS[by].split(text) if piece]


def _drawn(found: Any) -> str:
    """The answer, the table of segments, and what it is good for."""
    frame = found.frame()
    if found.ranked:
        frame = frame.sort_values("rank")
    cells = [
        (
            str(row.rank) if found.ranked else "-",
            row.segment,
            f"{row.value:+.3f}",
            f"{row.standard_error:.3f}",
            f"{row.left_out:+.3f}",
            safe(row.text)[:_SHOWN],
        )
        for row in frame.itertuples()
    ]
    header = ("rank", "segment", "value", "s.e.", "falls without", "text")
    score = found.score
    checked = f"{score.value:.2f} ({score.low:.2f} to {score.high:.2f})"
    return "\n".join(
        [
            f"answer: {safe(found.answer)}",
            *map(safe, found.sentences()),
            "",
            table(header, cells, right=("rank", "value", "s.e.", "falls without")),
            "",
            "rank correlation with subsets that were not fitted to: "
            + (checked if score.value == score.value else "cannot be told"),
        ]
    )


class _Told:
    """Counts what came, on standard error."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, more: int) -> None:
        self.n += more
        print(f"\r{self.n} values ...", end="", file=sys.stderr, flush=True)
