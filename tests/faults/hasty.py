"""The program, which takes others for dead after four seconds instead of thirty: `python -m
tests.faults.hasty run`. The program itself knows nothing of this."""

from __future__ import annotations

import sys
from functools import partialmethod

from bot.cli import main
from bot.replica import Replica, Rhythm

HASTY = Rhythm(every_s=0.3, sure_s=2.5, dead_s=4.0, again_s=0.2, call_s=1.5)

if __name__ == "__main__":
    Replica.__init__ = partialmethod(Replica.__init__, rhythm=HASTY)  # type: ignore[assignment]  # see above
    sys.argv[0] = "visionbot"
    main()
