"""ZIPs from outside: judged before anything is unpacked, each refusal a sentence."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from labeling.files import zips
from labeling.files.picture_sources import Folder, checked_name, packed
from labeling.files.pictures import UnusablePicture
from labeling.files.tables import UnusableFile


def packed_file(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", how) as out:
        for name, data in files.items():
            out.writestr(name, data)
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(UnusableFile) as told, zips.opened(path):
        pass
    return str(told.value)


def test_files_are_read_by_name_and_folders_are_left_out(tmp_path: Path) -> None:
    path = packed_file(tmp_path / "a.zip", {"in/": b"", "in/1.png": b"one", "__MACOSX/in/1.png": b"", ".DS_Store": b""})
    with zips.opened(path) as contents:
        assert list(contents.files) == ["in/1.png"]
        assert contents.read("in/1.png", 10) == b"one"
        with pytest.raises(UnusableFile, match="at most 2"):
            contents.read("in/1.png", 2)


@pytest.mark.parametrize(
    "name", ["../1.png", "a/../../1.png", "/etc/1.png", "a\\1.png", "C:/1.png", "a/\n1.png", "~/x"]
)
def test_a_path_that_leads_away_refuses_the_whole_file(tmp_path: Path, name: str) -> None:
    assert "leads out of it" in refusal(packed_file(tmp_path / "a.zip", {"good.png": b"x", name: b"x"}))


def test_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
    assert "is a link" in refusal(str(tmp_path / "a.zip"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("1.png", b"a")
        out.writestr("./1.png", b"b")
    assert "two files called '1.png'" in refusal(str(tmp_path / "a.zip"))


def test_what_unpacks_a_thousandfold_is_refused(tmp_path: Path) -> None:
    path = packed_file(tmp_path / "a.zip", {"1.png": b"\0" * 20_000_000}, zipfile.ZIP_DEFLATED)
    assert "1,000 times" in refusal(path)


def test_an_archive_inside_an_archive_is_refused(tmp_path: Path) -> None:
    assert "packed itself" in refusal(packed_file(tmp_path / "a.zip", {"more.ZIP": b"x"}))


def test_an_unusual_way_of_packing_is_refused(tmp_path: Path) -> None:
    assert "unusual way" in refusal(packed_file(tmp_path / "a.zip", {"1.png": b"x" * 99}, zipfile.ZIP_LZMA))


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = Path(packed_file(tmp_path / "a.zip", {"1.png": b"x"}))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(str(path))


def test_too_many_files_are_refused_by_the_last_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(struct.pack(zips.END, zips.ENDING, 0, 0, 60_000, 60_000, 0, 0, 0))
    assert "too many files" in refusal(str(path))


def test_more_bytes_than_a_disk_should_take_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zips, "MOST_BYTES", 10)
    assert "would unpack to 12 bytes" in refusal(packed_file(tmp_path / "a.zip", {"1": b"x" * 6, "2": b"x" * 6}))


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = Path(packed_file(tmp_path / "a.zip", {"1.png": b"x" * 50, "2.png": b"y" * 50}))
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<L", 10)
    path.write_bytes(data)
    assert "overlap" in refusal(str(path))


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 10, b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_zip_or_empty_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert "a.zip is" in refusal(str(tmp_path / "a.zip"))


def test_a_damaged_file_inside_is_a_sentence(tmp_path: Path) -> None:
    path = Path(packed_file(tmp_path / "a.zip", {"1.png": b"hello world, hello"}))
    path.write_bytes(path.read_bytes().replace(b"hello world", b"hellO world"))
    with packed(str(path)) as source, pytest.raises(UnusablePicture, match="damaged"):
        source.read("1.png")


def test_pictures_of_a_zip_are_found_from_the_data_file_on_or_by_a_unique_ending(tmp_path: Path) -> None:
    files = {"set/rows.csv": b"", "set/images/1.png": b"one", "set/a/2.png": b"two", "set/b/2.png": b"other"}
    path = packed_file(tmp_path / "a.zip", files)
    with packed(path, beside="set") as source:
        assert source.read("images/1.png") == source.read("./images/1.png") == source.read("set/images/1.png") == b"one"
        assert source.read("1.png") == b"one"
        with pytest.raises(UnusablePicture, match="more than once"):
            source.read("2.png")
        with pytest.raises(UnusablePicture, match="not in the ZIP"):
            source.read("3.png")


def test_letters_composed_by_one_system_are_found_as_another_writes_them(tmp_path: Path) -> None:
    with packed(packed_file(tmp_path / "a.zip", {"cafe\u0301.png": b"x"})) as source:
        assert source.read("caf\u00e9.png") == b"x"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", "not named"),
        ("https://example.org/1.png", "address of the web"),
        ("HTTP://169.254.169.254/", "address of the web"),
        ("file:///etc/passwd", "address of the web"),
        ("data:image/png;base64,AAAA", "address of the web"),
        ("//host/1.png", "address of the web"),
        ("../1.png", "leads out"),
        ("a/../../1.png", "leads out"),
        ("/etc/passwd", "leads out"),
        ("C:/1.png", "leads out"),
        ("images\\1.png", "backslash"),
    ],
)
def test_a_cell_that_is_no_path_beside_the_file_is_refused(cell: str, words: str) -> None:
    with pytest.raises(UnusablePicture, match=words):
        checked_name(cell)


def test_a_folder_gives_its_files_and_follows_no_link_out_of_it(tmp_path: Path) -> None:
    inside, secret = tmp_path / "set", tmp_path / "secret.png"
    (inside / "images").mkdir(parents=True)
    (inside / "images" / "1.png").write_bytes(b"one")
    secret.write_bytes(b"secret")
    (inside / "out.png").symlink_to(secret)
    (inside / "within.png").symlink_to(inside / "images" / "1.png")
    (inside / "way").symlink_to(tmp_path)
    folder = Folder(inside, most_bytes=5)
    assert folder.read("images/1.png") == folder.read("within.png") == b"one"
    for name, words in (
        ("out.png", "link out"),
        ("way/secret.png", "link out"),
        ("no.png", "not in"),
        ("images", "no"),
    ):
        with pytest.raises(UnusablePicture, match=words):
            folder.read(name)
    (inside / "big.png").write_bytes(b"123456")
    with pytest.raises(UnusablePicture, match="at most 5"):
        folder.read("big.png")
