"""Which model a candidate is compared with: the one in production, never the candidate itself."""

from typing import Any

from absl import logging
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types import Artifact, BaseChannel, Channel, standard_artifacts
from tfx.utils import path_utils

from components.evaluator.approval import APPROVED_BY
from serving.errors import StoreError
from serving.files import files_for
from serving.manifest import model_digest
from serving.store_publish import model_entries
from serving.versions import VersionStore

COMPONENT_ID = "BaselineResolver"
MODEL, BLESSING, CANDIDATE = "model", "model_blessing", "candidate"


class ProductionModelStrategy(resolver.ResolverStrategy):
    """Finds the blessed model that is live in the version store, else the one that was blessed last.

    Like TFX's LatestBlessedModelStrategy, except that
    - the candidate is never its own baseline, nor is a model of the same content: an unchanged run finds the
      baseline that it found before, so that the Evaluator is taken from the cache, and the identical model is
      not asked to beat itself;
    - a candidate that a person has approved is not compared any more;
    - after a rollback the live model counts, and what was rolled back never does.

    Args:
      store_root: the version store's folder; "" compares with the model that was blessed last.
    """

    def __init__(self, store_root: str = "") -> None:
        self._store_root = store_root

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]] | None:
        """Picks from `model` and `model_blessing`; `candidate` comes back empty, it is no result.

        Args:
          store: TFX's ml_metadata store; not asked, all that counts is in the channels.
          input_dict: all models, all blessings, and the candidate.
        """
        blessings = _blessings(input_dict[BLESSING])
        blessed = [model for model in input_dict[MODEL] if model.id in blessings]
        model = self._pick(blessed, input_dict[CANDIDATE], approved=_approved(input_dict[BLESSING]))
        return {
            MODEL: [] if model is None else [model],
            BLESSING: [] if model is None else [blessings[model.id]],
            CANDIDATE: [],
        }

    def _pick(
        self, blessed: list[Artifact], candidates: list[Artifact], *, approved: set[int]
    ) -> Artifact | None:
        """The live model, else the latest of `blessed` that is neither the candidate nor rejected."""
        if not blessed:
            return None
        own = {_digest(candidate) for candidate in candidates}
        if any(model.id in approved and _digest(model) in own for model in blessed):
            return None
        live, rejected = self._from_store()
        ruled_out: set[str | None] = {*rejected, *own}
        sought = None if live in ruled_out else live
        known = {candidate.id for candidate in candidates}
        last_blessed = None
        for model in sorted(blessed, key=lambda model: model.id, reverse=True):
            digest = _digest(model)
            if model.id in known or (digest is not None and digest in ruled_out):
                continue
            if sought is None or digest == sought:
                return model
            last_blessed = last_blessed or model
        return last_blessed

    def _from_store(self) -> tuple[str | None, set[str]]:
        """The digest of the live model, and those of the models that were rolled back."""
        if not self._store_root:
            return None, set()
        try:
            versions = VersionStore(self._store_root).versions()
        except StoreError as error:
            logging.warning("The baseline is the model that was blessed last, because %s", error)
            return None, set()
        live = next((version.digest for version in versions if version.state == "live"), None)
        rejected = {
            version.digest for version in versions if version.state == "rolled-back" and version.digest
        }
        rejected.discard(live or "")
        return live, rejected


def _blessings(artifacts: list[Artifact]) -> dict[int, Artifact]:
    """The latest blessing of each model that has one, by the model's id."""
    found = {}
    for blessing in sorted(artifacts, key=lambda artifact: artifact.id):
        blessed = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        if blessed == constants.BLESSED_VALUE:
            found[blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)] = (
                blessing
            )
    return found


def _approved(blessings: list[Artifact]) -> set[int]:
    """The ids of the models that a person has blessed."""
    return {
        blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
        for blessing in blessings
        if blessing.has_custom_property(APPROVED_BY)
    }


def _digest(model: Artifact) -> str | None:
    """The version store's digest of a model's content; None where its folder is gone."""
    folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    try:
        entries = model_entries(files_for(folder), folder)
    except (OSError, StoreError):
        return None
    return model_digest(entries) if entries else None


def baseline_resolver(
    *, candidate: BaseChannel, strategy: type[resolver.ResolverStrategy], store_root: str = ""
) -> resolver.Resolver:
    """Returns the stage that finds the baseline; its output `model` is empty where there is none.

    Args:
      candidate: the Model that was just trained.
      strategy: ProductionModelStrategy, or LatestBlessedModelStrategy where the engine knows no other
        (Kubeflow).
      store_root: the version store's folder, for ProductionModelStrategy.
    """
    channels: dict[str, BaseChannel] = {
        MODEL: Channel(type=standard_artifacts.Model),
        BLESSING: Channel(type=standard_artifacts.ModelBlessing),
    }
    if strategy is LatestBlessedModelStrategy:
        return resolver.Resolver(strategy_class=strategy, **channels).with_id(COMPONENT_ID)
    channels[CANDIDATE] = candidate
    config = {"store_root": store_root}
    return resolver.Resolver(strategy_class=strategy, config=config, **channels).with_id(COMPONENT_ID)
