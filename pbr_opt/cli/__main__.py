"""``python -m pbr_opt.cli`` is ``pbr-opt``."""

from __future__ import annotations

from pbr_opt.cli.application import main

if __name__ == "__main__":
    main()
