"""The program whose engine is a real process with a small model that fails where it is told to:
`python -m tests.faults.faulty_engine run`, see tests/inference/engine/faulty_child.py.

The program itself knows nothing of this: another command starts its engine. The files that tell
which faults are due lie in `faults`, beside the program's data.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bot.cli import main
from inference.engine.local import LocalEngine
from tests.inference.engine.faulty_child import command

FAULTS = "faults"


def use(folder: Path) -> None:
    defaults = LocalEngine.__init__.__kwdefaults__
    assert defaults is not None
    defaults["command"] = command(folder)


if __name__ == "__main__":
    use(Path(os.environ["VISIONBOT_STORAGE__DATA_DIR"]).parent / FAULTS)
    sys.argv[0] = "visionbot"
    main()
