"""How results are shown: blocks of a page, which escape whatever they are given, and plots."""

from interpllm.display.blocks import Block, Figure, Marked, Note, Section, Table, fragment, page
from interpllm.display.data import as_json, plain

__all__ = ["Block", "Figure", "Marked", "Note", "Section", "Table", "as_json", "fragment", "page", "plain"]
