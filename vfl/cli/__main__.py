"""``python -m vfl.cli``: the command ``vfl`` where its script is not on the path."""

from __future__ import annotations

from vfl.cli.main import main

if __name__ == "__main__":
    main(prog_name="vfl")
