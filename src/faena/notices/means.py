"""By which notices go: what the server's settings say of mail, and of networks."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Mapping

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.kernel.hidden import hiding
from faena.notices.model import Network
from faena.people.settings import PREFIX, Settings, read

_OF_MAIL = (f"{PREFIX}MAIL_SERVER", f"{PREFIX}MAIL_FROM")
_log = logging.getLogger(__name__)


class Means(Struct, frozen=True):
    mail_server: str = ""
    mail_from: str = ""
    networks: tuple[Network, ...] = ()
    """That webhooks of people may reach beside the public one."""

    __repr__ = hiding("mail_server")


def means_of(settings: Settings | None, environment: Mapping[str, str] = os.environ) -> Means:
    """`settings`: None of a server that no person set up, which has mail where the environment of its start says so."""
    if settings is None:
        given = {name: environment[name] for name in _OF_MAIL if name in environment}
        try:
            settings = read(given)
        except UserErrorException as error:
            _log.warning("notices go by no mail: %s", error.message)
            settings = Settings()
    networks = tuple(ipaddress.ip_network(each) for each in settings.notice_networks)
    return Means(settings.mail_server, settings.mail_from, networks)
