"""What stops the program at its start, in words for the person who started it.

ConfigError   a setting is unknown, wrong or missing; the message names it and the remedy
"""

from __future__ import annotations


class ConfigError(Exception):
    pass
