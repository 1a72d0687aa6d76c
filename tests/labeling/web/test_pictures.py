"""Pictures from a ZIP to a member's screen: taken in, served to members alone, deleted when nobody shows them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from labeling import jobs
from labeling.files import imports, picture_store
from labeling.files.rows import Fields
from labeling.files.tables import UnusableFile
from labeling.management import label_job
from labeling.managing import deleting
from labeling.models import Batch, Instance
from labeling.people import voters
from labeling.rounds import story
from tests.labeling.managed import told

pytestmark = pytest.mark.django_db
ROWS = [
    {"id": "P-1", "text": "A hole.", "picture": "images/1.png", "picture_alt": "a  street"},
    {"id": "P-2", "text": "", "picture": "images/2.jpg"},
    {"id": "P-3", "text": "Only text.", "picture": ""},
    {"id": "P-4", "text": "Same picture.", "picture": "images/1.png"},
    {"id": "P-5", "text": "Broken.", "picture": "images/broken.png"},
    {"id": "P-6", "text": "From afar.", "picture": "https://example.org/1.png"},
    {"id": "P-7", "text": "Gone.", "picture": "images/none.png"},
    {"id": "P-8", "text": "A hole.", "picture": "images/copy.png"},
    {"id": "P-9", "text": "", "picture": ""},
]


def drawn(tone: str, form: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), tone).save(out, form, **how)
    return out.getvalue()


def files() -> dict[str, bytes]:
    red = drawn("red")
    pictures = {"1.png": red, "copy.png": red, "2.jpg": drawn("blue", "JPEG"), "broken.png": red[:-60]}
    return {f"images/{name}": data for name, data in pictures.items()}


def packed(content: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name, data in content.items():
            written.writestr(name, data)
    return out.getvalue()


def lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def whole(answer: Any) -> bytes:
    return b"".join(answer)


@pytest.fixture
def shown(project: Any, tmp_path: Path) -> Batch:
    """A batch of the rows above, taken in from a folder."""
    for name, data in {**files(), "rows.jsonl": lines(ROWS)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    fields = Fields(("text",), id="id", images=("picture",), pictures=str(tmp_path))
    batch = imports.open_batch(project, str(tmp_path / "rows.jsonl"), fields)
    assert story.take_in(batch)
    return batch


def address(instance: Instance, name: str = "picture", index: int = 0) -> str:
    return reverse(name, args=["city", instance.pk, index])


def test_good_rows_are_kept_and_each_bad_one_says_why(shown: Batch) -> None:
    kept = {one.external_id: one for one in shown.instances.all()}
    assert list(kept) == ["P-1", "P-2", "P-3", "P-4"]
    image = kept["P-1"].images[0]
    assert (image["title"], image["width"], image["height"], image["alt"]) == ("Picture", 400, 300, "a street")
    assert kept["P-2"].parts == []
    assert kept["P-3"].images is None
    assert kept["P-4"].images[0]["file"] == image["file"]
    reasons = {row.line: row.reason for row in shown.skipped_rows.all()}
    assert reasons == {
        5: "The picture is broken or cut off; save it anew.",
        6: "The picture is an address of the web, and none is fetched from a data file; save the file beside it and "
        "write its path.",
        7: "The picture images/none.png is not in the folder of the data file, or may not be read.",
        8: "The same text is already there as P-1.",
        9: "It has neither a text nor a picture.",
    }


def test_pictures_without_a_place_are_refused_before_a_batch_is_made(project: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(lines(ROWS))
    with pytest.raises(UnusableFile, match="bring them in a ZIP"):
        imports.open_batch(project, str(tmp_path / "rows.jsonl"), Fields(("text",), images=("picture",)))
    assert not Batch.objects.exists()


def test_a_zip_goes_from_the_chosen_file_to_instances_and_is_gone_then(manager: Client, project: Any) -> None:
    content = packed({"set/rows.jsonl": lines(ROWS), **{f"set/{name}": data for name, data in files().items()}})
    answer = manager.post("/p/city/import/", {"file": SimpleUploadedFile("set.zip", content)})
    page = told(manager.get(answer["Location"]))
    assert "6 rows can be used" in page
    assert "Pictures, by their path in the ZIP" in page
    small = manager.get(f"{answer['Location']}picture/?path=images/1.png")
    assert Image.open(io.BytesIO(small.content)).size == (320, 240)
    assert manager.get(f"{answer['Location']}picture/?path=../rows.jsonl").status_code == 404
    fields = {"text": ["text"], "images": ["picture"], "id": "id", "same_id": "skip"}
    answer = manager.post(answer["Location"], {**fields, "name": "Streets", "budget": "0"})
    batch = Batch.objects.get()
    assert answer["Location"] == batch.get_absolute_url()
    kept = batch.mapping["pictures"]
    jobs.advance.call(batch.pk)
    batch.refresh_from_db()
    assert (batch.rows_new, batch.rows_bad, batch.rows_duplicate) == (4, 4, 1)
    assert batch.mapping["pictures"] == ""
    assert not imports.imported_pictures.default_storage.exists(kept)


class TestServing:
    def test_a_member_gets_the_picture_and_the_browser_keeps_it(self, shown: Batch, client: Client) -> None:
        client.force_login(User.objects.get(username="ann"))
        one = shown.instances.get(external_id="P-2")
        answer = client.get(address(one))
        assert whole(answer) == picture_store.read(one.images[0]["file"])
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"].startswith("private, max-age=31536000")
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        again = client.get(address(one), headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304
        assert not again.content

    def test_strangers_and_other_projects_find_nothing(self, shown: Batch, client: Client) -> None:
        one = shown.instances.get(external_id="P-1")
        assert client.get(address(one)).status_code == 302
        client.force_login(User.objects.create(username="stranger"))
        assert client.get(address(one)).status_code == 404
        client.force_login(User.objects.get(username="max"))
        for wrong in (address(one, index=1), address(shown.instances.get(external_id="P-3"))):
            assert client.get(wrong).status_code == 404
        assert client.post(address(one)).status_code == 405

    def test_a_small_picture_is_made_by_a_worker_and_the_large_one_stands_in_until_then(
        self, shown: Batch, client: Client
    ) -> None:
        client.force_login(User.objects.get(username="ann"))
        one = shown.instances.get(external_id="P-1")
        answer = client.get(address(one, "thumbnail"))
        assert (answer["Content-Type"], answer["Cache-Control"]) == ("image/png", "private, no-store")
        jobs.make_thumbnails.call(shown.pk)
        answer = client.get(address(one, "thumbnail"))
        assert answer["Content-Type"] == "image/webp"
        assert Image.open(io.BytesIO(whole(answer))).size == (320, 240)

    def test_a_picture_that_is_gone_is_not_found(self, shown: Batch, client: Client) -> None:
        client.force_login(User.objects.get(username="ann"))
        one = shown.instances.get(external_id="P-2")
        picture_store.drop([one.images[0]["file"]])
        assert client.get(address(one)).status_code == 404


def test_a_deleted_batch_takes_its_pictures_with_it_but_not_those_of_others(
    shown: Batch, project: Any, django_capture_on_commit_callbacks: Any
) -> None:
    red, blue = (shown.instances.get(external_id=name).images[0]["file"] for name in ("P-1", "P-2"))
    other = Batch.objects.create(project=project, name="Other")
    image = {"title": "Picture", "file": red, "width": 400, "height": 300, "alt": ""}
    Instance.objects.create(
        project=project, batch=other, position=0, external_id="O-1", digest="o", parts=[], images=[image]
    )
    Batch.objects.filter(pk=shown.pk).update(archived_at="2026-01-01T00:00Z")
    with django_capture_on_commit_callbacks(execute=True):
        deleting.delete_batch(Batch.objects.get(pk=shown.pk), shown.name)
    assert picture_store.storage().exists(red)
    assert not picture_store.storage().exists(blue)


def test_voters_are_shown_the_picture_and_told_apart_by_its_hash(shown: Batch) -> None:
    asked = voters.question(shown.tasks.get(instance__external_id="P-1"))
    (picture,) = asked.images
    assert (picture.title, picture.media_type, picture.alt) == ("Picture", "image/png", "a street")
    assert picture.read() == picture_store.read(shown.instances.get(external_id="P-1").images[0]["file"])
    assert picture.key in picture_store.storage().listdir(f"pictures/{picture.key[:2]}")[1]
    assert voters.question(shown.tasks.get(instance__external_id="P-3")).images == ()


def test_label_reads_pictures_beside_its_file_and_a_text_only_where_there_is_one(shown: Batch, tmp_path: Path) -> None:
    rows = [
        {"id": f"Q-{place}", "text": "", "picture": "images/1.png", "gold": gold} for place, gold in enumerate("ab")
    ]
    (tmp_path / "labels.jsonl").write_bytes(lines(rows))
    options = {"image": ["picture"], "file": str(tmp_path / "labels.jsonl"), "text": "text", "id": "id", "gold": "gold"}
    fields = label_job.chosen_fields({**options, "group": []}, options["file"])  # type: ignore[dict-item]
    assert (fields.text, fields.images, fields.pictures) == ((), ("picture",), str(tmp_path))
    with pytest.raises(UnusableFile, match="needs a file on disk"):
        label_job.chosen_fields({**options, "group": [], "file": "-"}, options["file"])  # type: ignore[dict-item]
