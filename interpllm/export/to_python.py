"""A model as one Python file that needs nothing but Python.

The tokenizer, the scorer and the verbs are the source of the library's own modules, so an exported model runs
the same code as the library. Of the model only two sorts of text enter the file: ``repr`` of plain values,
and phrases, which hold nothing but words and single spaces; neither can end a string literal or a line.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from interpllm.errors import ExportError
from interpllm.export import standalone
from interpllm.export.check import Answers
from interpllm.runtime import LinearModel, scoring, tokens

_SECONDS = 600

# A text with one of these cannot be given as one line of UTF-8.
_NO_LINE = re.compile("[\r\n\ud800-\udfff]")

_HEAD = '''"""A readable model of text, made with interpllm. It needs Python 3.11 or newer and nothing else.

    python {name} < texts.txt        one text a line in, one prediction a line out

From Python: import the file; it has predict, predict_proba and decision_function, each taking a list of
texts. The score of a text is INTERCEPT plus the sum of the weights in TABLE of its distinct n-grams, divided
by 1 or, where NORM is "sqrt", by the square root of the number of its distinct n-grams.
"""
'''

_TABLE = '''
# Weights (one an output), a tab, an n-gram; strongest first.
TABLE = """
{lines}
"""

SCORER = Scorer(read_table(TABLE), INTERCEPT, NGRAM_RANGE, NORM)

if __name__ == "__main__":
    main()
'''

# What a bare interpreter is told to do with the file: answer the texts of standard input as JSON.
_RERUN = """
import json, runpy, sys
model = runpy.run_path(sys.argv[1])
texts = json.load(sys.stdin)
json.dump(
    {
        "scores": model["decision_function"](texts),
        "probabilities": model["predict_proba"](texts) if model["CLASSES"] else [],
        "predictions": model["predict"](texts),
    },
    sys.stdout,
)
"""


def render(model: LinearModel, name: str = "model.py") -> str:
    """Write a model as the source of a Python program.

    Parameters
    ----------
    model : LinearModel
    name : str
        Name of the file, for its own help.

    Returns
    -------
    str
    """
    imports: dict[str, set[str]] = {}
    bodies = [_body(module, imports) for module in (tokens, scoring, standalone)]
    values = {
        "TARGET": model.target,
        "CLASSES": model.classes,
        "NGRAM_RANGE": model.ngram_range,
        "NORM": model.norm,
        "INTERCEPT": model.intercept,
    }
    lines = (f"{' '.join(map(repr, model.weights[rule.phrase]))}\t{rule.phrase}" for rule in model.rules())
    return "\n".join(
        [
            _HEAD.format(name=ascii(name)[1:-1]),
            "from __future__ import annotations\n",
            *_import_lines(imports),
            *bodies,
            "\n" + "\n".join(f"{key} = {value!r}" for key, value in values.items()),
            _TABLE.format(lines="\n".join(lines)),
        ]
    )


def rerun(path: Path, texts: list[str]) -> Answers:
    """Let an exported file answer texts in a fresh interpreter that sees the standard library only.

    Parameters
    ----------
    path : pathlib.Path
    texts : list of str

    Returns
    -------
    Answers

    Raises
    ------
    ExportError
        If the file does not run, or its command line answers otherwise than its functions.
    """
    said = _run(["-c", _RERUN, str(path)], json.dumps(texts))
    try:
        answers = Answers(**json.loads(said))
    except (TypeError, ValueError):
        raise ExportError(
            f"the exported file writes what it should not: {said:.200}; nothing was written"
        ) from None
    lines, expected = [], []
    for text, prediction in zip(texts, answers.predictions, strict=True):
        if not _NO_LINE.search(text):
            lines.append(f"{text}\n")
            expected.append(f"{prediction}\n")
    if _run([str(path)], "".join(lines)) != "".join(expected):
        raise ExportError("the exported file answers otherwise from the command line; nothing was written")
    return answers


def _run(arguments: list[str], given: str) -> str:
    """Run the bare interpreter: no environment variables, no user or site packages."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", *arguments],
            input=given.encode(),
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the exported file could not be tried ({error}); nothing was written") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ExportError(f"the exported file does not run ({''.join(last)}); nothing was written")
    return done.stdout.decode()


def _body(module: ModuleType, imports: dict[str, set[str]]) -> str:
    """Give a module's source below its docstring and imports; add the standard library's to `imports`."""
    source = inspect.getsource(module)
    start = 0
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            imports.update({alias.name: set() for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            if node.module and node.module.split(".")[0] not in ("__future__", "interpllm"):
                imports.setdefault(node.module, set()).update(alias.name for alias in node.names)
        elif not (isinstance(node, ast.Expr) and start == 0):
            break
        start = node.end_lineno or start
    return "\n".join(source.splitlines()[start:]) + "\n"


def _import_lines(imports: dict[str, set[str]]) -> list[str]:
    """Write imports, whole modules first; no module is imported both ways."""
    whole = [f"import {module}" for module in sorted(imports) if not imports[module]]
    parts = [f"from {m} import {', '.join(sorted(names))}" for m, names in sorted(imports.items()) if names]
    return [*whole, *parts]
