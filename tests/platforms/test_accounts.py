"""SCORM Cloud accounts: the default follows the configuration, others are added by hand."""

import dataclasses

import pytest

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.core.signing import Signer
from lti_bridge.platforms import accounts
from lti_bridge.platforms.models import Platform


def with_cloud(settings: Settings, **changes: str) -> Settings:
    cloud = dataclasses.replace(settings.scorm_cloud, **changes)
    return dataclasses.replace(settings, scorm_cloud=cloud)


def ensure(services, settings: Settings) -> None:
    accounts.ensure_default_account(settings, services.signer, now=services.now())


def save(services, name: str, app_id: str = "east", base_url: str = "https://east.example/api/v2"):
    return accounts.save_account(
        name, base_url, app_id, "secret", services.signer, now=services.now()
    )


def names() -> dict[str, str]:
    return {row.app_id: row.name for row in accounts.list_accounts()}


def test_configuration_is_the_default_account(services, settings):
    ensure(services, settings)
    ensure(services, settings)

    (row,) = accounts.list_accounts()
    assert (row.name, row.app_id) == ("default", "practice")
    assert row.base_url == "http://127.0.0.1:9/api/v2"


def test_no_configuration_makes_no_account(services, settings):
    ensure(services, with_cloud(settings, app_id="", secret_key=""))

    assert accounts.list_accounts() == []


def test_secret_is_encrypted_at_rest(services, settings):
    ensure(services, with_cloud(settings, secret_key="hunter2"))

    row = accounts.get_account("default")
    assert "hunter2" not in row.secret_encrypted
    assert services.signer.decrypt(row.secret_encrypted) == "hunter2"


def test_new_address_and_secret_update_the_row(services, settings):
    ensure(services, settings)

    ensure(services, with_cloud(settings, base_url="https://eu.example/v2", secret_key="new"))

    (row,) = accounts.list_accounts()
    assert row.base_url == "https://eu.example/v2"
    assert services.signer.decrypt(row.secret_encrypted) == "new"


def test_lost_secret_key_is_healed_from_configuration(services, settings):
    accounts.ensure_default_account(settings, Signer("lost"), now=services.now())

    ensure(services, settings)

    row = accounts.get_account("default")
    assert services.signer.decrypt(row.secret_encrypted) == "practice"


def test_other_app_id_is_another_account(services, settings):
    ensure(services, settings)
    first = accounts.get_account("default").id

    ensure(services, with_cloud(settings, app_id="second"))

    assert accounts.get_account("default").app_id == "second"
    assert db.session.get_one(type(accounts.get_account("default")), first).app_id == "practice"
    assert len(accounts.list_accounts()) == 2


def test_former_app_id_comes_back(services, settings):
    ensure(services, settings)
    first = accounts.get_account("default").id
    ensure(services, with_cloud(settings, app_id="second"))

    ensure(services, settings)

    assert accounts.get_account("default").id == first
    assert len(accounts.list_accounts()) == 2


def test_account_takes_a_new_secret(services):
    first = save(services, "east")

    second = save(services, "east", base_url="https://east.example/api/v2/")

    assert (second.id, second.base_url) == (first.id, "https://east.example/api/v2")


def test_account_keeps_its_app_id(services):
    save(services, "east")

    with pytest.raises(ConfigurationError, match="add the new one under another name"):
        save(services, "east", app_id="west")

    assert names() == {"east": "east"}


def test_address_must_be_one(services):
    with pytest.raises(ConfigurationError, match="--base-url must be an http"):
        save(services, "east", base_url="east.example")


def test_platform_without_account_uses_default(services, settings):
    ensure(services, settings)
    east = save(services, "east")

    assert accounts.account_for(Platform(scorm_account_id=None)).name == "default"
    assert accounts.account_for(Platform(scorm_account_id=east.id)).name == "east"


def test_without_a_default_the_oldest_account_stands_for_it(services, settings):
    """The console's first account has any name; further ones must not move what is open."""
    plain = Platform(scorm_account_id=None)
    save(services, "west")
    save(services, "east", "other")
    assert accounts.account_for(plain).name == "west"

    ensure(services, settings)

    assert accounts.account_for(plain).name == "default"


def test_missing_default_is_said(services):
    with pytest.raises(ConfigurationError, match="or set scorm_cloud.app_id and secret_key"):
        accounts.account_for(Platform(scorm_account_id=None))


def test_one_client_per_account(services, settings):
    ensure(services, settings)
    client_for = accounts.clients(services.outbound, services.signer, settings)
    default, east = accounts.get_account("default"), save(services, "east")

    assert client_for(default) is client_for(default)
    assert client_for(default) is not client_for(east)
