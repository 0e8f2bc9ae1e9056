"""The worker, the manifest and the page of numbers, as the server gives them."""

import io
import json
import re

from PIL import Image


def test_the_worker_is_of_this_edition_and_asked_for_anew(client):
    answer = client.get("/worker.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    given = json.loads(re.match(r"self\.mapservice = (\{.*?\});", answer.text)[1])
    assert len(given["files"]) == 2
    for address in given["files"]:
        assert client.get(address).status_code == 200


def test_the_manifest_leads_to_the_question_and_its_icons_are_what_they_say(client):
    manifest = json.loads(client.get("/manifest.webmanifest").text)
    assert client.get(manifest["start_url"]).status_code == 200
    for icon in manifest["icons"]:
        answer = client.get(icon["src"])
        assert answer.mimetype == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, Image.open(io.BytesIO(answer.data)).size)) == icon["sizes"]


def test_only_the_answer_of_somebody_unknown_may_be_kept(client):
    asked = "/find?postcode=N1+9JP"
    assert "data-offline-notice hidden" in client.get(asked).text
    assert "data-offline-notice" not in client.get("/find").text
    client.set_cookie("session", "x")
    answer = client.get(asked).text
    assert "data-offline-notice" not in answer
    assert "offline-worker" not in answer


def test_every_number_is_on_the_page_that_is_kept(app, client):
    page = client.get("/find/offline").text
    phones = app.extensions["contacts"].for_need(None)
    assert len(phones) > 5
    assert all(contact.value in page for contact in phones)
