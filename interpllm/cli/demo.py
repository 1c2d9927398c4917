"""``interpllm demo``."""

from __future__ import annotations

import argparse

HELP = "demo"
EXAMPLE = """\
  interpllm demo"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""


def run(args: argparse.Namespace) -> None:
    """Run."""
