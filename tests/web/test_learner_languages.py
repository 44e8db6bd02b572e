"""The language of the launch carries through: refusals, attempts, the exit and its status."""

import re

import pytest
from sqlalchemy import update

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Registration, ResourceLink
from lti_bridge.registrations.return_urls import exit_url
from tests.mini_platform import LEARNER
from tests.world import World


def presentation(world: World, locale: str | None) -> dict[str, object]:
    return {"return_url": f"{world.platform.url}/back", "locale": locale}


def path_of_exit(world: World) -> str:
    return exit_url(world.services, 1).removeprefix("http://bridge.example")


def finish(score: float) -> None:
    values = {"completion": "COMPLETED", "success": "PASSED", "score_scaled": score}
    db.session.execute(update(Registration).values(values))
    db.session.commit()


@pytest.mark.parametrize(
    "locale, accepted, language, words",
    [
        ("de_DE", "fr", "de", "Diese Aktivität hat noch keinen Kurs"),
        ("pt-BR", "", "pt", "Esta atividade ainda não tem curso"),
        ("es_419", "", "es", "Esta actividad aún no tiene curso"),
        ("ja", "fr-CA, de;q=0.5", "fr", "Cette activité n&#39;a pas encore de cours"),
        (None, "ja, de;q=0.5, fr;q=0", "de", "Diese Aktivität hat noch keinen Kurs"),
        (None, "", "en", "This activity has no course yet"),
        ("en-GB", "de", "en", "This activity has no course yet"),
    ],
    ids=[
        "German",
        "Portuguese",
        "Spanish",
        "unknown then French",
        "none then German",
        "nothing asked",
        "English",
    ],
)
def test_refusal_speaks_the_launch_s_language(world, locale, accepted, language, words):
    form = world.launch_form(custom={}, launch_presentation=presentation(world, locale))

    page = world.browser.post("/lti/launch", data=form, headers={"Accept-Language": accepted})

    assert page.status_code == 409
    assert f'<html lang="{language}">' in page.text
    assert page.headers["Content-Language"] == language
    assert words in page.text


def test_before_verification_the_browser_counts(world):
    page = world.browser.get("/lti/launch", headers={"Accept-Language": "de"})

    assert "Diese Seite öffnet sich aus Ihrem Kurs" in page.text


def test_german_launch_gets_a_german_exit(world):
    world.launch(launch_presentation=presentation(world, "de_DE"))
    path = path_of_exit(world)

    page = world.browser.get(path, headers={"Accept-Language": "fr"})
    status = world.browser.get(f"{path}/status", headers={"Accept-Language": "fr"}).json

    assert '<html lang="de">' in page.text
    assert "Ihr Ergebnis wird abgeholt" in page.text
    assert "Im Notenbuch" in page.text
    assert status["title"] == "Ihr Ergebnis wird abgeholt"
    text = "Der Kurs übergibt Ihr Ergebnis. Das dauert meist nur ein paar Sekunden."
    assert status["text"].startswith(text)


def test_unknown_exit_speaks_the_browser_s_language(world):
    page = world.browser.get("/exit/nothing", headers={"Accept-Language": "es"})

    assert page.status_code == 404
    assert "Esta página no se conoce" in page.text


@pytest.mark.parametrize(
    "policy, words",
    [
        (None, "Ihr bester Versuch zählt"),
        ({"answer": "latest"}, "Ihr neuester Versuch mit einem Ergebnis zählt"),
        ({"answer": "first"}, "Ihr erster Versuch zählt"),
        ({"answer": "average"}, "der Durchschnitt Ihrer Versuche"),
        ({"answer": "odd"}, "Ihr bester Versuch zählt"),
    ],
    ids=["no policy", "latest", "first", "average", "an unknown answer"],
)
def test_attempts_say_what_counts(world, policy, words):
    german = presentation(world, "de")
    world.launch(launch_presentation=german)
    finish(87.5)
    values = {"attempts_allowed": 3, "grading_policy": policy}
    db.session.execute(update(ResourceLink).values(values))
    db.session.commit()

    page = world.enter(launch_presentation=german)

    assert "Sie haben Versuch 1 von 3 beendet" in page.text
    assert "Er hat 87,5 von 100 Punkten." in page.text
    assert words in page.text

    address = re.search(r'href="(/console/review[^"]+)"', page.text)
    assert address is not None
    shown = world.browser.get(address.group(1))
    assert "Ihr Ergebnis" in shown.text
    assert "87,5 von 100" in shown.text


def test_exit_leads_to_the_learner_s_own_result(world):
    world.launch(launch_presentation=presentation(world, "de"))
    finish(40)
    page = world.browser.get(path_of_exit(world))
    address = re.search(r'href="(/console/result[^"]+)"', page.text)
    assert address is not None

    shown = world.browser.get(address.group(1))

    assert shown.status_code == 200
    assert '<html lang="de">' in shown.text
    assert "40 von 100" in shown.text
    assert "Everything that happened" not in shown.text
    refused = world.browser.get("/console/result?exit=forged")
    assert (refused.status_code, "page_expired" in refused.text) == (400, True)


def test_claims_stay_escaped_in_translations(world):
    hostile = "<b>{boo}</b>"
    claims = {"sub": "tess", "custom": {"scorm_course_id": hostile}, "roles": ["stranger", LEARNER]}
    claims |= {"resource_link": {"id": "link-9", "title": hostile}}
    tester = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

    page = world.enter(
        **(claims | {"roles": [tester]}), launch_presentation=presentation(world, "fr")
    )

    assert page.status_code == 200
    assert hostile not in page.text
    assert "&lt;b&gt;{boo}&lt;/b&gt;" in page.text
    assert "Retour à votre cours" in page.text
