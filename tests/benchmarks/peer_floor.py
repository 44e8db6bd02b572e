"""What the parts alone cost: a tool that makes the bridge's steps with nothing of the bridge.

Flask answers the same two requests, itsdangerous signs the state, PyJWT checks the token with a
key kept at hand, SQLAlchemy Core runs as many statements in as many transactions on an engine that
is set up alike, and a requests session makes the same calls of SCORM Cloud. No rule of LTI is
checked, no page is drawn, nothing is logged or counted, no address is examined. What is built on
these libraries and keeps the same promises is not faster.
"""

import json
import secrets
from typing import Any

import jwt
import requests
from flask import Flask, redirect, request
from itsdangerous import URLSafeTimedSerializer
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.wrappers import Response

from lti_bridge.core.db import prepare_engine, sqlalchemy_url

from .client import ISSUER

BOTH = MetaData()


def _columns(count: int) -> list[Column[str]]:
    return [Column(f"value_{number}", String(200)) for number in range(count)]


# As wide as the rows that the bridge reads and writes at a launch.
PLATFORM = Table("floor_platform", BOTH, Column("id", Integer, primary_key=True), *_columns(18))
NONCE = Table("floor_nonce", BOTH, Column("nonce", String(100), primary_key=True), *_columns(2))
LEARNER = Table("floor_learner", BOTH, Column("sub", String(200), primary_key=True), *_columns(7))
REGISTRATION = Table(
    "floor_seat", BOTH, Column("sub", String(200), primary_key=True), *_columns(25)
)
GRADE = Table("floor_grade", BOTH, Column("sub", String(200), primary_key=True), *_columns(8))
LAUNCH = Table("floor_launch", BOTH, Column("id", Integer, primary_key=True), *_columns(12))
EVENT = Table("floor_event", BOTH, Column("id", Integer, primary_key=True), *_columns(5))


def create_floor(database_url: str, stub_url: str) -> Flask:
    """Return the tool; it makes its tables and its one platform."""
    app, engine = Flask("floor"), create_engine(sqlalchemy_url(database_url), pool_size=20)
    prepare_engine(engine)
    BOTH.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(PLATFORM), _values(PLATFORM, value_0=ISSUER))
    signer, cloud = URLSafeTimedSerializer("floor"), requests.Session()
    cloud.auth, cloud.trust_env = ("bench", "bench"), False
    keys = cloud.get(f"{stub_url}/jwks", timeout=5).json()["keys"]
    key: Any = RSAAlgorithm.from_jwk(json.dumps(keys[0]))
    insert_new = (sqlite if engine.dialect.name == "sqlite" else postgresql).insert

    @app.get("/lti/login")
    def login() -> Response:
        with engine.connect() as connection:
            connection.execute(_platform_of(request.args["iss"])).one()
        state, nonce = signer.dumps(dict(request.args)), secrets.token_urlsafe()
        answer = redirect(f"{stub_url}/auth?state={state}&nonce={nonce}")
        answer.set_cookie("floor", state, secure=True, httponly=True, samesite="None")
        return answer

    @app.post("/lti/launch")
    def launch() -> Response:
        signer.loads(request.form["state"], max_age=600)
        claims = jwt.decode(request.form["id_token"], key, ["RS256"], audience="bench")
        sub = claims["sub"]
        with engine.begin() as connection:
            registration = connection.execute(
                select(REGISTRATION, PLATFORM).where(REGISTRATION.c.sub == sub)
            ).first()
            used = insert_new(NONCE).on_conflict_do_nothing().returning(NONCE)
            connection.execute(used, _values(NONCE, nonce=claims["nonce"])).one()
            if registration is None:
                for table in (LEARNER, GRADE, REGISTRATION):
                    connection.execute(
                        insert_new(table).on_conflict_do_nothing().returning(table),
                        _values(table, sub=sub),
                    )
            else:
                _touch(connection, sub)
            connection.execute(insert(LAUNCH).returning(LAUNCH.c.id), _values(LAUNCH))
            connection.execute(insert(EVENT), _values(EVENT))
        if registration is None:
            _create(engine, cloud, f"{stub_url}/api/v2/registrations", sub)
        link = cloud.post(
            f"{stub_url}/api/v2/registrations/{sub}/launchLink",
            json={"redirectOnExitUrl": f"{request.host_url}exit/{secrets.token_urlsafe()}"},
            timeout=10,
        )
        return redirect(link.json()["launchLink"], 303)

    return app


def _create(engine: Engine, cloud: requests.Session, url: str, sub: str) -> None:
    cloud.head(f"{url}/{sub}", timeout=10)
    with engine.begin() as connection:
        _touch(connection, sub)
    cloud.post(url, json={"registrationId": sub, "courseId": "fire-safety"}, timeout=10)
    with engine.begin() as connection:
        _touch(connection, sub)
        connection.execute(insert(EVENT), _values(EVENT))


def _platform_of(issuer: str) -> Any:
    return select(PLATFORM).where(PLATFORM.c.value_0 == issuer)


def _touch(connection: Connection, sub: str) -> None:
    connection.execute(update(REGISTRATION).where(REGISTRATION.c.sub == sub), {"value_0": "again"})


def _values(table: Table, **known: str) -> dict[str, str]:
    """Return a value for every column that has none by itself."""
    filled = {one.name: "a value" for one in table.c if one.name.startswith("value_")}
    return filled | known
