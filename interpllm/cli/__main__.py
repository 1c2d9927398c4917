"""``python -m interpllm.cli``, where the ``interpllm`` script is not on the path."""

import sys

from interpllm.cli import main

if __name__ == "__main__":
    sys.exit(main())
