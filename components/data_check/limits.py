"""Limits on labels that several modules check. Light imports only."""

from components.data_check.settings import CheckSettings
from components.label_check.suspects import LabelCheck


def too_many(labels: LabelCheck, settings: CheckSettings) -> bool:
    """Whether the share of suspects is significantly above `check.max_suspect_share`; never if the model was
    trained on too few texts to compare the two.
    """
    return not labels.too_few_for_limit and labels.share_lower_bound > settings.max_suspect_share
