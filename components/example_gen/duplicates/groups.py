"""Groups of duplicates and near-duplicates: all rows of a group get the same split.

An example's split is a hash of `reviews.normalize`, which a single entity, tag or final dot changes. To keep
duplicates in one split, each group has a leader, whose split the other rows take: a row with a fixed split,
else one of the oldest span, else the one with the lowest rank. The rank is independent of the split: if the
lowest hash led, the first split would get most groups, and the last one hardly any. Rows of new spans
therefore take the splits of older ones; texts without duplicates and the packaged reviews keep their splits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from components.example_gen.duplicates.clusters import all_candidates, clusters

TEXTS, COPIES, NEAR, APART = "texts", "copies", "near_duplicates", "apart"
TEMPLATE = "template"
_LARGEST_CLUSTER, _LARGEST_SHARE = 50, 0.1
"""A cluster with more texts than the first and a larger share of all texts is a template."""


class GroupedRow(NamedTuple):
    """The fields of a row that decide its group and split; the leader of a group sorts first."""

    follows: bool
    """Whether the row takes the leader's split, because its own is not fixed."""
    span: int
    rank: bytes
    """See `splits.rank`."""
    split: str
    key: bytes
    sketch: bytes


class Text(NamedTuple):
    """The rows of one text: the first one leads them."""

    leader: GroupedRow
    rows: Mapping[tuple[bool, str], int]
    """(follows, split) -> rows."""


@dataclass(frozen=True)
class GroupSplits:
    """The splits that differ from the rows' own splits, and the counts."""

    splits: dict[bytes, str]
    """Text key -> split, for texts with rows of another split."""
    account: Counter[str]
    """Counts: distinct TEXTS; rows that are COPIES of another row's text; rows with NEAR duplicates; rows
    whose own split differs from their group's (APART); rows of a TEMPLATE, which are not grouped.
    """


def texts_of(rows: Iterable[GroupedRow]) -> list[Text]:
    """The distinct texts of the rows, in the order of their keys."""
    by_key: dict[bytes, list[GroupedRow]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    return [
        Text(min(by_key[key]), Counter((row.follows, row.split) for row in by_key[key]))
        for key in sorted(by_key)
    ]


def counted(texts: Sequence[Text]) -> Counter[str]:
    """The TEXTS and COPIES among all rows of these texts."""
    return Counter({TEXTS: len(texts), COPIES: sum(sum(text.rows.values()) - 1 for text in texts)})


def group_copies(texts: Iterable[Text], leaders: Mapping[bytes, GroupedRow] | None = None) -> GroupSplits:
    """Groups the rows of each text, with the leader of its cluster if `leaders` has one for its key."""
    changed, account = {}, Counter[str]()
    for text in texts:
        key = text.leader.key
        split = (leaders or {}).get(key, text.leader).split
        moved = sum(count for (follows, own), count in text.rows.items() if follows and own != split)
        if moved:
            changed[key] = split
            account[APART] += moved
    return GroupSplits(changed, account)


def group_near_duplicates(
    texts: Sequence[Text], candidate_lists: Iterable[Sequence[int]], *, total: int, near_together: bool
) -> GroupSplits:
    """Groups the rows of these texts by clusters of near-duplicates.

    Args:
      texts: in the order of their keys.
      candidate_lists: the indexes of texts to compare, see `clusters`.
      total: the number of all texts of the source.
      near_together: whether near-duplicates also get one split; otherwise they are only counted.
    """
    leaders: dict[bytes, GroupedRow] = {}
    account = Counter[str]()
    for indexes in clusters([text.leader.sketch for text in texts], candidate_lists):
        cluster = [texts[index] for index in indexes]
        count = sum(sum(text.rows.values()) for text in cluster)
        if len(cluster) > max(_LARGEST_CLUSTER, _LARGEST_SHARE * total):
            account[TEMPLATE] += count
            continue
        account[NEAR] += count
        leader = min(text.leader for text in cluster)
        if near_together:
            leaders |= {text.leader.key: leader for text in cluster}
        else:
            apart = (text.rows.items() for text in cluster)
            account[APART] += sum(n for rows in apart for (_, own), n in rows if own != leader.split)
    return merged([group_copies(texts, leaders), GroupSplits({}, account)])


def group_splits(rows: Iterable[GroupedRow], *, near_together: bool) -> GroupSplits:
    """Groups all rows of a source in memory; `near_together` as in `group_near_duplicates`."""
    texts = texts_of(rows)
    candidate_lists = all_candidates([text.leader.sketch for text in texts])
    near = group_near_duplicates(texts, candidate_lists, total=len(texts), near_together=near_together)
    return merged([GroupSplits({}, counted(texts)), near])


def merged(parts: Iterable[GroupSplits]) -> GroupSplits:
    """The splits and counts of parts without a text in common."""
    splits: dict[bytes, str] = {}
    account = Counter[str]()
    for part in parts:
        splits |= part.splits
        account.update(part.account)
    return GroupSplits(splits, account)
