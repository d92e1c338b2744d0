"""A picture with a Chinese name reaches the browser: its headers hold nothing but what HTTP allows."""

import io

from PIL import Image

from tests.pages.helpers import token
from tests.support.repairs import Repairs
from ticketing.kernel.db import db
from ticketing.procedure.repairs import SurveyStage


def test_the_headers_of_a_picture_are_plain_latin_whatever_its_name(make, sign_in):
    survey = Repairs(make).survey(SurveyStage.SCHEDULED)
    survey_id, office = survey.id, sign_in("office")
    db.session.commit()
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (9, 90, 9)).save(stream, "JPEG")
    stream.seek(0)
    answer = office.post(
        "/files/",
        data={
            "paper": "survey",
            "paper_id": survey_id,
            "slot": "site",
            "once": token(),
            "file": (stream, "卫生间 渗水.jpg"),
        },
        headers={"X-Fragment": "1", "Accept": "application/json"},
    )
    assert answer.status_code in (200, 201, 302), answer.get_data(as_text=True)
    page = office.get(f"/surveys/{survey_id}").get_data(as_text=True)
    key = page.split("/files/", 1)[1][:32]
    for address in (f"/files/{key}", f"/files/{key}/small"):
        shown = office.get(address)
        assert shown.status_code == 200
        for name, value in shown.headers:
            (name + value).encode("latin-1")
