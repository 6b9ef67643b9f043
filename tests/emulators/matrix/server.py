"""A real Synapse on loopback: a process of its own, new and empty, stopped whatever happens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PYTHON = Path(__file__).parents[3] / ".synapse" / "bin" / "python"

_START_S = 15.0
_LIFTED = {"per_second": 1000, "burst_count": 1000}
# The server ends when we do, even by kill -9: then the pipe to this shell closes.
_GUARD = '"$@" </dev/null & read _; kill -9 $!'


class NotUp(Exception):
    """Synapse did not start."""


class Synapse:
    """`people` and rooms are the caller's; names that are used once keep tests apart."""

    name = "localhost"

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._admin = ""

    def __enter__(self) -> Self:
        self._configure()
        try:
            self.start()
            self._admin = self.register("operator", admin=True)["access_token"]
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers; with the rooms it had before."""
        with (self._folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *("sh", "-c", _GUARD, "sh", str(PYTHON), "-m", "synapse.app.homeserver"),
                    *("--config-path", str(self._folder / "homeserver.json")),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + _START_S
        while not self._is_healthy():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise NotUp((self._folder / "output.log").read_text("utf-8", "replace")[-3000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """At once, in the middle of whatever it does."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process = None

    def register(self, name: str, *, admin: bool = False) -> dict[str, Any]:
        """The answer to a login of the new account, whose password is its name."""
        nonce = self._call("GET", "/_synapse/admin/v1/register")["nonce"]
        role = "admin" if admin else "notadmin"
        signed = "\0".join([nonce, name, name, role]).encode()
        mac = hmac.new(self._secret.encode(), signed, hashlib.sha1).hexdigest()
        account = {"nonce": nonce, "username": name, "password": name, "admin": admin, "mac": mac}
        return self._call("POST", "/_synapse/admin/v1/register", account)

    def limit(self, user: str, *, per_second: float, burst: int) -> None:
        """What this account may send from now on; everybody else is not held up."""
        limit = {"messages_per_second": per_second, "burst_count": burst}
        self._call("POST", f"/_synapse/admin/v1/users/{user}/override_ratelimit", limit)

    def log_out(self, user: str) -> None:
        """All devices of the account, as an administrator does it who saw the token leak."""
        path = f"/_synapse/admin/v2/users/{user}/devices"
        devices = [one["device_id"] for one in self._call("GET", path)["devices"]]
        self._call("POST", f"{path.replace('devices', 'delete_devices')}", {"devices": devices})

    def members(self, room: str) -> set[str]:
        """Who is in the room, as only the operator can see once everybody has left."""
        return set(self._call("GET", f"/_synapse/admin/v1/rooms/{room}/members")["members"])

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1.0) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._admin}"} if self._admin else {},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10.0) as answer:
            return json.load(answer)

    def _configure(self) -> None:
        """As JSON, which is YAML too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self._folder / "signing.key").write_text(f"ed25519 a_test {seed}\n", "utf-8")
        log = {"version": 1, "root": {"level": "WARNING"}, "disable_existing_loggers": False}
        (self._folder / "log.json").write_text(json.dumps(log), "utf-8")
        (self._folder / "homeserver.json").write_text(json.dumps(self._configuration()), "utf-8")

    def _configuration(self) -> dict[str, Any]:
        listener = {
            "port": self.port,
            "type": "http",
            "tls": False,
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client"], "compress": False}],
        }
        database = {"name": "sqlite3", "args": {"database": str(self._folder / "homeserver.db")}}
        return {
            "server_name": self.name,
            "public_baseurl": f"{self.url}/",
            "listeners": [listener],
            "database": database,
            "log_config": str(self._folder / "log.json"),
            "media_store_path": str(self._folder / "media"),
            "signing_key_path": str(self._folder / "signing.key"),
            "registration_shared_secret": self._secret,
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "bcrypt_rounds": 4,
            "report_stats": False,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "url_preview_enabled": False,
            "presence": {"enabled": False},
            "caches": {"sync_response_cache_duration": "0s"},
            "rc_message": _LIFTED,
            "rc_registration": _LIFTED,
            "rc_room_creation": _LIFTED,
            "rc_login": {"address": _LIFTED, "account": _LIFTED, "failed_attempts": _LIFTED},
            "rc_joins": {"local": _LIFTED},
            "rc_invites": {"per_room": _LIFTED, "per_user": _LIFTED, "per_issuer": _LIFTED},
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
