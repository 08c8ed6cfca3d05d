import pytest

from components.embeddings import checksums


@pytest.fixture
def sealed(tmp_path):
    folder, record = tmp_path / "module", tmp_path / "module.seal.json"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "data").write_bytes(b"0123456789")
    checksums.write(folder, record)
    return folder, record


def test_an_untouched_folder_is_intact(sealed):
    assert checksums.is_intact(*sealed)


def test_any_change_is_detected(sealed):
    folder, record = sealed
    for damage in (
        lambda: (folder / "variables" / "data").write_bytes(b"01234"),
        lambda: (folder / "variables" / "data").write_bytes(b"0123456780"),
        lambda: (folder / "saved_model.pb").unlink(),
        lambda: (folder / "stray").touch(),
    ):
        (folder / "stray").unlink(missing_ok=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        (folder / "variables" / "data").write_bytes(b"0123456789")
        assert checksums.is_intact(folder, record)
        damage()
        assert not checksums.is_intact(folder, record)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"\xff"])
def test_a_damaged_record_means_a_damaged_folder(sealed, content):
    folder, record = sealed
    record.write_bytes(content)
    assert not checksums.is_intact(folder, record)


def test_a_missing_folder_is_not_intact(sealed, tmp_path):
    assert not checksums.is_intact(tmp_path / "nowhere", sealed[1])
    assert not checksums.is_intact(sealed[0], tmp_path / "nowhere.json")
