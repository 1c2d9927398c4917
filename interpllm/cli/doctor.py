"""``interpllm doctor``."""

from __future__ import annotations

import argparse

HELP = "doctor"
EXAMPLE = """\
  interpllm doctor"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""


def run(args: argparse.Namespace) -> None:
    """Run."""
