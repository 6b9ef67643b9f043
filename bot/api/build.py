"""Makes what stands before the API: its gate, its fetcher, and what every request gets."""

from __future__ import annotations

from bot.api.addresses import Network, parse_network
from bot.api.auth import Gate, add_rate_headers
from bot.api.cors import add_cors_headers, answer_preflights
from bot.api.fetch import Fetcher
from bot.api.nowhere import tell_of_unknown_addresses
from bot.api.refusals import refuse_in_openais_shape
from bot.api.server import Extras
from bot.config import Settings
from bot.rules import Rules
from bot.storage.pauses import Pauses
from bot.stores import Stores


def build_gate(settings: Settings, stores: Stores, pauses: Pauses, rules: Rules) -> Gate:
    return Gate(
        settings.api,
        stores.keys,
        stores.people,
        pauses,
        rules,
        listening_on=settings.web.host,
        trusted=_proxies(settings),
    )


def build_fetcher(settings: Settings) -> Fetcher:
    return Fetcher(
        settings.api.fetch_hosts,
        [parse_network(text) for text in settings.api.fetch_networks],
        max_bytes=settings.pictures.limits().max_bytes,
    )


def build_extras(settings: Settings) -> Extras:
    """The headers of CORS also stand on refusals, which a page could not read else."""
    section = settings.api
    language = settings.answers.default_language
    return Extras(
        middlewares=[
            tell_of_unknown_addresses(language),
            answer_preflights(section.cors_origins),
            refuse_in_openais_shape(language, max_body_mb=section.max_body_mb),
        ],
        on_prepare=[add_rate_headers, add_cors_headers(section.cors_origins)],
        proxies=_proxies(settings),
    )


def _proxies(settings: Settings) -> list[Network]:
    return [parse_network(text) for text in settings.web.trusted_proxies]
