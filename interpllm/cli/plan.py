"""``interpllm plan``."""

from __future__ import annotations

import argparse

HELP = "plan"
EXAMPLE = """\
  interpllm plan"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""


def run(args: argparse.Namespace) -> None:
    """Run."""
