"""A small OpenID Connect provider, run for real in the test process: discovery, authorization, tokens, keys.

It vouches for whom a test says, checks PKCE, the client's secret and that a code is used once, and can be
told to lie in each of the ways a client must see through.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.support import free_port

CLIENT, SECRET = "mapservice", "the-secret-of-mapservice"


@dataclass
class Provider:
    """The provider, what it says of who comes, and how it lies."""

    port: int
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    foreign_key: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def discovery(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def app(self) -> Flask:
        app = Flask("provider")

        @app.get("/.well-known/openid-configuration")
        def discovery():
            return jsonify(
                issuer=self.issuer,
                authorization_endpoint=f"{self.issuer}/authorize",
                token_endpoint=f"{self.issuer}/token",
                jwks_uri=f"{self.issuer}/keys",
                response_types_supported=["code"],
                subject_types_supported=["public"],
                id_token_signing_alg_values_supported=["RS256"],
                code_challenge_methods_supported=["S256"],
            )

        @app.get("/keys")
        def keys():
            return jsonify(keys=[self.key.as_dict(private=False)])

        @app.get("/authorize")
        def authorize():
            asked = request.args.to_dict()
            self.asked.append(asked)
            code = secrets.token_urlsafe()
            self.codes[code] = asked
            return redirect(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

        @app.post("/token")
        def token():
            asked = self.codes.pop(request.form["code"], None)
            given = request.authorization
            if asked is None or given is None or (given.username, given.password) != (CLIENT, SECRET):
                return jsonify(error="invalid_grant"), 400
            digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
                return jsonify(error="invalid_grant"), 400
            now = int(time.time())
            claims = {
                "iss": self.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
                **self.claims,
                **self.lies,
            }
            key = RSAKey.generate_key(2048, {"kid": "one"}) if self.foreign_key else self.key
            signed = jwt.encode(
                {"alg": "RS256", "kid": "one"}, {k: v for k, v in claims.items() if v is not None}, key
            )
            return jsonify(access_token="x", token_type="Bearer", expires_in=300, id_token=signed)

        return app


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers on a port of this machine."""
    provider = Provider(free_port())
    server = make_server("127.0.0.1", provider.port, provider.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
