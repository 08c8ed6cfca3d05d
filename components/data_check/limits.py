"""Limits on labels that several modules check. Light imports only."""

from components.data_check.settings import CheckSettings
from components.label_check.suspects import LabelCheck


def too_many(labels: LabelCheck, settings: CheckSettings) -> bool:
    """Whether more labels are suspected than chance makes of as many as are allowed; never where the model
    learned from too few texts to say so.
    """
    return not labels.too_few_for_limit and labels.fewest_wrong() > settings.max_suspect_share
