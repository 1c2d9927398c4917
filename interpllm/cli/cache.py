"""``interpllm cache``."""

from __future__ import annotations

import argparse

HELP = "cache"
EXAMPLE = """\
  interpllm cache"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""


def run(args: argparse.Namespace) -> None:
    """Run."""
