"""The picture of the rooms, docs/rooms.svg, drawn from the imports.

A room is a folder of a floor with all that is in it, or a module that lies on the floor itself. Run
`python docs/site/rooms.py` after a change of the layout; a test fails until then.
"""

import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import import_graph  # noqa: E402

from pipeline.report.lineage_graph import Layout, lay_out  # noqa: E402

PICTURE = ROOT / "docs" / "rooms.svg"
FLOORS = {"pipeline": "#00796b", "components": "#b26a00", "serving": "#3949ab"}
"""The floors from top to bottom, and the colors of their rooms."""
SUMMARIES = {
    "pipeline": "stages, runners, the command line, what a person looks at",
    "components": "the stages of a run, one folder each",
    "serving": "the store of versions, the canary process, the model server and its clients",
}
NAMED_IN_STRINGS = {"pipeline.cli": "pipeline.commands"}
"""Rooms that import another one by a name in a string, when they need it."""

LETTER, SQUARE, BOX_HEIGHT, GAPS = 7.6, 12, 30, (12, 34)
MARGIN, TITLE, BETWEEN = 16, 44, 26
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #263238 }
.floor { font-size: 17px; font-weight: 600 } .small { font-size: 11.5px; font-weight: 400; fill: #546e7a }
.arrow { fill: none; stroke: #78909c; stroke-width: 1.3 } .late { stroke-dasharray: 5 4 }
.box { fill: #fff; stroke-width: 1.6 } .module { fill: #eceff1 }
.down { fill: #b0bec5 }
"""


def draw() -> str:
    """The picture, as SVG."""
    files = {
        name: path for name, path in import_graph.files_of(*FLOORS).items() if path.name != "__init__.py"
    }
    rooms = {module: ".".join(module.split(".")[:2]) for module in files}
    needs = import_graph.needs_of(rooms, files)
    layouts = {floor: _layout(floor, needs) for floor in FLOORS}
    width = max(layout.width for layout in layouts.values()) + 2 * MARGIN
    parts, y = [], float(MARGIN)
    for floor, layout in layouts.items():
        parts += _floor(floor, layout, y, width, needs)
        y += TITLE + layout.height + MARGIN
        if floor != "serving":
            parts.append(_down(width / 2, y))
        y += BETWEEN
    parts += _legend(y)
    canvas = f"{width:.0f} {y + 2 * MARGIN + 8:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" viewBox="0 0 {canvas}">',
            "<title>The rooms of the code and what they import</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0,0L8,4L0,8z" fill="#78909c"/></marker></defs>',
            '<rect width="100%" height="100%" rx="8" fill="#fafafa"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _layout(floor: str, needs: Mapping[str, set[str]]) -> Layout:
    """Where the rooms of a floor are, and the arrows between them."""
    inside = {
        room: {each for each in needed if each.startswith(f"{floor}.")}
        for room, needed in sorted(needs.items())
        if room.startswith(f"{floor}.")
    }
    for room, named in NAMED_IN_STRINGS.items():
        if room in inside:
            inside[room].add(named)
    arrows = import_graph.without_shortcuts(inside)
    boxes = {room: (_width(room, needs[room]), float(BOX_HEIGHT)) for room in inside}
    return lay_out(boxes, [(room, each) for room in arrows for each in sorted(arrows[room])], gaps=GAPS)


def _title(room: str) -> str:
    name = room.partition(".")[2]
    return f"{name}.py" if _is_module(room) else f"{name}/"


def _width(room: str, needed: set[str]) -> float:
    return LETTER * len(_title(room)) + 26 + SQUARE * len(_lower_floors(room, needed))


def _lower_floors(room: str, needed: set[str]) -> list[str]:
    """The floors below that a room imports from."""
    floors = {each.partition(".")[0] for each in needed} - {room.partition(".")[0]}
    return [floor for floor in FLOORS if floor in floors]


def _is_module(room: str) -> bool:
    return not (ROOT / room.replace(".", "/")).is_dir()


def _floor(
    floor: str,
    layout: Layout,
    y: float,
    width: float,
    needs: Mapping[str, set[str]],
) -> list[str]:
    """The band of a floor: its title, its arrows and its rooms."""
    height = TITLE + layout.height + MARGIN
    left = (width - layout.width) / 2
    parts = [
        f'<rect x="6" y="{y:.0f}" width="{width - 12:.0f}" height="{height:.0f}" rx="8" fill-opacity="0.08" '
        f'fill="{FLOORS[floor]}"/>',
        f'<text class="floor" x="{MARGIN}" y="{y + 26:.0f}">{floor}/ <tspan class="small" dx="6">'
        f"{SUMMARIES[floor]}</tspan></text>",
        f'<g transform="translate({left:.0f} {y + TITLE:.0f})">',
    ]
    for arrow in layout.arrows:
        late = " late" if NAMED_IN_STRINGS.get(arrow.source) == arrow.target else ""
        parts.append(f'<path class="arrow{late}" d="{arrow.path}" marker-end="url(#tip)"/>')
    for room, (x, top) in layout.corners.items():
        parts += _box(room, x, top, needs[room])
    return [*parts, "</g>"]


def _box(room: str, x: float, y: float, needed: set[str]) -> list[str]:
    """A room, with a square for each lower floor that it imports from."""
    width, lower = _width(room, needed), _lower_floors(room, needed)
    kind = "box module" if _is_module(room) else "box"
    left = x + width - 4 - SQUARE * len(lower)
    squares = [
        f'<rect x="{left + SQUARE * place:.0f}" y="{y + 11:.0f}" width="8" height="8" rx="1.5" '
        f'fill="{FLOORS[floor]}"/>'
        for place, floor in enumerate(lower)
    ]
    return [
        "<g>",
        f"<title>{escape(room)} imports {escape(', '.join(sorted(needed)) or 'no other room')}</title>",
        f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="6" '
        f'stroke="{FLOORS[room.partition(".")[0]]}"/>',
        f'<text x="{x + 10:.0f}" y="{y + 19:.0f}">{escape(_title(room))}</text>',
        *squares,
        "</g>",
    ]


def _down(x: float, y: float) -> str:
    """The broad arrow from one floor to those below."""
    return f'<path class="down" d="M{x - 9:.0f},{y + 3:.0f}h18v10h10l-19,11l-19,-11h10z"/>'


def _legend(y: float) -> list[str]:
    """What boxes, arrows and squares mean, in two lines."""
    return [
        f'<g transform="translate({MARGIN} {y:.0f})">',
        '<rect class="box" x="0" y="-11" width="22" height="15" rx="4" stroke="#546e7a"/>',
        '<text class="small" x="30" y="1">a folder</text>',
        '<rect class="box module" x="110" y="-11" width="22" height="15" rx="4" stroke="#546e7a"/>',
        '<text class="small" x="140" y="1">a module</text>',
        '<path class="arrow" d="M230,-4H264" marker-end="url(#tip)"/>',
        '<text class="small" x="274" y="1">imports; what other arrows imply is left out</text>',
        '<path class="arrow late" d="M560,-4H594" marker-end="url(#tip)"/>',
        '<text class="small" x="604" y="1">imports when a command is called</text>',
        f'<rect x="7" y="17" width="8" height="8" rx="1.5" fill="{FLOORS["components"]}"/>',
        '<text class="small" x="30" y="25">imports from components/</text>',
        f'<rect x="237" y="17" width="8" height="8" rx="1.5" fill="{FLOORS["serving"]}"/>',
        '<text class="small" x="274" y="25">imports from serving/</text>',
        "</g>",
    ]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
