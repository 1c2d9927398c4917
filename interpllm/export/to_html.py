"""A model as one page that scores what is typed into it; it loads nothing and sends nothing.

The page holds the exported module of JavaScript and the code that colours the words. Tried is its script, in
Node.js.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from interpllm.errors import ExportError
from interpllm.export import node
from interpllm.export.check import Answers, Request, Trial
from interpllm.export.to_javascript import ENGINE, asset, module
from interpllm.export.walk import lower
from interpllm.runtime import Model
from interpllm.runtime.ledger import printable

__all__ = ["ENGINE", "render", "rerun"]

_SCRIPT = re.compile(r'<script type="module">\n(.*)\n</script>\n</body>', re.DOTALL)


def render(model: Model, request: Request) -> str:
    """Write a model as a page.

    Parameters
    ----------
    model : any kind of model
    request : Request

    Returns
    -------
    str

    Raises
    ------
    ExportError
        If a question of the model needs a language model, or JavaScript cannot hold its classes.
    """
    plan = lower(model)
    classes = ", ".join(printable(str(label)) for label in model.classes)
    what = f"Tells {classes} apart" if classes else "Predicts a number"
    texts = {
        "title": printable(model.target) or "A readable model",
        "about": f"{what}. Everything happens in this page; nothing is sent anywhere.",
        "text": printable(plan.text) if plan.columns and plan.text else "Text",
    }
    filled = {name: html.escape(text) for name, text in texts.items()} | {
        "script": module(plan) + asset("page.js")
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match.group(1)], asset("page.html"))


def script_of(page: str) -> str:
    """Take the script out of a page.

    Raises
    ------
    ExportError
        If there is not exactly one that ends where it should.
    """
    found = _SCRIPT.search(page)
    if not found or "</script" in found.group(1).lower() or "<!--" in found.group(1):
        raise ExportError("something in the model ends the page's script early; nothing was written")
    return found.group(1)


def rerun(path: Path, trial: Trial) -> Answers | None:
    """Let the script of a written page answer rows in Node.js; None where there is none.

    Raises
    ------
    ExportError
        If it does not run.
    """
    source = script_of(path.read_text(encoding="utf-8"))
    found = node.find_node()
    return node.ask(found, source, trial.rows, trial.model.classes) if found else None
