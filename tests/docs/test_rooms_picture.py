"""The picture of the rooms shows the imports as they are."""

import re
import xml.etree.ElementTree as ET

import processes
import rooms
from import_graph import files_of, without_shortcuts

SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_up_to_date():
    shown = rooms.PICTURE.read_text(encoding="utf-8")
    assert shown == rooms.draw(), "imports between rooms have changed: run `python docs/site/rooms.py`"


def test_the_picture_is_the_same_in_every_process():
    """Whatever the order of sets is there."""
    draw = "import rooms; print(rooms.draw())"
    folder = rooms.PICTURE.parent / "site"
    drawn = {processes.python("-c", draw, folder=folder, PYTHONHASHSEED=seed).stdout for seed in "12"}
    assert len(drawn) == 1 and drawn.pop().startswith("<svg")


def test_the_picture_names_every_room_and_what_it_imports():
    picture = ET.fromstring(rooms.draw())
    titles = [title.text or "" for title in picture.iter(f"{SVG}title")]
    shown = {re.split(" imports ", title)[0] for title in titles[1:]}
    there = {".".join(name.split(".")[:2]) for name in files_of(*rooms.FLOORS)}
    assert shown == {room for room in there if not room.endswith("__init__")}
    server = next(title for title in titles if title.startswith("serving.server imports"))
    assert {"serving.grpc", "serving.rest"} <= set(re.findall(r"[\w.]+", server))


def test_only_the_rooms_that_are_named_import_others_by_a_string():
    """They have dashed arrows: their imports cannot be read from import statements."""
    found = {
        name
        for name, path in files_of(*rooms.FLOORS).items()
        if re.search(rf'import_module\((_module|f?"({"|".join(rooms.FLOORS)})\.)', path.read_text("utf-8"))
    }
    assert found == set(rooms.NAMED_IN_STRINGS)


def test_an_arrow_that_others_imply_is_left_out():
    needs = {"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert without_shortcuts(needs) == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}
