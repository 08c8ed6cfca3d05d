"""The lineage graph of a run: stages as boxes in layers, artifacts as arrows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from pipeline.lineage.runs import Run, Stage

BOX_WIDTH, LINE_HEIGHT, PADDING = 172, 15, 12
GAP_X, GAP_Y = 18, 34
WAYPOINT_WIDTH = 14  # pixels for an arrow that passes a layer between two boxes


@dataclasses.dataclass(frozen=True)
class Box:
    """A stage in the graph: `lines` are its outputs; x and y are its upper left corner in pixels."""

    stage: Stage
    lines: tuple[str, ...]
    x: float
    y: float
    height: float


@dataclasses.dataclass(frozen=True)
class Arrow:
    """An arrow from one stage to another; `path` is an SVG path."""

    source: str
    target: str
    path: str


@dataclasses.dataclass(frozen=True)
class Graph:
    """Boxes and arrows on a canvas of width x height pixels."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


@dataclasses.dataclass(frozen=True)
class Layout:
    """Positions on a canvas of width x height pixels; `corners` are the upper left ones of the boxes."""

    corners: Mapping[str, tuple[float, float]]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


def uses(run: Run) -> list[tuple[str, str]]:
    """Pairs (producer, consumer) of stages, in the order of the run, each pair once."""
    makers = {artifact.id: stage.name for stage in run.stages for artifact in _flat(stage.outputs)}
    pairs: dict[tuple[str, str], None] = {}
    for stage in run.stages:
        for artifact in _flat(stage.inputs):
            maker = makers.get(artifact.id)
            if maker and maker != stage.name:
                pairs[maker, stage.name] = None
    return list(pairs)


def draw(run: Run) -> Graph:
    """Lays the stages of `run` out from top to bottom."""
    stages = {stage.name: stage for stage in run.stages}
    sizes = {name: (BOX_WIDTH, _height(stage)) for name, stage in stages.items()}
    layout = lay_out(sizes, uses(run))
    boxes = tuple(
        Box(stages[name], _lines(stages[name]), x, y, sizes[name][1])
        for name, (x, y) in layout.corners.items()
    )
    return Graph(boxes, layout.arrows, layout.width, layout.height)


def lay_out(
    sizes: Mapping[str, tuple[float, float]],
    pairs: Sequence[tuple[str, str]],
    *,
    gaps: tuple[float, float] = (GAP_X, GAP_Y),
) -> Layout:
    """Boxes in layers and arrows that pass between them, from top to bottom.

    Args:
      sizes: width and height of each box in pixels, by its name.
      pairs: the arrows, each from the upper to the lower box; without cycles.
      gaps: pixels between two boxes of a layer and between two layers.
    """
    gap_x, gap_y = gaps
    layers, routes = _route(_depths(list(sizes), pairs), pairs)
    layers = _untangle(layers, routes)

    def width_of(node: str) -> float:
        return sizes[node][0] if node in sizes else WAYPOINT_WIDTH

    widths = [sum(map(width_of, layer)) + gap_x * (len(layer) - 1) for layer in layers]
    width = max(widths, default=0) + 2
    centers: dict[str, float] = {}
    corners: dict[str, tuple[float, float]] = {}
    tops, y = [], 1.0
    for layer, layer_width in zip(layers, widths, strict=True):
        x = (width - layer_width) / 2
        for node in layer:
            if node in sizes:
                corners[node] = x, y
            centers[node] = x + width_of(node) / 2
            x += width_of(node) + gap_x
        tops.append(y)
        y += max(sizes[node][1] for node in layer if node in sizes) + gap_y
    rows = {node: row for row, layer in enumerate(layers) for node in layer}
    bottoms = [top - gap_y for top in [*tops[1:], y]]
    arrows = tuple(
        Arrow(
            route[0],
            route[-1],
            _path([(centers[n], tops[rows[n]], bottoms[rows[n]]) for n in route], sizes[route[0]][1]),
        )
        for route in routes
    )
    return Layout(corners, arrows, width, max(0, y - gap_y + 1))


def _flat(artifacts: Mapping[str, Iterable]) -> list:
    return [artifact for group in artifacts.values() for artifact in group]


def _lines(stage: Stage) -> tuple[str, ...]:
    return tuple(f"{artifact.type} {artifact.id}" for artifact in _flat(stage.outputs))


def _height(stage: Stage) -> float:
    return 2 * PADDING + LINE_HEIGHT * (2 + len(_lines(stage))) - 4


def _depths(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of each stage: below its producers; one without inputs is just above its first consumer."""
    depths = dict.fromkeys(names, 0)
    for _ in names:
        for maker, user in pairs:
            depths[user] = max(depths[user], depths[maker] + 1)
    for name in names:
        users = [depths[user] for maker, user in pairs if maker == name]
        if users and not any(user == name for _, user in pairs):
            depths[name] = max(0, min(users) - 1)
    return depths


def _route(
    depths: Mapping[str, int], pairs: Sequence[tuple[str, str]]
) -> tuple[list[list[str]], list[list[str]]]:
    """The layers, with a waypoint wherever an arrow passes one, and each arrow as its nodes."""
    layers: list[list[str]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for name, depth in depths.items():
        layers[depth].append(name)
    routes = []
    for maker, user in pairs:
        waypoints = []
        for depth in range(depths[maker] + 1, depths[user]):
            waypoint = f"{maker}>{depth}"  # arrows from one producer share a path
            if waypoint not in layers[depth]:
                layers[depth].append(waypoint)
            waypoints.append(waypoint)
        routes.append([maker, *waypoints, user])
    return layers, routes


def _untangle(layers: list[list[str]], routes: Sequence[Sequence[str]]) -> list[list[str]]:
    """Orders each layer by the positions of its neighbors, down and up, which leaves few crossings."""
    above: dict[str, dict[str, None]] = {}  # ordered, so that the picture is the same in every process
    below: dict[str, dict[str, None]] = {}
    for route in routes:
        for upper, lower in itertools.pairwise(route):
            above.setdefault(lower, {})[upper] = None
            below.setdefault(upper, {})[lower] = None
    for _ in range(4):
        for neighbors, order in ((above, layers[1:]), (below, layers[-2::-1])):
            places = {node: (i + 0.5) / len(layer) for layer in layers for i, node in enumerate(layer)}
            for layer in order:
                middle = {
                    n: _mean([places[m] for m in neighbors.get(n, ())], default=places[n]) for n in layer
                }
                layer.sort(key=lambda node: middle[node])
                places.update({node: (i + 0.5) / len(layer) for i, node in enumerate(layer)})
    return layers


def _mean(values: Sequence[float], *, default: float) -> float:
    return sum(values) / len(values) if values else default


def _path(stops: Sequence[tuple[float, float, float]], first_height: float) -> str:
    """A smooth SVG path through `stops` (x, top and bottom of the layer), from the first box to the last."""
    x, top, y = stops[0]
    path = [f"M{x:.0f},{top + first_height:.0f}V{y:.0f}"]
    for place, (next_x, next_top, next_bottom) in enumerate(stops[1:], start=1):
        last = place == len(stops) - 1
        end = next_top - (4 if last else 0)
        middle = (y + end) / 2
        path.append(f"C{x:.0f},{middle:.0f} {next_x:.0f},{middle:.0f} {next_x:.0f},{end:.0f}")
        if not last:
            path.append(f"V{next_bottom:.0f}")
        x, y = next_x, next_bottom
    return "".join(path)
